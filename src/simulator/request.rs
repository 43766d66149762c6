//! What a POST asks for, checked and priced with the catalog as the gateway itself would.

use serde_json::Value;

use crate::catalog::{Catalog, Params, is_http_url};
use crate::domain::money::Usd;

use super::sample_clips::{Film, MAX_SECONDS, Shape, sides};

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
        // What the gateway does not know, it does not look at.
        let known = |(name, value): (&String, &Value)| {
            catalog.param(name).map(|_| (name.clone(), value.clone()))
        };
        let problems = catalog.check(&params.iter().filter_map(known).collect());
        if let Some(image) =
            ["image", "image_tail"].into_iter().find(|name| is_odd_image(&params, name))
        {
            return Err(format!("Bad Request: {image}: neither a URL nor base64"));
        }
        if let Some(Value::String(video)) = params.get("motion_video")
            && !is_http_url(video)
        {
            return Err("Bad Request: motion_video: not a URL".to_owned());
        }
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
                ratio: sides(text("aspect_ratio")),
                sound: text("sound") == "on",
            },
            clips: 1 + u32::from(watermarked),
        })
    }
}

/// Whether an image is something that only the sender could open, such as a path.
fn is_odd_image(params: &Params, name: &str) -> bool {
    let Some(Value::String(image)) = params.get(name) else { return false };
    let is_url = image.starts_with("http://") || image.starts_with("https://");
    let base64 = image.split_once(";base64,").map_or(image.as_str(), |(_, data)| data);
    let is_base64 =
        base64.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(&byte));
    !is_url && !is_base64
}

/// `duration`, a string by the gateway's page; 5 when it says nothing usable.
fn seconds(params: &Params) -> u32 {
    let asked = match params.get("duration") {
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Number(number)) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
        _ => None,
    };
    asked.filter(|seconds| (1..=MAX_SECONDS).contains(seconds)).unwrap_or(5)
}
