//! The catalog's rules, held from outside.

mod check;
mod coerce;
mod file;
mod fingerprint;
mod image;
mod price;
mod similar;

use rushes::catalog::Params;

/// A request.
fn params(request: &serde_json::Value) -> Params {
    request.as_object().unwrap().clone()
}
