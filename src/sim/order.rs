//! What a POST asks for, checked and priced with the catalog as the gateway itself would.

use serde_json::Value;

use crate::catalog::{Catalog, Params};
use crate::money::Usd;

use super::loops::{Film, MOST_SECONDS, Shape};

/// A request that the gateway accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The model's API name.
    pub model: String,
    /// The prompt's first characters.
    pub prompt: String,
    /// Its price, when the catalog knows it.
    pub price: Option<Usd>,
    /// What its clip shows.
    pub film: Film,
    /// How many clips it makes.
    pub clips: u32,
}

/// How many characters of the prompt are kept.
const PROMPT: usize = 200;

impl Order {
    /// Reads a POST's body; otherwise the gateway's message.
    pub fn read(catalog: &Catalog, body: &[u8]) -> Result<Self, String> {
        let params = match serde_json::from_slice(body) {
            Ok(Value::Object(params)) => params,
            Ok(_) => return Err("Bad Request: the body is not a JSON object".to_owned()),
            Err(error) => return Err(format!("Bad Request: the body is not JSON: {error}")),
        };
        let problems = catalog.check(&params);
        if !problems.is_empty() {
            let each =
                problems.iter().map(|problem| format!("{}: {}", problem.param, problem.what));
            return Err(format!("Bad Request: {}", each.collect::<Vec<_>>().join("; ")));
        }
        let text = |name| params.get(name).and_then(Value::as_str).unwrap_or_default();
        let watermarked = params
            .get("watermark_info")
            .and_then(|info| info.get("enabled"))
            .is_some_and(|enabled| *enabled == Value::Bool(true));
        Ok(Self {
            model: text("model").to_owned(),
            prompt: text("prompt").chars().take(PROMPT).collect(),
            price: catalog.price(&params),
            film: Film {
                seconds: seconds(&params),
                shape: Shape::nearest(text("aspect_ratio")),
                sound: text("sound") == "on",
            },
            clips: 1 + u32::from(watermarked),
        })
    }
}

/// `duration`, a string by the gateway's page; 5 when it says nothing usable.
fn seconds(params: &Params) -> u32 {
    let asked = match params.get("duration") {
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Number(number)) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
        _ => None,
    };
    asked.filter(|seconds| (1..=MOST_SECONDS).contains(seconds)).unwrap_or(5)
}
