//! What follows from the end of a task that the revision's state is no longer about: its price moves,
//! and nothing else.

use crate::domain::state::{Account, AttemptId, EarlierEnd, Failure, RevisionState, Rules, State};

use super::{InvalidTransition, Next, Transition};

impl RevisionState {
    /// Settles the price of an earlier request, or of one that was given up. The state stays.
    pub(super) fn earlier_ended(
        &self,
        attempt: AttemptId,
        end: EarlierEnd,
        rules: &Rules,
    ) -> Result<Transition, InvalidTransition> {
        if !self.is_earlier(attempt) {
            let (state, event) = (self.state.name(), "the end of an earlier task");
            return Err(InvalidTransition { state, event });
        }
        let (why, account) = match end {
            EarlierEnd::Delivered => (None, Account::Spent),
            EarlierEnd::Partly => (None, Account::Reserved),
            EarlierEnd::Expired { why } => (Some(why), Account::Spent),
            EarlierEnd::Failed { why, kind } if rules.is_charged(kind) => {
                (Some(why), Account::Spent)
            }
            EarlierEnd::Failed { why, .. } => (Some(why), Account::Released),
        };
        let step = Transition::new(self.clone(), Next::Rest);
        Ok(step.with(attempt, None, why, account))
    }

    /// Whether nothing more is done about a request of this revision but to learn what it cost.
    #[must_use]
    pub const fn is_earlier(&self, attempt: AttemptId) -> bool {
        match &self.state {
            State::Failed { attempt: Some(own), failure, .. } if own.0 == attempt.0 => {
                matches!(failure, Failure::Abandoned | Failure::Unsettled)
            }
            state => match state.attempt() {
                Some(own) => own.0 != attempt.0,
                None => true,
            },
        }
    }
}
