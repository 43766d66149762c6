//! `rushes run` and `rushes fetch`: wire a campaign to a gateway, let the scheduler work, and say how
//! it ended.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::blocking::Threads;
use crate::callback::{Callbacks, WebhookQueue};
use crate::catalog::Catalog;
use crate::clips::{Bucket, BucketStore, ClipStore, FolderStore, Sweep};
use crate::domain::money::Usd;
use crate::domain::shot::Shot;
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{Digest, Kind, Ledger, LedgerError, Work};
use crate::listener::BoundedServer;
use crate::manifest::{Header, Mistakes, WrittenCallback};
use crate::policy::limits::MaxFailures;
use crate::provider::{HttpProvider, HttpSettings, PROXY_VARIABLES, Provider, key_hash};
use crate::report::text::safe_path;
use crate::scheduler::{
    self, CancelToken, Deps, EVENT_LOG, Progress, RunOptions, RunOutcome, StopReason,
};
use crate::server::{self, LivePage, RunView};

use super::again::RunFlags;
use super::consent::Consent;
use super::error::CliError;
use super::exit::Exit;
use super::log::Log;
use super::named_budget::NamedBudget;
use super::notifier::Notifier;
use super::opening::{self, Beginning, Opened};
use super::ownership::{self, Opening};
use super::settings::{CampaignPaths, LoadedCampaign, catalog, rules};
use super::signals::{Farewell, Signals};
use super::summary::{Outcome, stopped};
use super::terminal::{CYAN, RED, Terminal, YELLOW, screen, var};
use super::{
    args, artifacts, asking, bucket, bucket_mark, clips_url, gateway, key, logging, only, plan,
    progress, review, run_note, runtime, serve, siblings, signals, sim, stderr, waiting, whole,
};

/// Renders the shots of a manifest, or goes on with them.
pub fn run(args: &args::Run, terminal: &Terminal, out: &mut dyn Write) -> Result<Exit, CliError> {
    let online = &args.online;
    let log = logging::start(online.campaign.logs, terminal);
    let mut loaded = LoadedCampaign::read(&online.campaign, &args.work, terminal.color)?;
    loaded.paths = loaded.paths.with_flags(RunFlags::of_run(args));
    let deadline = args
        .deadline
        .map(|deadline| deadline.moment(SystemClock.now(), &TimeZone::system()))
        .transpose()
        .map_err(|why| CliError::new(format!("--deadline: {why}")))?;
    let options = RunOptions {
        rules: loaded.rules(),
        download: !args.no_download,
        only: loaded.only.clone(),
        retry_failed: args.work.retry_failed,
        check_balance: true,
        whole: args.work.whole,
        max_failures: args.max_failures.and_then(MaxFailures::count),
        max_failure_percent: args.max_failures.and_then(MaxFailures::percent),
        deadline,
        check_charges: loaded.paths.header.check_charges,
        ..RunOptions::new(loaded.limits.clone())
    };
    loaded.paths = loaded.paths.with_proxy(online.proxy.as_ref());
    let decided = ownership::before_buying(&loaded, &args.work, Some(&online.api_base))?;
    loaded.paths.is_renamed = decided.is_renamed;
    let entries = loaded.entries()?;
    let judged =
        args.work.whole.then(|| whole::judge(&loaded, &entries, &args.work)).transpose()?;
    let key = key_for(&loaded.paths)?;
    loaded.warn(terminal);
    loaded.warn_of_vanished(&entries, terminal);
    let consent = asking::ask(&loaded, &entries, &args.work, terminal)?;
    // The run reads the ledger by itself.
    drop(entries);
    let budget = loaded.named_budget(&args.work);
    let task = Task {
        command: "rushes run",
        paths: loaded.paths.with_gateway(&online.api_base).with_move(args.work.same_gateway),
        key,
        online,
        shots: loaded.campaign.shots.into(),
        options,
        budget,
        catalog: loaded.catalog,
        has_open_purchases: judged.is_none_or(|judged| judged.has_open_purchases),
        opening: decided,
        consent,
    };
    runtime()?.block_on(task.drive(&log, terminal, out))
}

/// Polls and downloads what is paid for; submits nothing.
pub fn fetch(
    args: &args::Fetch,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let online = &args.online;
    let log = logging::start(online.campaign.logs, terminal);
    let paths = match CampaignPaths::find(&online.campaign, terminal.color) {
        Ok(paths) => paths,
        Err(mistakes) => by_name(&online.campaign, mistakes, terminal)?,
    };
    let paths = paths.by_any_name();
    let paths = paths.with_gateway(&online.api_base).with_proxy(online.proxy.as_ref());
    let paths = paths.with_move(args.same_gateway);
    let paths = match &args.only[..] {
        [] => paths,
        only => paths.with_flags(RunFlags::of_fetch(only)),
    };
    bucket::one_place(&paths)?;
    if !args.only.is_empty() && paths.ledger.file_path().is_none() {
        let what =
            "fetch takes --only where the ledger is a file; a database hands out all there is";
        return Err(CliError::new(what).help("leave --only out"));
    }
    let reader = paths.existing()?;
    let kept = reader.summary()?;
    let only = only::of_ledger(&args.only, &*reader, &paths.again("report", ""))?;
    drop(reader);
    let key = key_for(&paths)?;
    let limits = paths.header.limits.clone();
    let catalog = catalog(None)?;
    let rules = rules(&paths.header, &limits, kept.budget, &catalog);
    let check_charges = paths.header.check_charges;
    let task = Task {
        command: "rushes fetch",
        paths,
        key,
        online,
        shots: [].into(),
        options: RunOptions {
            rules,
            submit: false,
            only,
            check_charges,
            ..RunOptions::new(limits)
        },
        budget: NamedBudget::default(),
        catalog,
        has_open_purchases: true,
        opening: Opening::default(),
        consent: None,
    };
    runtime()?.block_on(task.drive(&log, terminal, out))
}

/// The campaign of a manifest whose settings cannot be read, if it has a ledger: what is paid for is
/// fetched all the same, with the usual settings.
fn by_name(
    typed: &args::Campaign,
    mistakes: Mistakes,
    terminal: &Terminal,
) -> Result<CampaignPaths, CliError> {
    let paths = waiting::guess(typed);
    if !paths.ledger.is_known() {
        return Err(mistakes.into());
    }
    let manifest = safe_path(&typed.manifest);
    let what =
        format!("{manifest} cannot be read; its campaign is found by name: {}", paths.ledger);
    terminal.say(YELLOW, "warning", &what);
    Ok(paths)
}

/// The key, where one is needed.
fn key_for(paths: &CampaignPaths) -> Result<Option<String>, CliError> {
    (paths.kind == Kind::Gateway).then(|| key::key(var)).transpose()
}

/// What is to be done, and for which campaign.
struct Task<'a> {
    /// The command, as it stands in the ledger, the log and messages.
    command: &'static str,
    paths: CampaignPaths,
    /// The gateway's key; without one the simulator renders.
    key: Option<String>,
    online: &'a args::Online,
    /// None for `fetch`.
    shots: Arc<[Shot]>,
    options: RunOptions,
    /// The budget that the user named.
    budget: NamedBudget,
    catalog: Catalog,
    /// Whether there may be something to poll or fetch from earlier runs.
    has_open_purchases: bool,
    /// What is to be written to the ledger before anything is bought.
    opening: Opening,
    /// What the user agreed to just now.
    consent: Option<Consent>,
}

impl Task<'_> {
    /// What other workers of the campaign are told of it.
    fn work(&self) -> Work {
        let Self { shots, options, .. } = self;
        let digest = options.submit.then(|| Digest::of(shots, &options.rules));
        let key = self.key.as_deref().map(key_hash).unwrap_or_default().into();
        Work { digest, limits: options.limits.clone(), key }
    }

    /// The gateway's client; none without a key.
    fn http(&self) -> Result<Option<HttpProvider>, CliError> {
        let proxy =
            self.online.proxy.clone().map(|flag| flag.0).transpose().map_err(CliError::new)?;
        let is_set = |name: &&&str| proxy.is_none() && var(name).is_some();
        let ignored_proxy = PROXY_VARIABLES.iter().find(is_set).copied();
        let http = self.key.clone().map(|key| HttpSettings {
            proxy,
            ignored_proxy,
            ..HttpSettings::new(
                self.online.api_base.clone(),
                key,
                self.options.limits.submit_timeout,
                Arc::new(SystemClock),
            )
        });
        http.map(HttpProvider::new).transpose().map_err(CliError::new)
    }

    /// Does it, shows it, and prints how it ended.
    async fn drive(
        self,
        log: &Log,
        terminal: &Terminal,
        out: &mut dyn Write,
    ) -> Result<Exit, CliError> {
        let (work, http) = (self.work(), self.http()?);
        let Self { command, paths, options, online, .. } = self;
        let timeout = options.limits.submit_timeout;
        let (listener, callbacks) = callbacks(&paths.header).await?.unzip();
        let port = serve::take(online.serve).await?;
        let notifier = Notifier::of(&paths.header, command)?;
        let http = http.map(|http| Arc::new(http) as Arc<dyn Provider>);
        let bucket = reach(&paths, terminal).await?;
        let begins = Beginning { work, shots: &self.shots };
        let opened = open(&paths, command, log, http.as_deref(), begins).await?;
        let Opened { ledger, log, mut folder } = opened;
        let gateway: Arc<dyn Provider> = match http {
            Some(http) => http,
            None => {
                sim::in_process(online.campaign.sim.as_ref(), &paths.folder, self.catalog, timeout)?
            }
        };
        mark(&paths, bucket.as_ref()).await?;
        if options.submit {
            siblings::enlist(&paths);
            artifacts::keep_flags(&paths);
        }
        keep(self.consent, &*ledger, &paths);
        self.opening.write(&*ledger, &self.shots).await?;
        self.budget.write(&*ledger).await?;
        let which = if folder.is_alone() { Sweep::All } else { Sweep::Old };
        let clips = store(&paths, bucket.as_ref(), which)?;
        if ledger.fleet().is_some() {
            folder.share();
        }
        let (cap, only) = (ledger.budget().cap, options.only.clone());
        // Held until the summary is read, so that the ledger is not being closed meanwhile.
        let held = Arc::clone(&ledger);
        let deps = Deps { callbacks, ..Deps::new(gateway, ledger, clips, Arc::new(SystemClock)) };
        let stop = CancelToken::default();
        let (sender, progress) = watch::channel(Progress::default());
        let began = Instant::now();
        let verb = command.trim_start_matches("rushes ");
        let go_on = paths.again(verb, "");
        let farewell = Farewell::new(&progress, timeout, &go_on, terminal);
        stderr::queue();
        let signals = signals::listen(stop.clone(), farewell)?;
        let noted = tokio::spawn(run_note::follow(progress.clone(), Arc::clone(&held)));
        let notifier = notifier.map(|notifier| tokio::spawn(notifier.follow(progress.clone())));
        let live = port.map(|port| {
            serve::announce(&port, "live", review::MAY_IN_A_RUN, terminal);
            let run = RunView {
                progress: progress.clone(),
                rate: options.limits.rate,
                stop: stop.clone(),
                pause: deps.pause.clone(),
                metrics: Arc::clone(&deps.metrics),
            };
            let store = bucket.is_some().then(|| Arc::clone(&deps.clips));
            LivePage::open(port, review::view_of_run(&paths, run, store, terminal))
        });
        let last = progress.clone();
        let follower = tokio::spawn(progress::follow(progress, terminal.clone(), timeout));
        let ended = scheduler::run(self.shots, options, deps, stop, sender).await;
        // Made before the run counts as over, so that no signal falls in between.
        let leave = Signals::new();
        signals.run_is_over();
        if let Some(listener) = listener {
            listener.close(Duration::ZERO).await;
        }
        if let Some(live) = live {
            let why = match &ended {
                Ok(ended) => ended.why(),
                Err(error) => Some(error.to_string()),
            };
            live.close(why).await;
        }
        // It ends by itself when the run has dropped the progress.
        drop((follower.await, noted.await));
        let ended = ended?;
        // A database that was lost would be waited for again by each of them.
        if paths.ledger.file_path().is_some() || !held.has_failed() {
            artifacts::leave(&paths, terminal);
        }
        if let Some((bucket, _)) = &bucket {
            artifacts::put(bucket, &paths, terminal).await;
        }
        let told = Told { former: last.borrow().former, lasted: began.elapsed() };
        stderr::settle();
        let mut exit = summarize(&paths, &ended, &told, only.as_ref(), terminal, out);
        if !self.has_open_purchases
            && matches!(ended, RunOutcome::Stopped(StopReason::Balance(_)))
            && exit == Exit::StoppedEarly
        {
            // The balance was asked for and nothing else was.
            exit = Exit::NotStarted;
        }
        explain(&paths, &go_on, &ended, exit, cap, terminal);
        if let Some(notifier) = notifier
            && let Ok(notifier) = notifier.await
        {
            notifier.end(&ended, exit, leave.ok()).await;
        }
        drop(log);
        drop(held);
        drop(folder);
        Ok(exit)
    }
}

/// Keeps what the user agreed to just now.
fn keep(consent: Option<Consent>, ledger: &dyn Ledger, paths: &CampaignPaths) {
    if let Some(consent) = consent {
        consent.keep_for(ledger, paths);
    }
}

/// Reaches the campaign's bucket, if it has one, before anything is changed; and whether that keeps
/// what is there.
async fn reach(
    paths: &CampaignPaths,
    terminal: &Terminal,
) -> Result<Option<(Bucket, bool)>, CliError> {
    let Some(bucket) = bucket::connect(paths)? else { return Ok(None) };
    let keeps = bucket::probe(&bucket, terminal).await?;
    Ok(Some((bucket, keeps)))
}

/// Writes down, there and here, that the campaign's clips go to its bucket.
async fn mark(paths: &CampaignPaths, bucket: Option<&(Bucket, bool)>) -> Result<(), CliError> {
    let (Some(url), Some((bucket, _))) = (&paths.bucket, bucket) else { return Ok(()) };
    bucket_mark::take(bucket, paths).await?;
    clips_url::keep(&paths.folder, url).map_err(|error| {
        let place = safe_path(&clips_url::file(&paths.folder));
        CliError::new(format!("{place} cannot be written: {error}"))
    })
}

/// Opens the store of a campaign's clips.
fn store(
    paths: &CampaignPaths,
    bucket: Option<&(Bucket, bool)>,
    which: Sweep,
) -> Result<Arc<dyn ClipStore>, CliError> {
    let opened = match bucket {
        Some((bucket, keeps)) => {
            BucketStore::open(bucket.clone(), &paths.folder, *keeps, Threads::Pool, which)
                .map(|store| Arc::new(store) as Arc<dyn ClipStore>)
        }
        None => FolderStore::open_with(&paths.folder, Threads::Pool, which)
            .map(|store| Arc::new(store) as Arc<dyn ClipStore>),
    };
    opened.map_err(|error| {
        let fix = "see to it that you may write that folder, or choose another with --out";
        CliError::new(error).help(fix)
    })
}

/// Opens a campaign that keeps to its gateway.
async fn open(
    paths: &CampaignPaths,
    command: &'static str,
    log: &Log,
    http: Option<&dyn Provider>,
    begins: Beginning<'_>,
) -> Result<Opened, CliError> {
    let Some(http) = http else { return opening::open(paths, command, log, Some(begins)) };
    let address = http.capabilities().origin.address;
    let kept = paths.reader()?.map(|reader| reader.summary()).transpose()?;
    if let Some(kept) = &kept {
        plan::same_kind(paths, kept.kind)?;
    }
    let home = kept.map(|it| it.home);
    if let Some(home) = &home {
        gateway::keeps_to(home, &address, paths)?;
    }
    let opened = opening::open(paths, command, log, Some(begins))?;
    if let Some(home) = home {
        gateway::keep(&*opened.ledger, &home, &address).await?;
    }
    gateway::take_up(&*opened.ledger, http, paths).await?;
    Ok(opened)
}

/// Listens where the gateway can call about a run's tasks, if the manifest says so; until the listener
/// is dropped.
async fn callbacks(header: &Header) -> Result<Option<(BoundedServer, Callbacks)>, CliError> {
    let Some(WrittenCallback { listen, url, wait }) = header.callback.clone() else {
        return Ok(None);
    };
    let queue = Arc::new(WebhookQueue::default());
    let listener = server::listen(listen, Arc::clone(&queue)).await.map_err(|error| {
        CliError::new(format!("callbacks cannot be listened for on {listen}: {error}"))
            .help("name a free address of this machine in the manifest's `callback: {listen: …}`")
    })?;
    tracing::debug!("listening for callbacks on {listen}");
    Ok(Some((listener, Callbacks { queue, url, wait })))
}

/// What the ledger does not say of a run that has ended.
struct Told {
    /// How many shots have a task again that was given before.
    former: usize,
    /// How long it took.
    lasted: Duration,
}

/// Prints the end of a run. That it cannot be printed, or the ledger not be read any more, does
/// not change how the run ended.
fn summarize(
    paths: &CampaignPaths,
    ended: &RunOutcome,
    told: &Told,
    only: Option<&globset::GlobMatcher>,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Exit {
    let read = || {
        let reader = paths.ledger.snapshot_at_end()?;
        Ok::<_, LedgerError>((reader.summary()?, Outcome::of(&*reader, only)?))
    };
    match read() {
        Ok((summary, outcome)) => {
            let outcome = outcome.with_former(told.former);
            let written = outcome.write(out, &summary, paths, told.lasted, screen());
            let _ = written.and_then(|()| out.flush());
            Exit::of(ended, &outcome.counts)
        }
        Err(error) => {
            terminal.say(RED, "error", &error.to_string());
            if *ended == RunOutcome::Interrupted { Exit::Interrupted } else { Exit::StoppedEarly }
        }
    }
}

/// Tells the log how the run ended, and the user why and what to do where it did not go to its end.
fn explain(
    paths: &CampaignPaths,
    go_on: &str,
    ended: &RunOutcome,
    exit: Exit,
    cap: Option<Usd>,
    terminal: &Terminal,
) {
    let (how, why) = ended.in_words();
    let (exit_code, must_stay) = (exit.code(), true);
    tracing::info!(target: EVENT_LOG, event = "ended", how, why, exit_code, must_stay);
    let Some((what, help)) = stopped(ended, paths, go_on, cap) else { return };
    let interrupted = *ended == RunOutcome::Interrupted;
    let (style, word) = if interrupted { (YELLOW, "note") } else { (RED, "error") };
    terminal.say(style, word, &what);
    for line in help {
        terminal.say(CYAN, "help", &line);
    }
}
