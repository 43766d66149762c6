//! The report's table: a line a shot, with its reason beside it or, where that is too narrow, below.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::ledger::Row;
use crate::report::model::{name, state_name};

use super::columns::{Screen, columns, padded, widest_word};
use super::sign::{Hue, sign};
use super::{detail, dollars, label, word};

/// A longer name has its own line on a terminal, and else pushes the rest of its line, in columns.
const WIDEST_NAME: usize = 40;
/// The narrowest column of names.
const NARROWEST_NAME: usize = 16;
/// Between two columns.
const GAP: usize = 2;
/// With less room beside the price, the reason stands on lines of its own.
const LEAST_BESIDE: usize = 24;
/// How far a reason on lines of its own is indented.
const BELOW: usize = 4;

/// The widest cells of each column, in columns of a terminal.
pub(super) struct Widths {
    name: usize,
    state: usize,
    price: usize,
}

impl Default for Widths {
    fn default() -> Self {
        Self { name: "SHOT".len(), state: "STATE".len(), price: "PRICE".len() }
    }
}

impl Widths {
    /// One more row.
    pub(super) fn add(&mut self, row: &Row) {
        self.name = self.name.max(columns(&name(&row.entry)));
        self.state = self.state.max(columns(word(state_name(row))));
        self.price = self.price.max(columns(&price(row)));
    }
}

/// The columns of a table.
pub(super) struct Table {
    screen: Screen,
    widths: Widths,
    /// Where the reasons begin; `None`: on lines of their own.
    beside: Option<usize>,
}

impl Table {
    /// A table whose widest cells are so wide.
    pub(super) fn new(mut widths: Widths, screen: Screen) -> Self {
        if screen.is_looked_at() {
            // The sign and a blank.
            widths.state += 2;
        }
        let rest = GAP + widths.state + GAP + widths.price;
        let widest = screen.room().map_or(WIDEST_NAME, |room| room.saturating_sub(rest));
        let beside = widest.saturating_sub(GAP + LEAST_BESIDE);
        let is_beside = screen.room().is_none() || beside >= NARROWEST_NAME.min(widths.name);
        let widest = if is_beside && screen.room().is_some() { beside } else { widest };
        widths.name = widths.name.min(widest.clamp(NARROWEST_NAME, WIDEST_NAME));
        let begins = widths.name + rest + GAP;
        Self { screen, widths, beside: is_beside.then_some(begins) }
    }

    /// The columns' names.
    pub(super) fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let Widths { name, state, price } = self.widths;
        let detail = if self.beside.is_some() { "  CLIP OR REASON" } else { "" };
        let line = format!("{:name$}  {:<state$}  {:>price$}{detail}", "SHOT", "STATE", "PRICE");
        writeln!(out, "{}", self.screen.paint(Hue::Dim, &line))
    }

    /// A shot, and what was answered to it.
    pub(super) fn row(
        &self,
        out: &mut dyn Write,
        row: &Row,
        answer: Option<&str>,
    ) -> io::Result<()> {
        let (screen, name) = (self.screen, name(&row.entry));
        let blanks = |count: usize| " ".repeat(count);
        let mut line = padded(&name, self.widths.name);
        if screen.width.is_some() && columns(&name) > self.widths.name {
            let variant = row.variant.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let label = label(variant, self.widths.name);
            line = format!("{name}\n{}", padded(&label, self.widths.name));
        }
        let (state, width) = (self.state(state_name(row)), self.widths.price);
        let price = price(row);
        let _ = write!(line, "  {state}  {price:>width$}");
        let detail = detail(row);
        let texts = || [detail.as_str()].into_iter().chain(answer);
        let fits = |begins: &usize| {
            screen.room().is_none_or(|room| {
                texts().all(|text| widest_word(text) <= room.saturating_sub(*begins))
            })
        };
        let begins = self.beside.filter(fits);
        let (indent, mut is_beside) = (begins.unwrap_or(BELOW), begins.is_some());
        for text in texts().filter(|text| !text.is_empty()) {
            line += if is_beside { "" } else { "\n" };
            line += &blanks(if is_beside { GAP } else { indent });
            line += &screen.wrapped(text, indent, indent);
            is_beside = false;
        }
        writeln!(out, "{}", line.trim_end())
    }

    /// A state in its column.
    fn state(&self, state: &str) -> String {
        let said = word(state);
        if !self.screen.is_looked_at() {
            return padded(said, self.widths.state);
        }
        let (sign, hue) = sign(state);
        self.screen.paint(hue, &padded(&format!("{sign} {said}"), self.widths.state))
    }
}

/// A row's price.
fn price(row: &Row) -> String {
    row.price.map_or_else(|| "unknown".to_owned(), dollars)
}
