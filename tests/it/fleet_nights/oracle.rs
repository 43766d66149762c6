//! Knows the promises and nothing of how they are kept: holds every call to the gateway, and what the
//! workers leave in the database, against the simulator's own books.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use rushes::domain::money::Usd;
use rushes::domain::outcome::{SubmitOutcome, TaskId};
use rushes::domain::state::{Account, State};
use rushes::domain::time::Timestamp;
use rushes::ledger::{Entry, MemoryDatabase, RevisionId, Snapshot};
use rushes::policy::limits::Limits;
use rushes::simulator::{Accounts, Fate, Purchase, Simulator, TaskState};
use tokio::time::Instant;

use super::clips::Shelf;
use crate::nights::oracle::{costs, is_lie, may_cost, may_follow};
use crate::nights::prompt;

/// How long the gateway keeps a clip.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Watches over one night.
pub struct Oracle {
    database: MemoryDatabase,
    clips: Shelf,
    limits: Limits,
    began: Instant,
    pub cap: Option<Usd>,
    pub strict: bool,
    pub resubmits: bool,
    prompts: HashMap<RevisionId, String>,
    /// Purchases in spite of which their shots were bought again with good reason: once is for ever.
    excused: HashSet<String>,
    /// Shots that were in doubt or stalled at some time, by prompt: their places were another's then.
    strayed: BTreeSet<String>,
    /// Tasks that calls named: they may be asked for before the ledger knows them.
    hinted: HashSet<TaskId>,
    /// Task ids that a worker received since the last look, with its number and their prompts.
    received: Vec<(usize, String, String)>,
    /// When POSTs left, over all workers.
    posts: Vec<Instant>,
    audited: usize,
    /// Attempts that the database knew when it had forgotten something.
    forgot_at: Option<usize>,
    /// When something last came in that the ledger did not have.
    pub news_at: Option<Instant>,
    /// Whether the trace is shown while it grows: also of a night that does not end.
    is_shown: bool,
    pub violations: Vec<String>,
    pub trace: Vec<String>,
}

/// An attempt as the ledger has it.
#[derive(Debug)]
pub struct Attempt {
    pub prompt: String,
    pub task: Option<String>,
    pub former: Vec<String>,
    pub account: Account,
    pub price: Usd,
}

impl Attempt {
    /// Whether it may have bought a task that cannot be named.
    fn is_doubtful(&self) -> bool {
        self.task.is_none() && self.account == Account::Reserved
    }
}

/// The prompt of what a revision asks for.
pub fn prompt_of(snapshot: &dyn Snapshot, revision: RevisionId) -> String {
    prompt(&snapshot.request(revision).unwrap().request)
}

impl Oracle {
    pub fn new(database: &MemoryDatabase, clips: &Shelf, limits: &Limits) -> Self {
        Self {
            database: database.clone(),
            clips: clips.clone(),
            limits: limits.clone(),
            began: Instant::now(),
            cap: None,
            strict: false,
            resubmits: false,
            prompts: HashMap::new(),
            excused: HashSet::new(),
            strayed: BTreeSet::new(),
            hinted: HashSet::new(),
            received: Vec::new(),
            posts: Vec::new(),
            audited: 0,
            forgot_at: None,
            news_at: None,
            is_shown: std::env::var("RUSHES_FLEET_NIGHT").is_ok(),
            violations: Vec::new(),
            trace: Vec::new(),
        }
    }

    pub fn note(&mut self, what: impl AsRef<str>) {
        let passed = self.began.elapsed().as_secs_f64();
        let line = format!("{passed:8.3} {}", what.as_ref());
        if self.is_shown {
            println!("{line}");
        }
        self.trace.push(line);
    }

    /// Notes that something came in that the ledger does not have yet.
    pub fn news(&mut self, what: impl AsRef<str>) {
        self.news_at = Some(Instant::now());
        self.note(what);
    }

    pub fn holds(&mut self, promise: bool, otherwise: impl FnOnce() -> String) {
        if !promise {
            let what = otherwise();
            self.note(format!("VIOLATION: {what}"));
            self.violations.push(what);
        }
    }

    fn prompt(&mut self, entry: &Entry) -> String {
        let read = || prompt_of(&*self.database.snapshot(), entry.revision);
        self.prompts.entry(entry.revision).or_insert_with(read).clone()
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.database.entries()
    }

    /// Every attempt there ever was.
    pub fn attempts(&mut self) -> Vec<Attempt> {
        let mut all = Vec::new();
        for entry in self.entries() {
            let prompt = self.prompt(&entry);
            all.extend(self.database.attempts(entry.revision).into_iter().map(|one| Attempt {
                prompt: prompt.clone(),
                task: one.task.map(|task| task.to_string()),
                former: one.former_tasks.iter().map(ToString::to_string).collect(),
                account: one.account,
                price: one.price.unwrap_or(Usd::ZERO),
            }));
        }
        all
    }

    /// The database has forgotten something.
    pub fn forgot(&mut self) {
        self.forgot_at = Some(self.attempts().len());
        self.note("the database forgets");
    }

    pub fn has_forgotten(&self) -> bool {
        self.forgot_at.is_some()
    }

    /// What must be durable before a POST leaves, and how many may leave.
    pub fn about_to_post(
        &mut self,
        worker: usize,
        prompt: &str,
        has_in_hands: &dyn Fn(RevisionId) -> bool,
    ) {
        self.note(format!("worker {worker} posts {prompt}"));
        self.watch_moves();
        let now = Instant::now();
        let (rate, window) = (self.limits.rate.count as usize, self.limits.rate.window.length());
        self.posts.push(now);
        let recent = self.posts.iter().rev().take_while(|post| now - **post < window).count();
        self.holds(recent <= rate, || format!("{recent} POSTs in a window, {rate} allowed"));
        let is_written = self.entries().iter().any(|entry| {
            entry.current
                && matches!(entry.status.state, State::Submitting { .. })
                && has_in_hands(entry.revision)
                && self.prompt(entry) == prompt
        });
        let is_written = is_written || self.has_forgotten();
        self.holds(is_written, || {
            format!("{prompt} was sent, but its attempt is not written, or another has it")
        });
    }

    /// A task id is durable before its task is polled.
    pub fn about_to_poll(&mut self, task: &TaskId) {
        let known = self.database.knows_task(task) || self.has_forgotten();
        let known = known || self.hinted.contains(task);
        self.holds(known, || format!("{task} was polled, but it is not in the ledger"));
    }

    /// A call names a task.
    pub fn hinted(&mut self, task: &TaskId) {
        self.hinted.insert(task.clone());
    }

    /// A worker has the answer to a POST.
    pub fn answered(&mut self, worker: usize, prompt: &str, answer: &SubmitOutcome) {
        self.note(format!("worker {worker} is answered for {prompt}: {answer:?}"));
        if let SubmitOutcome::Bought { task } = answer {
            self.received.push((worker, prompt.to_owned(), task.to_string()));
        }
    }

    /// Looks at what was sold since the last time.
    pub fn audit(&mut self, sim: &Simulator) {
        let books = sim.books();
        for index in self.audited..books.purchases.len() {
            self.sold(&books, index);
        }
        self.audited = books.purchases.len();
    }

    fn sold(&mut self, books: &Accounts, index: usize) {
        self.watch_moves();
        let purchase = &books.purchases[index].purchase;
        self.note(format!("sold {purchase:?}"));
        let now = Timestamp::from_millis(purchase.at);
        let total = books
            .purchases()
            .filter(|earlier| self.strict || !is_lie(earlier))
            .map(|earlier| may_cost(earlier, now))
            .sum::<Usd>();
        let within = self.cap.is_none_or(|cap| total <= cap);
        self.holds(within, || format!("{} was sold: {total} is over the cap", purchase.prompt));
        self.count_places(books);
        let mut earlier = books.purchases().take(index);
        let earlier: Vec<&Purchase> =
            earlier.by_ref().filter(|earlier| earlier.prompt == purchase.prompt).collect();
        for earlier in earlier {
            if self.excused.contains(&earlier.task_id) || self.is_excused(earlier, now) {
                self.excused.insert(earlier.task_id.clone());
                continue;
            }
            self.holds(false, || format!("{} was bought twice: {earlier:?}", purchase.prompt));
        }
    }

    /// What the gateway works on is never more than the limit, but for what was in doubt or stalled.
    fn count_places(&mut self, books: &Accounts) {
        for entry in self.entries() {
            if matches!(entry.status.state, State::Rendering { stalled: Some(_), .. }) {
                let prompt = self.prompt(&entry);
                self.strayed.insert(prompt);
            }
        }
        let works = |state: TaskState| matches!(state, TaskState::Pending | TaskState::Processing);
        let working = books.purchases.iter().filter(|one| works(one.state));
        let counted = working.filter(|one| {
            !is_lie(&one.purchase)
                && !self.strayed.contains(&one.purchase.prompt)
                && !self.excused.contains(&one.purchase.task_id)
        });
        let (count, most) = (counted.count(), self.limits.in_flight as usize);
        self.holds(count <= most, || format!("{count} in flight at the gateway, {most} allowed"));
    }

    /// Whether a shot may be bought again in spite of an earlier purchase.
    fn is_excused(&mut self, earlier: &Purchase, now: Timestamp) -> bool {
        let attempts = self.attempts();
        let is_known = attempts.iter().any(|one| one.task.as_deref() == Some(&earlier.task_id));
        let is_over = match earlier.fate {
            Fate::Fails { at, .. } => at <= now.as_millis(),
            Fate::Completes { at } => now.since(Timestamp::from_millis(at)) >= WEEK,
            Fate::Stuck => false,
        };
        // What is bought again in spite of a doubt may turn out to be known on the way.
        let was_doubted = self.resubmits && self.strayed.contains(&earlier.prompt);
        if is_known { is_over || was_doubted } else { self.resubmits || is_lie(earlier) }
    }

    /// Every change of state that was written since the last look is one that can be.
    fn watch_moves(&mut self) {
        let moves = self.database.take_moves();
        let entries = if moves.is_empty() { Vec::new() } else { self.entries() };
        for (revision, was, is_now) in moves {
            let entry = entries.iter().find(|entry| entry.revision == revision).cloned();
            let Some(entry) = entry else { continue };
            self.note(format!("{}: {was} -> {is_now}", entry.shot));
            if is_now == "in_doubt" {
                let prompt = self.prompt(&entry);
                self.strayed.insert(prompt);
            }
            let may = may_follow(was, is_now);
            self.holds(may, || format!("{} went from {was} to {is_now}", entry.shot));
        }
    }

    /// Holds what workers left against the books. `told` is what went to standard error; `dead` are
    /// the numbers of those that could not say anything any more.
    pub fn judge(&mut self, books: &Accounts, told: &str, dead: &[usize]) {
        self.watch_moves();
        let attempts = self.attempts();
        if let Some(known) = self.forgot_at {
            let granted = attempts.len() - known;
            return self.holds(granted == 0, || format!("{granted} claims after it forgot"));
        }
        let known: HashSet<&str> = attempts
            .iter()
            .flat_map(|one| one.task.iter().chain(&one.former))
            .map(String::as_str)
            .collect();
        for (worker, prompt, task) in std::mem::take(&mut self.received) {
            let kept = known.contains(task.as_str()) || told.contains(&task);
            let is_doubtful = || attempts.iter().any(|a| a.prompt == prompt && a.is_doubtful());
            let cut = dead.contains(&worker) && is_doubtful();
            self.holds(kept || cut, || format!("{task} of {prompt} was received and lost"));
        }
        self.judge_purchases(books, &attempts);
        self.judge_money(books);
        self.judge_clips();
    }

    fn judge_purchases(&mut self, books: &Accounts, attempts: &[Attempt]) {
        let mut bought: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for purchase in books.purchases() {
            let [honest, lies, unknown] = bought.entry(&purchase.prompt).or_default();
            *(if is_lie(purchase) { lies } else { honest }) += 1;
            let attempt = attempts.iter().find(|a| a.task.as_deref() == Some(&purchase.task_id));
            let Some(attempt) = attempt else {
                *unknown += 1;
                continue;
            };
            let right = match attempt.account {
                Account::Reserved => true,
                Account::Spent => purchase.charge() > Usd::ZERO,
                Account::Released => matches!(purchase.fate, Fate::Fails { charged: false, .. }),
                Account::Unconfirmed => false,
            };
            let right = right && attempt.price >= purchase.price;
            self.holds(right && attempt.prompt == purchase.prompt, || {
                format!("{purchase:?} lies in {attempt:?}")
            });
        }
        for (prompt, [honest, lies, unknown]) in bought {
            let of = |wanted: &dyn Fn(&Attempt) -> bool| {
                attempts.iter().filter(|a| a.prompt == prompt && wanted(a)).count()
            };
            let doubtful = of(&Attempt::is_doubtful);
            let unconfirmed = of(&|a| a.account == Account::Unconfirmed);
            // A look into the console shows no difference between a lie and a lost answer.
            let covered =
                honest <= of(&|a| a.task.is_some()) + doubtful && unknown <= doubtful + unconfirmed;
            self.holds(covered, || {
                format!("{prompt}: bought {honest} times and {lies} behind a 5xx, not all covered")
            });
        }
    }

    fn judge_money(&mut self, books: &Accounts) {
        let snapshot = self.database.snapshot();
        let balance = snapshot.summary().unwrap().balance;
        let charged: Usd = books.purchases().filter(|p| !is_lie(p)).map(|p| costs(p, books)).sum();
        let sure = balance.spent + balance.reserved;
        self.holds(sure >= charged, || {
            format!("{charged} may be charged, the ledger keeps only {sure}")
        });
        let history = snapshot.spending().unwrap().history;
        let moved = history.last().map(|(_, balance)| *balance).unwrap_or_default();
        self.holds(moved == balance, || "the balance is not the sum of the movements".to_owned());
    }

    /// Every delivered clip is there as it was recorded.
    fn judge_clips(&mut self) {
        let mut rows = Vec::new();
        self.database.snapshot().rows(&mut |row| rows.push(row)).unwrap();
        for row in rows {
            let is_delivered = matches!(row.entry.status.state, State::Delivered { .. });
            let has_files = !is_delivered || !row.files.is_empty();
            self.holds(has_files, || format!("{} was delivered without a clip", row.entry.shot));
            for file in row.files {
                let whole = self.clips.has(&file.path, &file.sha256);
                self.holds(whole, || format!("{} is not as it was delivered", file.path));
            }
        }
    }

    /// How many current revisions, or others that are not merely queued, are in a state.
    pub fn count(&self, state: &str) -> usize {
        let all = self.entries();
        let counted = all.iter().filter(|one| one.current || state != "queued");
        counted.filter(|one| one.status.state.name() == state).count()
    }

    /// The tasks of what is rendering.
    pub fn rendering(&self) -> HashSet<String> {
        let all = self.entries();
        let tasks = all.iter().filter(|one| matches!(one.status.state, State::Rendering { .. }));
        tasks.filter_map(|one| one.status.state.task().map(ToString::to_string)).collect()
    }

    /// Whether a task has ended that the ledger knows and whose price is still reserved: another run
    /// asks for it.
    pub fn has_unsettled(&mut self, books: &Accounts) -> bool {
        let attempts = self.attempts();
        let is_reserved = |task: &str| {
            let mut all = attempts.iter();
            all.any(|a| a.account == Account::Reserved && a.task.as_deref() == Some(task))
        };
        let mut purchases = books.purchases();
        purchases.any(|purchase| match purchase.fate {
            Fate::Completes { .. } => is_reserved(&purchase.task_id),
            Fate::Fails { .. } => {
                !purchase.fate.leaves_price_open() && is_reserved(&purchase.task_id)
            }
            Fate::Stuck => false,
        })
    }

    /// In the end both sides agree on every task and, but for a dearer catalog, on every dollar.
    pub fn balance_books(&mut self, books: &Accounts) {
        let attempts = self.attempts();
        for purchase in books.purchases() {
            let attempt = attempts.iter().find(|a| a.task.as_deref() == Some(&purchase.task_id));
            let is_covered = || {
                attempts.iter().any(|a| {
                    a.prompt == purchase.prompt
                        && (a.is_doubtful() || a.account == Account::Unconfirmed)
                })
            };
            let right = match (attempt.map(|one| one.account), purchase.fate) {
                (None, _) => is_covered(),
                (Some(account), Fate::Completes { .. }) => account == Account::Spent,
                (Some(account), Fate::Fails { charged, .. })
                    if !purchase.fate.leaves_price_open() =>
                {
                    account == if charged { Account::Spent } else { Account::Released }
                }
                (Some(account), Fate::Fails { .. } | Fate::Stuck) => account == Account::Reserved,
            };
            self.holds(right, || format!("in the end {purchase:?} lies in {attempt:?}"));
        }
    }
}
