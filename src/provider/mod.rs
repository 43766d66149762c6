//! The gateway as the scheduler sees it: submit, poll, fetch. `http` speaks to the paid gateway
//! and knows reqwest; the simulator implements the same trait in-process.

pub mod callback_body;
pub mod wire;

mod http;

pub use http::{HttpProvider, HttpSettings, SetupError};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::domain::charge::ChargeOutcome;
use crate::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};

/// Something that renders shots for money.
///
/// An implementation never sends a request twice by itself: a retry the ledger does not see is a
/// purchase the ledger does not see. Dropping a future of [`Provider::submit`] leaves the purchase
/// in doubt, so the scheduler never does.
pub trait Provider: Send + Sync + 'static {
    /// POSTs `body`, a JSON object, once. Ends within the submit time-out.
    fn submit(&self, body: Bytes) -> BoxFuture<'_, SubmitOutcome>;

    /// Asks for a task's state, once. Free.
    fn poll<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, PollOutcome>;

    /// Asks what a finished task really cost, once. Free. A gateway that keeps no such records need
    /// not care.
    fn charge<'a>(&'a self, _task: &'a TaskId) -> BoxFuture<'a, ChargeOutcome> {
        let why = "this gateway does not say what a task cost".to_owned();
        Box::pin(std::future::ready(ChargeOutcome::Unknown { why }))
    }

    /// Opens a result URL, from `resume` on where that is possible. Free; carries no key.
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>>;
}

/// How far an earlier download of the same URL came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// Bytes already on disk.
    pub at: u64,
    /// The strong validator (`ETag`, else `Last-Modified`) of those bytes.
    pub validator: String,
}

/// A clip on its way.
pub struct Download {
    /// The first byte's offset: the resume point when the host took it up, else 0.
    pub starts_at: u64,
    /// The whole clip's length in bytes, when the host says it.
    pub total: Option<u64>,
    /// What a later [`ResumePoint`] must carry; `None` when the host cannot resume.
    pub validator: Option<String>,
    /// The bytes. Ends with an error on a cut, and when nothing came for the idle time-out.
    pub bytes: BoxStream<'static, Result<Bytes, DownloadError>>,
}
