//! What is to be known of a gateway as data: addresses, key, codes, states. Read from a provider's
//! file, such as `apimodels.yaml` beside this module; decides nothing.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;

use super::phrase::Phrase;

/// A provider's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// What it is called on the command line.
    pub name: String,
    /// What the file was held against.
    pub checked: Checked,
    /// Where it is.
    pub base: Base,
    /// Other places of the same gateway.
    pub other_bases: Vec<Base>,
    /// Where the key comes from.
    pub key: KeySource,
    /// Finished clips.
    pub results: Results,
    /// Where local files are sent before a request names them; `None`: nowhere.
    pub upload: Option<UploadSpec>,
    /// Where things stand in an answer.
    pub answer: AnswerSpec,
    /// Statuses of proxies.
    pub proxies: Numbers,
    /// What the answer to a POST means.
    pub codes: Vec<CodeRow>,
    /// Words for a task's state.
    pub states: States,
    /// Statuses of a poll that say nothing of its task.
    pub passing: Numbers,
    /// Codes of failed tasks that one more try may help.
    pub luck: Vec<String>,
    /// Codes and words of failed tasks that fail again for the same request.
    pub lasting: Vec<Phrase>,
    /// Reasons of failures in words.
    pub reasons: Vec<ReasonRow>,
}

/// A row of the table of reasons: what a failure's reason says, in words for people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonRow {
    /// It fits a reason that is one of these and nothing else.
    #[serde(default)]
    pub codes: Vec<String>,
    /// It fits a reason in which one of these stands.
    #[serde(default)]
    pub says: Vec<Phrase>,
    /// The reason in a few words.
    pub words: String,
    /// What helps, where that is known.
    pub then: Option<String>,
}

impl ReasonRow {
    /// Whether a reason is one of its codes and nothing else.
    #[must_use]
    pub fn is_code(&self, why: &str) -> bool {
        self.codes.iter().any(|code| code.eq_ignore_ascii_case(why.trim()))
    }
}

/// A place of a gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Scheme and host.
    pub url: String,
    /// The path below which everything lies, unless the address was typed with one.
    pub version: String,
}

/// What a provider's file was held against.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// By what.
    pub how: CheckedBy,
    /// When: an ISO date.
    pub date: String,
}

/// What a provider's file was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckedBy {
    /// Public documentation.
    Documentation,
    /// The gateway itself.
    Live,
}

/// The environment variables that hold a key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySource {
    /// The key itself.
    pub variable: String,
    /// A file with the key.
    pub file_variable: String,
}

/// Finished clips.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// How long they are kept.
    pub lifetime_days: u32,
}

impl Results {
    /// How long finished clips are kept.
    #[must_use]
    pub const fn lifetime(self) -> Duration {
        Duration::from_secs(self.lifetime_days as u64 * 24 * 3600)
    }
}

/// Where local files are sent before a request names them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadSpec {
    /// The path below the version.
    pub path: String,
    /// The name of the form's field that holds the file.
    pub field: String,
    /// The names of the URL in the answer.
    pub answer: Vec<String>,
    /// How long files are kept.
    pub lifetime_days: u32,
    /// The most bytes of a picture that a request carries itself.
    pub inline_bytes: u64,
    /// The most bytes of a file.
    pub max_bytes: u64,
}

/// Where things stand in an answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerSpec {
    /// The names of a task's id.
    pub task_id: Vec<String>,
    /// Envelope codes that mean success.
    pub success: Numbers,
    /// Envelope codes that in a 200 are the status.
    pub status_codes: Numbers,
    /// The names of a task's state.
    pub state: Vec<String>,
    /// The names of its model.
    pub model: Vec<String>,
    /// The names of its prompt.
    pub prompt: Vec<String>,
    /// The names of the request as the answer repeats it: an object, or JSON in a string.
    pub request: Vec<String>,
}

/// A row of the table of codes. What it does not say fits anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRow {
    /// The status.
    pub status: Option<Numbers>,
    /// The envelope's code.
    pub code: Option<Numbers>,
    /// What the body is.
    pub body: Option<BodyKind>,
    /// Phrases of which one stands in the message.
    pub says: Option<Vec<Phrase>>,
    /// What it means.
    pub means: Means,
}

/// What a body can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyKind {
    /// An HTML page.
    Page,
    /// Anything but the gateway's envelope.
    Foreign,
}

/// What the answer to a POST means that names no task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// This request will never be accepted.
    Rejected,
    /// The key is bad.
    BadKey,
    /// A firewall before the gateway refused this request.
    Firewall,
    /// The account is empty.
    NoCredit,
    /// This is not the gateway's address.
    WrongAddress,
    /// Too many requests.
    Throttled,
    /// Too many requests, it says, but money is missing.
    Money,
    /// An error of the server.
    Busy,
}

/// Words for a task's state, in lower case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct States {
    /// It has not begun.
    pub waiting: Vec<String>,
    /// It is rendered.
    pub working: Vec<String>,
    /// It is done.
    pub done: Vec<String>,
    /// It failed, for sure.
    pub failed: Vec<String>,
    /// It ended otherwise, most likely.
    pub ended: Vec<String>,
    /// It was canceled, most likely.
    pub canceled: Vec<String>,
}

/// What a word for a state means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateWord {
    /// It has not begun.
    Waiting,
    /// It is rendered.
    Working,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It ended, most likely.
    Ended,
    /// It was canceled, most likely.
    Canceled,
    /// The word is not in the table.
    Unknown,
}

impl States {
    /// What `word` means, in any letter case; blanks and `-` are `_`.
    #[must_use]
    pub fn read(&self, word: &str) -> StateWord {
        let word = word.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        let kinds = [
            (&self.waiting, StateWord::Waiting),
            (&self.working, StateWord::Working),
            (&self.done, StateWord::Done),
            (&self.failed, StateWord::Failed),
            (&self.ended, StateWord::Ended),
            (&self.canceled, StateWord::Canceled),
        ];
        let found = kinds.into_iter().find(|(words, _)| words.contains(&word));
        found.map_or(StateWord::Unknown, |(_, kind)| kind)
    }
}

/// Whole numbers: `401`, `[404, 500-599]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct Numbers(Vec<RangeInclusive<i64>>);

impl Numbers {
    /// Whether `number` is one of them.
    #[must_use]
    pub fn contains(&self, number: i64) -> bool {
        self.0.iter().any(|range| range.contains(&number))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    One(Span),
    Many(Vec<Span>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Span {
    Number(i64),
    Text(String),
}

impl TryFrom<Written> for Numbers {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let spans = match written {
            Written::One(span) => vec![span],
            Written::Many(spans) => spans,
        };
        spans.into_iter().map(Span::range).collect::<Result<_, _>>().map(Self)
    }
}

impl Span {
    fn range(self) -> Result<RangeInclusive<i64>, String> {
        match self {
            Self::Number(number) => Ok(number..=number),
            Self::Text(text) => {
                let ends = text.split_once('-').and_then(|(first, last)| {
                    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
                });
                ends.filter(|range: &RangeInclusive<i64>| !range.is_empty())
                    .ok_or_else(|| format!("{text:?} is no range; write for example 500-599"))
            }
        }
    }
}

impl ProviderSpec {
    /// Its places, the usual one first.
    pub fn bases(&self) -> impl Iterator<Item = &Base> {
        std::iter::once(&self.base).chain(&self.other_bases)
    }

    /// Reads a provider's file.
    ///
    /// # Errors
    /// When the text is not one: on which line, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let options = serde_yaml::options! { strict_booleans: true, with_snippet: false };
        serde_yaml::from_str_with_options(text, options).map_err(|error| error.to_string())
    }
}
