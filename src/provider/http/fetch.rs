//! Opening a clip's URL, from the beginning or from where an earlier download stopped.

use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_RANGE, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Client, RequestBuilder, Response, Url};

use crate::domain::outcome::DownloadError;
use crate::domain::sanitize::plain;

use super::super::{Download, ResumePoint};
use super::clients::Clients;
use super::explain::explain;
use super::headers;
use super::meter::{Meter, TooSlow};
use super::settings::Pace;

/// How long a download is waited for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// How long it may stand still.
    pub idle: Duration,
    /// How slow it may be.
    pub pace: Pace,
}

/// Opens `url`; what comes is not looked at. What cannot surely go on where it stopped begins anew.
pub(super) async fn fetch(
    clients: &Clients,
    url: &str,
    resume: Option<&ResumePoint>,
    patience: Patience,
) -> Result<Download, DownloadError> {
    let url = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| broken(format!("{:?} is not an http(s) address", plain(url, 80))))?;
    let client = clients.fetch().map_err(|error| broken(error.to_string()))?;
    let resume = resume.filter(|point| point.at > 0).and_then(|point| {
        let validator = HeaderValue::from_str(&point.validator).ok()?;
        Some((point, validator))
    });
    if let Some((point, validator)) = resume {
        let rest = request(client, &url)
            .header(RANGE, format!("bytes={}-", point.at))
            .header(IF_RANGE, validator);
        let response = rest.send().await.map_err(|error| no_answer(&error, patience))?;
        match response.status().as_u16() {
            206 if !goes_on(&response, point) => {}
            416 => {}
            _ => return opened(response, Some(point), patience),
        }
    }
    let response = request(client, &url).send().await;
    opened(response.map_err(|error| no_answer(&error, patience))?, None, patience)
}

fn request(client: &Client, url: &Url) -> RequestBuilder {
    client
        .get(url.clone())
        .header(ACCEPT, "video/mp4,video/*;q=0.9,*/*;q=0.8")
        .header(ACCEPT_ENCODING, "identity")
}

fn opened(
    response: Response,
    resume: Option<&ResumePoint>,
    patience: Patience,
) -> Result<Download, DownloadError> {
    let status = response.status().as_u16();
    let (starts_at, total) = match status {
        200 => (0, response.content_length()),
        206 => {
            let wanted = resume.map_or(0, |point| point.at);
            range(&response)
                .filter(|(starts_at, _)| *starts_at == wanted)
                .ok_or_else(|| broken("the host sent another part than was asked for".to_owned()))?
        }
        403 | 404 | 410 => {
            return Err(DownloadError::Gone { why: format!("the host answered {status}") });
        }
        _ => return Err(broken(format!("the host answered {status}"))),
    };
    let validator = headers::validator(response.headers());
    // Ends for good with its first error: reqwest's own stream would repeat a time-out for ever.
    let state = (response, Meter::new(patience.pace));
    let bytes = stream::try_unfold(state, move |(mut response, mut meter)| async move {
        match meter.watch(response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk.map(|chunk| {
                meter.took(chunk.len());
                (chunk, (response, meter))
            })),
            Ok(Err(error)) => Err(no_answer(&error, patience)),
            Err(TooSlow) => {
                let Pace { bytes_per_s, patience } = patience.pace;
                let why = format!("slower than {bytes_per_s} bytes/s for {patience:?}");
                Err(broken(format!("{why}; broken off, to be resumed")))
            }
        }
    });
    Ok(Download { starts_at, total, validator, bytes: bytes.boxed() })
}

/// Whether a 206 surely continues the bytes before the resume point: the same validator, and no other
/// length than before.
fn goes_on(response: &Response, point: &ResumePoint) -> bool {
    let Some((starts_at, total)) = range(response) else { return false };
    let is_same = headers::validator(response.headers()).is_some_and(|it| it == point.validator);
    let total_differs = point.total.zip(total).is_some_and(|(before, now)| before != now);
    starts_at == point.at && is_same && !total_differs
}

/// Where a part begins and how long the whole is.
fn range(response: &Response) -> Option<(u64, Option<u64>)> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    headers::content_range(range)
}

fn no_answer(error: &reqwest::Error, patience: Patience) -> DownloadError {
    broken(explain_idle(error, patience.idle))
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
