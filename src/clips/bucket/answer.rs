//! What a store's answer means, whatever the cloud, and how it is told.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::clips::ClipError;
use crate::domain::sanitize::plain;

/// A longer reason is cut, in characters.
const MAX_WHY: usize = 200;

/// A refusal as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The store's own word for it: `NoSuchBucket`.
    pub code: Option<String>,
    /// The region that the bucket is in, where S3 tells it.
    pub region: Option<String>,
}

impl Answer {
    /// Reads it from a refusal's head and the beginning of its body.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let header = |name| Some(plain(headers.get(name)?.to_str().ok()?, MAX_WHY));
        let text = String::from_utf8_lossy(body);
        let code = header("x-ms-error-code").or_else(|| element(&text, "Code"));
        Self { status: status.as_u16(), code, region: header("x-amz-bucket-region") }
    }
}

/// The text of an XML element, cleaned for people.
fn element(text: &str, name: &str) -> Option<String> {
    let after = text.split_once(&format!("<{name}>"))?.1;
    let value = after.split_once("</")?.0;
    Some(plain(value, MAX_WHY)).filter(|value| !value.is_empty())
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The store answered.
    Answered(Answer),
    /// No answer came, in these words.
    Cut(String),
    /// It was not sent: plain HTTP to this host.
    Plain(String),
}

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Something has the name already, or is just getting it.
    Taken,
    /// Nothing has the name. Of a PUT: there is no such bucket.
    Missing,
    /// The store does not know the condition.
    Unsupported,
    /// Beyond the object's end.
    BeyondEnd,
    /// It passes.
    Passing,
    /// It does not.
    Refused,
}

/// An operation that failed.
#[derive(Debug)]
pub(super) struct BucketError {
    /// What it means.
    pub meaning: Meaning,
    /// In words.
    why: String,
}

impl BucketError {
    pub(super) fn of(error: &object_store::Error, failure: Option<Failure>) -> Self {
        match failure {
            Some(Failure::Answered(answer)) => answered(&answer),
            Some(Failure::Cut(why)) => Self::new(Meaning::Passing, plain(&why, MAX_WHY)),
            Some(Failure::Plain(host)) => Self::new(
                Meaning::Refused,
                format!(
                    "plain http to {host}, another machine, would let others read clips and keys: \
                     use https"
                ),
            ),
            None => unasked(error),
        }
    }

    fn new(meaning: Meaning, why: impl Into<String>) -> Self {
        Self { meaning, why: why.into() }
    }

    /// What it is for the user of the store. `place`: the object's address.
    pub(super) fn at(self, place: String) -> ClipError {
        let why = self.why;
        match self.meaning {
            Meaning::Passing => ClipError::Unreachable { place, why },
            _ => ClipError::Refused { place, why },
        }
    }
}

fn answered(answer: &Answer) -> BucketError {
    let code = answer.code.as_deref().unwrap_or_default();
    let status = StatusCode::from_u16(answer.status).unwrap_or_default();
    let meaning = match (answer.status, code) {
        (_, "SlowDown" | "RequestTimeout" | "InternalError") | (408 | 425 | 429, _) => {
            Meaning::Passing
        }
        (501, _) | (_, "NotImplemented") => Meaning::Unsupported,
        (404, _) => Meaning::Missing,
        (304 | 409 | 412, _) => Meaning::Taken,
        (416, _) => Meaning::BeyondEnd,
        _ if status.is_server_error() => Meaning::Passing,
        _ => Meaning::Refused,
    };
    let word = if code.is_empty() { status.canonical_reason().unwrap_or_default() } else { code };
    let said = format!("the bucket answers {} {word}", answer.status);
    let why = match (answer.status, code) {
        (_, "NoSuchBucket" | "ContainerNotFound") => format!("{said}: there is no such bucket"),
        (301 | 302 | 307, _) | (_, "AuthorizationHeaderMalformed") => match &answer.region {
            Some(region) => format!("{said}: it is in another region, AWS_REGION={region}"),
            None => format!("{said}: it is in another region or at another address"),
        },
        (_, "RequestTimeTooSkewed") => format!("{said}: this machine's clock is wrong"),
        (_, "ExpiredToken") => format!("{said}: the credentials have ended"),
        (401 | 403, _) => {
            format!("{said}: these credentials may not list, read and write there")
        }
        _ => said,
    };
    BucketError::new(meaning, why.trim_end().to_owned())
}

/// What failed before or after the request: credentials, an answer that makes no sense.
fn unasked(error: &object_store::Error) -> BucketError {
    use object_store::Error;
    let (meaning, why) = match error {
        Error::NotFound { .. } => (Meaning::Missing, "there is no such object".to_owned()),
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            (Meaning::Taken, "the name is taken".to_owned())
        }
        Error::InvalidPath { .. } => (Meaning::Refused, "no object can have that name".to_owned()),
        Error::NotImplemented { .. } | Error::NotSupported { .. } => {
            (Meaning::Unsupported, "the store cannot do that".to_owned())
        }
        Error::UnknownConfigurationKey { .. } => {
            (Meaning::Refused, "an environment variable is not understood".to_owned())
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            (Meaning::Refused, "these credentials may not do that".to_owned())
        }
        _ => (Meaning::Passing, "its answer cannot be read".to_owned()),
    };
    BucketError::new(meaning, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, code: &str) -> BucketError {
        answered(&Answer { status, code: Some(code.to_owned()), region: None })
    }

    #[test]
    fn answers_are_told_apart() {
        for (status, code, meaning) in [
            (412, "PreconditionFailed", Meaning::Taken),
            (409, "ConditionalRequestConflict", Meaning::Taken),
            (404, "NoSuchKey", Meaning::Missing),
            (403, "AccessDenied", Meaning::Refused),
            (401, "", Meaning::Refused),
            (301, "PermanentRedirect", Meaning::Refused),
            (400, "RequestTimeout", Meaning::Passing),
            (503, "SlowDown", Meaning::Passing),
            (500, "InternalError", Meaning::Passing),
            (429, "", Meaning::Passing),
            (501, "NotImplemented", Meaning::Unsupported),
        ] {
            assert_eq!(of(status, code).meaning, meaning, "{status} {code}");
        }
    }

    #[test]
    fn the_code_is_found_in_the_body() {
        let text = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>x</Message>";
        assert_eq!(element(text, "Code").as_deref(), Some("NoSuchBucket"));
        assert_eq!(element("<html>", "Code"), None);
        let said = of(404, "NoSuchBucket").at("s3://films".to_owned()).to_string();
        assert_eq!(
            said,
            "s3://films: the bucket answers 404 NoSuchBucket: there is no such bucket"
        );
    }
}
