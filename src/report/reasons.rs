//! Reasons for people: which are one and the same, and what several shots with one are told.

use std::borrow::Cow;

use crate::policy::rejections::gist;
use crate::provider::apimodels;

use super::remedy::Remedy;

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
        None => apimodels::in_words(why),
    }
}
