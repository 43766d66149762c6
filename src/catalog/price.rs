//! What a request costs: the one row of its model's price table that fits it, or nothing. Never a
//! guess, never a float.

use crate::domain::money::Usd;

use super::model::Catalog;
use super::param::Params;
use super::price_table::{DURATION, Row};
use super::request_view::RequestView;

pub(super) fn price(catalog: &Catalog, params: &Params) -> Option<Usd> {
    let request = RequestView::new(catalog, params);
    let row = request.model()?.prices.iter().find(|row| fits(row, &request))?;
    row.price(catalog.place(DURATION).and_then(|place| request.get(place)))
}

fn fits(row: &Row, request: &RequestView<'_>) -> bool {
    row.when.iter().all(|(place, values)| values.hold(request.get(*place)))
}
