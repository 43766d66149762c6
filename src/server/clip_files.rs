//! Delivered clips: only files that the ledger lists, and only where they lie in truth below the
//! campaign folder's clips.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use percent_encoding::percent_decode_str;
use tower_http::services::ServeFile;

use crate::blocking::Threads;
use crate::clips::{ClipError, ClipReader, ClipStore};
use crate::ledger::LedgerAddress;

use super::campaign_view::CampaignView;

/// The folder of clips below the campaign folder.
const CLIPS: &str = "clips";

/// Answers with the clip at `name` below `clips/`, percent-encoded as it came.
pub async fn answer(view: &CampaignView, name: &str, request: Request<Body>) -> Response<Body> {
    let Some(path) = named(name) else { return StatusCode::NOT_FOUND.into_response() };
    if let Some(bucket) = &view.bucket {
        let range = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
        let (range, is_head) = (range.and_then(Range::parse), request.method() == Method::HEAD);
        return from_bucket(&**bucket, view.ledger.clone(), path, range, is_head).await;
    }
    let (folder, ledger) = (view.folder.clone(), view.ledger.clone());
    let found = Threads::Pool.run(move || find(&folder, &ledger, &path)).await;
    let Ok(Some(file)) = found else { return StatusCode::NOT_FOUND.into_response() };
    match ServeFile::new(file).try_call(request).await {
        Ok(response) => response.map(Body::new),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The path that a name stands for, `clips/…`, if it can be a clip's.
pub fn named(name: &str) -> Option<String> {
    let name = percent_decode_str(name).decode_utf8().ok()?;
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\\');
    let is_clip = name.split('/').all(is_plain)
        && !name.chars().any(char::is_control)
        && Path::new(&*name).extension().is_some_and(|end| end == "mp4");
    is_clip.then(|| format!("{CLIPS}/{name}"))
}

/// Answers with a listed clip from a bucket, so that the page need not be let to go there.
async fn from_bucket(
    bucket: &dyn ClipStore,
    ledger: LedgerAddress,
    path: String,
    range: Option<Range>,
    is_head: bool,
) -> Response<Body> {
    let asked = path.clone();
    let lists = move || ledger.snapshot().and_then(|ledger| ledger.lists(&asked));
    if !matches!(Threads::Pool.run(lists).await, Ok(Ok(true))) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let from = match range {
        Some(Range::From(from) | Range::Within(from, _)) => from,
        _ => 0,
    };
    let mut opened = bucket.open(&path, from).await;
    let last = |len: u64, of: u64| len.saturating_sub(of);
    if let (Ok(Some(whole)), Some(Range::Last(of))) = (&opened, range) {
        opened = bucket.open(&path, last(whole.len, of)).await;
    }
    let ClipReader { len, bytes } = match opened {
        Ok(Some(opened)) => opened,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::info!("a clip was asked for on the live page: {error}");
            return StatusCode::BAD_GATEWAY.into_response();
        }
    };
    let within = match range {
        None => (0, len),
        Some(Range::From(from)) => (from, len),
        Some(Range::Within(from, to)) => (from, to.saturating_add(1).min(len)),
        Some(Range::Last(of)) => (last(len, of), len),
    };
    let (from, end) = within;
    let head = Response::builder()
        .header(header::CONTENT_TYPE, "video/mp4")
        .header(header::ACCEPT_RANGES, "bytes");
    let answered = if from >= end && range.is_some() {
        head.status(StatusCode::RANGE_NOT_SATISFIABLE)
            .header(header::CONTENT_RANGE, format!("bytes */{len}"))
            .body(Body::empty())
    } else {
        let head = head.header(header::CONTENT_LENGTH, end - from);
        let head = if range.is_some() {
            head.status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, format!("bytes {from}-{}/{len}", end - 1))
        } else {
            head
        };
        head.body(if is_head { Body::empty() } else { Body::from_stream(cut(bytes, end - from)) })
    };
    answered.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The first `most` bytes of a stream.
fn cut(
    bytes: BoxStream<'static, Result<Bytes, ClipError>>,
    most: u64,
) -> impl futures::Stream<Item = Result<Bytes, ClipError>> + Send + 'static {
    bytes.scan(most, |left, chunk| {
        let cut = chunk.map(|mut chunk| {
            chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= chunk.len() as u64;
            chunk
        });
        std::future::ready(Some(cut).filter(|cut| cut.as_ref().map_or(true, |it| !it.is_empty())))
    })
}

/// One range of bytes, as players ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// `bytes=100-`
    From(u64),
    /// `bytes=100-199`
    Within(u64, u64),
    /// `bytes=-100`
    Last(u64),
}

impl Range {
    /// `None` for what is no single range of bytes, which is answered as if none was asked for.
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("bytes=")?.split_once('-')? {
            ("", last) => Some(Self::Last(last.parse().ok()?)),
            (from, "") => Some(Self::From(from.parse().ok()?)),
            (from, to) => {
                let (from, to) = (from.parse().ok()?, to.parse().ok()?);
                (from <= to).then_some(Self::Within(from, to))
            }
        }
    }
}

/// A listed clip's file, unless a link stands in its place.
fn find(folder: &Path, ledger: &LedgerAddress, path: &str) -> Option<PathBuf> {
    if !ledger.snapshot().ok()?.lists(path).ok()? {
        return None;
    }
    // `clips` itself may be a link; what lies below it may not.
    let clips = folder.join(CLIPS).canonicalize().ok()?;
    let within = path.strip_prefix(CLIPS)?.strip_prefix('/')?;
    let file = clips.join(within);
    let is_itself = file.canonicalize().is_ok_and(|truly| truly == file);
    (is_itself && file.is_file()).then_some(file)
}
