//! The facts of one gateway, apimodels.app, from the file `apimodels.yaml`. Nothing else in the
//! program knows them; prices and models are in the catalog.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use super::spec::{ProviderSpec, ReasonRow};
use super::upload::UploadLimits;

/// The provider's file that comes with this version.
const FILE: &str = include_str!("apimodels.yaml");

/// Everything that the file says.
#[must_use]
#[expect(clippy::expect_used, reason = "the text is part of the program, and every test reads it")]
pub fn spec() -> &'static ProviderSpec {
    static SPEC: LazyLock<ProviderSpec> = LazyLock::new(|| {
        ProviderSpec::parse(FILE).expect("the provider's file of this version is valid")
    });
    &SPEC
}

/// Scheme and host.
#[must_use]
pub fn address() -> &'static str {
    &spec().base.url
}

/// The environment variable that holds the account's key.
#[must_use]
pub fn key_variable() -> &'static str {
    &spec().key.variable
}

/// The environment variable that names a file with the key.
#[must_use]
pub fn key_file_variable() -> &'static str {
    &spec().key.file_variable
}

/// How long a finished clip is kept.
#[must_use]
pub fn result_lifetime() -> Duration {
    spec().results.lifetime()
}

/// What is to be known of sending local files first.
#[must_use]
pub fn uploads() -> Option<UploadLimits> {
    let upload = spec().upload.as_ref()?;
    Some(UploadLimits {
        inline_bytes: upload.inline_bytes,
        max_bytes: upload.max_bytes,
        lifetime: Duration::from_secs(u64::from(upload.lifetime_days) * 24 * 3600),
    })
}

/// Whether a task that failed for this reason fails again for the same request.
#[must_use]
pub fn is_lasting(why: &str) -> bool {
    spec().lasting.iter().any(|phrase| phrase.is_in(why))
}

/// What the table of reasons says of one.
#[must_use]
pub fn reason(why: &str) -> Option<&'static ReasonRow> {
    let fits =
        |row: &&ReasonRow| row.is_code(why) || row.says.iter().any(|phrase| phrase.is_in(why));
    spec().reasons.iter().find(fits)
}

/// A reason in words: a bare code such as `TIMEOUT`, alone or after a colon, is explained; any other
/// text stays as it is.
#[must_use]
pub fn in_words(why: &str) -> Cow<'_, str> {
    let (before, last) = match why.rsplit_once(": ") {
        Some((before, last)) => (&why[..before.len() + 2], last),
        None => ("", why),
    };
    match is_bare(last).then(|| reason(last)).flatten() {
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

/// Whether a 5xx comes from a proxy in front of the gateway, which cannot know what the gateway did.
#[must_use]
pub fn is_from_proxy(status: u16) -> bool {
    spec().proxies.contains(status.into())
}
