//! What a campaign itself says: its manifest, its local files, its ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::catalog::Catalog;
use crate::disk::open_file;
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{Snapshot, Summary};
use crate::plan::{Action, Plan, plan as lay_out};
use crate::policy::budget::{Balance, Budget};
use crate::report::Counts;
use crate::report::text::{money, plural, safe};

use super::super::args;
use super::super::error::CliError;
use super::super::holdings::Holdings;
use super::super::plan::{counts, same_campaign};
use super::super::settings::{CampaignPaths, LoadedCampaign};
use super::super::values::ProxyFlag;
use super::belonging;
use super::bucket;
use super::finding::Finding;
use super::judge::{Expected, GUESSED_CLIP, ToBuy};
use crate::cli::ownership;

/// So many clips are on their way to a bucket at once.
const ON_THE_WAY: usize = 8;

/// What is known of the campaign whose night it is.
pub struct Night {
    /// The campaign folder.
    pub folder: Option<PathBuf>,
    /// Models and prices, unless the built-in ones.
    pub catalog: Option<Catalog>,
    /// What a run would buy.
    pub buys: ToBuy,
    /// The cap.
    pub budget: Budget,
    /// What was spent and is reserved.
    pub money: Balance,
    /// The models that are to be bought.
    pub models: Vec<String>,
    /// The clips to come.
    pub expected: Expected,
    /// Findings about the campaign's own state, which come last.
    pub last: Vec<Finding>,
}

/// Nothing is known of a campaign.
impl Default for Night {
    fn default() -> Self {
        Self {
            folder: None,
            catalog: None,
            buys: ToBuy::default(),
            budget: Budget::default(),
            money: Balance::default(),
            models: Vec::new(),
            expected: Expected { shots: 0, each: GUESSED_CLIP, is_guess: true },
            last: Vec::new(),
        }
    }
}

impl Night {
    /// Models and prices.
    pub fn catalog(&self) -> Catalog {
        self.catalog.clone().unwrap_or_else(Catalog::builtin)
    }
}

/// Today's date by this machine's clock, in UTC; `None` when that is in no calendar.
pub fn today() -> Option<Date> {
    let now = jiff::Timestamp::from_millisecond(SystemClock.now().as_millis()).ok()?;
    Some(now.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// Looks at a campaign: what comes first, and what the rest is to be held against.
pub fn campaign(
    typed: &args::Campaign,
    api_base: &str,
    proxy: Option<&ProxyFlag>,
    color: bool,
) -> (Vec<Finding>, Night) {
    let mut night = Night::default();
    let loaded = match LoadedCampaign::read(typed, &args::Work::default(), color) {
        Ok(loaded) => loaded,
        Err(error) => {
            let paths = CampaignPaths::find(typed, color).ok();
            let (first, last) = unreadable(&error, paths.as_ref(), api_base);
            night.last = last;
            let bucket = paths.as_ref().map(|paths| paths.clone().with_proxy(proxy));
            night.last.extend(bucket.iter().flat_map(|paths| bucket::findings(paths, None)));
            night.folder = paths.map(|paths| paths.folder);
            return (first, night);
        }
    };
    let paths = loaded.paths.clone().with_gateway(api_base).with_proxy(proxy);
    night.folder = Some(paths.folder.clone());
    (night.budget, night.catalog) = (loaded.budget, Some(loaded.catalog.clone()));
    let reader = paths.reader().ok().flatten();
    night.last = state(&paths, Some(&loaded), api_base);
    night.last.extend(belonging::of_shots(&paths, &loaded, reader.is_some(), api_base));
    night.last.extend(bucket::findings(&paths, Some(&loaded.campaign.shots)));
    let entries = loaded.entries().unwrap_or_default();
    night.money = loaded.kept.as_ref().map_or_else(Balance::default, |kept| kept.balance);
    let work = args::Work::default();
    let plan = lay_out(&loaded.campaign.shots, &entries, loaded.scope(&work));
    night.buys = ToBuy {
        shots: plan.to_buy(),
        total: plan.total,
        unknown: plan.unknown,
        fitting: plan.fitting(&night.budget, &night.money),
    };
    night.models = plan.by_model.iter().map(|share| share.model.clone()).collect();
    night.expected = expected(&plan, reader.as_deref());
    if paths.bucket.is_some() {
        // On the disk lies only what is on its way to the bucket.
        night.expected.shots = night.expected.shots.min(ON_THE_WAY);
    }
    let mut first = vec![
        Finding::ok("manifest", counts(&plan)),
        super::judge::cap(&night.buys, &night.budget, &night.money),
    ];
    first.extend(files(&plan));
    (first, night)
}

/// The ledger, its run, what the shots need, and whose the folder is.
fn state(paths: &CampaignPaths, loaded: Option<&LoadedCampaign>, api_base: &str) -> Vec<Finding> {
    let (ledger, run) = ledger(paths, loaded);
    let mut all = vec![ledger, run, ffmpeg()];
    all.extend(belonging::of_folder(paths, api_base));
    all
}

/// A manifest that cannot be used, or a ledger.
fn unreadable(
    error: &CliError,
    paths: Option<&CampaignPaths>,
    api_base: &str,
) -> (Vec<Finding>, Vec<Finding>) {
    let found = |name, what: String, help: Option<String>| {
        let found = Finding::failed(name, what);
        help.map_or_else(|| found.clone(), |help| found.clone().help(help))
    };
    let state =
        |paths: &CampaignPaths| state(&paths.clone().with_gateway(api_base), None, api_base);
    match error {
        CliError::Mistakes(mistakes) => {
            let help = paths.map(|paths| format!("they are shown by: {}", paths.again("plan", "")));
            let first = found("manifest", plural(mistakes.count, "mistake"), help);
            (vec![first], paths.map(state).unwrap_or_default())
        }
        other => {
            let (what, help) = other.in_words();
            let last = paths.map(state).unwrap_or_default();
            // What the ledger says is said once, as its own finding.
            if last.iter().any(|finding| finding.what == what) {
                let why = "the ledger cannot be read";
                return (vec![Finding::not_checked("manifest", why)], last);
            }
            (vec![found("manifest", what, help)], last)
        }
    }
}

/// The local files that are still to be sent.
fn files(plan: &Plan<'_>) -> Option<Finding> {
    let buys = plan.lines.iter().filter(|line| line.action.buys());
    let files: BTreeMap<&Path, &str> = buys
        .flat_map(|line| &*line.shot.request.files)
        .map(|file| (&*file.path, &*file.written))
        .collect();
    if files.is_empty() {
        return None;
    }
    let unreadable =
        files.iter().find_map(|(path, written)| Some((written, open_file(path).err()?)));
    Some(match unreadable {
        None => Finding::ok("files", format!("{} to send, all there", plural(files.len(), "file"))),
        Some((written, error)) => Finding::failed("files", format!("{}: {error}", safe(written)))
            .help("put it back, or change the shot"),
    })
}

/// What the clips to come will take.
fn expected(plan: &Plan<'_>, reader: Option<&dyn Snapshot>) -> Expected {
    let is_to_come = |action| action == Action::GoOn || action == Action::Download;
    let waiting = plan.lines.iter().filter(|line| is_to_come(line.action)).count();
    let shots = plan.to_buy() + waiting;
    let (mut delivered, mut bytes) = (0_u64, 0_u64);
    let read = reader.map(|reader| {
        reader.rows(&mut |row| {
            if !row.files.is_empty() {
                delivered += 1;
                bytes += row.files.iter().map(|file| file.bytes).sum::<u64>();
            }
        })
    });
    match (read, bytes.checked_div(delivered)) {
        (Some(Ok(())), Some(each)) => Expected { shots, each, is_guess: false },
        _ => Expected { shots, each: GUESSED_CLIP, is_guess: true },
    }
}

/// The ledger, and whether a run works on it.
fn ledger(paths: &CampaignPaths, loaded: Option<&LoadedCampaign>) -> (Finding, Finding) {
    let none_at_work = || Finding::ok("run", "none is at work");
    let not_known = || Finding::not_checked("run", "the ledger cannot be read");
    let reader = match paths.reader() {
        Ok(Some(reader)) => reader,
        Ok(None) => {
            let none_yet = || {
                let place = safe(&paths.ledger.to_string());
                Finding::ok("ledger", format!("none yet; the first run makes {place}"))
            };
            let there = Holdings::in_folder(paths);
            let lost = ownership::lost_ledger(paths, &there);
            return (lost.map_or_else(none_yet, |error| failed_by(&error)), none_at_work());
        }
        Err(error) => return (failed_by(&error), not_known()),
    };
    let summary = match reader.summary() {
        Ok(summary) => summary,
        Err(error) => return (failed_by(&error.into()), not_known()),
    };
    let run = match &summary.held_by {
        None => none_at_work(),
        Some(holder) => Finding::warning("run", format!("{} is at work", safe(holder)))
            .help(format!("another is refused meanwhile; watch it: {}", paths.again("status", ""))),
    };
    let is_renamed = |loaded| ownership::is_renamed(loaded, Some(&*reader)).unwrap_or_default();
    let named = loaded.filter(|loaded| !is_renamed(loaded));
    if let Some(Err(error)) = named.map(|loaded| same_campaign(loaded, &summary)) {
        return (failed_by(&error), run);
    }
    (state_of(&*reader, &summary, paths).unwrap_or_else(|error| failed_by(&error)), run)
}

/// The state of a ledger that can be read.
fn state_of(
    reader: &dyn Snapshot,
    summary: &Summary,
    paths: &CampaignPaths,
) -> Result<Finding, CliError> {
    reader.look_for_damage()?;
    let mut all = Counts::default();
    reader.rows(&mut |row| all.add(&row.entry.status.state))?;
    let text = format!("whole; {}", money(&summary.budget, &summary.balance).replace('\n', "; "));
    Ok(if all.in_doubt == 0 {
        Finding::ok("ledger", text)
    } else {
        let doubts = plural(all.in_doubt, "shot");
        Finding::warning("ledger", format!("{text}; {doubts} in doubt"))
            .help(format!("see which, and what to do: {}", paths.again("report", "")))
    })
}

fn failed_by(error: &CliError) -> Finding {
    belonging::refused("ledger", error)
}

fn ffmpeg() -> Finding {
    Finding::ok("ffmpeg", "not needed")
}
