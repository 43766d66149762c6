//! The public API: a campaign is loaded, planned, run and reported on. Wires the other rooms
//! together and decides nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::blocking::Threads;
use crate::catalog::Catalog;
use crate::clips::{ClipError, ClipStore, FolderStore, Sweep};
use crate::disk::make_folder;
use crate::domain::money::Usd;
use crate::domain::shot::{Request, Shot, ShotId};
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::{
    Identity, Kind, Ledger, LedgerAddress, LedgerError, LedgerOptions, Row, hold_for, open_in,
    post_lasts,
};
use crate::manifest::{Manifest, Mistakes};
use crate::plan::knowing;
use crate::policy::budget::{Balance, Budget};
use crate::policy::limits::Limits;
use crate::provider::Provider;
use crate::scheduler::{self, CancelToken, Deps, Progress, RunOptions, RunOutcome};
use crate::simulator::{SimOptions, SimState, Simulator};

/// Why a campaign cannot be loaded, run or reported on. Each says what to do in its text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The manifest has mistakes.
    #[error("{0}")]
    Manifest(Mistakes),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The clips cannot be stored.
    #[error(transparent)]
    Clips(#[from] ClipError),
    /// What was asked for cannot be.
    #[error("{0}")]
    Setup(String),
}

/// A campaign: the shots of a manifest, checked, priced, and ready to be rendered.
///
/// ```no_run
/// let campaign = rushes::Campaign::load("shots.yaml".as_ref())?;
/// println!("{}: {} shots", campaign.name(), campaign.shots().len());
/// # Ok::<(), rushes::Error>(())
/// ```
#[derive(Debug)]
pub struct Campaign {
    name: String,
    /// The manifest that it was read from, if that has rows whose ids are made of their cells.
    manifest: Option<PathBuf>,
    shots: Arc<[Shot]>,
    options: RunOptions,
    budget: Budget,
    catalog: Catalog,
}

impl Campaign {
    /// Reads a manifest (YAML or CSV) and checks it against the built-in catalog.
    ///
    /// # Errors
    /// Every mistake in it, with its place.
    pub fn load(manifest: &Path) -> Result<Self, Error> {
        let catalog = Catalog::builtin();
        let read = Manifest::read(manifest, &catalog);
        let nameless = read.has_nameless_rows().then(|| manifest.to_owned());
        let read = read.campaign(None, false).map_err(Error::Manifest)?;
        let mut options = RunOptions::new(read.header.limits.clone());
        let budget = read.header.budget.map_or_else(Budget::default, |written| Budget {
            cap: written.cap,
            strict: written.strict,
        });
        options.rules.on_doubt = read.header.on_doubt;
        options.rules.strict = budget.strict;
        options.rules.failed_tasks_charged = catalog.failed_tasks_charged();
        options.rules.canceled_tasks_charged = catalog.canceled_tasks_charged();
        options.check_charges = read.header.check_charges;
        options.check_balance = true;
        let (name, shots) = (read.header.campaign, read.shots.into());
        Ok(Self { name, manifest: nameless, shots, options, budget, catalog })
    }

    /// A campaign made in code, without a cap: for each shot its id, the parameters of its request (a
    /// JSON object with `model` and whatever the provider takes) and its price.
    ///
    /// # Errors
    /// When an id cannot be a file's name, or the parameters are no object.
    pub fn of<'a>(
        name: &str,
        shots: impl IntoIterator<Item = (&'a str, serde_json::Value, Option<Usd>)>,
    ) -> Result<Self, Error> {
        let catalog = Catalog::builtin();
        let shots: Result<Arc<[Shot]>, Error> = shots
            .into_iter()
            .map(|(id, params, price)| shot(&catalog, id, params, price))
            .collect();
        let options = RunOptions { check_balance: true, ..RunOptions::new(Limits::default()) };
        Ok(Self {
            name: name.to_owned(),
            manifest: None,
            shots: shots?,
            options,
            budget: Budget::default(),
            catalog,
        })
    }

    /// Its name, as the manifest says it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its shots, in manifest order.
    #[must_use]
    pub fn shots(&self) -> &[Shot] {
        &self.shots
    }

    /// Its shots as a ledger knows them: a row without an id keeps the one that it was bought by,
    /// however its cells are spelled today.
    fn known_by(&mut self, ledger: &dyn Ledger) -> Result<(), Error> {
        let (Some(path), reader) = (&self.manifest, ledger.snapshot()?) else { return Ok(()) };
        if reader.entries()?.is_empty() {
            return Ok(());
        }
        let read = Manifest::read(path, &self.catalog);
        let is_it = |(read, ours): (&Shot, &Shot)| {
            (&read.id, read.fingerprint) == (&ours.id, ours.fingerprint)
        };
        if read.shots().len() != self.shots.len()
            || !read.shots().iter().zip(&*self.shots).all(is_it)
        {
            let path = path.display();
            return Err(Error::Setup(format!(
                "{path} was changed after it was loaded; nothing was sent: load it again"
            )));
        }
        let known = knowing(read, path, &self.catalog, &*reader)?;
        self.shots = known.campaign(None, false).map_err(Error::Manifest)?.shots.into();
        Ok(())
    }

    /// What all its shots cost together by the catalog; `None` when a price is unknown.
    #[must_use]
    pub fn price(&self) -> Option<Usd> {
        self.shots.iter().map(|shot| shot.price).sum()
    }
}

fn shot(
    catalog: &Catalog,
    id: &str,
    params: serde_json::Value,
    price: Option<Usd>,
) -> Result<Shot, Error> {
    let no_object = || Error::Setup(format!("the parameters of {id} are no JSON object"));
    let json: Box<str> = params.to_string().into();
    let serde_json::Value::Object(params) = params else { return Err(no_object()) };
    let model = params.get("model").and_then(serde_json::Value::as_str).unwrap_or_default();
    Ok(Shot {
        id: ShotId::new(id).map_err(|bad| Error::Setup(format!("{id:?}: {bad}")))?,
        fingerprint: catalog.fingerprint(&params, &[]),
        former: [].into(),
        request: Request { json, files: [].into() },
        model: model.into(),
        price,
        priority: 0,
        tags: [].into(),
        clip_name: id.into(),
        entry: id.into(),
        variant: [].into(),
    })
}

/// A run of a campaign, made ready by [`Run::builder`].
///
/// ```no_run
/// # async fn example() -> Result<(), rushes::Error> {
/// let campaign = rushes::Campaign::load("shots.yaml".as_ref())?;
/// let outcome = rushes::Run::builder(campaign, "renders/night".as_ref()).simulated()?.start().await?;
/// println!("{outcome:?}");
/// # Ok(())
/// # }
/// ```
pub struct Run {
    campaign: Campaign,
    folder: PathBuf,
    provider: Option<(Arc<dyn Provider>, Kind)>,
    ledger: Option<Arc<dyn Ledger>>,
    clips: Option<Arc<dyn ClipStore>>,
    cancel: CancelToken,
    progress: watch::Sender<Progress>,
}

impl Run {
    /// A run in a campaign folder. It needs a provider; ledger and clips are kept in the folder
    /// unless it is told otherwise.
    #[must_use]
    pub fn builder(campaign: Campaign, folder: &Path) -> Self {
        Self {
            campaign,
            folder: folder.to_owned(),
            provider: None,
            ledger: None,
            clips: None,
            cancel: CancelToken::default(),
            progress: watch::Sender::default(),
        }
    }

    /// Renders with this provider, for real money.
    #[must_use]
    pub fn provider(self, provider: Arc<dyn Provider>) -> Self {
        Self { provider: Some((provider, Kind::Gateway)), ..self }
    }

    /// Renders with the simulator, in this process.
    ///
    /// # Errors
    /// When the simulator cannot be set up.
    pub fn simulated(self) -> Result<Self, Error> {
        let state = SimState::open(SimOptions::default(), self.campaign.catalog.clone())
            .map_err(|error| Error::Setup(error.to_string()))?;
        let timeout = self.campaign.options.limits.submit_timeout;
        let simulator: Arc<dyn Provider> =
            Arc::new(Simulator::new(state, Arc::new(SystemClock), timeout));
        Ok(Self { provider: Some((simulator, Kind::Simulator)), ..self })
    }

    /// Keeps the campaign's truth in this ledger. A folder that names another one is refused.
    #[must_use]
    pub fn ledger(self, ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger: Some(ledger), ..self }
    }

    /// Keeps the clips in this store.
    #[must_use]
    pub fn clips(self, clips: Arc<dyn ClipStore>) -> Self {
        Self { clips: Some(clips), ..self }
    }

    /// The most the campaign may cost over its whole life; `None` lifts the cap.
    #[must_use]
    pub fn budget(mut self, cap: Option<Usd>) -> Self {
        self.campaign.budget.cap = cap;
        self
    }

    /// Changes limits, rules and what the run does.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(&mut RunOptions)) -> Self {
        change(&mut self.campaign.options);
        self
    }

    /// What stops the run from elsewhere.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// How the run stands, while it goes on.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Renders the shots, or goes on with them, until nothing is left to do or something stops it. The
    /// folder is locked meanwhile, and names its ledger (`ledger.id`) before anything is bought. The
    /// provider's balance is asked for once before the first purchase, unless
    /// [`options`](Self::options) say otherwise.
    ///
    /// # Errors
    /// Whatever keeps it from sending anything.
    pub async fn start(self) -> Result<RunOutcome, Error> {
        let Self { mut campaign, folder, provider, ledger, clips, cancel, progress } = self;
        let (provider, kind) =
            provider.ok_or_else(|| Error::Setup("the run has no provider".to_owned()))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        make_folder(&folder).map_err(|error| Error::Setup(error.to_string()))?;
        let (ledger, mut lock) = if let Some(ledger) = ledger {
            let lock = hold_for(&folder, &*ledger)?;
            (ledger, lock)
        } else {
            let options = LedgerOptions {
                campaign: &campaign.name,
                kind,
                holder: "a program that uses the rushes library",
                at: clock.now(),
                threads: Threads::Pool,
                identity: Identity::new(Arc::new(campaign.catalog.clone())),
                post_lasts: post_lasts(campaign.options.limits.submit_timeout),
                work: None,
            };
            open_in(&folder, &LedgerAddress::file(folder.join(LEDGER)), &options)?
        };
        campaign.known_by(&*ledger)?;
        if ledger.budget() != campaign.budget {
            ledger.set_budget(campaign.budget).await?;
        }
        let clips = if let Some(clips) = clips {
            clips
        } else {
            let which = if lock.is_alone() { Sweep::All } else { Sweep::Old };
            Arc::new(FolderStore::open_with(&folder, Threads::Pool, which)?)
        };
        if ledger.fleet().is_some() {
            lock.share();
        }
        let deps = Deps::new(provider, ledger, clips, clock);
        Ok(scheduler::run(campaign.shots, campaign.options, deps, cancel, progress).await?)
    }
}

/// The ledger's name in a campaign folder.
const LEDGER: &str = "ledger.sqlite";

/// What a campaign folder's ledger says, also while a run works on it.
///
/// ```no_run
/// let report = rushes::Report::open("renders/night".as_ref())?;
/// for row in report.rows() {
///     println!("{} {}", row.entry.shot, row.entry.status.state.name());
/// }
/// # Ok::<(), rushes::Error>(())
/// ```
#[derive(Debug)]
pub struct Report {
    rows: Vec<Row>,
    budget: Budget,
    balance: Balance,
}

impl Report {
    /// Reads the ledger in a campaign folder. Blocking.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let snapshot = LedgerAddress::file(folder.join(LEDGER)).snapshot()?;
        let summary = snapshot.summary()?;
        let mut rows = Vec::new();
        snapshot.rows(&mut |row| rows.push(row))?;
        Ok(Self { rows, budget: summary.budget, balance: summary.balance })
    }

    /// A row a revision: the current ones in manifest order, then unfinished older ones.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What the campaign may cost.
    #[must_use]
    pub const fn budget(&self) -> Budget {
        self.budget
    }

    /// What it has cost, and may still cost.
    #[must_use]
    pub const fn balance(&self) -> Balance {
        self.balance
    }
}
