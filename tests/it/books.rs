//! Holds a campaign's ledger against the simulator's own books: what was bought, by whom it was
//! known, and every micro-dollar.

use std::collections::HashMap;
use std::path::Path;

use rushes::money::Usd;
use rushes::sim::{Fate, Purchase};
use rusqlite::{Connection, OpenFlags};

/// An attempt as the ledger has it.
#[derive(Debug)]
struct Attempt {
    prompt: String,
    outcome: Option<String>,
    task: Option<String>,
    account: String,
    price: Usd,
}

fn attempts(ledger: &Path) -> Vec<Attempt> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let conn = Connection::open_with_flags(ledger, flags).unwrap();
    let mut rows = conn
        .prepare(
            "SELECT json_extract(r.request, '$.prompt'), a.outcome, a.task_id, a.account, a.price_micro
             FROM attempts a JOIN revisions r ON r.id = a.revision",
        )
        .unwrap();
    rows.query_map([], |row| {
        Ok(Attempt {
            prompt: row.get(0)?,
            outcome: row.get(1)?,
            task: row.get(2)?,
            account: row.get(3)?,
            price: Usd::from_micros(row.get(4)?),
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
    /// Purchases that only the simulator knows of; each has an attempt in doubt.
    pub unknown: usize,
    /// Attempts in doubt that bought nothing.
    pub in_doubt_for_nothing: usize,
}

/// Checks that the ledger at the end of a campaign and the books agree: nothing was bought twice,
/// every purchase is known or in doubt, and the money agrees to the last micro-dollar. Requests
/// must differ in their prompts.
pub fn assert_agreement(ledger: &Path, books: &rushes::sim::Books) -> Agreement {
    let attempts = attempts(ledger);
    let by_task: HashMap<&str, &Attempt> =
        attempts.iter().filter_map(|a| Some((a.task.as_deref()?, a))).collect();
    let doubts = |prompt: &str| {
        attempts
            .iter()
            .filter(|a| a.prompt == prompt && a.task.is_none() && a.account == "reserved")
            .count()
    };
    let mut bought: HashMap<&str, usize> = HashMap::new();
    let mut unknown: HashMap<&str, usize> = HashMap::new();
    let mut unknown_completed = Usd::ZERO;
    for purchase in books.purchases() {
        *bought.entry(&purchase.prompt).or_default() += 1;
        let Some(attempt) = by_task.get(purchase.task_id.as_str()) else {
            *unknown.entry(&purchase.prompt).or_default() += 1;
            if completes(purchase) {
                unknown_completed += purchase.price;
            }
            continue;
        };
        let account = match purchase.fate {
            Fate::Completes { .. } => "spent",
            Fate::Fails { .. } => "released",
            Fate::Stuck => "reserved",
        };
        assert_eq!(
            (attempt.account.as_str(), attempt.price),
            (account, purchase.price),
            "{purchase:?}"
        );
    }
    for (prompt, count) in &bought {
        assert_eq!(*count, 1, "{prompt:?} was bought {count} times");
    }
    for (prompt, count) in &unknown {
        assert!(*count <= doubts(prompt), "{prompt:?}: a purchase that the ledger does not doubt");
    }
    let told: Vec<&str> = books
        .purchases()
        .filter(|purchase| purchase.told == rushes::sim::Told::Task)
        .map(|purchase| purchase.task_id.as_str())
        .collect();
    let spent = sum(attempts.iter().filter(|a| a.account == "spent"));
    assert_eq!(spent + unknown_completed, books.charged, "spent and charged differ");
    let in_doubt = attempts.iter().filter(|a| a.account == "reserved" && a.task.is_none()).count();
    let unanswered = attempts.iter().filter(|a| a.outcome.is_none()).count();
    assert!(unanswered <= in_doubt, "an attempt without an outcome is in doubt");
    let unknown = unknown.values().sum::<usize>();
    let known = books.purchases.len() - unknown;
    assert!(told.len() >= known, "the ledger knows tasks that nobody was told");
    Agreement { known, unknown, in_doubt_for_nothing: in_doubt - unknown }
}

fn completes(purchase: &Purchase) -> bool {
    matches!(purchase.fate, Fate::Completes { .. })
}
