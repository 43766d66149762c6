//! Reads shots' local files, and sends those to the gateway that a request cannot carry, each content
//! once: what is asked for while it is on its way waits for it. Nothing is bought here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

use crate::blocking::Threads;
use crate::domain::outcome::UploadOutcome;
use crate::domain::shot::{FileKind, LocalFile, Request};
use crate::domain::time::{Clock, Timestamp};
use crate::provider::{
    FileContent, FilePart, FileUpload, LoadBudget, LoadedFiles, Provider, UploadLimits,
};

/// How long before the gateway deletes a file it is sent anew.
const MARGIN: Duration = Duration::from_secs(24 * 3600);

/// Why a shot's files cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Its request cannot be made.
    #[error("{0}")]
    Unsendable(String),
    /// Submitting stopped before a file was sent.
    #[error("submitting stopped before its files were sent")]
    Stopped,
    /// The gateway did not take a file.
    #[error("{file}: {}", said(.outcome))]
    NotUploaded {
        /// Its path as the manifest wrote it.
        file: Box<str>,
        /// What was answered.
        outcome: UploadOutcome,
    },
}

impl From<String> for LoadError {
    fn from(why: String) -> Self {
        Self::Unsendable(why)
    }
}

impl From<&str> for LoadError {
    fn from(why: &str) -> Self {
        Self::Unsendable(why.to_owned())
    }
}

/// An outcome in words.
fn said(outcome: &UploadOutcome) -> &str {
    match outcome {
        UploadOutcome::Stored { url } => url,
        UploadOutcome::NotSent { why }
        | UploadOutcome::Throttled { why, .. }
        | UploadOutcome::Failed { why, .. }
        | UploadOutcome::Refused { why }
        | UploadOutcome::BadKey { why }
        | UploadOutcome::NoCredit { why }
        | UploadOutcome::WrongAddress { why } => why,
    }
}

/// How an upload ended: the URL, or why there is none.
type Uploaded = Result<Box<str>, Failure>;

/// Why a file has no URL, without its name: others may have the same content.
#[derive(Clone, Debug)]
enum Failure {
    Unreadable(String),
    Outcome(UploadOutcome),
    Stopped,
    Lost(String),
}

/// An upload of this run, and when it began by both clocks.
struct Upload {
    ends: Shared<BoxFuture<'static, Uploaded>>,
    at: (Timestamp, Instant),
}

/// A run's local files.
pub(super) struct Files {
    provider: Arc<dyn Provider>,
    threads: Threads,
    clock: Arc<dyn Clock>,
    limits: Option<UploadLimits>,
    /// How many bytes are in memory at once.
    budget: LoadBudget,
    /// Whether submitting has stopped: then nothing more is sent.
    stopped: Arc<AtomicBool>,
    /// By the SHA-256 of the content.
    uploads: Mutex<HashMap<[u8; 32], Upload>>,
}

impl Files {
    pub(super) fn new(
        provider: &Arc<dyn Provider>,
        threads: Threads,
        clock: &Arc<dyn Clock>,
        stopped: &Arc<AtomicBool>,
    ) -> Self {
        Self {
            limits: provider.capabilities().uploads,
            provider: Arc::clone(provider),
            threads,
            clock: Arc::clone(clock),
            budget: LoadBudget::default(),
            stopped: Arc::clone(stopped),
            uploads: Mutex::default(),
        }
    }

    /// A request's files as it carries them. Those that are sent first are sent before the others
    /// take a share of the memory, so that none waits for another while it holds some.
    ///
    /// # Errors
    /// When the thread that reads was lost; in it, when a file cannot be sent.
    pub(super) async fn load(
        &self,
        request: &Request,
    ) -> Result<Result<LoadedFiles, LoadError>, String> {
        let mut urls = HashMap::new();
        for file in request.files.iter().filter(|file| self.is_sent_first(file)) {
            match self.url(file).await {
                Ok(url) => urls.insert(file.param.clone(), url),
                Err(Failure::Lost(lost)) => return Err(lost),
                Err(Failure::Stopped) => return Ok(Err(LoadError::Stopped)),
                Err(Failure::Unreadable(why)) => return Ok(Err(LoadError::Unsendable(why))),
                Err(Failure::Outcome(outcome)) => {
                    let file = file.written.clone();
                    return Ok(Err(LoadError::NotUploaded { file, outcome }));
                }
            };
        }
        let files = request.files.clone();
        let inline = files.iter().filter(|file| !urls.contains_key(&file.param));
        let share = self.budget.share_of(inline.map(|file| file.bytes).sum()).await;
        let read = move || {
            let part = |file: &LocalFile| match urls.remove(&file.param) {
                Some(url) => {
                    Ok(FilePart { param: file.param.clone(), content: FileContent::Url(url) })
                }
                None => LoadedFiles::part_with(file, &share),
            };
            files.iter().map(part).collect::<Result<_, _>>().map(LoadedFiles)
        };
        let read = self.threads.run(read).await.map_err(|lost| lost.to_string())?;
        Ok(read.map_err(|error| LoadError::Unsendable(error.to_string())))
    }

    fn is_sent_first(&self, file: &LocalFile) -> bool {
        match self.limits {
            Some(limits) => limits.takes(file),
            None => file.kind == FileKind::Video,
        }
    }

    /// The URL of a file at the gateway.
    async fn url(&self, file: &LocalFile) -> Uploaded {
        let Some(limits) = self.limits else {
            let why = format!(
                "{}: this gateway takes no files; put the video where all can fetch it, and write \
                 its https:// address",
                file.written
            );
            return Err(Failure::Unreadable(why));
        };
        if file.bytes > limits.max_bytes {
            let (size, max) = (file.bytes.div_ceil(1_000_000), limits.max_bytes / 1_000_000);
            let why = format!(
                "{} is too big: {size} MB; the gateway takes files of up to {max}; make it smaller",
                file.written
            );
            return Err(Failure::Unreadable(why));
        }
        let ends = self.upload(file, limits.lifetime.saturating_sub(MARGIN));
        ends.await
    }

    /// The upload of a content: the one that is on its way, or one of this run whose URL is still
    /// `usable`; else a new one.
    fn upload(&self, file: &LocalFile, usable: Duration) -> Shared<BoxFuture<'static, Uploaded>> {
        let at = (self.clock.now(), Instant::now());
        let is_usable = |upload: &Upload| match upload.ends.peek() {
            None => true,
            Some(Ok(_)) => {
                // Either clock may stand still for a while: the one is set, the other sleeps.
                let (clock, instant) = upload.at;
                at.0.since(clock) < usable && at.1.saturating_duration_since(instant) < usable
            }
            Some(Err(_)) => false,
        };
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upload) = uploads.get(&file.sha256).filter(|upload| is_usable(upload)) {
            return upload.ends.clone();
        }
        let ends = self.send(file.clone()).boxed().shared();
        uploads.insert(file.sha256, Upload { ends: ends.clone(), at });
        ends
    }

    /// Reads a file and sends it, once.
    fn send(&self, file: LocalFile) -> impl Future<Output = Uploaded> + Send + 'static {
        let (provider, threads) = (Arc::clone(&self.provider), self.threads);
        let (budget, stopped) = (self.budget.clone(), Arc::clone(&self.stopped));
        async move {
            let sha256 = file.sha256;
            let share = budget.share_of(file.bytes).await;
            if stopped.load(Ordering::Acquire) {
                return Err(Failure::Stopped);
            }
            let read = threads.run(move || LoadedFiles::bytes_with(&file, &share)).await;
            let read = read.map_err(|lost| Failure::Lost(lost.to_string()))?;
            let bytes = read.map_err(|error| Failure::Unreadable(error.to_string()))?;
            match provider.upload(FileUpload { sha256, bytes }).await {
                UploadOutcome::Stored { url } => Ok(url),
                outcome => Err(Failure::Outcome(outcome)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicI64, AtomicUsize};

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome};
    use crate::provider::{Capabilities, Download, ResumePoint, Submission, TaskHandle, apimodels};

    /// Takes files, says a new URL for each, and counts them; the first few fail.
    struct Shelf {
        files: AtomicUsize,
        failing: usize,
        takes_files: bool,
    }

    impl Provider for Shelf {
        fn capabilities(&self) -> Capabilities {
            let uploads = apimodels::uploads().filter(|_| self.takes_files);
            Capabilities { uploads, ..Capabilities::default() }
        }

        fn submit(&self, _: Submission) -> BoxFuture<'_, SubmitOutcome> {
            unreachable!("nothing is bought by a file")
        }

        fn upload(&self, _: FileUpload) -> BoxFuture<'_, UploadOutcome> {
            Box::pin(async {
                let nth = self.files.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                if nth < self.failing {
                    return UploadOutcome::NotSent { why: "refused".into() };
                }
                UploadOutcome::Stored { url: format!("https://f.example/{nth}").into() }
            })
        }

        fn poll<'a>(&'a self, _: &'a [TaskHandle]) -> BoxFuture<'a, Vec<PollOutcome>> {
            unreachable!()
        }

        fn fetch<'a>(
            &'a self,
            _: &'a str,
            _: Option<&'a ResumePoint>,
        ) -> BoxFuture<'a, Result<Download, DownloadError>> {
            unreachable!()
        }
    }

    /// A clock that is set by hand.
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    struct Rig {
        folder: tempfile::TempDir,
        shelf: Arc<Shelf>,
        clock: Arc<Hand>,
        files: Files,
    }

    fn rig(failing: usize, takes_files: bool) -> Rig {
        let shelf = Arc::new(Shelf { files: AtomicUsize::new(0), failing, takes_files });
        let clock = Arc::new(Hand(AtomicI64::new(1_800_000_000_000)));
        let (provider, clocks): (Arc<dyn Provider>, Arc<dyn Clock>) =
            (Arc::clone(&shelf) as _, Arc::clone(&clock) as _);
        let stopped = Arc::default();
        let files = Files::new(&provider, Threads::InPlace, &clocks, &stopped);
        Rig { folder: tempfile::tempdir().unwrap(), shelf, clock, files }
    }

    impl Rig {
        fn video(&self, content: &str) -> Request {
            let path = self.folder.path().join(content);
            let mut file = std::fs::File::create(&path).unwrap();
            file.write_all(content.as_bytes()).unwrap();
            let file = LocalFile {
                param: "motion_video".into(),
                kind: FileKind::Video,
                path,
                written: content.into(),
                sha256: Sha256::digest(content).into(),
                bytes: content.len() as u64,
            };
            Request { json: "{}".into(), files: [file].into() }
        }

        async fn url(&self, request: &Request) -> Result<String, LoadError> {
            let loaded = self.files.load(request).await.unwrap()?;
            match &loaded.0[0].content {
                FileContent::Url(url) => Ok(url.to_string()),
                FileContent::Inline(_) => panic!("inline"),
            }
        }

        fn sent(&self) -> usize {
            self.shelf.files.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn field_16_a_content_is_sent_once_and_anew_only_after_six_days() {
        let rig = rig(0, true);
        let (one, two) = (rig.video("one"), rig.video("two"));
        let (a, b, c) = tokio::join!(rig.url(&one), rig.url(&one), rig.url(&two));
        assert_eq!((&a, rig.sent()), (&b, 2));
        assert_ne!(a, c);
        // The file may be gone by now: its content is there.
        std::fs::remove_file(&one.files[0].path).unwrap();
        let day = Duration::from_secs(24 * 3600);
        tokio::time::advance(day.mul_f64(5.9)).await;
        assert_eq!((rig.url(&one).await, rig.sent()), (a, 2));
        tokio::time::advance(day).await;
        assert!(rig.url(&one).await.is_err(), "it would have to be read again");
        assert_ne!(rig.url(&two).await, c);
        // A machine that slept counts by the wall clock.
        let c = rig.url(&two).await;
        rig.clock.0.fetch_add(i64::try_from((day * 6).as_millis()).unwrap(), Ordering::Relaxed);
        assert_ne!(rig.url(&two).await, c);
    }

    #[tokio::test(start_paused = true)]
    async fn field_16_those_that_wait_share_a_failure_and_the_next_one_tries_anew() {
        let rig = rig(1, true);
        let one = rig.video("one");
        let (a, b) = tokio::join!(rig.url(&one), rig.url(&one));
        let failed = matches!(&a, Err(LoadError::NotUploaded { file, .. }) if &**file == "one");
        assert!(failed && a == b, "{a:?} and {b:?}");
        assert_eq!(rig.sent(), 1);
        assert!(rig.url(&one).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn field_16_nothing_more_is_sent_once_submitting_stopped() {
        let rig = rig(0, true);
        let (one, two) = (rig.video("one"), rig.video("two"));
        assert!(rig.url(&one).await.is_ok());
        rig.files.stopped.store(true, Ordering::Release);
        assert_eq!(rig.url(&two).await, Err(LoadError::Stopped));
        assert_eq!(rig.sent(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn field_16_what_cannot_be_taken_is_not_sent() {
        let no_files = rig(0, false);
        let told = no_files.url(&no_files.video("one")).await.unwrap_err().to_string();
        assert!(told.contains("takes no files"), "{told}");
        let rig = rig(0, true);
        let mut big = rig.video("one");
        big.files[0].bytes = 200_000_000;
        let told = rig.url(&big).await.unwrap_err().to_string();
        assert!(told.contains("too big: 200 MB"), "{told}");
        let mut changed = rig.video("two");
        changed.files[0].sha256 = [0; 32];
        assert!(rig.url(&changed).await.unwrap_err().to_string().contains("changed"));
        assert_eq!(rig.sent() + no_files.sent(), 0);
    }
}
