//! Which words count as misspelt, and what they stand for.

use rushes::catalog::{Catalog, closest, is_for_people, likely_typo};

#[test]
fn what_may_mean_something_is_no_slip() {
    let words = ["mode", "duration", "aspect_ratio", "tags"];
    for (word, meant) in [
        ("durration", Some("duration")),
        ("Aspect Ratio", Some("aspect_ratio")),
        ("Mode", Some("mode")),
        ("note", None),
        ("date", None),
        ("tag", None),
    ] {
        assert_eq!(likely_typo(word, words), meant, "{word}");
    }
}

#[test]
fn a_slip_finds_its_word_and_a_stranger_none() {
    let words = ["aspect_ratio", "duration", "mode", "model", "kling-v2-6", "kling-v3"];
    for (typo, meant) in [
        ("aspect-ratio", Some("aspect_ratio")),
        ("aspectRatio", Some("aspect_ratio")),
        ("aspet_ratio", Some("aspect_ratio")),
        ("Duration", Some("duration")),
        ("dur", None),
        ("modell", Some("model")),
        ("kling-v2.6", Some("kling-v2-6")),
        ("kling v3", Some("kling-v3")),
        ("seed", None),
        ("", None),
        ("🎬", None),
    ] {
        assert_eq!(closest(typo, words), meant, "{typo}");
    }
}

/// Trial 13: what the headers of people's sheets stand for.
#[test]
fn a_header_stands_for_a_parameter() {
    let catalog = Catalog::builtin();
    for (header, meant) in [
        ("Prompt (EN)", Some("prompt")),
        ("PROMPT", Some("prompt")),
        ("Neg. prompt", Some("negative_prompt")),
        ("Ref #", Some("image")),
        ("Ref image\n(png)", Some("image")),
        ("Length [s]", Some("duration")),
        ("Shot #", Some("id")),
        ("Shot No.", Some("id")),
        ("Aspect", Some("aspect_ratio")),
        ("End frame", Some("image_tail")),
        ("Qty", Some("takes")),
        ("Notes", None),
        ("Status", None),
        ("Approved by", None),
        ("Scene / Loc.", None),
        ("提示词", None),
        ("#", None),
    ] {
        assert_eq!(catalog.meant_by_header(header, &["id", "takes"]), meant, "{header}");
    }
    assert!(is_for_people("NOTES") && is_for_people("Approved by") && !is_for_people("look"));
}

/// Trial 4: nothing is suggested that the catalog at hand does not have.
#[test]
fn only_what_the_catalog_has_is_suggested() {
    let text = rushes::catalog::BUILTIN.replace("image_tail", "image_behind");
    let catalog = Catalog::parse(&text).unwrap();
    assert_eq!(catalog.meant("last_frame", &[]), None);
    assert_eq!(Catalog::builtin().meant("last_frame", &[]), Some("image_tail"));
    assert_eq!(
        catalog.taken_by("motion_video").as_deref(),
        Some("only kling-motion-control takes it")
    );
    assert_eq!(catalog.taken_by("prompt"), None);
}
