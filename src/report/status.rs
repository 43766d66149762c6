//! `rushes status` as text: where a campaign stands, in a table that fits a narrow terminal.

use std::fmt::Write as _;

use crate::domain::money::Usd;
use crate::domain::time::Timestamp;
use crate::ledger::Summary;
use crate::policy::budget::Budget;

use super::eta::{Eta, EtaBasis, Kind, Model, Outlook};
use super::text::{dollars, in_words, listed, plural, safe, span};

/// Where the second column begins.
const INDENT: usize = 13;
/// A narrower terminal gets longer lines than it has room for.
const NARROWEST: usize = 40;
/// A longer model's name is cut.
const WIDEST_MODEL: usize = 20;
/// A worker that is heard of less often than that, in seconds, is called silent.
const SILENT: u64 = 5;
/// The columns of the models' table.
const HEAD: [&str; 6] = ["MODEL", "QUEUED", "FLIGHT", "DONE", "OTHER", "A CLIP"];

/// What goes around the figures.
pub struct Frame<'a> {
    /// The terminal's width, in characters.
    pub width: usize,
    /// A moment as this user's clock shows it.
    pub clock: &'a dyn Fn(Timestamp) -> String,
    /// The command that lists every shot.
    pub report: &'a str,
}

/// The table, each line with its end.
#[must_use]
pub fn glance(summary: &Summary, outlook: &Outlook, now: Timestamp, frame: &Frame<'_>) -> String {
    let mut page = Page { text: String::new(), width: frame.width.max(NARROWEST) };
    let shots = in_words(&outlook.counts, outlook.stalled);
    page.wrapped(0, &format!("{}: {shots}", safe(&summary.campaign)));
    money(&mut page, summary, outlook);
    let rates: Vec<_> =
        [(outlook.delivered_an_hour, "delivered"), (outlook.submitted_an_hour, "submitted")]
            .into_iter()
            .filter_map(|(rate, what)| Some(format!("{} {what}", rate?)))
            .collect();
    if !rates.is_empty() {
        page.line("rate", &format!("{} an hour, lately", rates.join(" and ")));
    }
    in_flight(&mut page, outlook);
    if let Some(oldest) = &outlook.oldest {
        let stalled = if oldest.is_stalled { ", stalled" } else { "" };
        let (model, age) = (safe(&oldest.model), span(now.since(oldest.since)));
        page.line("oldest", &format!("{}, {model}, for {age}{stalled}", safe(&oldest.shot)));
    }
    for (count, label, what) in [
        (outlook.late, "late", "far longer than others like it; polled on, its price reserved"),
        (outlook.not_fetched, "not fetched", "could not be fetched so far"),
        (outlook.others, "others", "of an older text or removed from the manifest"),
    ] {
        if count > 0 {
            page.line(label, &format!("{}: {what}", plural(count, "shot")));
        }
    }
    end(&mut page, summary, outlook, now, frame);
    running(&mut page, summary, frame);
    models(&mut page, outlook);
    let counts = &outlook.counts;
    if counts.failed + counts.in_doubt + outlook.stalled + outlook.not_fetched > 0 {
        let _ = writeln!(page.text, "\nevery shot with its reason: {}", frame.report);
    }
    page.text
}

fn money(page: &mut Page, summary: &Summary, outlook: &Outlook) {
    let (budget, balance) = (&summary.budget, &summary.balance);
    page.line("spent", &dollars(balance.spent));
    if balance.reserved > Usd::ZERO {
        page.line("reserved", &dollars(balance.reserved));
    }
    if balance.unconfirmed > Usd::ZERO {
        let counted = if budget.strict { ", counted against the cap" } else { "" };
        let worst = dollars(balance.unconfirmed);
        page.line("unconfirmed", &format!("{worst}, what 5xx could have cost at worst{counted}"));
    }
    page.line("cap", &cap(budget, summary, outlook.held_by_cap));
}

fn cap(budget: &Budget, summary: &Summary, held: usize) -> String {
    match (budget.cap, budget.left(&summary.balance)) {
        (Some(cap), Some(left)) => {
            let verb = if held == 1 { "does" } else { "do" };
            let held = match held {
                0 => String::new(),
                held => format!("; {} {verb} not fit", plural(held, "queued shot")),
            };
            format!("{}, {} left{held}", dollars(cap), dollars(left))
        }
        _ => "none".to_owned(),
    }
}

fn in_flight(page: &mut Page, outlook: &Outlook) {
    let counts = &outlook.counts;
    let rendering = counts.rendering.saturating_sub(outlook.stalled + outlook.waiting);
    let parts = listed(&[
        (rendering, "rendering"),
        (outlook.waiting, "not begun by the gateway"),
        (counts.submitting, "submitting"),
        (counts.rendered, "to be fetched"),
    ]);
    if !parts.is_empty() {
        page.line("in flight", &parts);
    }
}

/// When it ends, or how long a run would take.
fn end(page: &mut Page, summary: &Summary, outlook: &Outlook, now: Timestamp, frame: &Frame<'_>) {
    let Some(Eta { span: left, basis }) = &outlook.left else { return };
    if let (Some(_), Some(refused)) = (&summary.held_by, &outlook.refused) {
        let refused = safe(refused);
        page.line("end", &format!("not known: nothing renders, and the last try got: {refused}"));
        return;
    }
    let basis = match basis {
        EtaBasis::Known => "by how long its clips took so far".to_owned(),
        EtaBasis::Overdue => "a guess: one takes longer than its like did".to_owned(),
        EtaBasis::Unknown(kind) => {
            format!("a guess: nothing like {} was rendered yet", kind_in_words(kind))
        }
    };
    let about = span(*left);
    let text = match &summary.held_by {
        Some(_) => format!("about {} (in {about}), {basis}", (frame.clock)(now.plus(*left))),
        None => format!("a run would take about {about}, {basis}"),
    };
    page.line("end", &text);
}

fn kind_in_words(kind: &Kind) -> String {
    let seconds = |text: &String| format!("{text} s");
    let duration = Some(&kind.duration).filter(|text| !text.is_empty()).map(seconds);
    let parts = [Some(kind.model.clone()), Some(kind.mode.clone()), duration];
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    safe(&parts.join(" "))
}

/// What works on it: the run, or each of several workers.
fn running(page: &mut Page, summary: &Summary, frame: &Frame<'_>) {
    if summary.workers.len() < 2 {
        return page.line("running", &safe(summary.held_by.as_deref().unwrap_or("no run")));
    }
    page.line("running", &plural(summary.workers.len(), "worker"));
    for worker in &summary.workers {
        let since = (frame.clock)(worker.since);
        let silent = match worker.silent_s {
            0..SILENT => String::new(),
            seconds => format!(", silent for {seconds} s"),
        };
        page.line("", &format!("{}, since {since}{silent}", safe(&worker.who)));
    }
}

/// Where several models are at work, each with its counts.
fn models(page: &mut Page, outlook: &Outlook) {
    if outlook.models.len() < 2 {
        return;
    }
    page.text.push('\n');
    let names: Vec<_> = outlook.models.keys().map(|name| short(&safe(name))).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(HEAD[0].len());
    let mut row = |cells: [String; 6]| {
        let [name, queued, flight, done, other, clip] = cells;
        let _ = writeln!(
            page.text,
            "{name:width$}  {queued:>6}  {flight:>6}  {done:>6}  {other:>5}  {clip:>7}"
        );
    };
    row(HEAD.map(str::to_owned));
    for (name, Model { counts, median }) in names.iter().zip(outlook.models.values()) {
        let figures = [
            counts.queued,
            counts.submitting + counts.rendering + counts.rendered,
            counts.delivered,
            counts.failed + counts.in_doubt,
        ];
        let [queued, flight, done, other] = figures.map(|count| count.to_string());
        let clip = median.map_or_else(|| "-".to_owned(), span);
        row([name.clone(), queued, flight, done, other, clip]);
    }
}

fn short(name: &str) -> String {
    match name.char_indices().nth(WIDEST_MODEL) {
        None => name.to_owned(),
        Some(_) => name.chars().take(WIDEST_MODEL - 1).chain(['…']).collect(),
    }
}

/// Text that is wrapped at words.
struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn line(&mut self, label: &str, said: &str) {
        self.wrapped(INDENT, &format!("{label:INDENT$}{said}"));
    }

    /// One line, or several with the further ones indented. A word too long for a line stays whole.
    fn wrapped(&mut self, indent: usize, line: &str) {
        // The label keeps its blanks.
        let (label, rest) = line.split_at(indent);
        self.text.push_str(label);
        let (mut column, mut begins) = (indent, true);
        for word in rest.split(' ') {
            let length = word.chars().count();
            if !begins && column + 1 + length > self.width {
                column = indent.max(2);
                self.text.push('\n');
                self.text.extend(std::iter::repeat_n(' ', column));
                begins = true;
            }
            if !begins {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += length;
            begins = false;
        }
        self.text.push('\n');
    }
}
