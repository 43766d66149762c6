//! What the provider is to be asked, all at the poll rate.

use super::charge_queue::ChargeQuestion;
use super::shot_state::Slot;

/// A question that waits for its place in the poll rate.
#[derive(Debug)]
pub(super) enum Question {
    /// How does this shot's task stand?
    Poll(Slot),
    /// Does the provider know the task that a callback named for this shot?
    Find(Slot),
    /// What did a finished task cost?
    Charge(ChargeQuestion),
}
