//! Opening a clip's URL, from the beginning or from where an earlier download stopped.

use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_RANGE, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, Url};

use crate::domain::outcome::DownloadError;
use crate::domain::sanitize::plain;

use super::super::{Download, ResumePoint};
use super::clients::Clients;
use super::explain::explain;
use super::headers;

/// Opens `url`; what comes is not looked at.
pub(super) async fn fetch(
    clients: &Clients,
    url: &str,
    resume: Option<&ResumePoint>,
    idle_timeout: Duration,
) -> Result<Download, DownloadError> {
    let url = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| broken(format!("{:?} is not an http(s) address", plain(url, 80))))?;
    let client = clients.fetch().map_err(|error| broken(error.to_string()))?;
    let mut request = client
        .get(url)
        .header(ACCEPT, "video/mp4,video/*;q=0.9,*/*;q=0.8")
        .header(ACCEPT_ENCODING, "identity");
    let resume = resume.filter(|point| point.at > 0).and_then(|point| {
        let validator = HeaderValue::from_str(&point.validator).ok()?;
        Some((point, validator))
    });
    if let Some((point, validator)) = &resume {
        request = request
            .header(RANGE, format!("bytes={}-", point.at))
            .header(IF_RANGE, validator.clone());
    }
    let no_answer = |error| broken(explain_idle(&error, idle_timeout));
    let response = request.send().await.map_err(no_answer)?;
    opened(response, resume.map(|(point, _)| point), idle_timeout)
}

fn opened(
    response: Response,
    resume: Option<&ResumePoint>,
    idle_timeout: Duration,
) -> Result<Download, DownloadError> {
    let status = response.status().as_u16();
    let (starts_at, total) = match status {
        200 => (0, response.content_length()),
        206 => resumed(&response, resume)?,
        403 | 404 | 410 => {
            return Err(DownloadError::Gone { why: format!("the host answered {status}") });
        }
        416 => return Err(broken("the host cannot go on where it stopped (416)".to_owned())),
        _ => return Err(broken(format!("the host answered {status}"))),
    };
    let validator = headers::validator(response.headers());
    // Ends for good with its first error: reqwest's own stream would repeat a time-out for ever.
    let bytes = stream::try_unfold(response, move |mut response| async move {
        match response.chunk().await {
            Ok(chunk) => Ok(chunk.map(|chunk| (chunk, response))),
            Err(error) => Err(broken(explain_idle(&error, idle_timeout))),
        }
    });
    Ok(Download { starts_at, total, validator, bytes: bytes.boxed() })
}

/// Where a 206 starts and how long the whole is; refused unless it is what was asked for.
fn resumed(
    response: &Response,
    resume: Option<&ResumePoint>,
) -> Result<(u64, Option<u64>), DownloadError> {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let range = range.and_then(headers::content_range);
    let wanted = resume.map_or(0, |point| point.at);
    let Some((starts_at, total)) = range.filter(|(starts_at, _)| *starts_at == wanted) else {
        return Err(broken("the host sent another part than was asked for".to_owned()));
    };
    let changed = resume.is_some_and(|point| {
        headers::validator(response.headers()).is_some_and(|now| now != point.validator)
    });
    if changed {
        return Err(broken("the clip changed between two downloads".to_owned()));
    }
    Ok((starts_at, total))
}

fn explain_idle(error: &reqwest::Error, idle_timeout: Duration) -> String {
    if error.is_timeout() && !error.is_connect() {
        format!("nothing came for {idle_timeout:?}")
    } else {
        explain(error)
    }
}

const fn broken(why: String) -> DownloadError {
    DownloadError::Broken { why }
}
