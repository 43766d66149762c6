//! The stand-in gateway itself: sells tasks, says how they are doing, hands out clips. Synchronous
//! and without a clock; what goes wrong follows from the seed and the call's own bytes. Promises
//! that a purchase is in the journal before it is answered, and that nothing is sold that costs
//! more than the account has left.

use std::collections::HashMap;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::catalog::{Catalog, hex};
use crate::domain::time::Timestamp;
use crate::provider::apimodels::result_lifetime;

use super::accounts::{Account, Accounts, Entry, Opened};
use super::answers;
use super::callback::{self, Call, Form};
use super::faults::{self, Fault};
use super::journal::{Journal, SimError};
use super::profile::{Profile, SimOptions};
use super::purchase::{Fate, NOMINAL_PRICE, Purchase, TaskState, Told};
use super::reply::{Answered, Clip, ClipReply, Reply};
use super::request::Order;
use super::rng::SimRng;
use super::sample_clips;

/// Where clips lie when no server says otherwise: a name that can never resolve.
pub const NO_HOST: &str = "http://simulator.invalid";

/// A simulated gateway and account.
pub struct SimState {
    options: SimOptions,
    catalog: Catalog,
    account: Account,
    journal: Option<Journal>,
    /// How often a task was polled and a clip downloaded, by its id or path; in this process only.
    visits: HashMap<String, u32>,
    /// Calls about what was sold that no caller has taken yet.
    calls: Vec<Call>,
    base: String,
    /// Whether requests come over a socket, where one that arrives cannot be "not sent".
    is_served: bool,
}

impl SimState {
    /// Starts a simulator, or goes on with the one whose journal lies in `options.dir`. Tasks keep
    /// the fate they were sold with; the purse is what `options` says, less what was charged.
    ///
    /// # Errors
    /// When the journal cannot be read or written, or is damaged.
    pub fn open(options: SimOptions, catalog: Catalog) -> Result<Self, SimError> {
        let mut account = Account::default();
        let mut journal = match &options.dir {
            Some(dir) => Some(Journal::open(dir, &mut account)?),
            None => None,
        };
        let opened = Opened::from(&options);
        if *account.opened() != opened {
            let entry = Entry::Opened(opened);
            if let (Some(journal), Some(dir)) = (&mut journal, &options.dir) {
                journal
                    .write(&entry)
                    .map_err(|source| SimError::Disk { path: dir.join(super::JOURNAL), source })?;
            }
            account.take(entry);
        }
        let base = NO_HOST.to_owned();
        let (visits, calls, is_served) = (HashMap::new(), Vec::new(), false);
        Ok(Self { options, catalog, account, journal, visits, calls, base, is_served })
    }

    /// The simulator whose journal lies in `options.dir`, or a new one, to be looked at: nothing is
    /// written, and what it sells is forgotten.
    ///
    /// # Errors
    /// When the journal cannot be read, or is damaged.
    pub fn look(options: SimOptions, catalog: Catalog) -> Result<Self, SimError> {
        let mut account = match &options.dir {
            Some(dir) => super::journal::read(dir)?,
            None => Account::default(),
        };
        account.take(Entry::Opened(Opened::from(&options)));
        let state = Self::open(SimOptions { dir: None, ..options }, catalog)?;
        Ok(Self { account, ..state })
    }

    /// From now on requests come over a socket, at this address: scheme, host and port.
    pub fn serve_at(&mut self, base: String) {
        self.base = base;
        self.is_served = true;
    }

    /// How it was set up.
    #[must_use]
    pub fn options(&self) -> &SimOptions {
        &self.options
    }

    /// A copy of the accounts, settled for `now`.
    pub fn books(&mut self, now: Timestamp) -> Accounts {
        self.account.books(now)
    }

    /// A POST.
    pub fn submit(&mut self, body: &[u8], now: Timestamp) -> Reply {
        self.account.settle(now);
        let (callback, meant) = callback::apart(body);
        let request = hex(&Sha256::digest(&meant));
        let nth = self.account.counts(&request).posts;
        let mut rng = SimRng::new(self.options.seed, "answer", request.as_bytes(), nth);
        let hidden = self.hides_errors(&mut rng);
        let SimOptions { profile, seed, .. } = self.options;
        let fault = faults::post(profile, seed, request.as_bytes(), nth);
        let (reply, told) = match fault {
            Some(Fault::ServerError) => refused(Answered::server_error(&mut rng, hidden, now)),
            Some(Fault::Proxy) => refused(Answered::proxy(&mut rng)),
            Some(Fault::Throttled) => refused(Answered::throttled(&mut rng, hidden, now)),
            Some(Fault::NotSent) if !self.is_served => {
                (Reply::NotSent("connection refused (simulated)".to_owned()), Told::NoConnection)
            }
            Some(Fault::Busy) => (Reply::Answered(answers::busy()), Told::Refusal(429)),
            Some(Fault::Cut | Fault::NotSent) => (Reply::Cut, Told::Nothing),
            Some(Fault::Hang) => (Reply::Hang, Told::Nothing),
            _ if faults::is_blocked(profile, seed, request.as_bytes()) => {
                refused(answers::firewall())
            }
            _ => match self.order(body) {
                Ok(order) => {
                    let reply = self.sell(order, request, fault, rng, now);
                    self.promise_call(callback);
                    return reply;
                }
                Err((402, _)) if profile == Profile::Field => refused(answers::broke()),
                Err((status, why)) => refused(Answered::refusal(status, &why, hidden)),
            },
        };
        self.note(Entry::Unsold { request, told }, reply)
    }

    /// An order that can be sold; otherwise the status and message of the refusal.
    fn order(&self, body: &[u8]) -> Result<Order, (u16, String)> {
        let order = Order::read(&self.catalog, body).map_err(|why| (400, why))?;
        let price = order.price.unwrap_or(NOMINAL_PRICE);
        if price > self.account.available() {
            let left = self.account.available();
            return Err((402, format!("Insufficient credits: {price} needed, {left} left")));
        }
        Ok(order)
    }

    fn sell(
        &mut self,
        order: Order,
        request: String,
        fault: Option<Fault>,
        mut rng: SimRng,
        now: Timestamp,
    ) -> Reply {
        let bought = self.account.counts(&request).bought;
        let throw = |about| SimRng::new(self.options.seed, about, request.as_bytes(), bought);
        let failed = self.catalog.failed_tasks_charged();
        let canceled = self.catalog.canceled_tasks_charged().unwrap_or(failed);
        let mut purchase = Purchase {
            task_id: self.new_id(throw("task")),
            nth: bought.saturating_add(1),
            prompt: order.prompt,
            model: order.model,
            price: order.price.unwrap_or(NOMINAL_PRICE),
            priced: order.price.is_some(),
            at: now.as_millis(),
            fate: Fate::draw(&self.options, throw("fate"), now, [failed, canceled]),
            told: Told::Task,
            film: order.film,
            clips: order.clips,
            request,
        };
        let odd = fault == Some(Fault::Odd);
        let answer = answers::accepted(&purchase, odd, &mut rng);
        let (reply, told) = match fault {
            Some(Fault::CutAfter) => (Reply::Cut, Told::Nothing),
            Some(Fault::HangAfter) => (Reply::Hang, Told::Nothing),
            Some(Fault::Torn) => (answer.torn(&mut rng), Told::Nonsense),
            Some(Fault::Garbled) => (Reply::Answered(answers::garbled(&mut rng)), Told::Nonsense),
            Some(Fault::Redirected) => {
                (Reply::Answered(answers::redirected(&purchase)), Told::Task)
            }
            Some(Fault::Nested) => {
                (Reply::Answered(answers::nested(&purchase, &mut rng)), Told::Task)
            }
            Some(Fault::Lie) => refused(if rng.comes_up(5_000) {
                Answered::proxy(&mut rng)
            } else {
                Answered::server_error(&mut rng, false, now)
            }),
            _ => (Reply::Answered(answer), Told::Task),
        };
        purchase.told = told;
        self.note(Entry::Bought(purchase), reply)
    }

    /// Promises a call about the last purchase.
    fn promise_call(&mut self, callback: Option<String>) {
        let Some((callback, purchase)) = callback.zip(self.account.last()) else { return };
        let SimOptions { profile, seed, .. } = self.options;
        let rng = SimRng::new(seed, "call", purchase.task_id.as_bytes(), 0);
        self.calls.extend(Call::about(purchase, &callback, profile, rng));
    }

    /// The calls that are to be made about what was sold since this was last asked.
    pub fn take_calls(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.calls)
    }

    /// What a call says of a task.
    pub fn told(&mut self, call: &Call, now: Timestamp) -> Option<bytes::Bytes> {
        let now = self.account.settle(now);
        let purchase = self.account.task(&call.task)?;
        let answer = if call.form == Form::Nonsense {
            answers::garbled(&mut SimRng::new(0, "told", call.task.as_bytes(), 0))
        } else {
            let state = purchase.state(now).name();
            answers::task(purchase, state, &self.base, call.form == Form::Odd)
        };
        Some(answer.body)
    }

    /// A question for what a task really cost.
    pub fn record(&mut self, task: &str, now: Timestamp) -> Answered {
        let now = self.account.settle(now);
        match self.account.task(task) {
            None => Answered::refusal(404, "Task not found", false),
            Some(purchase) => {
                let ended = matches!(purchase.state(now), TaskState::Completed | TaskState::Failed);
                answers::record(purchase, ended)
            }
        }
    }

    /// A question for what the account can still spend.
    pub fn balance(&mut self, now: Timestamp) -> Answered {
        self.account.settle(now);
        let (total, available) = (self.account.opened().purse, self.account.available());
        answers::balance(total, available, self.account.held())
    }

    /// A question for the models on sale.
    #[must_use]
    pub fn models(&self) -> Answered {
        answers::models(&self.catalog.models())
    }

    /// Writes down what happened, then hands over the reply. What cannot be written down does not
    /// happen.
    fn note(&mut self, entry: Entry, reply: Reply) -> Reply {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.write(&entry)
        {
            return Reply::NotSent(format!("the simulator cannot write its journal: {error}"));
        }
        self.account.take(entry);
        reply
    }

    fn new_id(&self, mut rng: SimRng) -> String {
        // Ids that hold a signature are long.
        let is_signed = self.options.profile == Profile::Field && rng.comes_up(500);
        let length = if is_signed { 600 } else { 23 };
        loop {
            let digit = |_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[rng.index(36)]);
            let id: String = "cl".chars().chain((0..length).map(digit)).collect();
            if self.account.task(&id).is_none() {
                return id;
            }
        }
    }

    /// Whether an error comes as a 200 with a `code`.
    fn hides_errors(&self, rng: &mut SimRng) -> bool {
        let plain = matches!(self.options.profile, Profile::Calm | Profile::Broke);
        rng.comes_up(3_000) && !plain
    }

    /// A poll.
    pub fn poll(&mut self, task: &str, now: Timestamp) -> Reply {
        let now = self.account.settle(now);
        let Some(purchase) = self.account.task(task) else {
            return Reply::Answered(Answered::refusal(404, "Task not found", false));
        };
        let nth = count(&mut self.visits, task);
        let SimOptions { profile, seed, .. } = self.options;
        let mut rng = SimRng::new(seed, "state", task.as_bytes(), nth);
        let hidden = self.hides_errors(&mut rng);
        let state = match (profile, purchase.state(now)) {
            (Profile::Field, state) => answers::word_in_the_field(task, state),
            (_, state) => state.name(),
        };
        let view = |state, odd| answers::task(purchase, state, &self.base, odd);
        Reply::Answered(match faults::poll(profile, seed, task, nth) {
            Some(Fault::Odd) => view(state, true),
            Some(Fault::UnknownState) => {
                view(rng.pick(["queueing", "upscaling", "POST_PROCESSING"]), false)
            }
            Some(Fault::ServerError) => Answered::server_error(&mut rng, hidden, now),
            Some(Fault::Proxy) => Answered::proxy(&mut rng),
            Some(Fault::Throttled) => Answered::throttled(&mut rng, hidden, now),
            Some(Fault::Firewall) => answers::firewall(),
            Some(Fault::Missing) => Answered::refusal(404, "Task not found", hidden),
            Some(Fault::Garbled) => answers::garbled(&mut rng),
            Some(Fault::Torn) => return view(state, false).torn(&mut rng),
            Some(Fault::Cut) => return Reply::Cut,
            Some(Fault::Hang) => return Reply::Hang,
            _ => view(state, false),
        })
    }

    /// A download of `/clips/…`, from an offset on if that part's validator still holds.
    pub fn clip(
        &mut self,
        path: &str,
        resume: Option<(u64, Option<&str>)>,
        now: Timestamp,
    ) -> ClipReply {
        let now = self.account.settle(now);
        let SimOptions { profile, seed, .. } = self.options;
        let found = answers::clip_of(path).and_then(|(task, part)| {
            let purchase = self.account.task(task)?;
            let Fate::Completes { at } = purchase.fate else { return None };
            let lag = i64::try_from(faults::lag(profile, seed, path)).unwrap_or(i64::MAX);
            let is_there =
                at.saturating_add(lag) <= now.as_millis() && part < purchase.clips as usize;
            let is_kept = now.since(Timestamp::from_millis(at)) < result_lifetime();
            (is_there && is_kept).then_some(purchase.film)
        });
        let Some(film) = found else {
            return ClipReply::Answered(Answered::page(404, "Not Found"));
        };
        let nth = count(&mut self.visits, path);
        let mut rng = SimRng::new(seed, "bytes", path.as_bytes(), nth);
        let fault = faults::clip(profile, seed, path, nth);
        match fault {
            Some(Fault::Refused) => {
                let (status, title) = rng.pick([(403, "Forbidden"), (404, "Not Found")]);
                return ClipReply::Answered(Answered::page(status, title));
            }
            Some(Fault::ServerError) => {
                return ClipReply::Answered(Answered::proxy(&mut rng));
            }
            Some(Fault::Page) => return ClipReply::Answered(Answered::page(200, "Sign in")),
            Some(Fault::Hang) => return ClipReply::Hang,
            _ => {}
        }
        let whole = sample_clips::mp4(film, path);
        let etag = format!("\"{:016x}\"", SimRng::new(0, "etag", path.as_bytes(), 0).bits());
        let announced = !matches!(fault, Some(Fault::Plain | Fault::Quiet));
        let total = whole.len();
        let starts_at = match resume {
            Some((at, validator)) if announced && validator.is_none_or(|seen| seen == etag) => {
                match usize::try_from(at) {
                    Ok(at) if at < total => at,
                    _ => return ClipReply::Answered(Answered::page(416, "Range Not Satisfiable")),
                }
            }
            _ => 0,
        };
        let is_short = matches!(fault, Some(Fault::Cut | Fault::Quiet));
        let ends_at = if is_short { starts_at + rng.index(total - starts_at) } else { total };
        let pause = match fault {
            Some(Fault::Slow) => 100,
            Some(Fault::Trickling) => 5_000,
            _ => 0,
        };
        ClipReply::Clip(Clip {
            starts_at: starts_at as u64,
            total: total as u64,
            announced,
            etag,
            bytes: bytes::Bytes::from(whole).slice(starts_at..ends_at),
            cut: fault == Some(Fault::Cut),
            pause: Duration::from_millis(pause),
        })
    }
}

fn refused(answer: Answered) -> (Reply, Told) {
    let told = Told::Refusal(answers::meant_status(&answer));
    (Reply::Answered(answer), told)
}

/// Counts a visit; how many there were before.
fn count(visits: &mut HashMap<String, u32>, of: &str) -> u32 {
    let visits = visits.entry(of.to_owned()).or_default();
    let before = *visits;
    *visits = before.saturating_add(1);
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_down_is_not_sold() {
        let now = Timestamp::from_millis(0);
        let mut world = SimState::open(SimOptions::default(), Catalog::builtin()).unwrap();
        world.journal = Some(Journal::unwritable());
        let body = br#"{"model":"kling-v3","prompt":"x","duration":"5"}"#;
        let reply = world.submit(body, now);
        assert!(matches!(reply, Reply::NotSent(why) if why.contains("cannot write its journal")));
        assert!(world.books(now).purchases.is_empty());
        world.journal = None;
        assert!(matches!(world.submit(body, now), Reply::Answered(answer) if answer.status == 200));
    }
}
