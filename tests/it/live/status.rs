//! Where the run is, in the words of the page.

use rushes::scheduler::{Progress, RunOutcome, StopReason};
use rushes::server::run_view::{Ended, RunStatus, illness};

#[test]
fn the_page_is_told_what_the_run_does_and_why() {
    let progress =
        |stopping, paused| Progress { stopping, paused, rendering: 3, ..Progress::default() };
    let state = |progress: &Progress, ended: Option<&Ended>| {
        let status = RunStatus::of(progress, ended, "2/s".into());
        assert_eq!(status.in_flight, 3);
        (status.state, status.why)
    };
    let full = Some(RunOutcome::Stopped(StopReason::Disk("\u{1b}[31mfull".into())));
    let told = Some("the disk cannot be written: full".to_owned());
    let ended = Ended { why: Some("the cap".into()) };
    assert_eq!(state(&progress(None, false), None), ("running", None));
    assert_eq!(state(&progress(None, true), None), ("paused", None));
    assert_eq!(state(&progress(full.clone(), true), None), ("stopping", told.clone()));
    assert_eq!(state(&progress(full.clone(), true), Some(&ended)), ("ended", ended.why.clone()));
    assert_eq!(illness(&progress(full, false), None), told);
    assert_eq!(illness(&progress(Some(RunOutcome::Interrupted), true), None), None);
    assert!(illness(&progress(None, false), Some(&ended)).is_some());
}
