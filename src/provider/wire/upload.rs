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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn field_16_a_file_s_url_is_found_and_anything_else_says_what_to_do() {
        let said = |status, body: &str| uploaded(&Answer::new(status, body.to_owned()));
        let url = Box::<str>::from("https://a.b/c.mp4");
        for body in [
            json!({"code": 200, "data": {"publicUrl": " https://a.b/c.mp4 "}}),
            json!({"code": 0, "data": {"public_url": "https://a.b/c.mp4", "id": "7"}}),
            json!({"publicURL": "https://a.b/c.mp4"}),
        ] {
            let stored = UploadOutcome::Stored { url: url.clone() };
            assert_eq!(said(200, &body.to_string()), stored, "{body}");
        }
        for body in ["", "{}", "<html>", r#"{"data": {"publicUrl": "/c.mp4"}}"#] {
            assert!(matches!(said(200, body), UploadOutcome::Failed { .. }), "{body}");
        }
        for (status, kind) in [
            (301, "WrongAddress"),
            (400, "Refused"),
            (401, "BadKey"),
            (402, "NoCredit"),
            (403, "BadKey"),
            (404, "Refused"),
            (405, "Refused"),
            (408, "Failed"),
            (413, "Refused"),
            (415, "Refused"),
            (429, "Throttled"),
            (500, "Failed"),
            (502, "Failed"),
        ] {
            let plain = format!("{:?}", said(status, "no"));
            assert!(plain.starts_with(kind), "{status}: {plain}");
            let hidden =
                format!("{:?}", said(200, &json!({"code": status, "msg": "no"}).to_string()));
            assert!(status < 400 || hidden.starts_with(kind), "{status} in a 200: {hidden}");
        }
        let page = said(403, "<!DOCTYPE html><title>Attention</title>");
        assert!(matches!(&page, UploadOutcome::Refused { why } if why.contains("firewall")));
    }
}
