//! What a plan says of shots that would be bought beside what there is already: how they changed, or
//! what they were called.

use std::collections::HashMap;
use std::io::Write;

use serde_json::Value;

use crate::catalog::Catalog;
use crate::domain::money::Usd;
use crate::domain::sanitize::plain;
use crate::plan::{Anew, Because, Line, ParamChange, Piece, Plan, difference};
use crate::report::text::{columns, cut, dollars, first_of, listed, plural, safe};

use super::super::error::CliError;
use super::before::Before;
use super::look::Look;

/// The most changed shots whose requests are compared, unless all are asked for.
const MAX_COMPARED: usize = 1_000;
/// The most different changes that are shown, unless all are asked for.
const MAX_SHOWN: usize = 6;
/// The most ids that are named after a change.
const MAX_NAMED: usize = 3;
/// So many columns of a text are shown before and after what changed in it.
const CONTEXT: usize = 24;
/// The most columns of what was taken out or put in.
const MAX_PIECE: usize = 160;

/// Shots that changed alike.
struct Alike<'a> {
    /// What changed in the first of them, ready to print.
    told: Vec<String>,
    ids: Vec<&'a str>,
}

/// Writes how shots changed that would be bought again.
pub fn changes(
    out: &mut dyn Write,
    plan: &Plan<'_>,
    before: &Before<'_>,
    look: Look,
) -> Result<(), CliError> {
    let all = plan.count_because(Because::Changed);
    if all == 0 {
        return Ok(());
    }
    let anew = plan.changed();
    writeln!(out)?;
    if anew.shots > 0 {
        let (shots, cost) = (plural_of(anew.shots, anew.state), cost(&anew));
        let again = format!("buying {} again costs {cost}", them(anew.shots));
        look.say(out, &format!("{shots} changed: {again}; what was bought before stays"))?;
    }
    if all > anew.shots {
        let failed = plural(all - anew.shots, "shot");
        look.say(out, &format!("{failed} changed since an earlier try failed"))?;
    }
    let compared = if look.all { usize::MAX } else { MAX_COMPARED };
    let lines = plan.lines.iter().filter(|line| line.because == Some(Because::Changed));
    let groups = alike(lines.take(compared), before)?;
    let shown = if look.all { usize::MAX } else { MAX_SHOWN };
    for group in groups.iter().take(shown) {
        look.say(out, &format!("  {}", named(&group.ids, look)))?;
        for line in &group.told {
            look.say(out, &format!("    {line}"))?;
        }
    }
    let named: usize = groups.iter().take(shown).map(|group| group.ids.len()).sum();
    if all > named {
        look.say(
            out,
            &format!(
                "  … and {} changed in other ways (-v shows all)",
                plural(all - named, "shot")
            ),
        )?;
    }
    if anew.shots > 0 {
        look.say(
            out,
            "to keep the clips that are there, undo the change, or choose other shots with --only",
        )?;
    }
    Ok(())
}

/// The shots that changed, those that changed alike together, in the order of the first of each.
fn alike<'a>(
    lines: impl Iterator<Item = &'a Line<'a>>,
    before: &Before<'_>,
) -> Result<Vec<Alike<'a>>, CliError> {
    let mut groups: Vec<Alike<'_>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for line in lines {
        let changes = before.changes(line)?;
        let place = *places.entry(changes.iter().map(key).collect()).or_insert(groups.len());
        if place == groups.len() {
            let told = changes.iter().map(|change| told(change, before.catalog)).collect();
            groups.push(Alike { told, ids: Vec::new() });
        }
        groups[place].ids.push(line.shot.id.as_str());
    }
    Ok(groups)
}

/// Writes which shots were bought under other ids.
pub fn renamed(
    out: &mut dyn Write,
    plan: &Plan<'_>,
    before: &Before<'_>,
    look: Look,
) -> Result<(), CliError> {
    let anew = plan.renamed();
    if anew.shots == 0 {
        return Ok(());
    }
    writeln!(out)?;
    let (shots, cost) = (plural(anew.shots, "new shot"), cost(&anew));
    look.say(
        out,
        &format!(
            "{shots} ask{} for what was {} under another id: buying {} again costs {cost}",
            if anew.shots == 1 { "s" } else { "" },
            anew.state,
            them(anew.shots)
        ),
    )?;
    let shown = if look.all { usize::MAX } else { MAX_SHOWN };
    for line in plan.lines.iter().filter(|line| line.was().is_some()).take(shown) {
        look.say(out, &format!("  {}", was(line, before)?))?;
    }
    if anew.shots > shown {
        look.say(out, &format!("  … and {} more (-v shows all)", anew.shots - shown))?;
    }
    look.say(out, "to keep the clips that are there, write the old ids in the manifest")?;
    Ok(())
}

/// `shore was beach: clips/beach.mp4`.
fn was(line: &Line<'_>, before: &Before<'_>) -> Result<String, CliError> {
    let Some(entry) = line.was() else { return Ok(String::new()) };
    let files = before.files(entry)?;
    let there = match files.first() {
        Some(first) => format!("its clip is {}", safe(first)),
        None => format!("it is {}", entry.status.state.name().replace('_', " ")),
    };
    Ok(format!("{} was {}; {there}", line.shot.id, entry.shot))
}

/// What tells a change from others: what was taken out and put in.
fn key(change: &ParamChange) -> String {
    let (old, new) = (change.old.as_ref(), change.new.as_ref());
    let what = match (old, new) {
        (Some(Value::String(old)), Some(Value::String(new))) => difference(old, new)
            .into_iter()
            .filter(|piece| !matches!(piece, Piece::Same(_)))
            .map(|piece| format!("{piece:?}"))
            .collect::<Vec<_>>()
            .concat(),
        _ => format!("{old:?} {new:?}"),
    };
    format!("{} {what}\n", change.param)
}

/// `prompt: … 35 mm film, [-warm-]{+cold+} light …`, or `duration: 5 → 10`.
fn told(change: &ParamChange, catalog: &Catalog) -> String {
    let param = safe(&change.param);
    if change.is_other_contents {
        let path = change.new.as_ref().and_then(Value::as_str).unwrap_or_default();
        return format!("{param}: {} has other contents", safe(path));
    }
    if let (Some(Value::String(old)), Some(Value::String(new))) = (&change.old, &change.new)
        && [old, new]
            .iter()
            .all(|text| text.chars().any(char::is_whitespace) || columns(text) > CONTEXT)
    {
        return format!("{param}: {}", in_words(&difference(old, new)));
    }
    let value = |value: &Option<Value>| {
        let usual = || catalog.param(&change.param)?.default.as_ref();
        match value.as_ref().or_else(usual) {
            Some(Value::String(text)) => cut(&safe(text), MAX_PIECE),
            Some(other) => cut(&safe(&other.to_string()), MAX_PIECE),
            None => "nothing".to_owned(),
        }
    };
    format!("{param}: {} → {}", value(&change.old), value(&change.new))
}

fn in_words(pieces: &[Piece<'_>]) -> String {
    let last = pieces.len().saturating_sub(1);
    let pieces = pieces.iter().enumerate().map(|(nth, piece)| match piece {
        Piece::Same(text) => context(text, nth == 0, nth == last),
        Piece::Removed(text) => {
            format!("[-{}-]", cut(&one_line(text), MAX_PIECE))
        }
        Piece::Added(text) => {
            format!("{{+{}+}}", cut(&one_line(text), MAX_PIECE))
        }
    });
    pieces.collect()
}

/// What stands around a change: the end of what comes before it, the start of what comes after.
fn context(text: &str, is_first: bool, is_last: bool) -> String {
    let text = one_line(text);
    if columns(&text) <= CONTEXT * (2 - usize::from(is_first || is_last)) {
        return text;
    }
    let start = || cut(&text, CONTEXT).trim_end_matches('…').to_owned();
    let end = || {
        let turned: String = text.chars().rev().collect();
        let turned = cut(&turned, CONTEXT);
        turned.trim_end_matches('…').chars().rev().collect::<String>()
    };
    // A word that would be cut is left out.
    let start = || start().rsplit_once(' ').map_or_else(start, |(whole, _)| whole.to_owned());
    let end = || end().split_once(' ').map_or_else(end, |(_, whole)| whole.to_owned());
    match (is_first, is_last) {
        (true, _) => format!("… {}", end()),
        (_, true) => format!("{} …", start()),
        _ => format!("{} … {}", start(), end()),
    }
}

/// A part of a text on one line, with its blanks; without what could steer a terminal.
fn one_line(text: &str) -> String {
    let (head, tail) = (text.starts_with(char::is_whitespace), text.ends_with(char::is_whitespace));
    let body = plain(text, usize::MAX);
    let blank = |is: bool| if is { " " } else { "" };
    if body.is_empty() {
        blank(head).to_owned()
    } else {
        format!("{}{body}{}", blank(head), blank(tail))
    }
}

/// `beach, city, road and 37 more`.
fn named(ids: &[&str], look: Look) -> String {
    first_of(ids, if look.all { usize::MAX } else { MAX_NAMED })
}

/// `40 delivered shots`.
fn plural_of(count: usize, state: &str) -> String {
    plural(count, &format!("{state} shot"))
}

const fn them(count: usize) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

/// `$25.32`, also where some of it is unknown.
pub fn cost(anew: &Anew) -> String {
    sum(anew.total, anew.shots, anew.unknown)
}

/// A sum in which some prices may be unknown.
pub fn sum(total: Usd, shots: usize, unknown: usize) -> String {
    if unknown == 0 {
        dollars(total)
    } else if unknown == shots {
        "an unknown amount".to_owned()
    } else {
        format!("{} and {} of unknown price", dollars(total), plural(unknown, "shot"))
    }
}

/// `44 to render (40 changed, 4 new)`: the parts where they are not all new.
pub fn to_render(plan: &Plan<'_>) -> String {
    let renamed = plan.renamed().shots;
    let new = plan.count_because(Because::New) - renamed;
    let parts = [
        (plan.count_because(Because::Changed), "changed"),
        (renamed, "renamed"),
        (plan.count_because(Because::Resubmit), "in doubt"),
        (new, "new"),
    ];
    if parts.iter().take(3).all(|(count, _)| *count == 0) {
        "to render".to_owned()
    } else {
        format!("to render ({})", listed(&parts))
    }
}
