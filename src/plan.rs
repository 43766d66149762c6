//! The shots against the ledger: what a run would do with each, and what it would still spend.
//! Prints nothing; pure, but that [`knowing()`] reads a manifest again.

mod changes;
mod difference;
mod earlier;
mod knowing;
mod vanished;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use globset::GlobMatcher;
use serde_json::{Map, Value};

use crate::domain::money::Usd;
use crate::domain::shot::{Request, Shot};
use crate::domain::state::{Failure, State};
use crate::ledger::identity::{MAY_HAVE_COST, progress};
use crate::ledger::{Entry, RevisionId};
use crate::policy::budget::{Balance, Budget};
use crate::policy::limits::Limits;
use crate::provider::apimodels;

pub use changes::{ParamChange, changes};
pub use difference::{Piece, difference};
pub use knowing::knowing;
pub use vanished::vanished;

/// What a run would do with a shot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Buy it.
    Render,
    /// Poll it to its end; it is bought.
    GoOn,
    /// Fetch its clips; it is rendered and paid.
    Download,
    /// Nothing: its clips are here.
    Done,
    /// Buy it although it failed (`--retry-failed`).
    Retry,
    /// Nothing until the user decides: it may have been bought.
    InDoubt,
    /// Nothing: it failed.
    Failed,
}

impl Action {
    /// Its word in JSON and on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::GoOn => "go on",
            Self::Download => "download",
            Self::Done => "done",
            Self::Retry => "retry",
            Self::InDoubt => "in doubt",
            Self::Failed => "failed",
        }
    }

    /// Whether it costs money that is neither spent nor reserved yet.
    #[must_use]
    pub const fn buys(self) -> bool {
        matches!(self, Self::Render | Self::Retry)
    }
}

/// Why a run would buy a shot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Because {
    /// Nothing was bought or tried for it.
    New,
    /// It asks for something else than what was bought or tried for it.
    Changed,
    /// It failed.
    Retry,
    /// It may have been bought, and is bought again all the same.
    Resubmit,
}

impl Because {
    /// Its word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Retry => "retry",
            Self::Resubmit => "resubmit",
        }
    }
}

/// One shot's line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The shot.
    pub shot: &'a Shot,
    /// What a run would do with it.
    pub action: Action,
    /// Why it would be bought; `None` where it would not.
    pub because: Option<Because>,
    /// What there is already: the furthest revision with another text of this shot, or a shot with
    /// the same request whose id left the manifest.
    pub before: Option<&'a Entry>,
    /// What it would cost, or what it cost; `None`: unknown.
    pub price: Option<Usd>,
    /// Whether it is bought again although it failed for what it asks for, so that it will most
    /// likely fail again.
    pub is_hopeless: bool,
}

impl<'a> Line<'a> {
    /// The revision that the shot would be bought in place of: an earlier text of it.
    #[must_use]
    pub fn replaces(&self) -> Option<&'a Entry> {
        self.before.filter(|entry| entry.shot == self.shot.id)
    }

    /// What asked for the same under an id that left the manifest.
    #[must_use]
    pub fn was(&self) -> Option<&'a Entry> {
        self.before.filter(|entry| entry.shot != self.shot.id)
    }

    /// Whether money was spent or is reserved for what there is already.
    #[must_use]
    pub fn is_bought_anew(&self) -> bool {
        self.before.is_some_and(|entry| progress(&entry.status.state) >= MAY_HAVE_COST)
    }
}

/// Shots that would be bought although a clip of them, or of the same request, was bought before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anew {
    /// How many.
    pub shots: usize,
    /// The known prices' sum.
    pub total: Usd,
    /// How many have an unknown price.
    pub unknown: usize,
    /// What is true of the clips there are: `delivered`, `bought`, or `perhaps bought`.
    pub state: &'static str,
}

/// A model's share of what a run would buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelTotal {
    /// The model's API name.
    pub model: String,
    /// Shots to buy.
    pub shots: usize,
    /// Those of them whose price is unknown.
    pub unknown: usize,
    /// The known prices' sum.
    pub total: Usd,
}

/// Purchases that no shot of the manifest stands for any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// How many are rendering, not fetched or in doubt.
    pub shots: usize,
    /// Their known prices' sum; already spent or reserved.
    pub total: Usd,
    /// Those of them that a run would poll or fetch: all but the ones in doubt.
    pub in_flight: usize,
}

/// What a run would do.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// A line for each shot, in manifest order.
    pub lines: Vec<Line<'a>>,
    /// The known prices of what would be bought.
    pub total: Usd,
    /// How many of what would be bought have an unknown price.
    pub unknown: usize,
    /// The same by model, in order of appearance.
    pub by_model: Vec<ModelTotal>,
    /// Older or removed revisions that are still open.
    pub others: Others,
}

/// What restricts or widens a plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// `--only`.
    pub only: Option<&'a GlobMatcher>,
    /// `--retry-failed`.
    pub retry_failed: bool,
    /// `on_doubt: resubmit`: a shot in doubt is bought again until it was so often; 0 holds it.
    pub resubmits: u32,
    /// Revisions of which it was not known whether they were charged, and that turned out to be paid
    /// and are here: these are not retried.
    pub paid: Option<&'a HashSet<RevisionId>>,
    /// `limits.rerolls`: a task that failed by bad luck is bought again until it was so often.
    pub rerolls: u32,
    /// Revisions of which an earlier request without a task has its price reserved: the user had
    /// them sent again.
    pub resubmitted: Option<&'a HashSet<RevisionId>>,
}

/// How long a clip takes when nothing better is known: the gateway's usual two and a half minutes.
pub const USUAL_RENDER: Duration = Duration::from_secs(150);

/// Lays the shots beside the ledger's entries (all revisions it knows; none before the first run).
#[must_use]
pub fn plan<'a>(shots: &'a [Shot], entries: &'a [Entry], scope: Scope<'_>) -> Plan<'a> {
    let mut known: HashMap<_, &Entry> =
        entries.iter().map(|entry| ((entry.shot.as_str(), entry.fingerprint), entry)).collect();
    let mut plan = Plan {
        lines: Vec::with_capacity(shots.len()),
        total: Usd::ZERO,
        unknown: 0,
        by_model: Vec::new(),
        others: Others::default(),
    };
    for shot in shots {
        let entry = known.remove(&(shot.id.as_str(), shot.fingerprint));
        if scope.only.is_some_and(|only| !only.is_match(shot.id.as_str())) {
            continue;
        }
        let action = entry.map_or(Action::Render, |entry| action(entry, scope));
        let price = match entry {
            Some(entry) if !action.buys() => entry.price,
            _ => shot.price,
        };
        let is_hopeless =
            action == Action::Retry && entry.is_some_and(|entry| fails_again(&entry.status.state));
        let because = action.buys().then(|| because(action, entry, scope));
        let line = Line { shot, action, because, before: None, price, is_hopeless };
        if action.buys() {
            plan.add(&line);
        }
        plan.lines.push(line);
    }
    for entry in known.values().filter(|entry| entry.status.state.is_unfinished_purchase()) {
        plan.others.shots += 1;
        plan.others.total += entry.price.unwrap_or(Usd::ZERO);
        let in_flight =
            matches!(entry.status.state, State::Rendering { .. } | State::Rendered { .. });
        plan.others.in_flight += usize::from(in_flight);
    }
    earlier::find(&mut plan.lines, shots, entries, &known);
    plan
}

/// Why a shot would be bought, by its own revision alone.
fn because(action: Action, entry: Option<&Entry>, scope: Scope<'_>) -> Because {
    let Some(entry) = entry else { return Because::New };
    let was_sent_again = scope.resubmitted.is_some_and(|all| all.contains(&entry.revision));
    match &entry.status.state {
        _ if action == Action::Retry || entry.status.rerolls > 0 => Because::Retry,
        State::Queued { .. } if !was_sent_again => Because::New,
        _ => Because::Resubmit,
    }
}

fn action(entry: &Entry, scope: Scope<'_>) -> Action {
    let status = &entry.status;
    let is_paid = || scope.paid.is_some_and(|paid| paid.contains(&entry.revision));
    match &status.state {
        State::Queued { .. } => Action::Render,
        State::Submitting { .. } | State::InDoubt { .. }
            if status.may_be_sent_again(scope.resubmits) =>
        {
            Action::Render
        }
        State::Submitting { .. } | State::InDoubt { .. } => Action::InDoubt,
        State::Rendering { .. } => Action::GoOn,
        State::Rendered { .. } => Action::Download,
        State::Delivered { .. } => Action::Done,
        State::Failed { failure, .. } => {
            let by_luck = *failure == Failure::Unlucky && status.rerolls < scope.rerolls;
            if by_luck || scope.retry_failed && *failure != Failure::Abandoned && !is_paid() {
                Action::Retry
            } else {
                Action::Failed
            }
        }
    }
}

/// Whether a failure comes again for the same request: it was rejected, or the provider's table says so.
fn fails_again(state: &State) -> bool {
    match state {
        State::Failed { failure: Failure::Rejected, .. } => true,
        State::Failed { failure: Failure::NotRendered, why, .. } => apimodels::is_lasting(why),
        _ => false,
    }
}

impl Plan<'_> {
    fn add(&mut self, line: &Line<'_>) {
        let model = &line.shot.model;
        let place = self.by_model.iter().position(|total| *total.model == **model);
        let place = place.unwrap_or_else(|| {
            let model = model.to_string();
            self.by_model.push(ModelTotal { model, shots: 0, unknown: 0, total: Usd::ZERO });
            self.by_model.len() - 1
        });
        let share = &mut self.by_model[place];
        share.shots += 1;
        if let Some(price) = line.price {
            share.total += price;
            self.total += price;
        } else {
            share.unknown += 1;
            self.unknown += 1;
        }
    }

    /// How many lines have this action.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.lines.iter().filter(|line| line.action == action).count()
    }

    /// How many would be bought for this reason.
    #[must_use]
    pub fn count_because(&self, because: Because) -> usize {
        self.lines.iter().filter(|line| line.because == Some(because)).count()
    }

    /// The shots that would be bought again because they ask for something else now.
    #[must_use]
    pub fn changed(&self) -> Anew {
        anew(self.lines.iter().filter(|line| line.replaces().is_some()))
    }

    /// The shots that would be bought again because they have another id now.
    #[must_use]
    pub fn renamed(&self) -> Anew {
        anew(self.lines.iter().filter(|line| line.was().is_some()))
    }

    /// How many shots a run would buy.
    #[must_use]
    pub fn to_buy(&self) -> usize {
        self.lines.iter().filter(|line| line.action.buys()).count()
    }

    /// How many of them fit under what is left of the cap, in the order a run takes them: by
    /// priority, then as the manifest has them; what does not fit is passed over.
    #[must_use]
    pub fn fitting(&self, budget: &Budget, balance: &Balance) -> usize {
        self.fit(budget, balance).0
    }

    /// How many fit, and their known prices' sum.
    #[must_use]
    pub fn fit(&self, budget: &Budget, balance: &Balance) -> (usize, Usd) {
        let mut total = Usd::ZERO;
        let mut buys: Vec<_> = self.lines.iter().filter(|line| line.action.buys()).collect();
        buys.sort_by_key(|line| std::cmp::Reverse(line.shot.priority));
        let mut balance = *balance;
        let fits = |line: &&&Line<'_>| {
            let fits = budget.allows(&balance, line.price);
            if fits {
                balance.reserved += line.price.unwrap_or(Usd::ZERO);
                total += line.price.unwrap_or(Usd::ZERO);
            }
            fits
        };
        let count = buys.iter().filter(fits).count();
        (count, total)
    }

    /// About how long a run would take, if every clip took `render`: the slower of what the rate
    /// and what the places in flight allow.
    #[must_use]
    pub fn time(&self, limits: &Limits, render: Duration) -> Duration {
        let buys = u32::try_from(self.to_buy()).unwrap_or(u32::MAX);
        let waits = u32::try_from(self.count(Action::GoOn)).unwrap_or(u32::MAX);
        let tasks = buys.saturating_add(waits);
        if tasks == 0 {
            return Duration::ZERO;
        }
        let posts = limits.rate.window.length().saturating_mul(buys) / limits.rate.count.max(1);
        let rounds = tasks.div_ceil(limits.in_flight.max(1));
        posts.saturating_add(render).max(render.saturating_mul(rounds))
    }
}

/// Counts what would be bought beside something that was bought before.
fn anew<'a>(lines: impl Iterator<Item = &'a Line<'a>>) -> Anew {
    let mut anew = Anew { shots: 0, total: Usd::ZERO, unknown: 0, state: "delivered" };
    let mut least = u8::MAX;
    for line in lines.filter(|line| line.is_bought_anew()) {
        anew.shots += 1;
        anew.total += line.price.unwrap_or(Usd::ZERO);
        anew.unknown += usize::from(line.price.is_none());
        least = least.min(line.before.map_or(0, |entry| progress(&entry.status.state)));
    }
    anew.state = match least {
        5.. => "delivered",
        3.. => "bought",
        _ => "perhaps bought",
    };
    anew
}

/// A request as people may see it: its JSON with local files' paths, as the manifest wrote them,
/// in the place of their bytes.
#[must_use]
pub fn shown(request: &Request) -> Value {
    Value::Object(shown_params(request))
}

/// The same, parameter by parameter.
#[must_use]
pub fn shown_params(request: &Request) -> Map<String, Value> {
    let mut json: Map<String, Value> = serde_json::from_str(&request.json).unwrap_or_default();
    for file in &request.files {
        json.insert(file.param.to_string(), Value::from(&*file.written));
    }
    json
}
