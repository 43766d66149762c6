//! Ids that were known yesterday and are gone today, while others are new: a spreadsheet may have
//! rewritten them, and each new one would be bought.

use std::collections::HashSet;

use super::{Entry, Shot};
use crate::domain::state::State;

/// So many vanished ids are many.
const MANY: usize = 3;

/// What a user should know before buying shots whose ids are new while known ones are gone; `None`
/// when there is nothing odd about them. `entries` are all revisions that the ledger knows.
#[must_use]
pub fn vanished(shots: &[Shot], entries: &[Entry]) -> Option<String> {
    let bought = entries.iter().filter(|entry| !matches!(entry.status.state, State::Queued { .. }));
    if !bought.clone().any(|entry| entry.current) {
        return None;
    }
    let today: HashSet<&str> = shots.iter().map(|shot| shot.id.as_str()).collect();
    let gone: Vec<&str> = bought
        .clone()
        .filter(|entry| entry.current && !today.contains(entry.shot.as_str()))
        .map(|entry| entry.shot.as_str())
        .collect();
    if gone.is_empty() {
        return None;
    }
    let all: HashSet<&str> = bought.map(|entry| entry.shot.as_str()).collect();
    let known: HashSet<&str> = entries.iter().map(|entry| entry.shot.as_str()).collect();
    let new: Vec<&str> =
        shots.iter().map(|shot| shot.id.as_str()).filter(|id| !known.contains(id)).collect();
    dates(&gone, &new).or_else(|| many(&gone, &new, all.len()))
}

/// `mar-1` is gone and `1-Mar` is new.
fn dates(gone: &[&str], new: &[&str]) -> Option<String> {
    let new: Vec<(&str, Date)> = new.iter().filter_map(|id| Some((*id, date(id)?))).collect();
    let (id, _) = new.first()?;
    let same = new.iter().find_map(|(id, day)| {
        let before = gone.iter().find(|gone| date(gone).is_some_and(|gone| gone == *day));
        Some((*id, *before?))
    });
    let (id, before) = same.unwrap_or((id, gone.first()?));
    // A new date among ids that are dates is one more of them.
    if same.is_none() && gone.iter().any(|gone| date(gone).is_some()) {
        return None;
    }
    Some(format!(
        "the shot {id} is new, and {before}, which was bought, is gone: a spreadsheet may have made \
         a date of the id; format the column as text and write {before}, else it is bought again"
    ))
}

/// Many ids are gone, and about as many are new.
fn many(gone: &[&str], new: &[&str], bought: usize) -> Option<String> {
    let is_many = gone.len() >= MANY && gone.len() * 4 >= bought;
    let (first, before) = (new.first()?, gone.first()?);
    (is_many && new.len() * 10 >= gone.len() * 9).then(|| {
        format!(
            "{} shots that were bought are gone, such as {before}, and {} are new, such as {first}: \
             if they are the same shots by other names, write their old ids, else they are bought \
             again",
            gone.len(),
            new.len()
        )
    })
}

/// A day or a month of a year, as far as an id says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Date {
    /// 1 to 12.
    month: usize,
    /// The day, or the year's last two digits.
    number: u32,
}

/// Months as English spreadsheets write them; the others begin alike or are told apart by number.
const MONTHS: [&[&str]; 12] = [
    &["jan", "january", "januar", "ene", "gen", "janv"],
    &["feb", "february", "februar", "févr", "fev"],
    &["mar", "march", "mär", "mrz", "märz", "mars"],
    &["apr", "april", "avr", "abr"],
    &["may", "mai", "mag"],
    &["jun", "june", "juni", "juin", "giu"],
    &["jul", "july", "juli", "juil", "lug"],
    &["aug", "august", "août", "ago"],
    &["sep", "sept", "september", "set"],
    &["oct", "october", "okt", "oktober", "ott"],
    &["nov", "november"],
    &["dec", "december", "dez", "dezember", "déc", "dic"],
];

/// The date that a spreadsheet sees in an id: `mar-1`, `1-Mar`, `Mar-01`, `01.Mar`, `2026-03-01`.
fn date(id: &str) -> Option<Date> {
    let parts: Vec<&str> = id.split(['-', '.', '_']).filter(|part| !part.is_empty()).collect();
    if let [year, month, day] = parts[..] {
        let (month, number) = (month.parse().ok()?, day.parse().ok()?);
        let is_date = year.len() == 4 && year.parse::<u32>().is_ok() && (1..=12).contains(&month);
        return is_date.then_some(Date { month, number });
    }
    let [first, second] = parts[..] else { return joined(id) };
    let (name, number) = match (first.parse::<u32>(), second.parse::<u32>()) {
        (Err(_), Ok(number)) => (first, number),
        (Ok(number), Err(_)) => (second, number),
        _ => return None,
    };
    Some(Date { month: month(name)?, number: number % 100 })
}

/// `mar1`, `SEPT2`: gene names are famous for it.
fn joined(id: &str) -> Option<Date> {
    let at = id.find(|c: char| c.is_ascii_digit())?;
    let number: u32 = id.get(at..)?.parse().ok()?;
    Some(Date { month: month(id.get(..at)?)?, number: number % 100 })
}

fn month(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let month = MONTHS.iter().position(|names| names.contains(&name.as_str()))?;
    Some(month + 1)
}
