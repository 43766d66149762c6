//! A big body in slices, with a look at the connection between them: a gateway that answers before it
//! has taken the whole and hangs up is heard, where a single long write would only see the connection
//! break. One that goes by the announced length alone has a moment to say so.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// The most bytes that are written without a look at what came.
const SLICE: usize = 32 << 10;
/// How long a big body waits after its first slice.
const MOMENT: Duration = Duration::from_millis(100);
/// From so many bytes on a body is big.
const BIG: usize = 1 << 20;

/// Stops the sending of a body that was refused already.
#[derive(Clone, Default)]
pub(super) struct StopSending(Arc<AtomicBool>);

impl StopSending {
    /// Sends no more of it.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A body for `bytes`: as it is when it is short.
pub(super) fn body(bytes: Bytes, stop: &StopSending) -> reqwest::Body {
    if bytes.len() <= SLICE {
        return bytes.into();
    }
    body_of(&[bytes], stop)
}

/// A body of several parts, one after the other.
pub(super) fn body_of(parts: &[Bytes], stop: &StopSending) -> reqwest::Body {
    let rest = parts.iter().cloned().collect();
    let mut slices = Slices { rest, pause: None, is_big: false, stop: stop.clone() };
    slices.is_big = slices.len() >= BIG as u64;
    reqwest::Body::wrap(slices)
}

struct Slices {
    /// What is still to be sent.
    rest: VecDeque<Bytes>,
    /// What is waited for before the next slice.
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
    /// Whether the next pause is the long one.
    is_big: bool,
    stop: StopSending,
}

impl Slices {
    fn len(&self) -> u64 {
        self.rest.iter().map(|part| part.len() as u64).sum()
    }
}

impl Body for Slices {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.rest.front().is_some_and(Bytes::is_empty) {
            self.rest.pop_front();
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if self.stop.0.load(Ordering::Acquire) {
            // The connection ends with the answer, which is being read.
            return Poll::Pending;
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
        }
        self.pause = Some(if std::mem::take(&mut self.is_big) {
            Box::pin(tokio::time::sleep(MOMENT))
        } else {
            // Lets the runtime ask the system what came.
            Box::pin(tokio::task::yield_now())
        });
        let slice = self.rest.front_mut().map(|part| part.split_to(SLICE.min(part.len())));
        Poll::Ready(slice.map(|slice| Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}
