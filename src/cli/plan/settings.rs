//! What of a request makes its price, for people: length, mode, sound and shape, also where the
//! request leaves them to the gateway.

use serde_json::Value;

use crate::catalog::{Catalog, Params};
use crate::domain::shot::Shot;
use crate::report::text::safe;

/// The parameters that are shown, and the heads of their columns.
pub const SHOWN: [(&str, &str); 4] =
    [("duration", "LENGTH"), ("mode", "MODE"), ("sound", "SOUND"), ("aspect_ratio", "RATIO")];

/// What a request says of each of [`SHOWN`]; `None` where neither it nor the catalog says anything.
pub fn of(shot: &Shot, catalog: &Catalog) -> [Option<String>; SHOWN.len()] {
    let params: Params = serde_json::from_str(&shot.request.json).unwrap_or_default();
    SHOWN.map(|(name, _)| {
        let given = params.get(name);
        let usual = || catalog.param(name)?.default.as_ref();
        let refuses = || catalog.refuses(&shot.model, name);
        let value = given.or_else(|| usual().filter(|_| !refuses()))?;
        Some(value_of(name, value))
    })
}

/// A value as people write it: `5 s`, `pro`, `on`, `16:9`.
fn value_of(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => safe(text),
        other => safe(&other.to_string()),
    };
    if name == "duration" { format!("{text} s") } else { text }
}
