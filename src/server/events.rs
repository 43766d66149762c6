//! The events of one page: first every row, then what changes. Each page's connection reads the
//! ledger for itself, only when something happened, at most once a second and, all pages together,
//! for at most a twentieth of the time; it keeps a hash of each row and sends the rows that are not
//! what they were.
//!
//! A page that connects gets every row as of one reading, between two events `all`: a reconnecting
//! page drops rows missing from the snapshot. Nothing is read for a page that has not taken what it
//! was sent before, so a slow one skips what happened meanwhile and gets what is then true.
//!
//! What is decided about clips comes at once, as the event `review`, without a reading of the ledger.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::blocking::Threads;
use crate::domain::sanitize::json_for_pages;
use crate::report::contact_sheet::{self, each_shown};
use crate::report::{ReportError, model};

use super::campaign_view::CampaignView;
use super::decisions::Decisions;
use super::run_view::{Ended, RunStatus, RunView};
use super::spool::{Spool, pieces, spool};

/// So many pages are connected at once.
pub(super) const MAX_PAGES: usize = 32;
/// Between two readings lies this at least.
const READ_EVERY: Duration = Duration::from_secs(1);
/// And from one to the next so many times what the last one took, for each page.
const REST: u32 = 20;
/// An event holds so many shots at most.
const MAX_SHOTS: usize = 200;
/// And no more than this and one shot more, in bytes.
const MAX_BYTES: usize = 128 << 10;
/// A page of no run looks so often what became of its campaign, which other programs may work on.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// After so long without an event a comment is sent, so that silence does not look like an end.
const BEAT_EVERY: Duration = Duration::from_secs(15);
/// A comment, which pages do not see.
const BEAT: Bytes = Bytes::from_static(b": still here\n\n");
/// How long a page waits before it connects again, in milliseconds.
const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");

type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// A connected page.
pub(super) struct Subscriber {
    view: CampaignView,
    decisions: Option<Decisions>,
    /// Tells of decisions; its sender lives as long as `decisions`.
    decided: Option<watch::Receiver<u64>>,
    /// The version of what was decided that it was sent.
    verdicts: u64,
    ended: watch::Receiver<Option<Ended>>,
    /// Cuts a reading short.
    closing: CancellationToken,
    /// The page's place among [`MAX_PAGES`].
    place: OwnedSemaphorePermit,
    /// One reading at a time, so that what one took is not what others took.
    reading: Arc<Semaphore>,
    /// The rows it was sent.
    sent: Sent,
    has_rows: bool,
    /// The status it was sent last.
    status: Option<RunStatus>,
    /// Whether something has happened since the last reading.
    is_stale: bool,
    next_reading: Instant,
    beats: Interval,
    is_done: bool,
}

impl Subscriber {
    pub(super) fn new(
        view: CampaignView,
        decisions: Option<Decisions>,
        ended: watch::Receiver<Option<Ended>>,
        closing: CancellationToken,
        place: OwnedSemaphorePermit,
        reading: Arc<Semaphore>,
    ) -> Self {
        let now = Instant::now();
        let mut beats = interval_at(now + BEAT_EVERY, BEAT_EVERY);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut decided = decisions.as_ref().map(Decisions::subscribe);
        // All that was decided before is sent first.
        if let Some(decided) = &mut decided {
            decided.mark_changed();
        }
        Self {
            view,
            decisions,
            decided,
            verdicts: 0,
            ended,
            closing,
            place,
            reading,
            sent: Sent::default(),
            has_rows: false,
            status: None,
            is_stale: true,
            next_reading: now,
            beats,
            is_done: false,
        }
    }

    /// The events, up to the end of the run.
    pub(super) fn into_body(self) -> Body {
        let events = stream::unfold(self, async |mut page| Some((page.next().await?, page)));
        Body::from_stream(one(RETRY).chain(events.flatten()))
    }

    /// What is sent next. A status in other words is sent at once, and its numbers with the rows.
    async fn next(&mut self) -> Option<Pieces> {
        while !self.is_done {
            if let Some(status) = self.view.run.as_ref().map(|run| run.status(None)) {
                let is_told =
                    |told: &RunStatus| told.state == status.state && told.why == status.why;
                if !self.status.as_ref().is_some_and(is_told) {
                    return Some(one(self.tell(status)));
                }
            }
            let looks = self.view.run.is_none() && !self.is_stale;
            tokio::select! {
                biased;
                () = until_ended(&mut self.ended) => {
                    self.is_done = true;
                    return self.read().await;
                }
                () = sleep_until(self.next_reading), if self.is_stale => return self.read().await,
                () = until_changed(&mut self.decided) => {
                    if let Some(event) = self.verdicts_since().await {
                        return Some(one(event));
                    }
                }
                _ = self.beats.tick() => return Some(one(BEAT)),
                () = until_progress(&mut self.view.run) => self.is_stale = true,
                () = sleep_until(self.next_reading + LOOK_EVERY), if looks => self.is_stale = true,
            }
        }
        None
    }

    /// The event `review`, if anything was decided since the last one.
    async fn verdicts_since(&mut self) -> Option<Bytes> {
        let (news, version) = self.decisions.as_ref()?.since(self.verdicts).await;
        self.verdicts = version;
        if news.is_empty() {
            return None;
        }
        let json = json_for_pages(&news).ok()?;
        Some(event("review", &json).into())
    }

    /// Reads the ledger once; what changed, then the status if it is another one. `None` when there
    /// are no rows to begin with: the page connects again.
    async fn read(&mut self) -> Option<Pieces> {
        // The semaphore is never closed; without a permit readings would merely be side by side.
        let permit = Arc::clone(&self.reading).acquire_owned().await;
        // Asked before the reading, because a page that is told the end listens no more: what a
        // later reading finds would be lost on it.
        let ended = self.ended.borrow().clone();
        let began = Instant::now();
        // If it is not put back, the next reading sends everything.
        let mut sent = std::mem::take(&mut self.sent);
        let (view, closing) = (self.view.clone(), self.closing.clone());
        let read = Threads::Pool.run(move || sent.news(&view, &closing).map(|news| (sent, news)));
        let read = read.await.map_err(io::Error::from).map_err(ReportError::from).flatten();
        drop(permit);
        let free = self.place.semaphore().available_permits();
        let pages = u32::try_from(MAX_PAGES.saturating_sub(free)).unwrap_or(1);
        self.next_reading = began + (began.elapsed() * REST * pages).max(READ_EVERY);
        let rows = match read.and_then(|(sent, news)| Ok((sent, pieces(news)?))) {
            Ok((sent, rows)) => {
                (self.sent, self.has_rows, self.is_stale) = (sent, true, false);
                rows
            }
            Err(error) => {
                tracing::debug!("the live page cannot read: {error}");
                if !self.has_rows {
                    return None;
                }
                stream::empty().boxed()
            }
        };
        let status = self.view.run.as_ref().map(|run| run.status(ended.as_ref()));
        let news = status.filter(|status| self.status.as_ref() != Some(status));
        let news = news.map(|status| Ok(self.tell(status)));
        Some(rows.chain(stream::iter(news)).boxed())
    }

    /// The event `run`.
    fn tell(&mut self, status: RunStatus) -> Bytes {
        // A status is a struct of texts and a number: it can be written.
        let event = event("run", &json_for_pages(&status).unwrap_or_default());
        self.status = Some(status);
        event.into()
    }
}

fn one(event: Bytes) -> Pieces {
    stream::iter([Ok(event)]).boxed()
}

/// Ends when something was decided; never where nothing is kept.
async fn until_changed(decided: &mut Option<watch::Receiver<u64>>) {
    let has_changed = match decided {
        Some(decided) => decided.changed().await.is_ok(),
        None => false,
    };
    if !has_changed {
        std::future::pending::<()>().await;
    }
}

/// Ends when the run has got on; never without one.
async fn until_progress(run: &mut Option<RunView>) {
    let has_changed = match run {
        Some(run) => run.progress.changed().await.is_ok(),
        None => false,
    };
    if !has_changed {
        std::future::pending::<()>().await;
    }
}

/// Ends when the run has ended, or its page is closed.
async fn until_ended(ended: &mut watch::Receiver<Option<Ended>>) {
    drop(ended.wait_for(Option::is_some).await);
}

/// An event as it goes over the wire; JSON has no line breaks.
fn event(name: &str, json: &str) -> String {
    format!("event: {name}\ndata: {json}\n\n")
}

/// What a page was sent.
#[derive(Default)]
struct Sent {
    hasher: RandomState,
    /// A hash of each row by a hash of its name.
    rows: HashMap<u64, u64>,
    /// The names of older and removed revisions that are shown. One that ends without a clip is no longer
    /// shown.
    others: BTreeSet<String>,
    head: String,
}

impl Sent {
    /// Reads the ledger once; the events of what is not as it was sent, or of everything if nothing
    /// was.
    fn news(
        &mut self,
        view: &CampaignView,
        closing: &CancellationToken,
    ) -> Result<Spool, ReportError> {
        let ledger = view.ledger.snapshot()?;
        let mut out = spool();
        let is_first = self.head.is_empty();
        if is_first {
            out.write_all(event("all", "\"begin\"").as_bytes())?;
        }
        let head = view.sheet(&*ledger, &[]).head()?;
        if self.head != head {
            out.write_all(event("head", &head).as_bytes())?;
            self.head = head;
        }
        let (mut shots, mut others) = (Shots::default(), BTreeSet::new());
        each_shown(&*ledger, &mut out, &mut |out, row| {
            if closing.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let (name, shot) = (model::name(&row.entry), contact_sheet::shot(row)?);
            let (key, hash) = (self.hasher.hash_one(&name), self.hasher.hash_one(&shot));
            if !row.entry.current {
                others.insert(name);
            }
            if self.rows.insert(key, hash) == Some(hash) { Ok(()) } else { shots.add(&shot, out) }
        })?;
        shots.flush(&mut out)?;
        let gone: Vec<_> = self.others.difference(&others).collect();
        if !gone.is_empty() {
            out.write_all(event("gone", &json_for_pages(&gone)?).as_bytes())?;
        }
        self.others = others;
        if is_first {
            out.write_all(event("all", "\"end\"").as_bytes())?;
        }
        Ok(out)
    }
}

/// Shots on their way into an event.
#[derive(Default)]
struct Shots {
    json: String,
    count: usize,
}

impl Shots {
    /// One more; writes the event when it is full.
    fn add(&mut self, shot: &str, out: &mut impl Write) -> io::Result<()> {
        self.json.push(if self.count == 0 { '[' } else { ',' });
        self.json.push_str(shot);
        self.count += 1;
        if self.count < MAX_SHOTS && self.json.len() < MAX_BYTES { Ok(()) } else { self.flush(out) }
    }

    /// Writes the event with those that are left.
    fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let Self { json, .. } = std::mem::take(self);
        out.write_all(event("shots", &(json + "]")).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;
    use crate::policy::limits::{Rate, Window};
    use crate::scheduler::Progress;

    #[test]
    fn shots_come_in_events_of_bounded_length() {
        let mut out = Vec::new();
        let mut shots = Shots::default();
        for n in 0..450 {
            shots.add(&format!("{{\"n\":{n}}}"), &mut out).unwrap();
        }
        shots.flush(&mut out).unwrap();
        assert_eq!(counts(&out), [200, 200, 50]);
        out.clear();
        shots.flush(&mut out).unwrap();
        assert_eq!(counts(&out), [0; 0]);
        let long = format!("\"{}\"", "x".repeat(MAX_BYTES));
        shots.add(&long, &mut out).unwrap();
        assert_eq!(counts(&out), [1]);
    }

    /// How many shots each event holds.
    fn counts(events: &[u8]) -> Vec<usize> {
        let events = std::str::from_utf8(events).unwrap().split_terminator("\n\n");
        let shots = events.map(|event| event.strip_prefix("event: shots\ndata: ").unwrap());
        shots
            .map(|data| serde_json::from_str::<Vec<serde_json::Value>>(data).unwrap().len())
            .collect()
    }

    #[test]
    fn the_end_is_told_after_a_reading_that_began_after_it_and_by_no_reading_before() {
        // One thread for readings, which is held up until the test lets it go on.
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.max_blocking_threads(1).enable_all().build().unwrap();
        runtime.block_on(the_end_is_told());
    }

    async fn the_end_is_told() {
        let (go_on, held_up) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || held_up.recv());
        let (_progress, progress) = watch::channel(Progress::default());
        let run = RunView {
            progress,
            rate: Rate { count: 2, window: Window::Second },
            stop: crate::scheduler::CancelToken::default(),
            pause: crate::scheduler::PauseSwitch::default(),
            metrics: Arc::default(),
        };
        let view = CampaignView {
            ledger: crate::ledger::LedgerAddress::file("nothing here"),
            again: Arc::new(|_, _| String::new()),
            folder: "nothing here".into(),
            bucket: None,
            reviews: None,
            picks: String::new(),
            sheet: String::new(),
            run: Some(run),
        };
        let (sender, ended) = watch::channel(None);
        let place = Arc::new(Semaphore::new(MAX_PAGES)).try_acquire_owned().unwrap();
        let one = Arc::new(Semaphore::new(1));
        let mut page = Subscriber::new(view, None, ended, CancellationToken::new(), place, one);
        page.has_rows = true;
        // The run ends while the first of two readings is under way.
        let mut told = Vec::new();
        let mut reading = Box::pin(page.read());
        assert!(futures::poll!(&mut reading).is_pending());
        sender.send_replace(Some(Ended { why: None }));
        go_on.send(()).unwrap();
        told.push(reading.await.unwrap());
        while let Some(events) = page.next().await {
            told.push(events);
        }
        let mut states = Vec::new();
        for events in told {
            let events: Vec<_> = events.map_ok(|event| event.to_vec()).try_collect().await.unwrap();
            let events = String::from_utf8(events.concat()).unwrap();
            states.push(["running", "ended"].map(|state| events.contains(state)));
        }
        assert_eq!(states, [[true, false], [false, true]]);
    }
}
