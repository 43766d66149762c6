//! "Did you mean …?": the known word that a mistyped one stands for, if one is near enough.

/// The candidate that `word` most likely stands for: the same but for case and punctuation, or a
/// few letters away.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let near = folded.chars().count().div_ceil(3).min(4);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The candidate that `word` is almost surely a misspelling of: the same but for case and
/// punctuation, or one letter away.
#[must_use]
pub fn likely_typo<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded = fold(word);
    let far = usize::from(folded.chars().count() >= 5);
    candidates
        .into_iter()
        .find(|candidate| strsim::damerau_levenshtein(&folded, &fold(candidate)) <= far)
}

/// Letters and digits in lower case; no more of them than any known word has.
pub(super) fn fold(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
}
