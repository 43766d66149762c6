//! Phrases that a provider's file looks for in messages: whole words, in order, in any letter case.

use serde::Deserialize;

/// Words that stand side by side; `*` between two of them is anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub struct Phrase(Vec<String>);

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Self(text.split('*').map(words).collect())
    }
}

impl Phrase {
    /// Whether it stands in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let text = words(text);
        let mut rest = text.as_str();
        self.0.iter().all(|part| {
            // The blank after a part is the one before the next.
            let found = rest.find(part.as_str()).map(|at| &rest[at + part.len() - 1..]);
            rest = found.unwrap_or_default();
            found.is_some()
        })
    }
}

/// ` lower case words with one blank on either side `.
fn words(text: &str) -> String {
    let mut out = String::from(" ");
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_whole_words_in_order() {
        let is_in = |phrase: &str, text| Phrase::from(phrase.to_owned()).is_in(text);
        assert!(is_in("balance not enough", "Account Balance\nnot enough!"));
        assert!(!is_in("balance", "load balancing"));
        assert!(!is_in("not enough", "cannot enough"));
        let parallel = "parallel * resource pack limit";
        assert!(is_in(parallel, "parallel task over resource pack limit"));
        assert!(is_in(parallel, "parallel-resource pack limit"));
        assert!(!is_in(parallel, "resource pack limit, parallel"));
    }
}
