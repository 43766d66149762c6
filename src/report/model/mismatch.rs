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
        let got = std::time::Duration::from_millis(clip_info.millis).as_secs_f64();
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

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::domain::state::{AttemptId, State};

    /// Milliseconds, width, height, sound; or why they are not known.
    type Clip = (Option<(u64, u32, u32, bool)>, Option<&'static str>);

    fn told(request: &str, files: &[Clip]) -> Vec<String> {
        let mut row = sample::row("beach", State::Delivered { attempt: AttemptId(1) });
        row.request = request.to_owned();
        row.files = files
            .iter()
            .zip(1..)
            .map(|((clip_info, unread), part)| ClipFile {
                path: format!("clips/beach~{part}.mp4"),
                clip_info: clip_info.map(|(millis, width, height, sound)| ClipInfo {
                    millis,
                    width,
                    height,
                    sound,
                }),
                unread: unread.map(Into::into),
                ..sample::clip_file("")
            })
            .collect();
        mismatches(&row)
    }

    #[test]
    fn a_clip_as_it_was_asked_for_is_no_mismatch() {
        let asked = r#"{"duration":5,"aspect_ratio":"16:9","sound":"on"}"#;
        for (millis, width, height) in
            [(5000, 1280, 720), (5500, 1920, 1080), (4500, 854, 480), (5041, 1284, 716)]
        {
            assert_eq!(told(asked, &[(Some((millis, width, height, true)), None)]), [""; 0]);
        }
        // A tenth of a long clip is more than half a second.
        assert_eq!(told(r#"{"duration":"15"}"#, &[(Some((13_500, 9, 16, true)), None)]), [""; 0]);
        for unasked in [r#"{"sound":"off"}"#, "{}", "no json", r#"{"aspect_ratio":"wide"}"#] {
            assert_eq!(told(unasked, &[(Some((700, 9, 16, true)), None)]), [""; 0], "{unasked}");
        }
        let image = r#"{"aspect_ratio":"16:9","image":"beach.png"}"#;
        assert_eq!(told(image, &[(Some((5000, 720, 1280, false)), None)]), [""; 0]);
        assert_eq!(told(asked, &[(None, None)]), [""; 0], "nobody looked");
        assert_eq!(told(asked, &[]), [""; 0]);
    }

    #[test]
    fn whatever_is_not_as_it_was_asked_for_is_named() {
        let asked = r#"{"duration":5,"aspect_ratio":"16:9","sound":"on"}"#;
        assert_eq!(
            told(asked, &[(Some((10_000, 720, 1280, false)), None)]),
            [
                "asked for 5 s, got 10.0 s",
                "asked for 16:9, got 720x1280",
                "asked for sound, got none"
            ]
        );
        assert_eq!(
            told(r#"{"duration":5}"#, &[(Some((4499, 1, 1, false)), None)]),
            ["asked for 5 s, got 4.5 s"]
        );
        assert_eq!(
            told(r#"{"aspect_ratio":"1:1","image":null}"#, &[(Some((1, 1040, 1000, false)), None)]),
            ["asked for 1:1, got 1040x1000"]
        );
        assert_eq!(
            told(asked, &[(None, Some("it has no picture"))]),
            ["the clip cannot be read: it has no picture"]
        );
        let good = (Some((5000, 1280, 720, true)), None);
        assert_eq!(
            told(asked, &[good, (Some((5000, 1280, 720, false)), None)]),
            ["clips/beach~2.mp4: asked for sound, got none"]
        );
    }
}
