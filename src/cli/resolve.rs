//! `rushes resolve`: the user says what became of shots in doubt. Needs no network; takes the run
//! lock. All shots are checked before any is changed, and all are changed before a word is printed.

mod choose;
mod listed;
mod word;

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::domain::outcome::TaskId;
use crate::domain::state::{OnDoubt, Resolution, Rules, ShotEvent, State};
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{
    Assign, Change, Commit, Entry, Ledger, LedgerError, RevisionId, StoredAttempt, Verdict,
};
use crate::report::model::name;
use crate::report::text::{doubts_answer, plural};
use crate::scheduler::{Cause, EventRecord};

use super::error::CliError;
use super::opening::{self, Opened};
use super::settings::{CampaignPaths, rules};
use super::terminal::{RED, Terminal};
use super::{args, gateway, logging, runtime};
pub use choose::choose;
use choose::{About, Chosen, Wanted};
use word::Word;

/// The attempts of revisions.
type Attempts = HashMap<RevisionId, Vec<StoredAttempt>>;

/// What is to be made durable about a revision, and what is said of it then.
struct Decision<'a> {
    entry: &'a Entry,
    resolution: Resolution,
    said: String,
}

/// What became of all.
struct Done {
    /// A line for each shot, and one more for what was answered to a request in doubt.
    lines: Vec<String>,
    /// Whether there are such answers.
    has_answers: bool,
    /// How many others matched.
    left: usize,
    /// Why some could not be changed.
    error: Option<CliError>,
}

/// What was said, and the attempts of the shots that were named in full.
struct Named<'a> {
    word: &'a Word,
    attempts: Attempts,
}

impl About for Named<'_> {
    fn is_open(&self, entry: &Entry) -> bool {
        let attempts = self.attempts.get(&entry.revision);
        attempts.is_some_and(|attempts| self.word.is_about(entry, attempts))
    }

    fn why_not(&self) -> String {
        self.word.why_not()
    }
}

/// Resolves shots.
pub fn resolve(
    args: &args::Resolve,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let log = logging::start(args.campaign.logs, terminal);
    let several = |wrong| several(wrong, terminal);
    let wanted = Wanted::of(&args.shots).map_err(several)?;
    let listed = args.file.as_deref().map(listed::read).transpose()?.unwrap_or_default();
    let is_listed = args.file.is_some();
    let wanted = Wanted { listed, all: args.all, ..wanted };
    let word = word(args, wanted.is_one_name() && !is_listed)?;
    let paths = CampaignPaths::find(&args.campaign, terminal.color)?;
    drop(paths.existing()?);
    let (done, there) = runtime()?.block_on(async {
        let paths = paths.clone().by_any_name();
        let Opened { ledger, log: _log, folder: _folder } =
            opening::open(&paths, "rushes resolve", &log, None)?;
        // The user decides here, whatever `on_doubt` would do; nothing here ends a task.
        let rules = Rules {
            on_doubt: OnDoubt::Hold,
            ..rules(&paths.header, &paths.header.limits, ledger.budget(), &Catalog::builtin())
        };
        note_cut_posts(&*ledger, &rules).await?;
        // All there are: what was given up is reached even after its shot left the manifest.
        let reader = paths.existing()?;
        let there = gateway::at_home(&paths, &reader.summary()?.home);
        let entries = reader.entries()?;
        let named = attempts(&*ledger, named(&entries, &wanted)).await?;
        let about = Named { word: &word, attempts: named };
        let stand = || format!("how each shot stands: {}", paths.again("report", ""));
        let Chosen { entries, left } =
            wanted.choose(&entries, &about).map_err(|wrong| several(wrong).help(stand()))?;
        refuse_known(&*ledger, &word).await?;
        take(&*ledger, &entries).await?;
        let attempts = attempts(&*ledger, entries.iter().copied()).await?;
        let decided = entries.iter().map(|entry| {
            let of_it = attempts.get(&entry.revision).map_or(&[][..], Vec::as_slice);
            let (resolution, said) = word.decide(entry, of_it)?;
            Ok(Decision { entry, resolution, said })
        });
        let mut decided: Vec<Decision<'_>> = decided
            .collect::<Result<_, String>>()
            .map_err(|why| CliError::new(why).help(stand()))?;
        let has_answers = add_answers(&mut decided, &*ledger)?;
        let (lines, error) = commit(&*ledger, decided, &rules).await?;
        Ok::<_, CliError>((Done { lines, has_answers, left, error }, there))
    })?;
    // The ledger is closed, so that the reader of a pipe can keep no other command from it.
    let told = tell(out, &done, &there);
    match done.error {
        Some(error) => Err(error),
        None => told,
    }
}

/// Adds to what is said of shots in doubt what was answered to their requests; whether there was any.
fn add_answers(decided: &mut [Decision<'_>], ledger: &dyn Ledger) -> Result<bool, LedgerError> {
    let mut answers: HashMap<RevisionId, String> = HashMap::new();
    ledger.snapshot()?.rows(&mut |row| {
        if let Some(answer) = doubts_answer(&row) {
            answers.insert(row.entry.revision, answer);
        }
    })?;
    for one in &mut *decided {
        if let Some(answer) = answers.get(&one.entry.revision) {
            one.said.push_str("\n  ");
            one.said.push_str(answer);
        }
    }
    Ok(decided.iter().any(|one| answers.contains_key(&one.entry.revision)))
}

/// Says all that was done.
fn tell(out: &mut dyn Write, done: &Done, paths: &CampaignPaths) -> Result<(), CliError> {
    for line in &done.lines {
        writeln!(out, "{line}")?;
    }
    if done.lines.is_empty() {
        writeln!(out, "no shot that was meant is in doubt; nothing was changed")?;
    }
    if done.has_answers {
        writeln!(out, "the answers as a whole: {}", paths.again("report", "--format json"))?;
    }
    if done.left > 0 {
        let (shots, verb) = (plural(done.left, "shot"), if done.left == 1 { "is" } else { "are" });
        writeln!(
            out,
            "{shots} that {verb} not in doubt {verb} left as before: to resolve such a shot, type its whole id"
        )?;
    }
    writeln!(out, "to go on: {}", paths.again("run", ""))?;
    Ok(())
}

/// All mistakes but the last are said; the last is the error.
fn several(mut wrong: Vec<String>, terminal: &Terminal) -> CliError {
    let last = wrong.pop().unwrap_or_default();
    for why in &wrong {
        terminal.say(RED, "error", why);
    }
    CliError::new(last)
}

/// The revisions of the shots that were named in full.
fn named<'a>(entries: &'a [Entry], wanted: &'a Wanted) -> impl Iterator<Item = &'a Entry> {
    let shot = |name: &'a String| name.split('~').next().unwrap_or_default();
    let names: Vec<&str> = wanted.names.iter().map(shot).collect();
    entries.iter().filter(move |entry| names.contains(&entry.shot.as_str()))
}

async fn attempts(
    ledger: &dyn Ledger,
    entries: impl Iterator<Item = &Entry>,
) -> Result<Attempts, LedgerError> {
    let mut all = Attempts::new();
    for entry in entries {
        all.insert(entry.revision, ledger.attempts(entry.revision).await?);
    }
    Ok(all)
}

/// A task that the ledger knows is another shot's, or this one's already.
async fn refuse_known(ledger: &dyn Ledger, word: &Word) -> Result<(), CliError> {
    let Word::Task(task) = word else { return Ok(()) };
    if !ledger.knows_task(task).await? {
        return Ok(());
    }
    let what = format!("the ledger knows the task {task} already; nothing was changed");
    Err(CliError::new(what).help("copy the id of the task that stands for this shot's prompt"))
}

/// Makes all of it durable in one transaction; answers what to say of what is, and why some is not.
async fn commit(
    ledger: &dyn Ledger,
    decided: Vec<Decision<'_>>,
    rules: &Rules,
) -> Result<(Vec<String>, Option<CliError>), CliError> {
    let (mut batch, mut told) = (Vec::new(), Vec::new());
    for Decision { entry, resolution, said } in decided {
        let (commit, record) = resolved(entry, ShotEvent::Resolved(resolution), rules)?;
        batch.push(commit);
        told.push((record, entry, format!("{}: {said}", name(entry))));
    }
    let (mut lines, mut error) = (Vec::new(), None);
    if batch.is_empty() {
        return Ok((lines, error));
    }
    let committed = ledger.commit(Arc::new(batch)).await?;
    for ((record, entry, line), verdict) in told.into_iter().zip(committed.verdicts) {
        match verdict {
            Verdict::Refused(why) => drop(error.get_or_insert(why.into())),
            Verdict::Gone => drop(error.get_or_insert(is_worked_on(entry))),
            _ => {
                lines.push(line);
                if let Some(record) = record {
                    record.tell();
                }
            }
        }
    }
    Ok((lines, error))
}

/// A worker said something of a shot meanwhile, or has it.
fn is_worked_on(entry: &Entry) -> CliError {
    CliError::new(format!("a worker is at {} just now; it was not changed", name(entry)))
        .help("look at it again: its state has changed")
}

/// The commit of an event, and the log's line about it.
fn resolved(
    entry: &Entry,
    event: ShotEvent,
    rules: &Rules,
) -> Result<(Commit, Option<EventRecord>), CliError> {
    let (at, cause) = (SystemClock.now(), Cause::of(&event, &[]));
    let transition = entry.status.after(event, at, rules).map_err(CliError::new)?;
    let record = cause.record(entry, &transition);
    let (revision, attempt, files) = (entry.revision, None, Vec::new());
    let change = Change::Transition { revision, transition, attempt, files };
    Ok((Commit { at, change }, record))
}

/// The revisions whose POST was cut short by the end of a run; of several workers, of one that is dead.
async fn cut_posts(ledger: &dyn Ledger) -> Result<Vec<Entry>, LedgerError> {
    let Some(fleet) = ledger.fleet() else { return ledger.assign(Assign::All).await };
    let mut taken = Vec::new();
    for entry in ledger.snapshot()?.entries()? {
        if matches!(entry.status.state, State::Submitting { .. }) {
            taken.extend(fleet.take(entry.revision).await?);
        }
    }
    Ok(taken)
}

/// Takes shots out of the hands of the workers that have them, where several are at the campaign.
async fn take(ledger: &dyn Ledger, entries: &[&Entry]) -> Result<(), CliError> {
    let Some(fleet) = ledger.fleet() else { return Ok(()) };
    for entry in entries {
        let taken = fleet.take(entry.revision).await?;
        if taken.is_none_or(|taken| taken.status != entry.status) {
            let what = format!("a worker is at {} just now; nothing was changed", name(entry));
            return Err(CliError::new(what).help("look at it again: its state has changed"));
        }
    }
    Ok(())
}

/// The run that sent these is dead, or the lock could not have been taken.
async fn note_cut_posts(ledger: &dyn Ledger, rules: &Rules) -> Result<(), CliError> {
    for entry in cut_posts(ledger).await? {
        if matches!(entry.status.state, State::Submitting { .. }) {
            let (commit, mut record) = resolved(&entry, ShotEvent::FoundSubmitting, rules)?;
            let committed = ledger.commit(Arc::new(vec![commit])).await?;
            for verdict in committed.verdicts {
                match verdict {
                    Verdict::Refused(error) => return Err(error.into()),
                    Verdict::Gone => {}
                    _ => drop(record.take().map(EventRecord::tell)),
                }
            }
        }
    }
    Ok(())
}

/// What was said. `is_one_name`: of one shot that was named in full.
fn word(args: &args::Resolve, is_one_name: bool) -> Result<Word, CliError> {
    if let Some(id) = &args.task_id {
        if !is_one_name {
            return Err(CliError::new("--task-id goes with exactly one shot, named in full")
                .help("a task is one shot's; resolve them one by one"));
        }
        let task = TaskId::new(id).ok_or_else(|| {
            CliError::new("that is no task id: it is empty, too long, or cannot be printed")
        })?;
        return Ok(if args.not_bought { Word::NotCharged(task) } else { Word::Task(task) });
    }
    // clap lets exactly one of them through.
    Ok(if args.not_bought {
        Word::NotBought
    } else if args.resubmit {
        Word::Resubmit
    } else {
        Word::Abandon
    })
}
