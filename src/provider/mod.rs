//! A paid gateway as the scheduler sees it: upload, submit, poll, find, charge, fetch. `http` speaks to the
//! gateway and knows reqwest; the simulator implements the same trait in-process. What only one
//! gateway does stays in here.

pub mod apimodels;
pub mod callback_body;
pub mod spec;
pub mod wire;

mod body;
mod http;
mod phrase;
mod submission;
mod upload;

pub use body::body;
pub use http::{
    BadProxy, HttpProvider, HttpSettings, PROXY_VARIABLES, Pace, ProxyUrl, SetupError, key_hash,
    same_gateway,
};
pub use submission::{
    FileContent, FileError, FilePart, LoadBudget, LoadShare, LoadedFiles, Submission,
    canonical_wire,
};
pub use upload::{FileUpload, UploadLimits};

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use futures::stream::BoxStream;

use crate::domain::account::{Access, AccessVerdict, BalanceOutcome, ModelsOutcome};
use crate::domain::charge::ChargeOutcome;
use crate::domain::content::Content;
use crate::domain::origin::Origin;
use crate::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId, UploadOutcome};
use crate::domain::secret::Secret;

/// Something that renders shots for money.
///
/// An implementation never sends a request twice by itself: a retry the ledger does not see is a
/// purchase the ledger does not see. Dropping a future of [`Provider::submit`] leaves the purchase
/// in doubt, so the scheduler never does.
pub trait Provider: Send + Sync + 'static {
    /// What this provider can do.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Sends one POST, once. Ends within the submit time-out.
    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome>;

    /// Sends a local file, once, for requests to name by its URL. Free, and never a purchase, so that
    /// it may be sent again whatever came of it. Only asked of a provider whose
    /// [`Capabilities::uploads`] says that it can.
    fn upload(&self, _file: FileUpload) -> BoxFuture<'_, UploadOutcome> {
        let why = "this gateway takes no files".to_owned();
        ready(UploadOutcome::Refused { why }).boxed()
    }

    /// Asks for the states of tasks, once; one outcome each, in the same order. Free. At most
    /// [`Capabilities::poll_batch`] tasks.
    fn poll<'a>(&'a self, tasks: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>>;

    /// Asks whether an attempt with this key bought a task, once. Free.
    fn find<'a>(&'a self, _key: &'a Secret) -> BoxFuture<'a, FindOutcome> {
        ready(FindOutcome::CannotTell).boxed()
    }

    /// Asks what a finished task really cost, once. Free. A provider that keeps no such records need
    /// not implement it.
    fn charge<'a>(&'a self, _task: &'a TaskHandle) -> BoxFuture<'a, ChargeOutcome> {
        let why = "this gateway does not say what a task cost".to_owned();
        ready(ChargeOutcome::Unknown { why }).boxed()
    }

    /// Asks what the account can still spend, once. Free. The answer is for people and for warnings:
    /// what may be bought is the cap's to say.
    fn balance(&self) -> BoxFuture<'_, BalanceOutcome> {
        let why = "this gateway does not tell its balance".to_owned();
        ready(BalanceOutcome::Unknown { why }).boxed()
    }

    /// Asks which models the gateway lists, once. Free.
    fn models(&self) -> BoxFuture<'_, ModelsOutcome> {
        let why = "this gateway does not list its models".to_owned();
        ready(ModelsOutcome::Unknown { why }).boxed()
    }

    /// Asks whether the address is the gateway's and the key is taken there, once. Free.
    fn access(&self) -> BoxFuture<'_, Access> {
        let why = "this gateway cannot be asked that".to_owned();
        ready(Access { verdict: AccessVerdict::Unclear { why }, clocks: None }).boxed()
    }

    /// Opens a result URL, from `resume` on where that is possible. Free; carries no key.
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        resume: Option<&'a ResumePoint>,
    ) -> BoxFuture<'a, Result<Download, DownloadError>>;

    /// A text from outside without the key: the one door for whatever is kept or shown of a result
    /// host's words.
    fn redact(&self, text: String) -> String {
        text
    }
}

/// What a provider can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Where attempts go, and from which account.
    pub origin: Origin,
    /// How many tasks one poll may ask for.
    pub poll_batch: usize,
    /// How long finished clips are kept.
    pub result_lifetime: Duration,
    /// Which local files are to be sent before a request names them; `None`: it takes none, and a
    /// request carries all pictures itself.
    pub uploads: Option<UploadLimits>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            origin: Origin::default(),
            poll_batch: 1,
            result_lifetime: apimodels::result_lifetime(),
            uploads: None,
        }
    }
}

/// A task, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TaskHandle {
    /// The provider's id for it.
    pub task: TaskId,
    /// What its shot asks for, where the task is to be held against that: the user or a callback
    /// named it, so that it may be another's.
    pub asked: Option<Arc<Content>>,
}

impl TaskHandle {
    /// A task that is surely its shot's.
    #[must_use]
    pub const fn new(task: TaskId) -> Self {
        Self { task, asked: None }
    }
}

/// What the provider knows of an attempt key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindOutcome {
    /// It bought this task.
    Found(TaskId),
    /// It bought nothing.
    NotThere,
    /// The provider cannot be asked, or did not say.
    CannotTell,
}

/// How far an earlier download of the same URL came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// Bytes already on disk.
    pub at: u64,
    /// The strong validator (`ETag`, else `Last-Modified`) of those bytes.
    pub validator: String,
    /// The whole clip's length in bytes, when the host said it.
    pub total: Option<u64>,
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
