//! What a task renders, held against what a shot asks for.

use rushes::domain::content::{Content, Told};

fn told(models: &[&str], prompts: &[&str]) -> Told {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Told { models: owned(models), prompts: owned(prompts) }
}

fn asks(model: &str, prompt: &str) -> Content {
    Content { model: Some(model.into()), prompt: Some(prompt.into()) }
}

#[test]
fn field_41_names_of_one_model_agree_whatever_way_they_are_written() {
    let cases = [
        ("kling-v2-6", "kling-video/kling-v2-6", true),
        ("kling-v2-6", "Kling_V2.6", true),
        ("kling-v3", "Kling 3", true),
        ("kling-v3", "KLING-VIDEO/KLING-V3", true),
        ("kling-v3", "kling-v3-pro", true),
        ("kling-v3", "kling-v3/image-to-video", true),
        ("kling-v3", "kling", true),
        ("kling-video/kling-v3", "kling-v3", true),
        ("kling-v3", "kling-video/kling-v2-6", false),
        ("kling-v2-6", "kling-video/kling-v3", false),
        ("kling-v3", "kling-motion-control", false),
        ("kling-v3", "veo-3", false),
    ];
    for (asked, name, agree) in cases {
        let why = asks(asked, "x").contradicted_by(&told(&[name], &[]));
        assert_eq!(why.is_none(), agree, "{asked} {name}: {why:?}");
    }
}

#[test]
fn field_41_prompts_agree_in_any_form_and_when_the_gateway_cut_them() {
    let asked = "Caf\u{e9} at dawn, a slow push in over the empty tables";
    let cases = [
        (asked, true),
        ("  Cafe\u{301} at dawn,\n a slow push in over the empty tables ", true),
        ("Caf\u{e9} at dawn, a slow p", true),
        ("Caf\u{e9} at\u{2026}", true),
        ("Caf\u{e9} at ...", true),
        ("Cafe\u{301} at dawn, a slow push in o", true),
        ("", true),
        ("Caf\u{fffd} at dusk", true),
        ("Caf\u{e9} at", false),
        ("Caf\u{e9} at dusk\u{2026}", false),
        ("Rain in a neon alley", false),
        ("Caf\u{e9} at dawn, a slow push in over the empty tables, at night", false),
    ];
    for (prompt, agree) in cases {
        let why = asks("kling-v3", asked).contradicted_by(&told(&["kling-v3"], &[prompt]));
        assert_eq!(why.is_none(), agree, "{prompt}: {why:?}");
    }
}

#[test]
fn field_41_what_is_not_told_or_told_twice_is_no_contradiction() {
    let shot = asks("kling-v3", "the a");
    assert_eq!(shot.contradicted_by(&Told::default()), None);
    assert_eq!(shot.contradicted_by(&told(&["kling-v2-6", "kling-v3"], &["x", "the a"])), None);
    let nothing = Content::default();
    assert_eq!(nothing.contradicted_by(&told(&["kling-v3"], &["x"])), None);
    let of_image = Content { prompt: None, ..shot };
    assert_eq!(of_image.contradicted_by(&told(&["kling-v3"], &["x"])), None);
}

#[test]
fn field_41_both_texts_are_said_and_cut_to_a_sane_length() {
    let shot = asks("kling-v3", &"long ".repeat(500));
    let why =
        shot.contradicted_by(&told(&["kling-video/kling-v2-6"], &["Rain\n\u{1b}[31min an alley"]));
    let why = why.unwrap();
    let begins = "was rendered for model kling-video/kling-v2-6 with the prompt \"Rain in an alley\", and \
                  this shot asks for model kling-v3 with the prompt \"long long";
    assert!(why.starts_with(begins), "{why}");
    assert!(why.ends_with("\u{2026}\"") && why.chars().count() < 300, "{why}");
    let short = asks("kling-v3", "x").contradicted_by(&told(&["kling-v2-6"], &[])).unwrap();
    assert_eq!(
        short,
        "was rendered for model kling-v2-6, and this shot asks for model kling-v3 with the prompt \"x\""
    );
}

#[test]
fn a_request_says_what_it_asks_for() {
    let json = r#"{"model":"kling-v3","prompt":"the a","duration":"5"}"#;
    assert_eq!(Content::of_request(json), asks("kling-v3", "the a"));
    for odd in ["", "[]", "{", r#"{"model":3}"#] {
        assert_eq!(Content::of_request(odd), Content::default(), "{odd}");
    }
}
