//! What stands beside a clip's bytes in a bucket: its hash, and what it is.

use object_store::{Attribute, Attributes};

use crate::clips::Stored;
use crate::domain::clip_info::ClipInfo;

/// The metadata's names. Azure takes letters and digits alone.
const SHA256: &str = "sha256";
const CLIP: &str = "clip";

/// A clip's facts as an object's attributes.
pub(super) fn attributes(clip: &Stored) -> Attributes {
    Attributes::from_iter([
        (Attribute::ContentType, "video/mp4".to_owned()),
        (Attribute::Metadata(SHA256.into()), hex(&clip.sha256)),
        (Attribute::Metadata(CLIP.into()), described(clip)),
    ])
}

/// The hash that an object's attributes tell.
pub(super) fn sha256(attributes: &Attributes) -> Option<[u8; 32]> {
    unhex(attributes.get(&Attribute::Metadata(SHA256.into()))?)
}

/// The facts of the clip at `path` of `bytes` bytes, if its attributes tell them all.
pub(super) fn stored(attributes: &Attributes, path: &str, bytes: u64) -> Option<Stored> {
    let sha256 = sha256(attributes)?;
    let (clip_info, unread) = parse(attributes.get(&Attribute::Metadata(CLIP.into()))?)?;
    Some(Stored { path: path.to_owned(), bytes, sha256, clip_info, unread, moved_aside: None })
}

/// `5042 ms, 1280x720, sound`; `unread: it has no picture`.
fn described(clip: &Stored) -> String {
    match (&clip.clip_info, &clip.unread) {
        (Some(ClipInfo { millis, width, height, sound }), _) => {
            let sound = if *sound { "sound" } else { "silent" };
            format!("{millis} ms, {width}x{height}, {sound}")
        }
        (None, unread) => {
            let plain = |c: &char| c.is_ascii_graphic() || *c == ' ';
            let why = unread.as_deref().unwrap_or("unknown");
            format!("unread: {}", why.chars().filter(plain).collect::<String>())
        }
    }
}

type Facts = (Option<ClipInfo>, Option<Box<str>>);

fn parse(text: &str) -> Option<Facts> {
    if let Some(why) = text.strip_prefix("unread: ") {
        return Some((None, Some(why.into())));
    }
    let mut parts = text.split(", ");
    let millis = parts.next()?.strip_suffix(" ms")?.parse().ok()?;
    let (width, height) = parts.next()?.split_once('x')?;
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    let sound = match parts.next()? {
        "sound" => true,
        "silent" => false,
        _ => return None,
    };
    Some((Some(ClipInfo { millis, width, height, sound }), None))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let info = ClipInfo { millis: 5042, width: 1280, height: 720, sound: true };
        for (clip_info, unread) in [(Some(info), None), (None, Some("it has no picture".into()))] {
            let path = "clips/beach.mp4".to_owned();
            let sha256 = [7; 32];
            let clip = Stored { path, bytes: 9, sha256, clip_info, unread, moved_aside: None };
            assert_eq!(stored(&attributes(&clip), "clips/beach.mp4", 9), Some(clip));
        }
    }

    #[test]
    fn what_others_wrote_is_not_believed() {
        let of = |name: &'static str, value: &'static str| {
            Attributes::from_iter([(Attribute::Metadata(name.into()), value)])
        };
        assert_eq!(sha256(&of(SHA256, "abc")), None);
        assert_eq!(stored(&of(SHA256, "abc"), "clips/a.mp4", 1), None);
        assert_eq!(parse("5042 ms"), None);
    }
}
