//! What changed, for all pages at once. One task reads the ledger, only while somebody looks and
//! something happened, at most once a second and for at most a twentieth of the time; it keeps a
//! hash of each row and sends the rows that are not what they were.
//!
//! Who comes anew gets every row as of one reading, between two events `all`, and then what changes:
//! a reconnecting page drops rows missing from the snapshot. A slow client is not waited for: who
//! cannot keep up is dropped and comes anew.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::blocking::Threads;
use crate::domain::sanitize::json_for_pages;
use crate::ledger::Row;
use crate::policy::limits::Rate;
use crate::report::{ReportError, contact_sheet, model};
use crate::scheduler::Progress;

use super::backlog::{Spool, Spooled};
use super::run_status::{Over, Phase};
use super::show::Show;

/// Between two readings lies this at least.
const READ_EVERY: Duration = Duration::from_secs(1);
/// And so many times what the last one took.
const REST: u32 = 19;
/// An event holds so many shots at most.
const MAX_SHOTS: usize = 200;
/// And no more than this and one shot more, in bytes.
const MAX_BYTES: usize = 128 << 10;
/// A page that is so many events behind is dropped.
const MAX_BEHIND: usize = 128;
/// So many may wait for their first rows.
const MAX_WAITING: usize = 64;

/// What pages are told.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// Rows changed, as of this reading.
    Rows(u64, Bytes),
    /// The run does something else.
    Run(Bytes),
    /// There are no more news.
    End,
}

/// Every row as of one reading, for a page that comes anew.
pub(super) struct Start {
    /// Which reading it was: news of it or earlier ones are no news.
    pub(super) reading: u64,
    pub(super) rows: Arc<Spooled>,
    /// Held as long as the page follows.
    pub(super) seat: Seat,
}

/// While one is held, changes are sent.
pub(super) type Seat = Arc<()>;
type Newcomer = oneshot::Sender<Start>;

/// Where pages listen.
#[derive(Clone)]
pub(super) struct Feed {
    news: broadcast::Sender<News>,
    newcomers: mpsc::Sender<Newcomer>,
    quits: Arc<AtomicBool>,
}

/// The one who reads.
pub(super) struct Follower {
    show: Show,
    progress: watch::Receiver<Progress>,
    rate: Rate,
    over: watch::Receiver<Option<Over>>,
    news: broadcast::Sender<News>,
    newcomers: mpsc::Receiver<Newcomer>,
    quits: Arc<AtomicBool>,
    memory: Memory,
    /// Counts the readings.
    reading: u64,
    seats: Seat,
    said: Option<Phase>,
    /// Set after the last reading: a page that is told the end listens no more.
    ended: Option<Over>,
}

/// A feed and who fills it.
pub(super) fn feed(show: &Show, over: watch::Receiver<Option<Over>>) -> (Feed, Follower) {
    let news = broadcast::Sender::new(MAX_BEHIND);
    let (sender, newcomers) = mpsc::channel(MAX_WAITING);
    let quits = Arc::<AtomicBool>::default();
    let feed = Feed { news: news.clone(), newcomers: sender, quits: Arc::clone(&quits) };
    let follower = Follower {
        show: show.clone(),
        progress: show.progress.clone(),
        rate: show.rate,
        over,
        news,
        newcomers,
        quits,
        memory: Memory::default(),
        reading: 0,
        seats: Seat::default(),
        said: None,
        ended: None,
    };
    (feed, follower)
}

impl Feed {
    /// What happens from now on, and the rows as of the next reading. Nothing comes of the second
    /// when no page reads any more.
    pub(super) fn join(&self) -> (broadcast::Receiver<News>, oneshot::Receiver<Start>) {
        let news = self.news.subscribe();
        let (sender, rows) = oneshot::channel();
        // Without a place to wait the sender is dropped, which says as much.
        drop(self.newcomers.try_send(sender));
        (news, rows)
    }

    /// Cuts a reading short, so that the end of the run does not wait for it.
    pub(super) fn quit(&self) {
        self.quits.store(true, Ordering::Relaxed);
    }
}

/// An event as it goes over the wire; JSON has no line breaks.
pub(super) fn event(name: &str, json: &str) -> Bytes {
    format!("event: {name}\ndata: {json}\n\n").into()
}

/// The event `run`.
pub(super) fn run_event(phase: &Phase) -> Bytes {
    // A phase is a struct of texts and a number: it can be written.
    event("run", &json_for_pages(phase).unwrap_or_default())
}

impl Follower {
    /// Reads and tells until the run is over.
    pub(super) async fn follow(mut self) {
        let (mut is_stale, mut may_change) = (true, true);
        let mut next = Instant::now();
        let mut waiting = Vec::new();
        loop {
            self.say_phase();
            let wanted = !waiting.is_empty() || (is_stale && self.is_followed());
            tokio::select! {
                biased;
                () = is_over(&mut self.over) => break,
                Some(newcomer) = self.newcomers.recv() => waiting.push(newcomer),
                () = sleep_until(next), if wanted => {
                    let began = Instant::now();
                    is_stale = !self.read(std::mem::take(&mut waiting)).await;
                    next = began + began.elapsed() * (REST + 1);
                    next = next.max(began + READ_EVERY);
                }
                changed = self.progress.changed(), if may_change => {
                    may_change = changed.is_ok();
                    is_stale = true;
                }
            }
        }
        if !waiting.is_empty() || self.is_followed() {
            self.read(waiting).await;
        }
        self.ended = self.over.borrow().clone();
        self.say_phase();
        drop(self.news.send(News::End));
    }

    /// Whether some page has its rows and waits for news.
    fn is_followed(&self) -> bool {
        Arc::strong_count(&self.seats) > 1
    }

    /// Tells what the run does, at once when that is another thing, and otherwise with the rows.
    fn say_phase(&mut self) {
        let phase = self.phase();
        let told = |said: &Phase| said.state == phase.state && said.why == phase.why;
        if !self.said.as_ref().is_some_and(told) {
            self.tell_phase(phase);
        }
    }

    fn phase(&self) -> Phase {
        Phase::of(&self.progress.borrow(), self.ended.as_ref(), self.rate.to_string())
    }

    fn tell_phase(&mut self, phase: Phase) {
        // It fails when no page is connected, which is no fault.
        drop(self.news.send(News::Run(run_event(&phase))));
        self.said = Some(phase);
    }

    /// Reads once; whether that succeeded.
    async fn read(&mut self, newcomers: Vec<Newcomer>) -> bool {
        self.reading += 1;
        let reading = self.reading;
        // What is not put back is told again as a whole.
        let mut memory = std::mem::take(&mut self.memory);
        let show = self.show.clone();
        let news = self.is_followed().then(|| self.news.clone());
        let (quits, wanted) = (Arc::clone(&self.quits), !newcomers.is_empty());
        let read = Threads::Pool.run(move || {
            let tell =
                |event| drop(news.as_ref().map(|news| news.send(News::Rows(reading, event))));
            memory.read(&show, &tell, wanted, &quits).map(|rows| (memory, rows))
        });
        let why = match read.await {
            Ok(Ok((memory, rows))) => {
                self.memory = memory;
                if let Some(rows) = rows.map(Arc::new) {
                    for newcomer in newcomers {
                        let (rows, seat) = (Arc::clone(&rows), Arc::clone(&self.seats));
                        drop(newcomer.send(Start { reading, rows, seat }));
                    }
                }
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = &why {
            tracing::debug!("the live page cannot read: {why}");
        }
        let phase = self.phase();
        if self.said.as_ref() != Some(&phase) {
            self.tell_phase(phase);
        }
        why.is_none()
    }
}

/// Ends when the run is over, or its progress is no longer sent.
async fn is_over(over: &mut watch::Receiver<Option<Over>>) {
    drop(over.wait_for(Option::is_some).await);
}

/// What was told last.
#[derive(Default)]
struct Memory {
    hasher: RandomState,
    /// A hash of each row by a hash of its name.
    rows: HashMap<u64, u64>,
    /// The names of older and removed revisions, which are no longer shown once they are done.
    others: BTreeSet<String>,
    head: String,
}

impl Memory {
    /// Reads the ledger once and tells what changed; all of it is answered, if `wanted`.
    fn read(
        &mut self,
        show: &Show,
        tell: &dyn Fn(Bytes),
        wanted: bool,
        quits: &AtomicBool,
    ) -> Result<Option<Spooled>, ReportError> {
        let reader = show.ledger.snapshot()?;
        let head = show.sheet(&*reader).head()?;
        let mut spool = wanted.then(Spool::default);
        if let Some(spool) = &mut spool {
            spool.write_all(&event("all", "\"begin\""))?;
            spool.write_all(&event("head", &head))?;
        }
        if self.head != head {
            tell(event("head", &head));
            self.head = head;
        }
        let (mut all, mut changed) = (Shots::default(), Shots::default());
        let mut others = BTreeSet::new();
        let mut result = Ok(());
        reader.rows(&mut |row| {
            if result.is_ok() && !quits.load(Ordering::Relaxed) {
                result = self.look(&row, &mut others).and_then(|(shot, is_news)| {
                    if is_news && let Some(event) = changed.add(&shot) {
                        tell(event);
                    }
                    let Some(spool) = &mut spool else { return Ok(()) };
                    let full = all.add(&shot);
                    full.map_or(Ok(()), |event| Ok(spool.write_all(&event)?))
                });
            }
        })?;
        result?;
        changed.rest().map(tell);
        if !quits.load(Ordering::Relaxed) {
            let gone: Vec<_> = self.others.difference(&others).collect();
            if !gone.is_empty() {
                tell(event("gone", &json_for_pages(&gone)?));
            }
            self.others = others;
        }
        let Some(mut spool) = spool else { return Ok(None) };
        if let Some(event) = all.rest() {
            spool.write_all(&event)?;
        }
        spool.write_all(&event("all", "\"end\""))?;
        Ok(Some(spool.finish()?))
    }

    /// A row as JSON, and whether it is not what it was.
    fn look(
        &mut self,
        row: &Row,
        others: &mut BTreeSet<String>,
    ) -> Result<(String, bool), ReportError> {
        let shot = contact_sheet::shot(row)?;
        let name = model::name(&row.entry);
        let (key, hash) = (self.hasher.hash_one(&name), self.hasher.hash_one(&shot));
        let is_news = self.rows.insert(key, hash) != Some(hash);
        if !row.entry.current {
            others.insert(name);
        }
        Ok((shot, is_news))
    }
}

/// Shots on their way into an event.
#[derive(Default)]
struct Shots {
    json: String,
    count: usize,
}

impl Shots {
    /// One more; the event, when it is full.
    fn add(&mut self, shot: &str) -> Option<Bytes> {
        self.json.push(if self.count == 0 { '[' } else { ',' });
        self.json.push_str(shot);
        self.count += 1;
        if self.count < MAX_SHOTS && self.json.len() < MAX_BYTES { None } else { self.rest() }
    }

    /// The event with those that are left.
    fn rest(&mut self) -> Option<Bytes> {
        if self.count == 0 {
            return None;
        }
        let Self { mut json, .. } = std::mem::take(self);
        json.push(']');
        Some(event("shots", &json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shots_come_in_events_of_bounded_length() {
        let mut shots = Shots::default();
        let full: Vec<_> = (0..450).filter_map(|n| shots.add(&format!("{{\"n\":{n}}}"))).collect();
        let rest = shots.rest().unwrap();
        let sizes: Vec<usize> = full.iter().chain([&rest]).map(|event| count(event)).collect();
        assert_eq!(sizes, [200, 200, 50]);
        assert_eq!(shots.rest(), None);
        let long = format!("\"{}\"", "x".repeat(MAX_BYTES));
        assert_eq!(shots.add(&long).map(|event| count(&event)), Some(1));
    }

    /// A page that is told the end listens no more: what a later reading finds would be lost on it.
    #[tokio::test]
    async fn the_end_is_told_after_the_last_reading_and_by_no_reading_before_it() {
        let (_progress, progress) = watch::channel(Progress::default());
        let show = Show {
            ledger: crate::ledger::LedgerAddress::file("nothing here"),
            again: Arc::new(|_, _| String::new()),
            folder: "nothing here".into(),
            progress,
            rate: Rate { count: 2, window: crate::policy::limits::Window::Second },
            stop: crate::scheduler::CancelToken::default(),
            pause: crate::scheduler::PauseSwitch::default(),
            metrics: Arc::default(),
        };
        let (over, is_over) = watch::channel(Some(Over { why: None }));
        let (feed, mut follower) = feed(&show, is_over);
        let (mut news, _rows) = feed.join();
        follower.read(Vec::new()).await;
        let mut told = |state: &str| match news.try_recv().unwrap() {
            News::Run(event) => {
                assert!(String::from_utf8_lossy(&event).contains(state), "{event:?}")
            }
            other => panic!("{other:?}"),
        };
        told("running");
        follower.follow().await;
        told("ended");
        drop(over);
    }

    fn count(event: &[u8]) -> usize {
        let text = std::str::from_utf8(event).unwrap();
        let data = text.strip_prefix("event: shots\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
        serde_json::from_str::<Vec<serde_json::Value>>(data).unwrap().len()
    }
}
