//! What a task renders, as far as a gateway tells it, held against what a shot asks for. In doubt the
//! two agree: a task that is wrongly refused keeps a paid clip waiting.

use std::borrow::Cow;
use std::fmt;

use icu_normalizer::DecomposingNormalizerBorrowed;
use serde_json::Value;

use super::sanitize::plain;

/// A gateway may keep only the beginning of a prompt. So many characters of it are enough.
const MIN_CUT: usize = 20;
/// So much of a prompt is shown, in characters.
const MAX_SHOWN: usize = 100;
/// So much of a model's name is shown, in characters.
const MAX_MODEL: usize = 60;

/// What a shot asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Content {
    /// The model's API name; `None`: not known.
    pub model: Option<Box<str>>,
    /// The prompt; `None`: it has none, or it is not known.
    pub prompt: Option<Box<str>>,
}

/// What an answer tells of the task's content: every place where it may stand, the surest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Names of its model.
    pub models: Vec<String>,
    /// Its prompt.
    pub prompts: Vec<String>,
}

impl Content {
    /// What a request asks for: a JSON object with `model` and `prompt`.
    #[must_use]
    pub fn of_request(json: &str) -> Self {
        let Ok(Value::Object(fields)) = serde_json::from_str(json) else { return Self::default() };
        let text = |name| fields.get(name).and_then(Value::as_str).map(Into::into);
        Self { model: text("model"), prompt: text("prompt") }
    }

    /// Why a task of which this is told is not the one that was asked for, as a phrase that follows
    /// the task's id; `None` when it may be.
    #[must_use]
    pub fn contradicted_by(&self, told: &Told) -> Option<String> {
        let differs = |told: &[String], asked: &Option<Box<str>>, agree: fn(&str, &str) -> bool| {
            let asked = asked.as_deref();
            asked.is_some_and(|asked| {
                !told.is_empty() && !told.iter().any(|told| agree(told, asked))
            })
        };
        let is_other = differs(&told.models, &self.model, models_agree)
            || differs(&told.prompts, &self.prompt, prompts_agree);
        is_other.then(|| {
            let first = |texts: &[String]| texts.first().map(|text| text.as_str().into());
            let theirs = Self { model: first(&told.models), prompt: first(&told.prompts) };
            format!("was rendered for {theirs}, and this shot asks for {self}")
        })
    }
}

/// `model kling-v3 with the prompt "A girl on a beach"`, cut to a sane length.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.model.as_deref().map(|model| plain(model, MAX_MODEL));
        let prompt = self.prompt.as_deref().map(|prompt| plain(prompt, MAX_SHOWN));
        match (model, prompt) {
            (Some(model), Some(prompt)) => {
                write!(f, "model {model} with the prompt \"{prompt}\"")
            }
            (Some(model), None) => write!(f, "model {model}"),
            (None, Some(prompt)) => write!(f, "the prompt \"{prompt}\""),
            (None, None) => f.write_str("something else"),
        }
    }
}

/// Whether two names may be of one model: letter case, what stands between words and a `v` before a
/// version do not matter, a gateway puts a family's name before it (`kling-video/kling-v3`), and one
/// name may say less than the other.
fn models_agree(told: &str, asked: &str) -> bool {
    let asked = words(asked.rsplit('/').next().unwrap_or(asked));
    let agree = |told: Vec<String>| told.starts_with(&asked) || asked.starts_with(&told);
    told.split('/').map(words).any(agree)
}

/// A name's words and numbers: `kling`, `2`, `6`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for c in name.chars().flat_map(char::to_lowercase) {
        let kind = c.is_alphanumeric().then(|| c.is_numeric());
        match words.last_mut().filter(|_| kind == before) {
            Some(word) if kind.is_some() => word.push(c),
            _ if kind.is_some() => words.push(c.into()),
            _ => {}
        }
        before = kind;
    }
    words.retain(|word| word != "v");
    words
}

/// Whether two prompts may be one: white space and the forms of Unicode do not matter, and the
/// gateway may have cut it.
fn prompts_agree(told: &str, asked: &str) -> bool {
    let (told, asked) = (decomposed(told), decomposed(asked));
    if told.is_empty() || asked.is_empty() || told.contains(char::REPLACEMENT_CHARACTER) {
        return true;
    }
    // `…` is three dots by now.
    let begun = told.strip_suffix("...");
    let is_cut = begun.is_some_and(|begun| asked.starts_with(begun.trim_end()));
    let is_begun = told.chars().count() >= MIN_CUT && asked.starts_with(&told);
    told == asked || is_cut || is_begun
}

/// With one blank between words, in the form in which a text that was cut anywhere is the beginning
/// of the whole.
fn decomposed(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match DecomposingNormalizerBorrowed::new_nfkd().normalize(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(decomposed) => decomposed,
    }
}
