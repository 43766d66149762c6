//! Delivered clips: only files that the ledger lists, and only where they lie in truth below the
//! campaign folder's clips.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use percent_encoding::percent_decode_str;
use tower_http::services::ServeFile;

use crate::blocking::Threads;
use crate::ledger::LedgerAddress;

use super::run_view::RunView;

/// The folder of clips below the campaign folder.
const CLIPS: &str = "clips";

/// Answers with the clip at `name` below `clips/`, percent-encoded as it came.
pub async fn answer(view: &RunView, name: &str, request: Request<Body>) -> Response<Body> {
    let Some(path) = named(name) else { return StatusCode::NOT_FOUND.into_response() };
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
