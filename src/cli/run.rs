//! `rushes run`: wires a campaign to a gateway, lets the scheduler work, and says how it ended.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::blocking::Threads;
use crate::callback::{Callbacks, WebhookQueue};
use crate::catalog::Catalog;
use crate::clips::FolderStore;
use crate::domain::shot::Shot;
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{Kind, Ledger, Snapshot, SqliteLedger};
use crate::listener::BoundedServer;
use crate::manifest::{Header, WrittenCallback};
use crate::policy::limits::Limits;
use crate::provider::{HttpProvider, HttpSettings, Provider};
use crate::scheduler::{self, CancelToken, Deps, EVENT_LOG, Progress, RunOptions, RunOutcome};
use crate::server::{LivePage, Port, RunView};

use super::error::CliError;
use super::exit::Exit;
use super::log::Keeper;
use super::notifier::Notifier;
use super::runtime::runtime;
use super::settings::{CampaignPaths, LoadedCampaign};
use super::signals::Signals;
use super::summary::{Outcome, stopped};
use super::terminal::{CYAN, RED, Terminal, YELLOW, var};
use super::{args, artifacts, key, logging, progress, serve, signals, sim};

/// Renders the shots of a manifest, or goes on with them.
///
/// # Errors
/// Whatever keeps it from sending anything.
pub fn run(args: &args::Run, terminal: &Terminal, out: &mut dyn Write) -> Result<Exit, CliError> {
    let log = logging::start_with_log(args.campaign.logs, terminal);
    let mut loaded = LoadedCampaign::read(&args.campaign, &args.work, terminal.color)?;
    loaded.paths = loaded.paths.with_gateway(&args.api);
    let deadline = args
        .deadline
        .map(|deadline| deadline.moment(SystemClock.now(), &TimeZone::system()))
        .transpose()
        .map_err(|why| CliError::new(format!("--deadline: {why}")))?;
    let options = RunOptions {
        rules: loaded.rules(),
        download: !args.no_download,
        only: args.work.only.clone(),
        retry_failed: args.work.retry_failed,
        max_failures: args.max_failures,
        deadline,
        check_charges: loaded.paths.header.check_charges,
        ..RunOptions::new(loaded.limits.clone())
    };
    let key = key_for(&loaded.paths)?;
    loaded.warn(terminal);
    runtime()?.block_on(async {
        let http = http(key, &args.api, &options.limits)?;
        let door = Door::open(&loaded.paths.header).await?;
        let port = serve::take(args.serve.serve).await?;
        let notifier = Notifier::of(&loaded.paths.header, "rushes run", var)?;
        let (ledger, log) = loaded.paths.open("rushes run", &log)?;
        let gateway =
            gateway(http, &args.campaign, &loaded.paths, loaded.catalog, &options.limits)?;
        if loaded.budget_is_new && ledger.budget() != loaded.budget {
            ledger.set_budget(loaded.budget).await?;
        }
        let shots = loaded.campaign.shots.into();
        let work = Work { paths: &loaded.paths, shots, options, door, port, log, notifier };
        work.drive(ledger, gateway, terminal, out).await
    })
}

/// The key, where one is needed.
///
/// # Errors
/// When it is needed and cannot be had.
pub fn key_for(paths: &CampaignPaths) -> Result<Option<String>, CliError> {
    (paths.kind == Kind::Gateway).then(|| key::key(var)).transpose()
}

/// The paid gateway, if there is a key to speak to it.
///
/// # Errors
/// When the address cannot be one.
pub fn http(
    key: Option<String>,
    api: &args::Api,
    limits: &Limits,
) -> Result<Option<Arc<dyn Provider>>, CliError> {
    let Some(key) = key else { return Ok(None) };
    let clock = Arc::new(SystemClock);
    let settings = HttpSettings::new(api.api_base.clone(), key, limits.submit_timeout, clock);
    match HttpProvider::new(settings) {
        Ok(gateway) => Ok(Some(Arc::new(gateway))),
        Err(error) => Err(CliError::new(error)),
    }
}

/// The paid gateway or, without one, the simulator; call it under the run lock.
///
/// # Errors
/// When the simulator cannot go on with its tasks.
pub fn gateway(
    http: Option<Arc<dyn Provider>>,
    typed: &args::Campaign,
    paths: &CampaignPaths,
    catalog: Catalog,
    limits: &Limits,
) -> Result<Arc<dyn Provider>, CliError> {
    match http {
        Some(http) => Ok(http),
        None => sim::in_process(typed.sim.as_ref(), &paths.folder, catalog, limits.submit_timeout),
    }
}

/// What is to be done, and for which campaign.
pub struct Work<'a> {
    /// The campaign.
    pub paths: &'a CampaignPaths,
    /// Its shots; none for `fetch`.
    pub shots: Arc<[Shot]>,
    /// What to do.
    pub options: RunOptions,
    /// Where the gateway can call, if the manifest says so.
    pub door: Option<Door>,
    /// Where the live page is, if the user wants one.
    pub port: Option<Port>,
    /// The campaign's log.
    pub log: Keeper,
    /// Who is told how it goes.
    pub notifier: Option<Notifier>,
}

/// Where the gateway can call about a run's tasks; closed when dropped.
pub struct Door {
    listener: BoundedServer,
    callbacks: Callbacks,
}

impl Door {
    /// Opens it, if the manifest asks for one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn open(header: &Header) -> Result<Option<Self>, CliError> {
        let Some(WrittenCallback { listen, url, wait }) = header.callback.clone() else {
            return Ok(None);
        };
        let queue = Arc::new(WebhookQueue::default());
        let deaf = |error| {
            CliError::new(format!("callbacks cannot be listened for on {listen}: {error}")).help(
                "name a free address of this machine in the manifest's `callback: {listen: …}`",
            )
        };
        let listener = crate::server::listen(listen, Arc::clone(&queue)).await.map_err(deaf)?;
        tracing::debug!("listening for callbacks on {listen}");
        Ok(Some(Self { listener, callbacks: Callbacks { queue, url, wait } }))
    }
}

impl Work<'_> {
    /// Does it, shows it, and prints how it ended.
    ///
    /// # Errors
    /// Whatever keeps it from sending anything.
    pub async fn drive(
        self,
        ledger: SqliteLedger,
        gateway: Arc<dyn Provider>,
        terminal: &Terminal,
        out: &mut dyn Write,
    ) -> Result<Exit, CliError> {
        let clips = FolderStore::open(&self.paths.folder, Threads::Pool).map_err(|error| {
            let fix = "see to it that you may write that folder, or choose another with --out";
            CliError::new(error).help(fix)
        })?;
        let cap = ledger.budget().cap;
        let only = self.options.only.clone();
        // Held until the summary is read, so that the ledger is not being closed meanwhile.
        let held = ledger.clone();
        let callbacks = self.door.as_ref().map(|door| door.callbacks.clone());
        let (kept, clips) = (Arc::new(ledger), Arc::new(clips));
        let deps = Deps { callbacks, ..Deps::new(gateway, kept, clips, Arc::new(SystemClock)) };
        let stop = CancelToken::default();
        let (sender, progress) = watch::channel(Progress::default());
        let signals = signals::listen(stop.clone())?;
        let notifier =
            self.notifier.map(|notifier| tokio::spawn(notifier.follow(progress.clone())));
        let live = self.port.map(|port| {
            serve::announce(&port, terminal);
            let typed = self.paths.clone();
            let view = RunView {
                ledger: self.paths.ledger.clone(),
                again: Arc::new(move |verb, rest| typed.again(verb, rest)),
                folder: self.paths.folder.clone(),
                progress: progress.clone(),
                rate: self.options.limits.rate,
                stop: stop.clone(),
                pause: deps.pause.clone(),
                metrics: Arc::clone(&deps.metrics),
            };
            LivePage::open(port, view)
        });
        let follower = tokio::spawn(progress::follow(progress, terminal.clone()));
        let ended = scheduler::run(self.shots, self.options, deps, stop, sender).await;
        // Before the others stop listening, so that no signal falls in between.
        let leave = Signals::new();
        signals.abort();
        if let Some(door) = self.door {
            door.listener.close(Duration::ZERO).await;
        }
        if let Some(live) = live {
            let why = match &ended {
                Ok(RunOutcome::Done) => None,
                Ok(RunOutcome::Interrupted) => Some("stopped by the user".to_owned()),
                Ok(RunOutcome::Stopped(stopped)) => Some(stopped.to_string()),
                Err(error) => Some(error.to_string()),
            };
            live.close(why).await;
        }
        // It ends by itself when the run has dropped the progress.
        drop(follower.await);
        let ended = ended?;
        artifacts::leave(self.paths, terminal);
        let exit = summarize(self.paths, &ended, only.as_ref(), terminal, out);
        let (how, why) = ended.in_words();
        let (exit_code, must_stay) = (exit.code(), true);
        tracing::info!(target: EVENT_LOG, event = "ended", how, why, exit_code, must_stay);
        if let Some((what, help)) = stopped(&ended, self.paths, cap) {
            let interrupted = ended == RunOutcome::Interrupted;
            let style = if interrupted { YELLOW } else { RED };
            terminal.say(style, if interrupted { "note" } else { "error" }, &what);
            terminal.say(CYAN, "help", &help);
        }
        if let Some(notifier) = notifier
            && let Ok(notifier) = notifier.await
        {
            notifier.end(&ended, exit, leave.ok()).await;
        }
        drop(self.log);
        drop(held);
        Ok(exit)
    }
}

/// Prints the end of a run. That it cannot be printed, or the ledger not be read any more, does
/// not change how the run ended.
fn summarize(
    paths: &CampaignPaths,
    ended: &RunOutcome,
    only: Option<&globset::GlobMatcher>,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Exit {
    let read = || {
        let reader = Snapshot::open(&paths.ledger)?.after_all();
        Ok::<_, crate::ledger::LedgerError>((reader.summary()?, Outcome::of(&reader, only)?))
    };
    match read() {
        Ok((summary, outcome)) => {
            let _ = outcome.write(out, &summary, paths).and_then(|()| out.flush());
            Exit::of(ended, &outcome.counts)
        }
        Err(error) => {
            terminal.say(RED, "error", &error.to_string());
            if *ended == RunOutcome::Interrupted { Exit::Interrupted } else { Exit::StoppedEarly }
        }
    }
}
