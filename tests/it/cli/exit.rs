//! The exit codes of a run.

use rushes::cli::Exit;
use rushes::report::Counts;
use rushes::scheduler::RunOutcome;

use rushes::scheduler::StopReason;

#[test]
fn the_first_code_that_applies_wins() {
    let done = Counts { delivered: 3, ..Counts::default() };
    let doubt = Counts { in_doubt: 1, ..done };
    let stopped = RunOutcome::Stopped(StopReason::Deadline);
    for (ended, counts, code) in [
        (RunOutcome::Interrupted, &done, 130),
        (RunOutcome::Interrupted, &doubt, 130),
        (stopped.clone(), &done, 3),
        (stopped, &doubt, 3),
        (RunOutcome::Done, &doubt, 1),
        (RunOutcome::Done, &Counts { rendered: 1, ..done }, 1),
        (RunOutcome::Done, &Counts { queued: 1, ..done }, 1),
        (RunOutcome::Done, &done, 0),
    ] {
        assert_eq!(Exit::of(&ended, counts).code(), code, "{ended:?} {counts:?}");
    }
}
