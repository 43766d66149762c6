//! What a request costs: the one row of its model's price table that fits it, or nothing. Never a
//! guess, never a float. For a request without a known price: which of its model's prices are
//! nearest, and what would have to change for them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::domain::money::Usd;

use super::model::Catalog;
use super::param::Params;
use super::price_table::{DURATION, Row};
use super::request_view::RequestView;
use super::values::{Values, plain};

/// The most hints that are given.
const MAX: usize = 3;

/// A price that a request would have if some of it were different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceHint {
    /// What would have to change; never empty.
    pub changes: Vec<Change>,
    /// What it then costs.
    pub price: Usd,
}

/// A change of one request parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its API name.
    pub param: String,
    /// What to write as people write it; `None`: leave it out.
    pub value: Option<String>,
}

impl Catalog {
    /// What a request costs; `None` when the catalog has no row for it.
    #[must_use]
    pub fn price(&self, params: &Params) -> Option<Usd> {
        let request = RequestView::new(self, params);
        let fits = |row: &&Row| row.when.iter().all(|(at, values)| values.hold(request.get(*at)));
        let row = request.model()?.prices.iter().find(fits)?;
        row.price(self.place(DURATION).and_then(|place| request.get(place)))
    }

    /// For a request without a known price: what its model costs when as little of it as possible
    /// is changed. At most three ways, in the order of the catalog's rows; none when the model is
    /// not known or has no such price. [`in_words`] makes a sentence of them.
    #[must_use]
    pub fn price_hints(&self, params: &Params) -> Vec<PriceHint> {
        let request = RequestView::new(self, params);
        let Some(model) = request.model() else { return Vec::new() };
        let wrong = self.check(params).len();
        let mut found: Vec<PriceHint> = model
            .prices
            .iter()
            .filter_map(|row| change(self, params, &request, row))
            // What the model refuses for another reason is no way out.
            .filter(|(changed, _)| self.check(changed).len() <= wrong)
            .map(|(_, nearest)| nearest)
            .collect();
        let fewest = found.iter().map(|nearest| nearest.changes.len()).min();
        found.retain(|nearest| Some(nearest.changes.len()) == fewest && fewest != Some(0));
        found.truncate(MAX);
        found
    }
}

/// The request changed so that a row fits, and the changes.
fn change(
    catalog: &Catalog,
    params: &Params,
    request: &RequestView<'_>,
    row: &Row,
) -> Option<(Params, PriceHint)> {
    let mut fitting = params.clone();
    let mut changes = Vec::new();
    for (place, values) in &row.when {
        if values.hold(request.get(*place)) {
            continue;
        }
        let param = &catalog.params.get(*place)?.name;
        let value = match values {
            Values::Seconds(spans) => Some(Value::from(closest(spans, request.get(*place))?)),
            Values::OneOf(values) => Some(values.first()?.clone()),
            Values::Given(false) => None,
            // Which image or voice is for the user to choose.
            Values::Given(true) => return None,
        };
        changes.push(Change { param: param.clone(), value: value.as_ref().map(plain) });
        match value {
            Some(value) => fitting.insert(param.clone(), value),
            None => fitting.shift_remove(param),
        };
    }
    let seconds = fitting.get(DURATION).or(catalog.param(DURATION)?.default.as_ref());
    let price = row.price(seconds)?;
    Some((fitting, PriceHint { changes, price }))
}

/// The allowed number of seconds that is nearest to what was asked for.
fn closest(spans: &[(u32, u32)], value: Option<&Value>) -> Option<String> {
    let asked: u32 = value.and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0);
    let ends = spans.iter().map(|(low, high)| asked.clamp(*low, *high));
    ends.min_by_key(|seconds| seconds.abs_diff(asked)).map(|seconds| seconds.to_string())
}

/// ``with `mode: pro` it is $0.0531; with `sound: off` $0.0159``; `None` when there is nothing.
#[must_use]
pub fn in_words(nearest: &[PriceHint]) -> Option<String> {
    let mut words = String::new();
    for (place, PriceHint { changes, price }) in nearest.iter().enumerate() {
        if place > 0 {
            words.push_str("; ");
        }
        let mut last = "";
        for Change { param, value } in changes {
            let and = if last.is_empty() { "" } else { " and " };
            let word = if value.is_some() { "with " } else { "without " };
            let preposition = if word == last { "" } else { word };
            last = word;
            let _ = match value {
                Some(value) => write!(words, "{and}{preposition}`{param}: {value}`"),
                None => write!(words, "{and}{preposition}`{param}`"),
            };
        }
        let _ = write!(words, "{} ${price}", if place == 0 { " it is" } else { "" });
    }
    (!words.is_empty()).then_some(words)
}
