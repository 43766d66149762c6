//! Reasons in words.

use rushes::domain::state::{AttemptId, Failure, State};
use rushes::provider::apimodels::in_words;
use rushes::report::reasons::{key, together};
use rushes::report::remedy::Remedy;

use super::sample::row;

/// Trial 19: bare codes are explained, and sentences stay as the gateway wrote them.
#[test]
fn a_bare_code_is_explained_and_a_sentence_stays() {
    for (why, said) in [
        ("TIMEOUT", "rendering took too long (TIMEOUT)"),
        ("500", "an error inside the gateway (500)"),
        ("HTTP 503", "the gateway was not available (HTTP 503)"),
        ("CONTENT_MODERATION", "content policy (CONTENT_MODERATION)"),
        (
            "refused 5 times, the last time with: 500",
            "refused 5 times, the last time with: an error inside the gateway (500)",
        ),
        (
            "bought again: UPSTREAM_BUSY",
            "bought again: the model's servers were busy (UPSTREAM_BUSY)",
        ),
        ("the image could not be read", "the image could not be read"),
        ("at most 500 characters", "at most 500 characters"),
        ("a timeout of the content policy's host", "a timeout of the content policy's host"),
        ("SOME_NEW_CODE", "SOME_NEW_CODE"),
        ("", ""),
    ] {
        assert_eq!(in_words(why), said);
    }
}

/// Trial 19: the same reason in other words, or about another number, is one.
#[test]
fn reasons_are_one_whatever_their_words_and_numbers() {
    let policy = ["CONTENT_MODERATION", "Violates our content policy", "sensitive content found"];
    assert!(policy.iter().all(|why| key(why) == "content policy"));
    assert_eq!(together(policy[1], Remedy::Edit), "content policy: edit the prompt");
    assert_eq!(together(policy[1], Remedy::Retry), "content policy");
    assert_eq!(
        key("not done 20s after it was submitted"),
        key("not done 2h after it was submitted")
    );
    assert_ne!(key("the image could not be read"), key("TIMEOUT"));
}

/// Trial 19: what is refused for what it asks for is edited, and not bought again as it is.
#[test]
fn a_refused_prompt_is_not_tried_again() {
    let need = |failure, why: &str| {
        Remedy::of(&row(
            "a",
            State::Failed { attempt: Some(AttemptId(1)), failure, why: why.into() },
        ))
    };
    assert_eq!(need(Failure::NotRendered, "CONTENT_MODERATION"), Some(Remedy::Edit));
    assert_eq!(need(Failure::NotRendered, "violates the content policy"), Some(Remedy::Edit));
    assert_eq!(need(Failure::NotRendered, "TIMEOUT"), Some(Remedy::Retry));
    assert_eq!(
        need(Failure::Unlucky, "content policy"),
        Some(Remedy::Retry),
        "the gateway says so"
    );
    let again = |verb: &str, rest: &str| format!("rushes {verb} a.yaml {rest}");
    let lines = Remedy::Edit.help(&again, "a");
    assert!(lines.iter().all(|command| !command.line.contains("--retry-failed")));
}
