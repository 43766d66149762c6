//! What a delivered clip is against what its request asked for.

use serde_json::{Map, Value};

use crate::domain::clip_info::ClipInfo;
use crate::ledger::{ClipFile, Row};

/// Encoders round: so much of the length asked for may be missing or too much …
const LENGTH_SLACK: f64 = 0.1;
/// … and in any case so many seconds.
const LEAST_SLACK_SECONDS: f64 = 0.5;
/// Sides are even numbers of pixels: so much may width to height be off.
const RATIO_SLACK: f64 = 0.03;

/// What is not as it was asked for, a phrase each: length, width to height, a missing sound track, a
/// clip that cannot be read. What was not asked for, and what was not looked at, is no mismatch.
#[must_use]
pub fn mismatches(row: &Row) -> Vec<String> {
    if row.files.iter().all(|file| file.clip_info.is_none() && file.unread.is_none()) {
        return Vec::new();
    }
    let request: Map<String, Value> = serde_json::from_str(&row.request).unwrap_or_default();
    let several = row.files.len() > 1;
    let of = |file: &ClipFile| {
        let clip = if several { format!("{}: ", file.path) } else { String::new() };
        let found = match (&file.clip_info, &file.unread) {
            (Some(clip_info), _) => against(&request, clip_info),
            (None, Some(why)) => vec![format!("the clip cannot be read: {why}")],
            (None, None) => Vec::new(),
        };
        found.into_iter().map(move |what| format!("{clip}{what}"))
    };
    row.files.iter().flat_map(of).collect()
}

fn against(request: &Map<String, Value>, clip_info: &ClipInfo) -> Vec<String> {
    let ClipInfo { width, height, .. } = clip_info;
    let length = seconds(request.get("duration")).and_then(|asked| {
        let got = clip_info.seconds();
        let slack = (asked * LENGTH_SLACK).max(LEAST_SLACK_SECONDS);
        ((got - asked).abs() > slack).then(|| format!("asked for {asked} s, got {got:.1} s"))
    });
    // From an image the picture takes the image's shape, whatever is asked for.
    let free = request.get("image").is_none_or(Value::is_null);
    let shape = request.get("aspect_ratio").and_then(Value::as_str).filter(|_| free);
    let shape = shape.and_then(|asked| {
        let wanted = ratio(asked)?;
        let got = f64::from(*width) / f64::from(*height);
        let off = (got / wanted - 1.0).abs() > RATIO_SLACK;
        off.then(|| format!("asked for {asked}, got {width}x{height}"))
    });
    let silent = is_on(request.get("sound")) && !clip_info.sound;
    let sound = silent.then(|| "asked for sound, got none".to_owned());
    [length, shape, sound].into_iter().flatten().collect()
}

/// A length as a request has it: `5`, `"5"`.
fn seconds(value: Option<&Value>) -> Option<f64> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0)
}

/// Width by height of `16:9`.
fn ratio(text: &str) -> Option<f64> {
    let (width, height) = text.split_once(':')?;
    let side = |text: &str| text.trim().parse().ok().filter(|side: &u32| *side > 0).map(f64::from);
    Some(side(width)? / side(height)?)
}

fn is_on(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(text)) => text == "on",
        Some(Value::Bool(on)) => *on,
        _ => false,
    }
}
