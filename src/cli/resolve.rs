//! `rushes resolve`: the user says what became of shots in doubt. Needs no network; takes the run
//! lock. All shots are checked before any is changed.

use std::io::Write;
use std::sync::Arc;

use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Failure, OnDoubt, RecoveredTask, Resolution, Rules, ShotEvent, State};
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{Assign, Change, Commit, Entry, Ledger, ReservedAttempt, Verdict};
use crate::report::model::name;
use crate::report::text::{dollars, safe};
use crate::scheduler::Cause;

use super::error::CliError;
use super::opening::{self, Opened};
use super::settings::{CampaignPaths, rules};
use super::terminal::{RED, Terminal};
use super::{args, logging, runtime};

/// Resolves shots.
pub fn resolve(
    args: &args::Resolve,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let log = logging::start(args.campaign.logs, terminal);
    let resolution = resolution(args)?;
    let paths = CampaignPaths::find(&args.campaign, terminal.color)?;
    drop(paths.existing()?);
    runtime()?.block_on(async {
        let paths = paths.by_any_name();
        let Opened { ledger, log: _log, folder: _folder } =
            opening::open(&paths, "rushes resolve", &log)?;
        // The user decides here, whatever `on_doubt` would do; nothing here ends a task.
        let rules = Rules {
            on_doubt: OnDoubt::Hold,
            ..rules(&paths.header, &paths.header.limits, ledger.budget(), false)
        };
        note_cut_posts(&*ledger, &rules).await?;
        // All there are: what was given up is reached even after its shot left the manifest.
        let entries = paths.existing()?.entries()?;
        let entries = choose(&entries, &args.shots).map_err(|mut wrong| {
            let last = wrong.pop().unwrap_or_default();
            for why in &wrong {
                terminal.say(RED, "error", why);
            }
            CliError::new(last).help(format!("how each shot stands: {}", paths.again("report", "")))
        })?;
        if let Resolution::Task(RecoveredTask { task, .. }) = &resolution
            && ledger.knows_task(task).await?
        {
            let what = format!("the ledger knows the task {task} already; nothing was changed");
            return Err(CliError::new(what)
                .help("copy the id of the task that stands for this shot's prompt"));
        }
        // All are decided before anything is printed: the reader of a pipe may be gone.
        let mut became = Vec::new();
        for entry in entries {
            became.push((name(entry), decide(&*ledger, entry, &resolution, &rules).await?));
        }
        for (name, became) in became {
            writeln!(out, "{name}: {became}")?;
        }
        writeln!(out, "to go on: {}", paths.again("run", ""))?;
        Ok(())
    })
}

/// Makes what the user says of a revision durable; answers what became of it.
async fn decide(
    ledger: &dyn Ledger,
    entry: &Entry,
    resolution: &Resolution,
    rules: &Rules,
) -> Result<String, CliError> {
    // The user's word is about the shot: one of several requests in doubt may have bought it.
    let doubtful: Vec<ReservedAttempt> = ledger
        .reserved_attempts(entry.revision)
        .await?
        .into_iter()
        .filter(|one| one.task.is_none() || Some(one.attempt) == entry.status.state.attempt())
        .collect();
    let mut resolution = resolution.clone();
    match &mut resolution {
        Resolution::Task(found) => {
            let since = doubtful.iter().map(|one| one.sent_at).min();
            found.sent_at = since.unwrap_or(found.sent_at);
        }
        Resolution::NotBought { also } => {
            let others = doubtful.iter().map(|one| one.attempt);
            *also = others.filter(|one| Some(*one) != entry.status.state.attempt()).collect();
        }
        Resolution::Resubmit | Resolution::Abandon => {}
    }
    let became = became(&resolution, entry, &doubtful);
    commit(ledger, entry, ShotEvent::Resolved(resolution), rules).await?;
    Ok(became)
}

/// Commits what follows from an event, and tells the log.
async fn commit(
    ledger: &dyn Ledger,
    entry: &Entry,
    event: ShotEvent,
    rules: &Rules,
) -> Result<(), CliError> {
    let (at, cause) = (SystemClock.now(), Cause::of(&event, &[]));
    let transition = entry.status.after(event, at, rules).map_err(CliError::new)?;
    let record = cause.record(entry, &transition);
    let (revision, attempt, files) = (entry.revision, None, Vec::new());
    let change = Change::Transition { revision, transition, attempt, files };
    let committed = ledger.commit(Arc::new(vec![Commit { at, change }])).await?;
    for verdict in committed.verdicts {
        if let Verdict::Refused(error) = verdict {
            return Err(error.into());
        }
    }
    if let Some(record) = record {
        record.tell();
    }
    Ok(())
}

/// The run that sent these is dead, or the lock could not have been taken.
async fn note_cut_posts(ledger: &dyn Ledger, rules: &Rules) -> Result<(), CliError> {
    for entry in ledger.assign(Assign::All).await? {
        if matches!(entry.status.state, State::Submitting { .. }) {
            commit(ledger, &entry, ShotEvent::FoundSubmitting, rules).await?;
        }
    }
    Ok(())
}

fn resolution(args: &args::Resolve) -> Result<Resolution, CliError> {
    if let Some(id) = &args.task_id {
        if args.shots.len() > 1 {
            return Err(CliError::new("--task-id goes with exactly one shot")
                .help("a task is one shot's; resolve them one by one"));
        }
        let task = TaskId::new(id).ok_or_else(|| {
            CliError::new("that is no task id: it is empty, too long, or cannot be printed")
        })?;
        return Ok(Resolution::Task(RecoveredTask { task, sent_at: SystemClock.now() }));
    }
    // clap lets exactly one of the four through.
    Ok(if args.not_bought {
        Resolution::NotBought { also: Vec::new() }
    } else if args.resubmit {
        Resolution::Resubmit
    } else {
        Resolution::Abandon
    })
}

/// Finds the revisions that were named, each once.
///
/// # Errors
/// Everything that is wrong with the names.
pub fn choose<'a>(entries: &'a [Entry], names: &[String]) -> Result<Vec<&'a Entry>, Vec<String>> {
    let mut chosen: Vec<&Entry> = Vec::new();
    let mut wrong = Vec::new();
    for name in names {
        match find(entries, name) {
            Ok(entry) if chosen.iter().any(|known| known.revision == entry.revision) => {}
            Ok(entry) => chosen.push(entry),
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() { Ok(chosen) } else { Err(wrong) }
}

/// `beach` is the current text if that can be resolved, else the one older text that can, and
/// among several the one that was not given up; `beach~r1` is revision 1.
fn find<'a>(entries: &'a [Entry], typed: &str) -> Result<&'a Entry, String> {
    let (id, number) = match typed.rsplit_once("~r") {
        Some((id, number)) => (id, number.parse::<u32>().ok()),
        None => (typed, None),
    };
    if typed.contains('~') && number.is_none() {
        return Err(format!("{}: a revision is named like beach~r1", safe(typed)));
    }
    let of_shot: Vec<_> = entries
        .iter()
        .filter(|entry| entry.shot.as_str() == id)
        .filter(|entry| number.is_none_or(|number| entry.number == number))
        .collect();
    let open: Vec<_> = of_shot.iter().filter(|entry| is_open(&entry.status.state)).collect();
    let undecided: Vec<_> =
        open.iter().filter(|entry| !matches!(entry.status.state, State::Failed { .. })).collect();
    let current = open.iter().find(|entry| entry.current);
    match (current, open.as_slice(), of_shot.first()) {
        (Some(entry), ..) | (None, [entry], _) => Ok(entry),
        (None, [_, _, ..], _) if let [entry] = undecided[..] => Ok(entry),
        (None, [], None) => Err(format!("{}: no such shot in the ledger", safe(typed))),
        (None, [], Some(entry)) => {
            let state = entry.status.state.name().replace('_', " ");
            Err(format!("{}: it is {state}, neither in doubt nor stalled", name(entry)))
        }
        (None, [_, _, ..], _) => {
            let names: Vec<_> = open.iter().map(|entry| name(entry)).collect();
            Err(format!("{id}: several texts of it can be resolved: {}", names.join(", ")))
        }
    }
}

/// Whether the user has a say about it.
const fn is_open(state: &State) -> bool {
    matches!(
        state,
        State::InDoubt { .. }
            | State::Rendering { stalled: Some(_), .. }
            | State::Failed {
                attempt: Some(_),
                failure: Failure::Abandoned | Failure::Unsettled,
                ..
            }
    )
}

/// Says what came free: the word is about the shot, so it may be more than its last request.
fn not_bought(freed: &[ReservedAttempt], entry: &Entry) -> String {
    let price: Usd = freed.iter().filter_map(|one| one.price).sum();
    let price = match (freed.iter().any(|one| one.price.is_none()), price) {
        (false, price) => dollars(price),
        (true, Usd::ZERO) => "no known price".to_owned(),
        (true, price) => format!("{} and an unknown price", dollars(price)),
    };
    let queued = if entry.current { " and the shot queued" } else { "" };
    match freed.len() {
        1 => format!("not bought; {price} is free again{queued}"),
        requests => format!("not bought; {requests} requests, {price}, are free again{queued}"),
    }
}

/// What became of a revision; `doubtful` are its requests that may have bought it.
fn became(resolution: &Resolution, entry: &Entry, doubtful: &[ReservedAttempt]) -> String {
    let price = entry.price.map_or_else(|| "its price".to_owned(), dollars);
    match resolution {
        Resolution::Task(RecoveredTask { task, .. }) => {
            format!("bought; the next run fetches task {task}")
        }
        Resolution::NotBought { .. } => not_bought(doubtful, entry),
        Resolution::Resubmit if entry.current => {
            format!("queued to be bought again; {price} stays reserved for the first purchase")
        }
        Resolution::Resubmit => {
            format!("an older text is not bought again; {price} stays reserved")
        }
        Resolution::Abandon => format!("given up; {price} stays reserved"),
    }
}
