//! Knows the promises and nothing of how they are kept: holds every call to the gateway, and every
//! ledger that a life leaves, against the simulator's own books.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rushes::domain::money::Usd;
use rushes::domain::outcome::{SubmitOutcome, TaskId};
use rushes::domain::state::Resolution;
use rushes::domain::time::Timestamp;
use rushes::policy::limits::Limits;
use rushes::simulator::{Accounts, Fate, Purchase, Simulator, Told};
use rusqlite::{Connection, OpenFlags};
use tokio::time::Instant;

use super::disk::Disk;
use super::vfs::past_the_layer;

/// How long the gateway keeps a clip.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Watches over one night.
pub struct Oracle {
    ledger: PathBuf,
    disk: Arc<Disk>,
    limits: Limits,
    conn: Option<Connection>,
    /// What the manifest and the flags say in this life.
    pub cap: Option<Usd>,
    pub strict: bool,
    pub resubmits: bool,
    /// Shots that the user told to buy again in any case, by prompt.
    may_resubmit: HashSet<String>,
    /// Shots whose doubt the user put an end to without a task, by prompt: their prices stay reserved.
    pub let_go: HashSet<String>,
    /// Purchases in spite of which their shots were bought again with good reason: once is for ever.
    excused: HashSet<String>,
    /// Task ids that the process received in this life, with their prompts.
    received: Vec<(String, String)>,
    posts: Vec<Instant>,
    pub posted: u64,
    audited: usize,
    /// Looks at the whole ledger and the books at every so many calls; 1 unless the campaign is big.
    pub every: u64,
    calls: u64,
    /// Task ids that the ledger knew at the end of the last life.
    pub known: HashSet<String>,
    edges: i64,
    pub violations: Vec<String>,
    pub trace: Vec<String>,
}

/// An attempt as the ledger has it.
pub struct Attempt {
    pub prompt: String,
    pub task: Option<String>,
    pub account: String,
    pub price: Usd,
}

impl Attempt {
    /// Whether it may have bought a task that nobody can name.
    pub fn is_doubtful(&self) -> bool {
        self.task.is_none() && self.account == "reserved"
    }
}

impl Oracle {
    pub fn new(ledger: PathBuf, disk: &Arc<Disk>, limits: &Limits) -> Self {
        Self {
            ledger,
            disk: Arc::clone(disk),
            limits: limits.clone(),
            conn: None,
            cap: None,
            strict: false,
            resubmits: false,
            may_resubmit: HashSet::new(),
            let_go: HashSet::new(),
            excused: HashSet::new(),
            received: Vec::new(),
            posts: Vec::new(),
            posted: 0,
            audited: 0,
            every: 1,
            calls: 0,
            known: HashSet::new(),
            edges: 0,
            violations: Vec::new(),
            trace: Vec::new(),
        }
    }

    pub fn note(&mut self, what: impl Into<String>) {
        let folder = self.ledger.parent().unwrap().display().to_string();
        self.trace.push(what.into().replace(&folder, "DIR"));
    }

    fn holds(&mut self, promise: bool, otherwise: impl FnOnce() -> String) {
        if !promise {
            let what = otherwise();
            self.note(format!("VIOLATION: {what}"));
            self.violations.push(what);
        }
    }

    /// The ledger's file past the disk that may be failing, as any other program would read it.
    fn conn(&mut self) -> &Connection {
        let path = &self.ledger;
        self.conn.get_or_insert_with(|| past_the_layer(path, OpenFlags::SQLITE_OPEN_READ_WRITE))
    }

    fn number(&mut self, sql: &str, about: &str) -> i64 {
        let mut statement = self.conn().prepare_cached(sql).unwrap();
        let params = if sql.contains("?1") { vec![about] } else { Vec::new() };
        statement.query_row(rusqlite::params_from_iter(params), |row| row.get(0)).unwrap()
    }

    /// What the user says about a shot.
    pub fn hears(&mut self, prompt: &str, resolution: &Resolution) {
        self.note(format!("resolve {prompt}: {resolution:?}"));
        if *resolution == Resolution::Resubmit {
            self.may_resubmit.insert(prompt.to_owned());
        }
        if matches!(resolution, Resolution::Resubmit | Resolution::Abandon) {
            self.let_go.insert(prompt.to_owned());
        }
    }

    /// What must be durable before a POST leaves.
    pub fn about_to_post(&mut self, prompt: &str) {
        self.note(format!("post {prompt}"));
        self.posted += 1;
        let well = !self.disk.has_failed();
        self.holds(well, || format!("{prompt} was sent after the ledger could not be written"));
        let synced = self.disk.is_synced();
        self.holds(synced, || format!("{prompt} was sent before its attempt was synced"));
        let now = Instant::now();
        let (rate, window) = (self.limits.rate.count as usize, self.limits.rate.window.length());
        self.posts.push(now);
        let recent = self.posts.iter().rev().take_while(|post| now - **post < window).count();
        self.holds(recent <= rate, || format!("{recent} POSTs in a window, {rate} allowed"));
        if !self.posted.is_multiple_of(self.every) {
            return;
        }
        let written = self.number(
            "SELECT count(*) FROM revisions AS r JOIN attempts AS a ON a.id = r.attempt
             WHERE json_extract(r.request, '$.prompt') = ?1 AND r.state = 'submitting'
               AND r.current = 1 AND a.outcome IS NULL AND a.account = 'reserved'",
            prompt,
        );
        self.holds(written == 1, || format!("{prompt} was sent, but its attempt is not written"));
        let over = self.number(
            "SELECT coalesce(spent + reserved + iif(strict, unconfirmed, 0) > cap_micro, 0)
             FROM balance, campaign",
            "",
        );
        self.holds(over == 0, || format!("{prompt} was sent over the cap"));
        let flying = self.number(
            "SELECT count(*) FROM revisions
             WHERE state = 'submitting' OR (state = 'rendering' AND why IS NULL)",
            "",
        );
        let most = i64::from(self.limits.in_flight);
        self.holds(flying <= most, || format!("{flying} in flight, {most} allowed"));
    }

    /// A task id is durable before its task is polled. One that is rendered, and paid, is polled again
    /// for its newest URLs.
    pub fn about_to_poll(&mut self, task: &TaskId) {
        let sql = "SELECT count(*) FROM attempts AS a JOIN revisions AS r ON r.id = a.revision
                   WHERE a.task_id = ?1 AND (a.account = 'reserved'
                     OR (a.account = 'spent' AND r.state = 'rendered' AND r.attempt = a.id))";
        let known = self.number(sql, task.as_str());
        self.holds(known > 0, || format!("{task} was polled, but it is not in the ledger"));
        self.holds(self.disk.is_synced(), || format!("{task} was polled before it was synced"));
    }

    /// That it was rendered is durable before its clip is fetched; of an earlier task nothing is.
    pub fn about_to_fetch(&mut self, url: &str) {
        if self.every > 1 {
            return;
        }
        let known = self.number(
            "SELECT (SELECT count(*) FROM revisions AS r JOIN attempts AS a ON a.id = r.attempt
             WHERE r.state = 'rendered' AND a.account = 'spent' AND instr(r.urls, ?1) > 0)
             + (SELECT count(*) FROM attempts AS a JOIN revisions AS r ON r.id = a.revision
             WHERE a.account = 'reserved' AND instr(?1, a.task_id) > 0
               AND (r.attempt IS NOT a.id OR r.state = 'failed'))",
            url,
        );
        self.holds(known > 0, || format!("{url} was fetched, but its shot is not rendered"));
    }

    /// The process has the answer to a POST.
    pub fn answered(&mut self, prompt: &str, answer: &SubmitOutcome) {
        self.note(format!("answer to {prompt}: {answer:?}"));
        if let SubmitOutcome::Bought { task } = answer {
            self.received.push((prompt.to_owned(), task.to_string()));
        }
    }

    /// Looks at what was sold since the last time.
    pub fn audit(&mut self, sim: &Simulator) {
        self.calls += 1;
        if self.calls.is_multiple_of(self.every) {
            let books = sim.books();
            for index in self.audited..books.purchases.len() {
                self.sold(&books, index);
            }
            self.audited = books.purchases.len();
        }
    }

    fn sold(&mut self, books: &Accounts, index: usize) {
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
        let earlier: Vec<&Purchase> = books
            .purchases()
            .take(index)
            .filter(|earlier| earlier.prompt == purchase.prompt)
            .collect();
        for earlier in earlier {
            let excused = self.excused.contains(&earlier.task_id) || self.is_excused(earlier, now);
            if excused {
                self.excused.insert(earlier.task_id.clone());
            }
            self.holds(excused, || format!("{} was bought twice: {earlier:?}", purchase.prompt));
        }
    }

    /// Whether a shot may be bought again in spite of an earlier purchase.
    fn is_excused(&mut self, earlier: &Purchase, now: Timestamp) -> bool {
        let told_to = self.resubmits || self.may_resubmit.contains(&earlier.prompt);
        let sql = "SELECT count(*) FROM attempts WHERE task_id = ?1";
        let is_known = self.number(sql, &earlier.task_id) > 0;
        let is_over = match earlier.fate {
            Fate::Fails { at, .. } => at <= now.as_millis(),
            Fate::Completes { at } => now.since(Timestamp::from_millis(at)) >= WEEK,
            Fate::Stuck => false,
        };
        // A stalled one that is bought again was resolved so by the user.
        let by_hand = self.may_resubmit.contains(&earlier.prompt);
        if is_known { is_over || by_hand } else { told_to || is_lie(earlier) }
    }

    /// The process is gone; nobody reads the ledger.
    pub fn life_is_over(&mut self) {
        self.conn = None;
        self.posts.clear();
    }

    /// Every attempt there ever was.
    pub fn attempts(&mut self) -> Vec<Attempt> {
        let sql = "SELECT json_extract(r.request, '$.prompt'), a.task_id, a.account,
                   coalesce(a.price_micro, 0) FROM attempts AS a JOIN revisions AS r ON r.id = a.revision";
        let mut statement = self.conn().prepare_cached(sql).unwrap();
        let attempts = statement.query_map([], |row| {
            Ok(Attempt {
                prompt: row.get(0)?,
                task: row.get(1)?,
                account: row.get(2)?,
                price: Usd::from_micros(row.get(3)?),
            })
        });
        attempts.unwrap().map(Result::unwrap).collect()
    }

    /// Holds the ledger that a life left against the books. `told` is what went to standard error;
    /// `died` whether the process could still say anything.
    pub fn judge(&mut self, books: &Accounts, told: &str, died: bool) {
        let received = std::mem::take(&mut self.received);
        if !self.is_made() {
            return self.holds(books.purchases.is_empty(), || "bought without a ledger".into());
        }
        self.watch_edges();
        let attempts = self.attempts();
        let by_task: HashMap<&str, &Attempt> =
            attempts.iter().filter_map(|a| Some((a.task.as_deref()?, a))).collect();
        let known: HashSet<String> = by_task.keys().map(|task| (*task).to_owned()).collect();
        let lost: Vec<_> = self.known.difference(&known).cloned().collect();
        self.holds(lost.is_empty(), || format!("the ledger forgot {lost:?}"));
        for (prompt, task) in &received {
            let kept = known.contains(task) || told.contains(task.as_str());
            let cut = died && attempts.iter().any(|a| a.prompt == *prompt && a.is_doubtful());
            self.holds(kept || cut, || format!("{task} of {prompt} was received and lost"));
        }
        self.judge_purchases(books, &attempts, &by_task);
        self.judge_money(books);
        self.judge_clips();
        self.known = known;
    }

    /// Whether there is a ledger yet; a life may die while it is made.
    pub fn is_made(&mut self) -> bool {
        self.ledger.metadata().is_ok_and(|file| file.len() > 0)
            && self.number("SELECT count(*) FROM sqlite_schema WHERE name = 'attempts'", "") > 0
    }

    fn judge_purchases(
        &mut self,
        books: &Accounts,
        attempts: &[Attempt],
        by_task: &HashMap<&str, &Attempt>,
    ) {
        let mut bought: HashMap<&str, [usize; 3]> = HashMap::new();
        for purchase in books.purchases() {
            let [honest, lies, unknown] = bought.entry(&purchase.prompt).or_default();
            *(if is_lie(purchase) { lies } else { honest }) += 1;
            let Some(attempt) = by_task.get(purchase.task_id.as_str()) else {
                *unknown += 1;
                continue;
            };
            let right = match attempt.account.as_str() {
                "reserved" => true,
                "spent" => purchase.charge() > Usd::ZERO,
                "released" => matches!(purchase.fate, Fate::Fails { charged: false, .. }),
                _ => false,
            };
            let right = right && attempt.price >= purchase.price;
            self.holds(right && attempt.prompt == purchase.prompt, || {
                format!("{purchase:?} lies in {} for {}", attempt.account, attempt.prompt)
            });
        }
        for (prompt, [honest, lies, unknown]) in bought {
            let of = |wanted: &dyn Fn(&Attempt) -> bool| {
                attempts.iter().filter(|a| a.prompt == prompt && wanted(a)).count()
            };
            let doubtful = of(&Attempt::is_doubtful);
            let unconfirmed = of(&|a| a.account == "unconfirmed");
            // Whoever looks into the console sees no difference between a lie and a lost answer.
            let covered =
                honest <= of(&|a| a.task.is_some()) + doubtful && unknown <= doubtful + unconfirmed;
            self.holds(covered, || {
                format!("{prompt}: bought {honest} times and {lies} behind a 5xx, not all covered")
            });
        }
    }

    fn judge_money(&mut self, books: &Accounts) {
        let sure = self.number("SELECT spent + reserved FROM balance", "");
        let charged: Usd = books.purchases().filter(|p| !is_lie(p)).map(|p| costs(p, books)).sum();
        let enough = sure >= charged.micros();
        self.holds(enough, || format!("{charged} may be charged, the ledger keeps only {sure}"));
        let odd = self.number(
            "SELECT (SELECT coalesce(sum(micro), 0) FROM money)
                 <> (SELECT spent + reserved + unconfirmed FROM balance)",
            "",
        );
        self.holds(odd == 0, || "the balance is not the sum of the movements".to_owned());
    }

    /// Every delivered clip is there as it was recorded.
    fn judge_clips(&mut self) {
        use sha2::{Digest, Sha256};
        let folder = self.ledger.parent().unwrap().to_owned();
        let mut statement = self.conn().prepare_cached("SELECT path, sha256 FROM files").unwrap();
        let files = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let files: Vec<(String, Vec<u8>)> = files.unwrap().map(Result::unwrap).collect();
        drop(statement);
        for (path, sha256) in files {
            let whole = std::fs::read(folder.join(&path))
                .is_ok_and(|bytes| Sha256::digest(bytes).as_slice() == sha256);
            self.holds(whole, || format!("{path} is not as it was delivered"));
        }
    }

    /// Every change of state that was committed since the last look is one of the contract's.
    fn watch_edges(&mut self) {
        self.conn = None;
        let conn = past_the_layer(&self.ledger, OpenFlags::SQLITE_OPEN_READ_WRITE);
        conn.execute_batch(
            "CREATE TABLE IF NOT EXISTS edges (id INTEGER PRIMARY KEY, was TEXT, is_now TEXT, shot TEXT);
             CREATE TRIGGER IF NOT EXISTS edges_kept AFTER UPDATE OF state ON revisions
             WHEN old.state <> new.state
             BEGIN INSERT INTO edges (was, is_now, shot) VALUES (old.state, new.state, new.shot); END",
        )
        .unwrap();
        let mut statement = conn
            .prepare("SELECT id, was, is_now, shot FROM edges WHERE id > ?1 ORDER BY id")
            .unwrap();
        let rows = statement.query_map([self.edges], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        let rows: Vec<(i64, String, String, String)> = rows.unwrap().map(Result::unwrap).collect();
        drop(statement);
        drop(conn);
        for (id, was, is_now, shot) in rows {
            self.edges = id;
            self.note(format!("{shot}: {was} -> {is_now}"));
            self.holds(may_follow(&was, &is_now), || format!("{shot} went from {was} to {is_now}"));
        }
    }

    /// The tasks of what is rendering.
    pub fn rendering(&mut self) -> HashSet<String> {
        let sql = "SELECT a.task_id FROM revisions AS r JOIN attempts AS a ON a.id = r.attempt
                   WHERE r.state = 'rendering'";
        let mut statement = self.conn().prepare_cached(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// How many revisions are in a state; queued ones only where they are still in the manifest.
    pub fn count(&mut self, state: &str) -> i64 {
        let sql = "SELECT count(*) FROM revisions
                   WHERE state = ?1 AND (current = 1 OR state <> 'queued')";
        self.number(sql, state)
    }
}

/// DESIGN's picture of a shot's life, as a list.
pub fn may_follow(was: &str, is_now: &str) -> bool {
    match was {
        "queued" => is_now == "submitting",
        "submitting" => matches!(is_now, "queued" | "rendering" | "in_doubt" | "failed"),
        "rendering" => matches!(is_now, "rendered" | "failed" | "queued"),
        "rendered" => matches!(is_now, "delivered" | "failed"),
        "in_doubt" => matches!(is_now, "queued" | "rendering" | "failed" | "submitting"),
        "failed" => matches!(is_now, "queued" | "rendering"),
        _ => false,
    }
}

/// Whether it was bought and answered with a 5xx.
pub fn is_lie(purchase: &Purchase) -> bool {
    matches!(purchase.told, Told::Refusal(500..))
}

/// The most that a purchase can still cost, or did.
pub fn may_cost(purchase: &Purchase, now: Timestamp) -> Usd {
    match purchase.fate {
        Fate::Fails { at, charged: false, .. } if at <= now.as_millis() => Usd::ZERO,
        _ => purchase.price,
    }
}

/// What a purchase was charged, or is held for it.
pub fn costs(purchase: &Purchase, books: &Accounts) -> Usd {
    let booked = books.purchases.iter().find(|b| b.purchase.task_id == purchase.task_id);
    let is_over = booked.is_some_and(|booked| booked.state == rushes::simulator::TaskState::Failed);
    if is_over { purchase.charge() } else { purchase.price }
}
