//! A shot's revision on its way through a run, and where the scheduler keeps it.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::clips::ClipWriter;
use crate::domain::outcome::{DownloadError, PollOutcome, TaskId};
use crate::domain::secret::Secret;
use crate::domain::state::{RevisionState, ShotEvent, State};
use crate::domain::time::{Now, Timestamp};
use crate::domain::transition::FIREWALL;
use crate::ledger::{ClipFile, Entry, RevisionId};
use crate::policy::rejections::gist;
use crate::provider::LoadedFiles;

/// A shot's place among those that the scheduler keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u32);

/// Something to be done for a shot outside the scheduler, when its turn comes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    /// Poll its task.
    Poll,
    /// Ask about a task that a callback named.
    Find,
    /// Download its next clip.
    Fetch,
}

/// What goes on with a shot.
#[derive(Debug)]
pub(super) enum Activity {
    /// Nothing, unless a callback comes or the user decides.
    Resting,
    /// It waits to be submitted.
    Queued,
    /// Something is begun for it at this moment of the run.
    Waiting(Errand, Duration),
    /// Its stalled task is polled at this moment, if the run still goes on.
    Aside(Duration),
    /// Something goes on that comes back as an event or a verdict, or is about to.
    Busy,
}

impl Activity {
    /// Whether the run goes on because of it.
    pub(super) const fn is_active(&self) -> bool {
        !matches!(self, Self::Resting | Self::Queued | Self::Aside(_))
    }
}

/// A shot's revision on its way through a run.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct ShotState {
    /// What the ledger knows of it.
    pub(super) entry: Entry,
    /// Its place in the manifest; `None` when this run does not submit it.
    pub(super) place: Option<u32>,
    /// Whether the progress counts it: the manifest has it, and the run may do something about it.
    pub(super) is_counted: bool,
    pub(super) activity: Activity,
    pub(super) holds_place: bool,
    /// Whether it holds one of the places for POSTs.
    pub(super) holds_post: bool,
    /// The key of the attempt that its state is about, to be kept out of what is said of it.
    pub(super) key: Option<Secret>,
    /// Whether it is to be bought again once a callback was waited for long enough.
    pub(super) again: bool,
    /// What the wall clock said when this run first saw it in its state, and how long the run had
    /// lasted then.
    pub(super) seen: (Timestamp, Duration),
    /// Polls in a row that said nothing about its task.
    pub(super) unclear: u32,
    /// Whether the provider itself said when to poll again, which a callback does not shorten.
    pub(super) is_asked: bool,
    /// The gist of its last rejection, also of one in an earlier run that rejections stopped.
    pub(super) rejected_with: Option<String>,
    /// Whether its task is stalled, and polled only now and then.
    pub(super) is_aside: bool,
    /// Whether its task is late, so that it holds no place.
    pub(super) is_late: bool,
    /// Whether it failed in this run and was not counted yet.
    pub(super) has_failed: bool,
    /// Whether other tasks were answered clearly since this one is answered with an error code.
    pub(super) others_are_clear: bool,
    /// Whether its task was found in the ledger and no poll of this run answered clearly about it: if
    /// the user or a callback named it, it may be another's.
    pub(super) is_unchecked: bool,
    /// Whether another worker has it by now: nothing goes on with it here.
    pub(super) is_gone: bool,
    /// How often in this run its files could not be sent to the gateway.
    pub(super) unsent_files: u32,
    /// What the revision itself is, if this is only an earlier task of it; the entry's state is that
    /// of the task then.
    pub(super) earlier: Option<Box<RevisionState>>,
    pub(super) work: Work,
}

/// What a shot carries while something goes on with it.
#[derive(Debug, Default)]
pub(super) enum Work {
    #[default]
    None,
    /// Its local files, from before its claim to its POST.
    Submit(LoadedFiles),
    /// Tasks that callbacks named and that are still to be asked for; the first is being asked for.
    Find { tasks: VecDeque<TaskId>, tries: u32 },
    /// Tasks that it was said to have before and that are still to be asked for, the newest first;
    /// the first is being asked for.
    Former { tasks: VecDeque<TaskId>, tries: u32 },
    /// Its clips so far.
    Fetch(Box<Fetch>),
}

/// How far the download of a shot's clips has come.
#[derive(Debug, Default)]
pub(super) struct Fetch {
    /// Stored ones, in the order of the result URLs.
    pub(super) files: Vec<ClipFile>,
    /// Tries of the next one.
    pub(super) tries: u32,
    /// What was received of the next one.
    pub(super) partial: Option<PartialClip>,
    /// Since when tries of it fail, by the run's time.
    pub(super) failing_since: Option<Duration>,
    /// Why the last try failed.
    pub(super) failure: Option<DownloadError>,
}

/// What was received of a clip so far, and what a host needs to go on from there.
pub struct PartialClip {
    /// What was received, and where it goes.
    pub writer: Box<dyn ClipWriter>,
    /// What tells the host that it still has the same file.
    pub validator: Option<String>,
    /// The whole clip's length in bytes, when the host said it.
    pub total: Option<u64>,
}

impl fmt::Debug for PartialClip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialClip").field("bytes", &self.writer.len()).finish_non_exhaustive()
    }
}

impl ShotState {
    /// A shot as the ledger has it when a run begins.
    pub(super) fn new(entry: Entry, place: Option<u32>, now: Now) -> Self {
        // If the clock was set back between two runs, a task from the future counts from now.
        let clock = match &entry.status.state {
            State::Rendering { since, .. } => now.clock.max(*since),
            _ => now.clock,
        };
        let status = &entry.status;
        let rejected_with = rejection_before(&status.state, status.probed);
        let is_unchecked = matches!(status.state, State::Rendering { .. });
        Self {
            is_counted: entry.current,
            entry,
            place,
            activity: Activity::Resting,
            holds_place: false,
            holds_post: false,
            rejected_with,
            is_aside: false,
            is_late: false,
            has_failed: false,
            others_are_clear: false,
            key: None,
            again: false,
            seen: (clock, now.elapsed),
            unclear: 0,
            is_asked: false,
            is_unchecked,
            is_gone: false,
            unsent_files: 0,
            earlier: None,
            work: Work::None,
        }
    }

    /// The moment by which its waiting is judged. What it waits for at the provider goes by the time
    /// that passed while this run watched, not by a clock that may be set meanwhile.
    pub(super) fn judged_at(&self, now: Now) -> Timestamp {
        match self.entry.status.state {
            State::Rendering { .. } | State::Rendered { .. } => {
                let (clock, elapsed) = self.seen;
                clock.plus(now.elapsed.saturating_sub(elapsed))
            }
            _ => now.clock,
        }
    }

    /// The moment by which an event is judged: that the provider is done is held against the clock,
    /// like what is written down.
    pub(super) fn event_judged_at(&self, now: Now, event: &ShotEvent) -> Timestamp {
        match event {
            ShotEvent::Polled(PollOutcome::Completed { .. }) => now.clock,
            _ => self.judged_at(now),
        }
    }
}

/// What its last rejection said, if an earlier run stopped over it.
fn rejection_before(state: &State, is_probed: bool) -> Option<String> {
    match state {
        State::Queued { why: Some(why) } if is_probed => {
            Some(gist(if why.starts_with(FIREWALL) { FIREWALL } else { why }))
        }
        _ => None,
    }
}

/// All shots that the scheduler keeps. A slot is used again once its shot is done.
#[derive(Debug, Default)]
pub(super) struct Slots {
    shots: Vec<Option<ShotState>>,
    free: Vec<Slot>,
    /// Done; freed by the next sweep, because what is being committed may still name them.
    done: Vec<Slot>,
}

impl Slots {
    pub(super) fn insert(&mut self, shot: ShotState) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.shots[slot.0 as usize] = Some(shot);
            return slot;
        }
        // As many as a manifest has shots, which are counted in 32 bits.
        let slot = Slot(u32::try_from(self.shots.len()).unwrap_or(u32::MAX));
        self.shots.push(Some(shot));
        slot
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&ShotState> {
        self.shots.get(slot.0 as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut ShotState> {
        self.shots.get_mut(slot.0 as usize)?.as_mut()
    }

    /// The slots in which revisions are gone on with.
    pub(super) fn of(&self, revisions: &HashSet<RevisionId>) -> Vec<Slot> {
        let slots = (0..).map(Slot).zip(&self.shots);
        let theirs = slots.filter(|(_, shot)| {
            let is_theirs = |shot: &ShotState| {
                shot.earlier.is_none() && !shot.is_gone && revisions.contains(&shot.entry.revision)
            };
            shot.as_ref().is_some_and(is_theirs)
        });
        theirs.map(|(slot, _)| slot).collect()
    }

    /// Nothing more happens to this shot in this run.
    pub(super) fn retire(&mut self, slot: Slot) {
        self.done.push(slot);
    }

    /// Frees the slots of retired shots.
    pub(super) fn sweep(&mut self) {
        for slot in self.done.drain(..) {
            if self.shots[slot.0 as usize].take().is_some() {
                self.free.push(slot);
            }
        }
    }
}
