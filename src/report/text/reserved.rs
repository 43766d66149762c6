//! The prices that stay reserved until the user says that nothing was charged, with the commands that
//! free them.

use std::collections::BTreeMap;
use std::io::Write;

use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::sanitize::shell_word;
use crate::domain::shot::ShotId;
use crate::domain::state::State;
use crate::ledger::Snapshot;
use crate::report::ReportError;
use crate::report::model::{STALLED, name, state_name};
use crate::report::remedy::Again;

use super::{Screen, dollars, plural, safe};

/// More shots in doubt are freed by one command.
const MAX_DOUBTS: usize = 5;

/// What one command frees.
#[derive(Default)]
struct Kept {
    /// The shot, as the command names it.
    name: String,
    price: Usd,
    /// Whether one of the prices is not known.
    has_unknown: bool,
    is_doubt: bool,
}

impl Kept {
    fn add(&mut self, price: Option<Usd>) {
        self.price += price.unwrap_or(Usd::ZERO);
        self.has_unknown |= price.is_none();
    }
}

/// By revision, and by task where that must be named.
type All = BTreeMap<(ShotId, u32, Option<String>), Kept>;

/// Writes them, if there are any.
pub(super) fn write(
    source: &dyn Snapshot,
    out: &mut dyn Write,
    again: Again<'_>,
    screen: Screen,
) -> Result<(), ReportError> {
    let all = collect(source)?;
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nReserved until you say that it was not charged:")?;
    let doubts: Vec<&Kept> = all.values().filter(|kept| kept.is_doubt).collect();
    let is_many = doubts.len() > MAX_DOUBTS;
    if is_many {
        let what = format!("{} in doubt", plural(doubts.len(), "shot"));
        let price = told(&doubts);
        let command = again("resolve", "--all --not-bought");
        writeln!(out, "  {}\n  $ {command}", screen.wrapped(&format!("{what}: {price}"), 2, 4))?;
    }
    for ((.., task), kept) in all.iter().filter(|(_, kept)| !(is_many && kept.is_doubt)) {
        let (which, note) = match task {
            Some(task) => (
                format!(" --task-id {}", shell_word(task)),
                format!(" (every run asks for its task {})", safe(task)),
            ),
            None => (String::new(), String::new()),
        };
        let price = told(&[kept]);
        let command = again("resolve", &format!("{} --not-bought{which}", kept.name));
        let said = screen.wrapped(&format!("{}: {price}{note}", kept.name), 2, 4);
        writeln!(out, "  {said}\n  $ {command}")?;
    }
    Ok(())
}

fn told(kept: &[&Kept]) -> String {
    let price = dollars(kept.iter().map(|one| one.price).sum());
    if kept.iter().any(|one| one.has_unknown) {
        format!("{price} and an unknown price")
    } else {
        price
    }
}

fn collect(source: &dyn Snapshot) -> Result<All, ReportError> {
    let mut all = All::new();
    source.rows(&mut |row| {
        let is_doubt = matches!(row.entry.status.state, State::InDoubt { .. });
        if is_doubt || state_name(&row) == STALLED {
            let key = (row.entry.shot.clone(), row.entry.number, None);
            let kept = all.entry(key).or_default();
            (kept.name, kept.is_doubt) = (name(&row.entry), is_doubt);
            kept.add(row.price);
        }
    })?;
    for price in source.kept_prices()? {
        // What the shot's own word frees needs no task.
        let task = price.task.as_ref().filter(|_| !price.is_own).map(TaskId::to_string);
        let kept = all.entry((price.shot.clone(), price.number, task)).or_default();
        if kept.name.is_empty() {
            kept.name = format!("{}~r{}", price.shot, price.number);
        }
        kept.add(price.price);
    }
    Ok(all)
}
