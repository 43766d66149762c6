//! Reasons for people: bare codes in words, and which reasons are one and the same.

use std::borrow::Cow;

use crate::policy::rejections::gist;
use crate::provider::apimodels;

use super::remedy::Remedy;

/// A reason in words: a bare code such as `TIMEOUT`, alone or after a colon, is explained; any other
/// text stays as it is.
#[must_use]
pub fn in_words(why: &str) -> Cow<'_, str> {
    let (before, last) = match why.rsplit_once(": ") {
        Some((before, last)) => (&why[..before.len() + 2], last),
        None => ("", why),
    };
    match is_bare(last).then(|| apimodels::reason(last)).flatten() {
        Some(row) => Cow::Owned(format!("{before}{} ({})", row.words, last.trim())),
        None => Cow::Borrowed(why),
    }
}

/// Whether a reason is a code and no sentence: one word in capitals or digits, or `HTTP 503`.
fn is_bare(why: &str) -> bool {
    let word = why.trim().strip_prefix("HTTP ").unwrap_or(why.trim());
    let is_code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !word.is_empty() && word.chars().all(is_code)
}

/// Reasons with the same key are one; ids and numbers in them do not matter.
#[must_use]
pub fn key(why: &str) -> String {
    match apimodels::reason(why) {
        Some(row) => row.words.clone(),
        None => gist(why),
    }
}

/// What several shots with one reason are told together: a few words, and what helps where that is to
/// edit them.
#[must_use]
pub fn together(why: &str, need: Remedy) -> Cow<'_, str> {
    match apimodels::reason(why) {
        Some(row) => Cow::Owned(match &row.then {
            Some(then) if need == Remedy::Edit => format!("{}: {then}", row.words),
            _ => row.words.clone(),
        }),
        None => in_words(why),
    }
}
