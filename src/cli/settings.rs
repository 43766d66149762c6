//! What was typed, and what it means here: the campaign's folder and ledger, its limits and its
//! budget. A flag beats the manifest, the manifest beats the default.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobMatcher;

use crate::catalog::Catalog;
use crate::clips::BucketUrl;
use crate::domain::state::{OnDoubt, Rules};
use crate::ledger::{
    Entry, Identity, Kind, LedgerAddress, LedgerPlace, Owner, RevisionId, Snapshot, Summary,
    identity,
};
use crate::manifest::{self, Campaign, ChosenRows, Header, Manifest, Mistakes, WrittenBudget};
use crate::plan::{Scope, knowing, vanished};
use crate::policy::budget::Budget;
use crate::policy::limits::Limits;
use crate::provider::{ProxyUrl, apimodels};
use crate::report::model::is_paid_after_all;
use crate::report::text::{plural, safe, safe_path};
use crate::scheduler::RunOptions;
use crate::simulator::{Profile, SimOptions};

use super::again::{RunFlags, quoted};
use super::args;
use super::clips_url;
use super::error::CliError;
use super::last_run;
use super::named_budget::NamedBudget;
use super::only;
use super::terminal::{Terminal, var};
use super::values::{BudgetFlag, Out, ProxyFlag};

/// A campaign and where it lives.
#[derive(Clone, Debug)]
pub struct CampaignPaths {
    /// What the manifest says about everything but its shots.
    pub header: Header,
    /// The campaign folder.
    pub folder: PathBuf,
    /// Where its clips go, unless to its folder.
    pub bucket: Option<BucketUrl>,
    /// Why the manifest's `out` cannot be used.
    pub bad_out: Option<String>,
    /// The ledger.
    pub ledger: LedgerAddress,
    /// Whose tasks it holds.
    pub kind: Kind,
    /// What tells whether a stored revision is what a shot asks for today.
    pub identity: Identity,
    typed: args::Campaign,
    /// Whether the ledger is the manifest's under an earlier name.
    pub is_renamed: bool,
    /// Whether the user said that its gateway has another address now.
    same_gateway: bool,
    /// Where its gateway is, unless at the usual address.
    api_base: Option<String>,
    /// The proxy.
    proxy: Option<ProxyUrl>,
    /// The flags of `run` that a command to go on repeats.
    flags: RunFlags,
}

impl CampaignPaths {
    /// Finds the campaign of a manifest whose header was read.
    pub fn of(header: Header, typed: &args::Campaign) -> Self {
        // A rehearsal lives apart from what it rehearses.
        let rehearses = typed.sim.is_some();
        let written = Some(&header.place).filter(|_| !rehearses);
        let written_out = written.and_then(|place| place.out.clone());
        let (out, bad_out) = match (typed.out.clone(), written_out) {
            (None, Some(written)) => match Out::parse(written.into_os_string()) {
                Ok(out) => (Some(out), None),
                Err(why) => (None, Some(why)),
            },
            (typed, _) => (typed, None),
        };
        let (folder, bucket) = match out {
            Some(Out::Folder(folder)) => (folder, None),
            Some(Out::Bucket(url)) => (usual_folder(&header, typed), Some(url)),
            None => (usual_folder(&header, typed), None),
        };
        let bucket = bucket.or_else(|| clips_url::kept(&folder));
        let usual = || LedgerPlace::File(folder.join("ledger.sqlite"));
        let written_ledger = written.and_then(|place| place.ledger.clone());
        let named = typed.ledger.clone().or(written_ledger.map(|it| it.into_os_string().into()));
        let account = typed.account.as_ref().or(header.place.account.as_ref());
        let place = named.unwrap_or_else(usual).with_password(var("PGPASSWORD"));
        let place = place.with_account(account.map(String::as_str));
        let ledger = LedgerAddress::new(place, &header.campaign, &folder);
        let kind = if typed.sim.is_some() { Kind::Simulator } else { Kind::Gateway };
        let (typed, identity) = (typed.clone(), Identity::default());
        Self {
            header,
            folder,
            bucket,
            bad_out,
            ledger,
            kind,
            identity,
            typed,
            is_renamed: false,
            same_gateway: false,
            api_base: None,
            proxy: None,
            flags: RunFlags::default(),
        }
    }

    /// The same with flags of `run` that a command to go on repeats.
    pub fn with_flags(self, flags: RunFlags) -> Self {
        Self { flags, ..self }
    }

    /// The flags of `run` that a command to go on repeats.
    pub fn flags(&self) -> &RunFlags {
        &self.flags
    }

    /// The same where a command to go on leaves one of these flags out.
    pub fn without_flag(self, name: &str) -> Self {
        Self { flags: self.flags.without(name), ..self }
    }

    /// The same with its gateway's address, so that a command to type does not lead from a trial
    /// gateway to the paid one.
    pub fn with_gateway(self, api_base: &str) -> Self {
        let unusual = self.kind == Kind::Gateway && api_base != apimodels::address();
        Self { api_base: unusual.then(|| api_base.to_owned()), ..self }
    }

    /// The same with the proxy that the gateway is reached through.
    pub fn with_proxy(self, proxy: Option<&ProxyFlag>) -> Self {
        let proxy = proxy.and_then(|flag| flag.0.clone().ok());
        Self { proxy, ..self }
    }

    /// The proxy that everything goes through.
    pub const fn proxy(&self) -> Option<&ProxyUrl> {
        self.proxy.as_ref()
    }

    /// Where its clips go, as it is typed.
    pub fn place(&self) -> PathBuf {
        self.bucket.as_ref().map_or_else(|| self.folder.clone(), |url| url.to_string().into())
    }

    /// The same campaign with another ledger.
    pub fn with_ledger(mut self, ledger: &Path) -> Self {
        let is_usual = ledger == self.folder.join("ledger.sqlite");
        self.typed.ledger = (!is_usual).then(|| LedgerPlace::from(ledger.as_os_str().to_owned()));
        self
    }

    /// The same manifest with another campaign folder and the ledger of that.
    pub fn in_folder(mut self, folder: &Path, ledger: &Path) -> Self {
        self.typed.out = Some(Out::Folder(folder.to_owned()));
        folder.clone_into(&mut self.folder);
        self.with_ledger(ledger)
    }

    /// The same campaign with its clips elsewhere.
    pub fn with_out(mut self, out: Out) -> Self {
        self.typed.out = Some(out);
        self
    }

    /// The same for what buys nothing: a ledger that is named by its folder is opened whatever the
    /// manifest is called by now.
    pub fn by_any_name(self) -> Self {
        let in_named_folder = matches!(self.typed.out, Some(Out::Folder(_)));
        let is_renamed = in_named_folder || self.typed.ledger.is_some();
        Self { is_renamed, ..self }
    }

    /// The same where the user says that its gateway has another address now.
    pub fn with_move(self, same_gateway: bool) -> Self {
        Self { same_gateway, ..self }
    }

    /// Whether the user said so.
    pub const fn is_moved(&self) -> bool {
        self.same_gateway
    }

    /// Finds the campaign by the manifest's header alone, so that a mistake in a shot keeps no
    /// user from their clips.
    pub fn find(typed: &args::Campaign, color: bool) -> Result<Self, Mistakes> {
        let found = if typed.manifest.is_dir() {
            Self::in_place(typed)
        } else {
            Self::of(manifest::header(&typed.manifest, color)?, typed)
        };
        let flags = last_run::kept(&found.folder);
        Ok(found.with_flags(flags))
    }

    /// The campaign of a folder that was named in place of a manifest: by the ledger that the folder
    /// names.
    fn in_place(typed: &args::Campaign) -> Self {
        let folder = &typed.manifest;
        let owner = Owner::of(folder).ok().flatten();
        let ledger = typed.ledger.clone();
        let ledger = ledger.or(owner.map(|owner| owner.place.into_os_string().into()));
        let (out, sim) =
            (typed.out.clone().or(Some(Out::Folder(folder.clone()))), typed.sim.clone());
        let typed = args::Campaign { out, ledger, ..typed.clone() };
        let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
        let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let header = Header { campaign: name, path: folder.clone(), ..Header::default() };
        let found = Self::of(header.clone(), &typed);
        let summary = found.ledger.snapshot().and_then(|reader| reader.summary());
        let Ok(summary) = summary else { return found };
        let rehearses = summary.kind == Kind::Simulator;
        let typed = args::Campaign { sim: sim.or(rehearses.then(SimOptions::default)), ..typed };
        Self::of(Header { campaign: summary.campaign, ..header }, &typed)
    }

    /// Whether it was named by its folder, so that what only the manifest says is not known.
    pub fn is_in_place(&self) -> bool {
        self.header.path == self.typed.manifest && self.typed.manifest.is_dir()
    }

    /// Opens the ledger for reading; `None` before the first run, also when that was killed while
    /// it made the ledger.
    pub fn reader(&self) -> Result<Option<Box<dyn Snapshot>>, CliError> {
        match self.ledger.snapshot() {
            Ok(reader) => Ok(Some(reader)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the ledger for reading.
    pub fn existing(&self) -> Result<Box<dyn Snapshot>, CliError> {
        self.reader()?.ok_or_else(|| {
            let trouble =
                CliError::new(format!("nothing was run yet: there is no ledger {}", self.ledger));
            if self.kind == Kind::Gateway && self.rehearsed() {
                return trouble.help("it was rehearsed on the simulator: add --sim to see that");
            }
            trouble.help(format!("to begin: {}", self.again("run", "")))
        })
    }

    fn rehearsed(&self) -> bool {
        let typed = args::Campaign { sim: Some(SimOptions::default()), ..self.typed.clone() };
        Self::of(self.header.clone(), &typed).ledger.is_known()
    }

    /// The command to type for this campaign: `rushes VERB MANIFEST REST`, with the flags that
    /// say where it lives, and for `run` and `plan` what is done of it and how.
    pub fn again(&self, verb: &str, rest: &str) -> String {
        let typed = &self.typed;
        // A campaign's folder says where its ledger is and whether it was a rehearsal, and holds no manifest.
        let is_in_place = self.is_in_place();
        let is_input = typed.manifest == Path::new("-");
        let needs_manifest = matches!(verb, "run" | "plan" | "check");
        let says_where = (is_in_place || is_input) && !needs_manifest;
        let manifest = match (is_in_place, is_input) {
            (true, _) if needs_manifest => "MANIFEST".to_owned(),
            (_, true) if !needs_manifest => quoted(&self.folder),
            _ => quoted(&typed.manifest),
        };
        // Standard input is written anew each time.
        let before = if is_input && needs_manifest { "… | " } else { "" };
        let is_usual =
            is_in_place && self.ledger.file_path() == Some(&self.folder.join("ledger.sqlite"));
        let flag = |name: &str, value: &Path| format!("{name} {}", quoted(value));
        let asks_gateway = matches!(verb, "run" | "fetch" | "check");
        let api_base = self.api_base.as_ref().filter(|_| asks_gateway);
        let proxy = self.proxy.as_ref().filter(|_| asks_gateway);
        let sim = typed.sim.as_ref().map(|sim| match (sim.profile, sim.seed) {
            (profile, 1..) => format!("--sim={profile}:{}", sim.seed),
            (profile, 0) if profile != Profile::default() => format!("--sim={profile}"),
            _ => "--sim".to_owned(),
        });
        let words = [
            Some(format!("{before}rushes {verb} {manifest}")),
            Some(rest.to_owned()).filter(|rest| !rest.is_empty()),
            Some(self.flags.words(verb, rest).join(" ")).filter(|flags| !flags.is_empty()),
            typed
                .out
                .as_ref()
                .filter(|_| !says_where && !rest.contains("--out "))
                .map(|out| flag("--out", &out.as_path())),
            typed
                .ledger
                .as_ref()
                .filter(|_| !says_where && !is_usual)
                .map(|place| flag("--ledger", Path::new(&place.to_string()))),
            typed
                .account
                .as_ref()
                .filter(|_| !rest.contains("--account "))
                .map(|account| flag("--account", Path::new(account))),
            api_base.map(|url| flag("--api-base", Path::new(url))),
            proxy.map(|url| flag("--proxy", Path::new(&url.to_string()))),
            sim.filter(|_| !says_where),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn usual_folder(header: &Header, typed: &args::Campaign) -> PathBuf {
    let suffix = if typed.sim.is_some() { ".sim" } else { "" };
    let beside = header.path.parent().unwrap_or(Path::new(""));
    beside.join("renders").join(format!("{}{suffix}", header.campaign))
}

/// Makes a folder that only its owner can enter, because it holds prompts and links to results; one
/// that is there is left as it is.
pub fn private_folder(path: &Path) -> Result<(), CliError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| {
        CliError::new(format!("the folder {} cannot be made: {error}", path.display()))
            .help("--out DIR puts the campaign elsewhere")
    })
}

/// A catalog has a few thousand lines at most.
const MAX_CATALOG: u64 = 16 << 20;

/// The catalog to go by.
pub fn catalog(file: Option<&Path>) -> Result<Catalog, CliError> {
    let Some(path) = file else { return Ok(Catalog::builtin()) };
    let shown = safe_path(path);
    let cannot = |error| CliError::new(format!("the catalog {shown} cannot be read: {error}"));
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut text = String::new();
    file.take(MAX_CATALOG + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > MAX_CATALOG {
        let most = MAX_CATALOG >> 20;
        let what = format!("the catalog {shown} is bigger than {most} MB, so it is no catalog");
        return Err(CliError::new(what).help("name the YAML file of models and prices"));
    }
    Catalog::parse(&text).map_err(|error| CliError::new(format!("the catalog {shown}: {error}")))
}

/// The budget that holds, and whether the user wrote it just now.
#[must_use]
pub fn budget(
    flag: Option<BudgetFlag>,
    written: Option<WrittenBudget>,
    kept: Option<Budget>,
) -> (Budget, bool) {
    let kept = kept.unwrap_or_default();
    let strict = written.map_or(kept.strict, |written| written.strict);
    let cap = match (flag, written.and_then(|written| written.cap)) {
        (Some(BudgetFlag(cap)), _) => cap,
        (None, Some(cap)) => Some(cap),
        (None, None) => kept.cap,
    };
    (Budget { cap, strict }, flag.is_some() || written.is_some())
}

/// A manifest read whole, with what goes with it.
#[derive(Debug)]
pub struct LoadedCampaign {
    /// Where the campaign lives.
    pub paths: CampaignPaths,
    /// The shots.
    pub campaign: Campaign,
    /// The ids of the shots that it is about; `None`: of all.
    pub only: Option<GlobMatcher>,
    /// What the ledger says of itself, once there is one.
    pub kept: Option<Summary>,
    /// The budget that holds.
    pub budget: Budget,
    /// The limits that hold.
    pub limits: Limits,
    /// Models and prices.
    pub catalog: Catalog,
    /// Failed revisions that turned out to be paid and are here, if failed ones are to be retried.
    paid: HashSet<RevisionId>,
}

impl LoadedCampaign {
    /// Reads and checks everything that a run needs; changes nothing.
    pub fn read(typed: &args::Campaign, work: &args::Work, color: bool) -> Result<Self, CliError> {
        let catalog = catalog(work.catalog.as_deref())?;
        let flag = work.budget.map(|flag| flag.0.is_some());
        let mut manifest = Manifest::read(&typed.manifest, &catalog);
        let Some(header) = manifest.header().cloned() else {
            return Err(manifest.mistakes(flag, color).into());
        };
        let identity = Identity::new(Arc::new(catalog.clone()));
        let paths = CampaignPaths::of(header, typed).with_flags(RunFlags::of(work));
        let paths = CampaignPaths { identity, ..paths };
        let reader = paths.reader()?;
        let kept = reader.as_ref().map(|reader| reader.summary()).transpose()?;
        let mut paid = HashSet::new();
        if let Some(reader) = reader.as_ref().filter(|_| work.retry_failed) {
            reader.rows(&mut |row| {
                if is_paid_after_all(&row) {
                    paid.insert(row.entry.revision);
                }
            })?;
        }
        if let Some(reader) = reader {
            manifest = knowing(manifest, &typed.manifest, &catalog, &*reader)?;
        }
        let written = paths.header.budget;
        let kept_budget = kept.as_ref().map(|summary| summary.budget);
        let (budget, _) = budget(work.budget, written, kept_budget);
        let inherited = written.is_none_or(|written| written.cap.is_none());
        let capped = flag.or(inherited.then_some(budget.cap.is_some()).filter(|capped| *capped));
        let campaign = manifest.campaign(capped, color)?;
        let only = only::of_manifest(&work.only, &campaign.shots)?;
        let mut limits = paths.header.limits.clone();
        limits.rate = work.rate.unwrap_or(limits.rate);
        limits.in_flight = work.in_flight.unwrap_or(limits.in_flight);
        Ok(Self { paths, campaign, only, kept, budget, limits, catalog, paid })
    }

    /// Says which rows of tables count, and what is odd about the manifest.
    pub fn warn(&self, terminal: &Terminal) {
        for ChosenRows { table, rows, taken } in &self.campaign.chosen_rows {
            let note =
                format!("note: {}: {taken} of {} taken\n", safe(table), plural(*rows, "row"));
            terminal.write(note.as_bytes());
        }
        for warning in &self.campaign.warnings {
            terminal.write(format!("{}\n", warning.rendered.trim_end()).as_bytes());
        }
        if self.campaign.more_warnings > 0 {
            let more = plural(self.campaign.more_warnings, "more warning");
            terminal.write(format!("and {more}\n").as_bytes());
        }
    }

    /// Says which bought shots vanished while others came. `entries` are all that the ledger knows.
    pub fn warn_of_vanished(&self, entries: &[Entry], terminal: &Terminal) {
        if let Some(what) = vanished(&self.campaign.shots, entries) {
            terminal.write(format!("warning: {}\n", safe(&what)).as_bytes());
        }
    }

    /// Every revision that the ledger knows, as today's texts find them; none before the first run.
    pub fn entries(&self) -> Result<Vec<Entry>, CliError> {
        let Some(reader) = self.paths.reader()? else { return Ok(Vec::new()) };
        let mut entries = reader.entries()?;
        let (shots, identity) = (&self.campaign.shots, &self.paths.identity);
        identity::refresh(shots, &mut entries, identity, |of| reader.request(of))?;
        Ok(entries)
    }

    /// What restricts or widens its plan.
    pub fn scope<'a>(&'a self, work: &'a args::Work) -> Scope<'a> {
        let resubmits = match self.rules() {
            Rules { on_doubt: OnDoubt::Resubmit, attempts, .. } => attempts,
            Rules { on_doubt: OnDoubt::Hold, .. } => 0,
        };
        let (only, rerolls) = (self.only.as_ref(), self.limits.rerolls);
        let (paid, resubmitted, retry_failed) = (Some(&self.paid), None, work.retry_failed);
        Scope { only, retry_failed, resubmits, paid, rerolls, resubmitted }
    }

    /// The budget that the user named.
    pub fn named_budget(&self, work: &args::Work) -> NamedBudget {
        let kept = self.kept.as_ref().map(|kept| kept.budget);
        let written = self.paths.header.budget;
        NamedBudget {
            typed: work.budget.map(|_| self.budget),
            written: written.map(|_| budget(None, written, kept).0),
        }
    }

    /// What decides transitions.
    pub fn rules(&self) -> Rules {
        rules(&self.paths.header, &self.limits, self.budget, &self.catalog)
    }
}

/// What decides transitions.
pub fn rules(header: &Header, limits: &Limits, budget: Budget, catalog: &Catalog) -> Rules {
    Rules {
        strict: budget.strict,
        on_doubt: header.on_doubt,
        failed_tasks_charged: catalog.failed_tasks_charged(),
        canceled_tasks_charged: catalog.canceled_tasks_charged(),
        ..RunOptions::new(limits.clone()).rules
    }
}
