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
fn fold(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
