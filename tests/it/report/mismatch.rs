//! What a clip is against what was asked for.

use rushes::domain::clip_info::ClipInfo;
use rushes::domain::state::{AttemptId, State};
use rushes::ledger::ClipFile;
use rushes::report::model::mismatches;

use super::sample;

/// Milliseconds, width, height, sound; or why they are not known.
type Clip = (Option<(u64, u32, u32, bool)>, Option<&'static str>);

fn told(request: &str, files: &[Clip]) -> Vec<String> {
    let mut row = sample::row("beach", State::Delivered { attempt: AttemptId(1) });
    row.request = request.into();
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
    assert_eq!(told(asked, &[(None, None)]), [""; 0], "no clip was looked at");
    assert_eq!(told(asked, &[]), [""; 0]);
}

#[test]
fn whatever_is_not_as_it_was_asked_for_is_named() {
    let asked = r#"{"duration":5,"aspect_ratio":"16:9","sound":"on"}"#;
    assert_eq!(
        told(asked, &[(Some((10_000, 720, 1280, false)), None)]),
        ["asked for 5 s, got 10.0 s", "asked for 16:9, got 720x1280", "asked for sound, got none"]
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
