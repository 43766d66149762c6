//! What the gateway answered when it left a shot in doubt, as far as it fits a line: it may hold the
//! only trace of a purchase.

use crate::domain::sanitize::plain;

/// The most characters of an answer that a line shows.
const MAX_SHOWN: usize = 160;
/// An answer of more characters is never in a reason as a whole.
const MAX_TOLD: usize = 500;

/// A line about an answer; `None` where it is empty or `reason` holds all of it.
#[must_use]
pub fn in_words(answer: &str, reason: &str) -> Option<String> {
    let (reason, whole) = (plain(reason, MAX_TOLD), plain(answer, MAX_TOLD));
    if whole.is_empty() || reason.contains(&whole) {
        return None;
    }
    let shown = plain(answer, MAX_SHOWN);
    Some(if reason.contains(shown.trim_end_matches('…')) {
        format!("the answer is longer: {} bytes", answer.len())
    } else {
        format!("it was answered: {shown}")
    })
}
