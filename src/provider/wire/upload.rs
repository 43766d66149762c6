//! What the answer to a file that was sent means. Known from other programs alone, and free: what
//! cannot be read is a failure that sending again may mend.

use serde_json::{Map, Value};

use super::body::{Answer, Body};
use super::judge::{judged_status, meaning};
use super::redirect;
use crate::catalog::is_http_url;
use crate::domain::outcome::UploadOutcome;
use crate::provider::apimodels::spec;
use crate::provider::spec::Means;

/// The longest URL of a file, in bytes.
const MAX_URL: usize = 4 << 10;

/// What the answer to a file that was sent means.
#[must_use]
pub fn uploaded(answer: &Answer) -> UploadOutcome {
    let body = Body::read(answer);
    let judged = judged_status(answer.status, &body);
    let retry_after = answer.retry_after;
    if let (200..=299, None) = (answer.status, judged) {
        let missing = || {
            let why =
                format!("answered {} without the file's URL: {}", answer.status, body.excerpt());
            UploadOutcome::Failed { retry_after, why }
        };
        return body
            .fields()
            .and_then(url)
            .map_or_else(missing, |url| UploadOutcome::Stored { url });
    }
    let status = judged.unwrap_or(answer.status);
    let why = body.why(status);
    match meaning(answer, &body) {
        // Another path of the same gateway may well be right.
        Some(Means::WrongAddress) if matches!(status, 404 | 405) => UploadOutcome::Refused { why },
        Some(Means::WrongAddress) => UploadOutcome::WrongAddress { why: redirect(answer) },
        Some(Means::BadKey) => UploadOutcome::BadKey { why },
        Some(Means::NoCredit) => UploadOutcome::NoCredit { why },
        Some(Means::Throttled | Means::Money) => UploadOutcome::Throttled { retry_after, why },
        Some(Means::Rejected) if matches!(status, 408 | 425) => {
            UploadOutcome::Failed { retry_after, why }
        }
        Some(Means::Rejected) => UploadOutcome::Refused { why },
        Some(Means::Firewall) => UploadOutcome::Refused {
            why: format!("a firewall before the gateway refused it ({why})"),
        },
        Some(Means::Busy) | None => UploadOutcome::Failed { retry_after, why },
    }
}

/// The file's URL, in any spelling of its name.
fn url(fields: &Map<String, Value>) -> Option<Box<str>> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let names: Vec<String> =
        spec().upload.iter().flat_map(|upload| &upload.answer).map(|name| plain(name)).collect();
    let named = fields.iter().filter(|(name, _)| names.contains(&plain(name)));
    let mut urls = named.filter_map(|(_, value)| value.as_str()).map(str::trim);
    urls.find(|url| {
        url.len() <= MAX_URL && is_http_url(url) && !url.chars().any(|c| c.is_control() || c == ' ')
    })
    .map(Into::into)
}
