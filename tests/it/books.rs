//! Holds a campaign's ledger against the simulator's own books: what was bought, by whom it was
//! known, and every micro-dollar.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rushes::domain::money::Usd;
use rushes::domain::time::Timestamp;
use rushes::ledger::{LedgerAddress, Snapshot};
use rushes::simulator::{Fate, Purchase, Told};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

/// An attempt as the ledger has it.
#[derive(Debug)]
pub struct Attempt {
    shot: String,
    prompt: String,
    outcome: Option<String>,
    why: Option<String>,
    task: Option<String>,
    account: String,
    price: Usd,
    sent_at: i64,
}

/// A campaign's ledger, whatever keeps it, read past the program's own reading of it.
pub trait Truth {
    /// Every attempt.
    fn attempts(&self) -> Vec<Attempt>;
    /// The program's own reading.
    fn reader(&self) -> Box<dyn Snapshot>;
    /// Holds that nothing in it is damaged.
    fn assert_sound(&self);
}

impl Truth for PathBuf {
    fn attempts(&self) -> Vec<Attempt> {
        attempts(self)
    }

    fn reader(&self) -> Box<dyn Snapshot> {
        LedgerAddress::file(self).snapshot().unwrap()
    }

    fn assert_sound(&self) {
        let check = "PRAGMA integrity_check";
        let said: String = open(self).query_row(check, [], |row| row.get(0)).unwrap();
        assert_eq!(said, "ok");
    }
}

/// In the schema `rushes` of a server.
#[cfg(all(unix, feature = "postgres"))]
impl Truth for crate::support::postgres::PostgresServer {
    fn attempts(&self) -> Vec<Attempt> {
        let told = self.psql(
            "rushes",
            "SELECT coalesce(json_agg(json_build_array(r.shot, r.request::json->>'prompt', a.outcome, \
             a.why, a.task_id, a.account, a.price_micro, a.sent_at)), '[]') \
             FROM attempts AS a JOIN revisions AS r ON r.id = a.revision",
        );
        let all: Vec<serde_json::Value> = serde_json::from_str(&told).unwrap();
        let read = all.iter().map(|row| {
            let text = |column: usize| row[column].as_str().map(str::to_owned);
            Attempt {
                shot: text(0).unwrap(),
                prompt: text(1).unwrap(),
                outcome: text(2),
                why: text(3),
                task: text(4),
                account: text(5).unwrap(),
                price: Usd::from_micros(row[6].as_i64().unwrap()),
                sent_at: row[7].as_i64().unwrap(),
            }
        });
        read.collect()
    }

    fn reader(&self) -> Box<dyn Snapshot> {
        let address = self.address("rushes").parse().unwrap();
        Box::new(rushes::ledger::postgres::PostgresSnapshot::open(&address, "night", true).unwrap())
    }

    fn assert_sound(&self) {
        self.reader().look_for_damage().unwrap();
    }
}

fn open(ledger: &Path) -> Connection {
    Connection::open_with_flags(ledger, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn attempts(ledger: &Path) -> Vec<Attempt> {
    let conn = open(ledger);
    let mut rows = conn
        .prepare(
            "SELECT r.shot, json_extract(r.request, '$.prompt'), a.outcome, a.why, a.task_id,
               a.account, a.price_micro, a.sent_at
             FROM attempts a JOIN revisions r ON r.id = a.revision",
        )
        .unwrap();
    rows.query_map([], |row| {
        Ok(Attempt {
            shot: row.get(0)?,
            prompt: row.get(1)?,
            outcome: row.get(2)?,
            why: row.get(3)?,
            task: row.get(4)?,
            account: row.get(5)?,
            price: Usd::from_micros(row.get(6)?),
            sent_at: row.get(7)?,
        })
    })
    .unwrap()
    .map(Result::unwrap)
    .collect()
}

fn sum<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> Usd {
    attempts.map(|attempt| attempt.price).sum()
}

/// What the comparison found, for tests that want to say more.
pub struct Agreement {
    /// Purchases whose task the ledger knows.
    pub known: usize,
    /// Purchases that only the simulator knows of; each has an attempt in doubt, or one answered
    /// with a 5xx that lied.
    pub unknown: usize,
    /// Of `unknown` those that a 5xx hid; what they may have cost is unconfirmed.
    pub hidden: usize,
    /// Attempts in doubt that bought nothing.
    pub in_doubt_for_nothing: usize,
}

/// Checks that the ledger at the end of a campaign and the books agree: nothing was bought twice,
/// every purchase is known or in doubt, and the money agrees to the last micro-dollar. Requests
/// must differ in their prompts. A purchase that was answered with a 5xx is what the user lets be
/// bought again; it must be unconfirmed, or in doubt if the answer never arrived.
pub fn assert_agreement(ledger: &dyn Truth, books: &rushes::simulator::Accounts) -> Agreement {
    let attempts = ledger.attempts();
    let by_task: HashMap<&str, &Attempt> =
        attempts.iter().filter_map(|a| Some((a.task.as_deref()?, a))).collect();
    let count = |prompt: &str, account: &str| {
        attempts
            .iter()
            .filter(|a| a.prompt == prompt && a.task.is_none() && a.account == account)
            .count()
    };
    let mut bought: HashMap<&str, usize> = HashMap::new();
    let mut unknown: HashMap<&str, usize> = HashMap::new();
    let (mut unknown_price, mut unknown_completed) = (Usd::ZERO, Usd::ZERO);
    for purchase in books.purchases() {
        let denied = matches!(purchase.told, Told::Refusal(500..));
        *bought.entry(&purchase.prompt).or_default() += usize::from(!denied);
        let Some(attempt) = by_task.get(purchase.task_id.as_str()) else {
            *unknown.entry(&purchase.prompt).or_default() += 1;
            unknown_price += purchase.price;
            if completes(purchase) {
                unknown_completed += purchase.price;
            }
            continue;
        };
        let account = match purchase.fate {
            Fate::Completes { .. } => "spent",
            Fate::Fails { .. } if !purchase.fate.leaves_price_open() => "released",
            Fate::Fails { .. } | Fate::Stuck => "reserved",
        };
        assert_eq!(
            (attempt.account.as_str(), attempt.price),
            (account, purchase.price),
            "{purchase:?}"
        );
    }
    for (prompt, count) in &bought {
        assert!(*count <= 1, "{prompt:?} was bought {count} times");
    }
    let mut hidden = 0;
    for (prompt, bought) in &unknown {
        let in_doubt = count(prompt, "reserved");
        let unconfirmed = count(prompt, "unconfirmed");
        assert!(
            *bought <= in_doubt + unconfirmed,
            "{prompt:?}: a purchase that the ledger does not doubt"
        );
        hidden += bought.saturating_sub(in_doubt);
    }
    let at_worst = sum(attempts
        .iter()
        .filter(|a| a.task.is_none() && ["reserved", "unconfirmed"].contains(&a.account.as_str())));
    assert!(unknown_price <= at_worst, "unknown purchases cost more than is kept for them");
    let spent = sum(attempts.iter().filter(|a| a.account == "spent"));
    // What nobody polls may still be rendering.
    let charged = books.charged_at(Timestamp::from_millis(i64::MAX));
    assert_eq!(spent + unknown_completed, charged, "spent and charged differ");
    let in_doubt = attempts.iter().filter(|a| a.account == "reserved" && a.task.is_none()).count();
    let unanswered = attempts.iter().filter(|a| a.outcome.is_none()).count();
    assert!(unanswered <= in_doubt, "an attempt without an outcome is in doubt");
    let unknown = unknown.values().sum::<usize>();
    let known = books.purchases.len() - unknown;
    // An answer that was cut may have been cut after the task's id.
    let untold: Vec<_> = books
        .purchases()
        .filter(|purchase| !matches!(purchase.told, Told::Task | Told::Nonsense))
        .filter_map(|purchase| Some((by_task.get(purchase.task_id.as_str())?, purchase)))
        .filter(|(attempt, _)| attempt.outcome.as_deref() != Some("doubtful"))
        .collect();
    assert!(untold.is_empty(), "the ledger knows tasks that no answer named: {untold:?}");
    Agreement { known, unknown, hidden, in_doubt_for_nothing: in_doubt + hidden - unknown }
}

fn completes(purchase: &Purchase) -> bool {
    matches!(purchase.fate, Fate::Completes { .. })
}

/// A shot in doubt, and what the books say of it.
pub struct Doubt {
    /// Its id.
    pub shot: String,
    /// What was bought for it without the ledger knowing.
    pub task: Option<String>,
    /// Whether its run was killed while the POST was on the wire.
    pub killed: bool,
}

/// Every shot in doubt, with the truth about it.
pub fn doubts(ledger: &dyn Truth, books: &rushes::simulator::Accounts) -> Vec<Doubt> {
    let attempts = ledger.attempts();
    let known: HashSet<&str> = attempts.iter().filter_map(|a| a.task.as_deref()).collect();
    let in_doubt = attempts.iter().filter(|a| a.account == "reserved" && a.task.is_none());
    let truth = |attempt: &Attempt| {
        // What an earlier attempt bought behind a 5xx was bought before this one left.
        let is_its = |p: &&Purchase| p.prompt == attempt.prompt && p.at >= attempt.sent_at;
        let unknown = books.purchases().filter(|p| !known.contains(p.task_id.as_str()));
        let task = unknown.filter(is_its).map(|p| p.task_id.clone()).last();
        let killed = attempt.why.as_deref().is_some_and(|why| why.contains("the run ended"));
        Doubt { shot: attempt.shot.clone(), task, killed }
    };
    in_doubt.map(truth).collect()
}

/// Checks that every delivered clip lies in the campaign folder as the ledger has it, to the last
/// byte.
pub fn assert_clips(folder: &Path, ledger: &dyn Truth) {
    let reader = ledger.reader();
    let check = &mut |row: rushes::ledger::Row| {
        if row.entry.status.state.name() == "delivered" {
            assert!(!row.files.is_empty(), "{}", row.entry.shot);
        }
        for file in &row.files {
            let bytes = std::fs::read(folder.join(&file.path)).unwrap();
            assert_eq!(bytes.len() as u64, file.bytes, "{}", file.path);
            assert_eq!(Sha256::digest(&bytes)[..], file.sha256, "{}", file.path);
        }
    };
    reader.rows(check).unwrap();
}

/// Checks that nothing but clips lies among the clips.
pub fn assert_no_temporary_file(folder: &Path) {
    for entry in std::fs::read_dir(folder.join("clips")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert_eq!(Path::new(&name).extension().unwrap(), "mp4", "{name}");
    }
}
