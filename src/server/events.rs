//! One page's connection: first every row, then the news, and a word now and then so that nobody
//! takes silence for the end.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, Stream};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{MissedTickBehavior, interval};

use super::changes::{Feed, News, Start};

/// After so long without news something is said all the same.
const BEAT_EVERY: Duration = Duration::from_secs(15);
/// How long a page waits before it comes again, in milliseconds.
const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");
/// A comment, which pages do not see.
const BEAT: Bytes = Bytes::from_static(b": still here\n\n");

/// A page's events, beginning with `first`, while it keeps its `place`.
pub(super) fn body(feed: &Feed, first: Bytes, place: OwnedSemaphorePermit) -> Body {
    let (sender, mut receiver) = mpsc::channel(1);
    tokio::spawn(follow(feed.clone(), first, sender, place));
    let pieces = stream::poll_fn(move |context| receiver.poll_recv(context));
    Body::from_stream(pieces.map(Ok::<_, std::convert::Infallible>))
}

/// Ends when the page has gone, is too far behind, or the run is over.
async fn follow(feed: Feed, first: Bytes, page: mpsc::Sender<Bytes>, place: OwnedSemaphorePermit) {
    let (mut news, rows) = feed.join();
    let mut beats = interval(BEAT_EVERY);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if page.send(RETRY).await.is_err() || page.send(first).await.is_err() {
        return;
    }
    tokio::pin!(rows);
    let rows = loop {
        tokio::select! {
            rows = &mut rows => break rows,
            _ = beats.tick() => if page.send(BEAT).await.is_err() { return },
            () = page.closed() => return,
        }
    };
    let Ok(Start { reading: known, rows, seat }) = rows else { return };
    let Ok(pieces) = rows.pieces() else { return };
    drop(rows);
    if !send_all(pieces, &page).await {
        return;
    }
    loop {
        let sent = tokio::select! {
            event = news.recv() => match event {
                Ok(News::Rows(reading, _)) if reading <= known => Ok(()),
                Ok(News::Rows(_, event) | News::Run(event)) => page.send(event).await,
                Ok(News::End) | Err(_) => break,
            },
            _ = beats.tick() => page.send(BEAT).await,
            () = page.closed() => break,
        };
        if sent.is_err() {
            break;
        }
    }
    drop((seat, place));
}

async fn send_all(
    mut pieces: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
    page: &mpsc::Sender<Bytes>,
) -> bool {
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else { return false };
        if page.send(piece).await.is_err() {
            return false;
        }
    }
    true
}
