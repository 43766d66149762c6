//! From result URLs to verified files under their final names.

use std::time::Duration;

use futures::StreamExt;

use crate::clips::{ClipError, Clips, Partial, Stored};
use crate::domain::outcome::DownloadError;
use crate::domain::state::{CLIPS_LIVE, ShotEvent, State};
use crate::domain::transition::Next;
use crate::failpoint;
use crate::ledger::ClipFile;
use crate::policy::retry;
use crate::provider::{Download, ResumePoint};

use super::floor::{Card, Floor, Over};
use super::orders::StopReason;

/// Why one try failed.
enum Miss {
    /// Try again.
    Again(DownloadError),
    /// The disk's fault: trying again would not help.
    Disk(DownloadError),
}

/// Fetches all clips of a rendered shot and records the delivery, or why it could not be made. A
/// failed download never causes a purchase: the shot stays rendered.
pub(super) async fn fetch(floor: &Floor, card: &mut Card) -> Result<Next, Over> {
    let State::Rendered { urls, .. } = &card.job().state else { return Ok(Next::Rest) };
    // On a full disk what room there is belongs to the ledger.
    if !floor.orders.download || floor.disk_is_full() {
        return Ok(Next::Rest);
    }
    let mut files = Vec::with_capacity(urls.len());
    for (index, url) in urls.iter().enumerate() {
        let path = Clips::path(&card.entry.clip_name, card.entry.number, index + 1);
        match fetch_one(floor, card, url, &path).await {
            None => return Ok(Next::Rest),
            Some(Ok(stored)) => files.push(recorded(card, stored)),
            Some(Err(unfetched)) => {
                tracing::warn!(shot = %card.entry.shot, "not fetched: {}", unfetched.why());
                return floor.step(card, ShotEvent::NotFetched(unfetched)).await;
            }
        }
    }
    failpoint::point("clips stored");
    let then = floor.step_with(card, ShotEvent::Delivered, files).await;
    failpoint::point("delivery committed");
    then
}

fn recorded(card: &Card, stored: Stored) -> ClipFile {
    if let Some(aside) = &stored.moved_aside {
        tracing::warn!(
            shot = %card.entry.shot,
            "another file stood at {}; it was moved to {aside}",
            stored.path
        );
    }
    let Stored { path, bytes, sha256, clip_info, unread, .. } = stored;
    if let Some(why) = &unread {
        tracing::warn!(shot = %card.entry.shot, "{path} is kept, but cannot be read: {why}");
    }
    ClipFile { path, bytes, sha256, clip_info, unread }
}

/// Fetches one clip, in as many tries as `attempts` allows; `None` when everybody leaves.
async fn fetch_one(
    floor: &Floor,
    card: &Card,
    url: &str,
    path: &str,
) -> Option<Result<Stored, DownloadError>> {
    let mut begun = None;
    let mut tries = 0;
    loop {
        let receive = async {
            // The semaphore is never closed; without a permit the download would merely not wait.
            let _permit = floor.downloads.acquire().await;
            receive(floor, url, path, &mut begun).await
        };
        tries += 1;
        let unfetched = match floor.unless_leaving(receive).await? {
            Ok(stored) => return Some(Ok(stored)),
            Err(Miss::Again(unfetched)) => unfetched,
            Err(Miss::Disk(unfetched)) => {
                floor.halt(StopReason::Disk(unfetched.why().to_owned()));
                return Some(Err(unfetched));
            }
        };
        if let Some(stored) = adopt(floor, card, path, &unfetched).await {
            return Some(Ok(stored));
        }
        if tries >= floor.orders.limits.attempts {
            return Some(Err(unfetched));
        }
        tracing::debug!(shot = %card.entry.shot, "download try {tries}: {}", unfetched.why());
        let pause: Duration = retry::backoff(tries, fastrand::f64());
        floor.unless_leaving(tokio::time::sleep(pause)).await?;
    }
}

/// What was received so far, and what a host needs to go on from there.
struct Begun {
    partial: Partial,
    validator: Option<String>,
}

/// One try. What was received stays in `begun`, for the next try to go on from.
async fn receive(
    floor: &Floor,
    url: &str,
    path: &str,
    begun: &mut Option<Begun>,
) -> Result<Stored, Miss> {
    let resume = begun.as_ref().and_then(|begun| {
        let validator = begun.validator.clone()?;
        (!begun.partial.is_empty()).then(|| ResumePoint { at: begun.partial.len(), validator })
    });
    let opened = floor.tools.gateway.fetch(url, resume.as_ref()).await;
    let Download { starts_at, total, validator, mut bytes } = match opened {
        Ok(download) => download,
        Err(unfetched) => {
            // A host that refuses to go on gets asked for the whole next time.
            *begun = None;
            return Err(Miss::Again(unfetched));
        }
    };
    let mut going = match begun.take() {
        Some(going) if resume.is_some() && starts_at == going.partial.len() => going,
        Some(mut going) => {
            going.partial.restart().await?;
            going
        }
        None => Begun { partial: floor.tools.clips.begin(path).await?, validator: None },
    };
    if starts_at != going.partial.len() {
        let why = format!("the host began at byte {starts_at}, which was not asked for");
        return Err(Miss::Again(DownloadError::Broken { why }));
    }
    going.validator = validator;
    while let Some(chunk) = bytes.next().await {
        match chunk {
            Ok(chunk) => going.partial.write(chunk).await?,
            Err(unfetched) => {
                *begun = Some(going);
                return Err(Miss::Again(unfetched));
            }
        }
    }
    Ok(going.partial.finish(total).await?)
}

impl From<ClipError> for Miss {
    fn from(error: ClipError) -> Self {
        let unfetched = DownloadError::Broken { why: error.to_string() };
        match error {
            ClipError::NotAClip(_) => Self::Again(unfetched),
            ClipError::Disk { .. } => Self::Disk(unfetched),
        }
    }
}

/// A clip that can no longer be fetched may already lie under its final name, if an earlier run
/// was stopped between renaming and recording it.
async fn adopt(
    floor: &Floor,
    card: &Card,
    path: &str,
    unfetched: &DownloadError,
) -> Option<Stored> {
    let State::Rendered { completed_at, .. } = &card.job().state else { return None };
    let over = floor.judged_at(card).since(*completed_at) > CLIPS_LIVE;
    if !over || !matches!(unfetched, DownloadError::Gone { .. }) {
        return None;
    }
    floor.tools.clips.adopt(path, *completed_at).await.ok().flatten()
}
