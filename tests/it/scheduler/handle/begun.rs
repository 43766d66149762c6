//! What was begun and did not come back, and how a test answers it.

use std::time::Duration;

use super::rig::Rig;
use rushes::domain::outcome::{PollOutcome, SubmitOutcome, TaskId};
use rushes::scheduler::Slot;
use rushes::scheduler::{DownloadOutcome, Effect, Event};

impl Rig {
    /// The rows of those whose effect of a kind was begun and did not come back.
    fn rows(&self, of: impl Fn(&Effect) -> Vec<Slot>) -> Vec<usize> {
        self.begun.iter().flat_map(of).map(|slot| self.row_of(slot)).collect()
    }

    /// Whose POSTs are on the wire.
    pub fn posts(&self) -> Vec<usize> {
        self.rows(|effect| match effect {
            Effect::Submit { slot, .. } => vec![*slot],
            _ => Vec::new(),
        })
    }

    /// Whose tasks are being polled.
    pub fn polls(&self) -> Vec<usize> {
        self.rows(|effect| match effect {
            Effect::Poll { slots, .. } => slots.clone(),
            _ => Vec::new(),
        })
    }

    /// Whose clips are being downloaded.
    pub fn downloads(&self) -> Vec<usize> {
        self.rows(|effect| match effect {
            Effect::Download { slot, .. } => vec![*slot],
            _ => Vec::new(),
        })
    }

    /// Whose local files are being read.
    pub fn loads(&self) -> Vec<usize> {
        self.rows(|effect| match effect {
            Effect::Load { slot, .. } => vec![*slot],
            _ => Vec::new(),
        })
    }

    /// The tasks that callbacks named and that are being asked for.
    pub fn finds(&self) -> Vec<&str> {
        self.begun
            .iter()
            .filter_map(|effect| match effect {
                Effect::Find { task, .. } => Some(task.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The tasks whose charge is being asked for.
    pub fn asked_charges(&self) -> Vec<&str> {
        let asked = self.begun.iter().filter_map(|effect| match effect {
            Effect::Charge { question } => Some(question.task.as_str()),
            _ => None,
        });
        asked.collect()
    }

    fn take(&mut self, is_it: impl Fn(&Self, &Effect) -> bool) -> Effect {
        let place = self.begun.iter().position(|effect| is_it(self, effect));
        self.begun.remove(place.expect("this was not begun"))
    }

    /// A shot's POST is answered.
    pub fn answer(&mut self, row: usize, outcome: SubmitOutcome) {
        self.answer_after(row, outcome, Some(Duration::from_millis(10)));
    }

    /// A shot's POST ends; `took` is `None` if it was held back in the last moment.
    pub fn answer_after(&mut self, row: usize, outcome: SubmitOutcome, took: Option<Duration>) {
        let slot = self.take_post(row);
        self.tell(Event::Submitted { slot, outcome, took });
    }

    /// A shot's POST is answered; what follows stays in the output.
    pub fn hear_answer(&mut self, row: usize, outcome: SubmitOutcome) {
        let (slot, took) = (self.take_post(row), Some(Duration::from_millis(10)));
        self.hear(Event::Submitted { slot, outcome, took });
    }

    pub fn take_post(&mut self, row: usize) -> Slot {
        let of = |rig: &Self, effect: &Effect| matches!(effect, Effect::Submit { slot, .. } if rig.row_of(*slot) == row);
        let Effect::Submit { slot, .. } = self.take(of) else { unreachable!() };
        slot
    }

    /// The poll of a shot's task is answered; those polled with it are still being worked on.
    pub fn polled(&mut self, row: usize, outcome: PollOutcome) {
        let slots = self.take_poll(row);
        let mut outcomes =
            vec![PollOutcome::Working { is_waiting: false, unknown: None }; slots.len()];
        let its = slots.iter().position(|slot| self.row_of(*slot) == row).unwrap();
        outcomes[its] = outcome;
        self.tell(Event::Polled { slots, outcomes });
    }

    /// Whose tasks are asked for in the poll of this shot's task.
    pub fn take_poll(&mut self, row: usize) -> Vec<Slot> {
        let of = |rig: &Self, effect: &Effect| {
            matches!(effect, Effect::Poll { slots, .. }
                if slots.iter().any(|slot| rig.row_of(*slot) == row))
        };
        let Effect::Poll { slots, .. } = self.take(of) else { unreachable!() };
        slots
    }

    /// A try of a shot's download ends.
    pub fn downloaded(&mut self, row: usize, outcome: DownloadOutcome) {
        let slot = self.take_download(row);
        self.tell(Event::Downloaded { slot, outcome });
    }

    pub fn take_download(&mut self, row: usize) -> Slot {
        let Effect::Download { slot, .. } = self.take(Self::is_download(row)) else {
            unreachable!()
        };
        slot
    }

    /// The URL that a shot's download is of, and how much of it was received before.
    pub fn download(&self, row: usize) -> (&str, Option<u64>) {
        let is_it = Self::is_download(row);
        let found = self.begun.iter().find_map(|effect| match effect {
            Effect::Download { url, partial, .. } if is_it(self, effect) => {
                Some((url.as_str(), partial.as_ref().map(|partial| partial.writer.len())))
            }
            _ => None,
        });
        found.expect("it is not downloaded")
    }

    fn is_download(row: usize) -> impl Fn(&Self, &Effect) -> bool {
        move |rig, effect| matches!(effect, Effect::Download { slot, .. } if rig.row_of(*slot) == row)
    }

    /// The first effect of those that are neither POST, poll nor download comes back.
    pub fn take_other(&mut self) -> Effect {
        self.take(|_, effect| {
            !matches!(effect, Effect::Submit { .. } | Effect::Poll { .. } | Effect::Download { .. })
        })
    }

    /// The ledger names the tasks that a shot was said to have before, the newest first.
    pub fn former(&mut self, tasks: &[&str]) {
        let Effect::Former { slot, .. } = self.take_other() else {
            panic!("the ledger is not asked")
        };
        let tasks = tasks.iter().map(|name| TaskId::new(name).unwrap()).collect();
        self.tell(Event::Former { slot, tasks });
    }

    /// The provider answers about the one task that is being asked for; `None`: the ledger knows it.
    pub fn found(&mut self, outcome: Option<PollOutcome>) {
        let Effect::Find { slot, task, .. } = self.take_other() else {
            panic!("no task is asked for")
        };
        self.tell(Event::Found { slot, task, outcome });
    }

    /// A callback comes about a shot's latest attempt.
    pub fn call(&mut self, row: usize, named: &[&str]) {
        let attempt = self.attempts.iter().rev().find(|attempt| attempt.row == row);
        let key = attempt.expect("it has an attempt").key;
        let tasks = named.iter().map(|name| TaskId::new(name).unwrap()).collect();
        self.tell(Event::Callback { key, tasks });
    }
}
