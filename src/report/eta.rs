//! Where a campaign stands and how long the rest takes, from its ledger alone: how long its own
//! clips took to render, and how many rendered at once. Pure but for reading the rows.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::money::Usd;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::ledger::{LedgerError, Row, Snapshot, Summary};
use crate::plan::USUAL_RENDER;
use crate::policy::late::late_after;

use super::Counts;
use super::model::name;

/// What counts as lately.
const LATELY: Duration = Duration::from_secs(30 * 60);
/// An answer to a request that takes longer is worth a word.
pub const SLOW_ANSWER: Duration = Duration::from_secs(10);
/// From fewer, or within less, no pace is concluded.
const FEWEST: usize = 3;
const SHORTEST_SECS: u64 = 60;

/// What a glance at a campaign shows.
#[derive(Clone, Debug, Default)]
pub struct Outlook {
    /// Rows by state.
    pub counts: Counts,
    /// Rendering rows that are stalled.
    pub stalled: usize,
    /// Rendering rows whose task the gateway has not begun a minute after it was bought.
    pub waiting: usize,
    /// Rendering rows that take far longer than their like, while younger ones are done.
    pub late: usize,
    /// What a queued shot was answered last, while nothing renders.
    pub refused: Option<String>,
    /// Rendered rows whose download failed.
    pub not_fetched: usize,
    /// Rows of older or removed revisions.
    pub others: usize,
    /// The task that renders longest.
    pub oldest: Option<Oldest>,
    /// The request that waits longest for its answer.
    pub unanswered: Option<Oldest>,
    /// Deliveries an hour, lately.
    pub delivered_an_hour: Option<u64>,
    /// Submissions an hour, lately.
    pub submitted_an_hour: Option<u64>,
    /// Queued shots that do not fit under what is left of the cap.
    pub held_by_cap: usize,
    /// How long the rest takes, if there is any that goes on by itself.
    pub left: Option<Eta>,
    /// Each model with its counts and how long its clips took, by its name.
    pub models: BTreeMap<String, Model>,
}

/// A shot that is in flight longest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// Its shot.
    pub shot: String,
    /// Its model.
    pub model: String,
    /// Since when it renders, or when its request left.
    pub since: Timestamp,
    /// Whether nothing more is expected of it.
    pub is_stalled: bool,
}

/// A model's part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Its rows by state.
    pub counts: Counts,
    /// How long half of its clips took to render at most.
    pub median: Option<Duration>,
}

/// How long the rest takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eta {
    /// About so long.
    pub span: Duration,
    /// What that is concluded from.
    pub basis: EtaBasis,
}

/// What an estimate is concluded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EtaBasis {
    /// How long the same took before in this campaign.
    Known,
    /// A guess: so many render for longer than the same did before, and the rest waits for them.
    Overdue(usize),
    /// A guess: a request waits for its answer for so long.
    Unanswered(Duration),
    /// A guess: nothing of this kind was rendered yet.
    Unknown(Kind),
}

/// Shots that should take equally long.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    /// The model.
    pub model: String,
    /// The mode as the request says it, or nothing.
    pub mode: String,
    /// The duration as the request says it, or nothing.
    pub duration: String,
}

/// What of a request decides how long it takes.
#[derive(Default, Deserialize)]
struct Parameters {
    mode: Option<Value>,
    duration: Option<Value>,
}

impl Kind {
    fn of(row: &Row) -> Self {
        let Parameters { mode, duration } = serde_json::from_str(&row.request).unwrap_or_default();
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
            None => String::new(),
        };
        Self { model: row.model.clone(), mode: text(mode), duration: text(duration) }
    }
}

/// A shot that is still to be rendered.
struct Open {
    kind: Kind,
    /// Since when it renders.
    since: Option<Timestamp>,
    /// When its request left, while that is not answered.
    sent: Option<Timestamp>,
}

/// What the rows are gathered into.
#[derive(Default)]
struct Gathered {
    outlook: Outlook,
    took: HashMap<Kind, Vec<Duration>>,
    /// When the youngest of a kind that was rendered was bought.
    youngest: HashMap<Kind, Timestamp>,
    /// From when to when something rendered.
    rendered: Vec<(Timestamp, Timestamp)>,
    open: Vec<Open>,
    delivered: Vec<Timestamp>,
    submitted: Vec<Timestamp>,
    /// What is left of the cap for what is queued.
    left: Option<Usd>,
}

impl Outlook {
    /// Reads every row once.
    pub fn of(
        source: &dyn Snapshot,
        summary: &Summary,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let left = summary.budget.left(&summary.balance);
        let mut gathered = Gathered { left, ..Gathered::default() };
        source.rows(&mut |row| gathered.add(&row, now))?;
        Ok(gathered.conclude(now))
    }
}

impl Gathered {
    fn add(&mut self, row: &Row, now: Timestamp) {
        let (outlook, state) = (&mut self.outlook, &row.entry.status.state);
        outlook.counts.add(state);
        outlook.models.entry(row.model.clone()).or_default().counts.add(state);
        outlook.others += usize::from(!row.entry.current);
        let is_late = |at: &Timestamp| now.since(*at) < LATELY && *at <= now;
        self.submitted.extend(row.submitted_at.filter(is_late));
        match state {
            State::Queued { why } => {
                if outlook.refused.is_none() {
                    outlook.refused = why.as_deref().map(str::to_owned);
                }
                self.queued(row);
            }
            State::Submitting { .. } => self.sent(row),
            State::Rendering { since, stalled, .. } => {
                let is_stalled = stalled.is_some();
                outlook.stalled += usize::from(is_stalled);
                outlook.waiting += usize::from(row.entry.status.is_waiting && !is_stalled);
                if outlook.oldest.as_ref().is_none_or(|oldest| *since < oldest.since) {
                    let (shot, model, since) = (name(&row.entry), row.model.clone(), *since);
                    outlook.oldest = Some(Oldest { shot, model, since, is_stalled });
                }
                if !is_stalled {
                    self.open.push(Open { kind: Kind::of(row), since: Some(*since), sent: None });
                    self.rendered.push((*since, now.max(*since)));
                }
            }
            State::Rendered { why, completed_at, .. } => {
                outlook.not_fetched += usize::from(why.is_some());
                self.took(row, Some(*completed_at));
            }
            State::Delivered { .. } => {
                self.delivered.extend(row.delivered_at.filter(is_late));
                self.took(row, row.completed_at);
            }
            State::Failed { .. } | State::InDoubt { .. } => {}
        }
    }

    /// Those that the cap holds back take no time.
    fn queued(&mut self, row: &Row) {
        match (self.left, row.price) {
            (Some(left), Some(price)) if price > left => self.outlook.held_by_cap += 1,
            (left, price) => {
                self.left = left.map(|left| left.less(price.unwrap_or_default()));
                self.open.push(Open { kind: Kind::of(row), since: None, sent: None });
            }
        }
    }

    /// Its request is on the wire.
    fn sent(&mut self, row: &Row) {
        let sent = row.submitted_at;
        self.open.push(Open { kind: Kind::of(row), since: None, sent });
        let Some(since) = sent else { return };
        if self.outlook.unanswered.as_ref().is_none_or(|oldest| since < oldest.since) {
            let (shot, model) = (name(&row.entry), row.model.clone());
            self.outlook.unanswered = Some(Oldest { shot, model, since, is_stalled: false });
        }
    }

    fn took(&mut self, row: &Row, completed_at: Option<Timestamp>) {
        let Some((from, to)) = row.submitted_at.zip(completed_at) else { return };
        if to > from {
            let kind = Kind::of(row);
            let youngest = self.youngest.entry(kind.clone()).or_insert(from);
            *youngest = from.max(*youngest);
            self.took.entry(kind).or_default().push(to.since(from));
            self.rendered.push((from, to));
        }
    }

    /// How many render for far longer than their like, while younger ones are done.
    fn late(&self, now: Timestamp) -> usize {
        let limits: HashMap<&Kind, Duration> =
            self.took.iter().filter_map(|(kind, took)| Some((kind, late_after(took)?))).collect();
        let is_late = |open: &&Open| {
            let (Some(since), Some(limit)) = (open.since, limits.get(&open.kind)) else {
                return false;
            };
            now.since(since) > *limit && self.youngest.get(&open.kind) > Some(&since)
        };
        self.open.iter().filter(is_late).count()
    }

    fn conclude(self, now: Timestamp) -> Outlook {
        let late = self.late(now);
        let Self { mut outlook, took, rendered, open, delivered, submitted, .. } = self;
        outlook.late = late;
        let is_busy = outlook.counts.rendering > outlook.stalled || outlook.counts.submitting > 0;
        outlook.refused = outlook.refused.filter(|_| !is_busy);
        let mut by_model: HashMap<String, Vec<Duration>> = HashMap::new();
        let mut all = Vec::new();
        for (kind, spans) in &took {
            by_model.entry(kind.model.clone()).or_default().extend(spans);
            all.extend(spans);
        }
        for (name, model) in &mut outlook.models {
            model.median = by_model.get(name).and_then(|spans| median(spans.clone()));
        }
        outlook.delivered_an_hour = an_hour(&delivered, now);
        outlook.submitted_an_hour = an_hour(&submitted, now);
        let known: HashMap<&Kind, Duration> =
            took.iter().filter_map(|(kind, spans)| Some((kind, median(spans.clone())?))).collect();
        let any = median(all).unwrap_or(USUAL_RENDER);
        let expected = |kind: &Kind| {
            let of_model = || outlook.models.get(&kind.model).and_then(|model| model.median);
            known.get(kind).copied().or_else(of_model).unwrap_or(any)
        };
        let in_flight = open.iter().filter(|open| open.since.is_some()).count();
        let places = at_once(&rendered, now).max(in_flight).max(1);
        let rests: Vec<_> = open.iter().map(|open| rest(open, expected(&open.kind), now)).collect();
        let longest = rests.iter().max().copied();
        let sum: Duration =
            rests.iter().fold(Duration::ZERO, |sum, rest| sum.saturating_add(*rest));
        let shared = sum / u32::try_from(places).unwrap_or(u32::MAX);
        let is_overdue =
            |open: &Open| open.since.is_some_and(|since| now.since(since) >= expected(&open.kind));
        let is_last = |(open, rest): (&Open, &Duration)| Some(*rest) == longest && is_overdue(open);
        let silence = open.iter().filter_map(|open| silence(open, now)).max();
        let unknown = open.iter().map(|open| &open.kind).find(|kind| !known.contains_key(kind));
        let basis = if let Some(kind) = unknown {
            EtaBasis::Unknown(kind.clone())
        } else if let Some(silence) = silence {
            EtaBasis::Unanswered(silence)
        } else if open.iter().zip(&rests).any(is_last) {
            EtaBasis::Overdue(open.iter().filter(|open| is_overdue(open)).count())
        } else {
            EtaBasis::Known
        };
        outlook.left = longest.map(|longest| Eta { span: shared.max(longest), basis });
        outlook
    }
}

/// For how long a request waits for its answer, where that is longer than usual.
fn silence(open: &Open, now: Timestamp) -> Option<Duration> {
    open.sent.map(|sent| now.since(sent)).filter(|age| *age >= SLOW_ANSWER)
}

/// How long a shot still takes. One that takes longer than was to be expected takes half as long
/// again as it took so far: there is no better estimate.
fn rest(open: &Open, expected: Duration, now: Timestamp) -> Duration {
    let Some(since) = open.since else {
        return expected.saturating_add(silence(open, now).unwrap_or_default() / 2);
    };
    let age = now.since(since);
    expected.checked_sub(age).filter(|rest| !rest.is_zero()).unwrap_or(age / 2)
}

/// How many rendered at once, on the average of the last half hour in which anything did.
fn at_once(rendered: &[(Timestamp, Timestamp)], now: Timestamp) -> usize {
    let Some(end) = rendered.iter().map(|(_, to)| (*to).min(now)).max() else { return 0 };
    let overlap = |from: Timestamp, to: Timestamp| {
        let outside = end.since(from).saturating_sub(LATELY);
        to.min(end).since(from).saturating_sub(outside)
    };
    let busy: u128 = rendered.iter().map(|(from, to)| overlap(*from, *to).as_millis()).sum();
    let first =
        rendered.iter().filter(|(_, to)| end.since(*to) < LATELY).map(|(from, _)| *from).min();
    let window = first.map_or(0, |first| end.since(first).min(LATELY).as_millis());
    let average = (busy + window / 2).checked_div(window).unwrap_or(0);
    usize::try_from(average).unwrap_or(usize::MAX)
}

/// So many an hour at the pace since the first of these; `None` when that says nothing.
fn an_hour(moments: &[Timestamp], now: Timestamp) -> Option<u64> {
    let passed = now.since(*moments.iter().min()?).as_secs();
    let count = u64::try_from(moments.len()).ok()?;
    (moments.len() >= FEWEST && passed >= SHORTEST_SECS).then(|| (count * 3600).div_ceil(passed))
}

/// Half of them are no longer; of an even number the shorter middle one.
fn median(mut spans: Vec<Duration>) -> Option<Duration> {
    let middle = spans.len().checked_sub(1)? / 2;
    Some(*spans.select_nth_unstable(middle).1)
}
