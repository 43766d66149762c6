//! What a run shows of its progress.

use std::time::Duration;

use rushes::cli::progress::{bar, estimate, line, picture};
use rushes::scheduler::Progress;

fn progress() -> Progress {
    Progress {
        queued: 10,
        rendering: 5,
        delivered: 20,
        failed: 3,
        stalled: 2,
        ..Progress::default()
    }
}

#[test]
fn the_bar_shows_the_states_in_their_proportions() {
    assert_eq!(bar(&progress(), 16), "████████▒▒!!░░░░");
    assert_eq!(bar(&Progress::default(), 4), "░░░░");
    assert_eq!(bar(&Progress { delivered: 3, ..Progress::default() }, 4), "████");
}

#[test]
fn the_bar_says_that_it_is_paused_or_stops() {
    let ends = |progress: &Progress| {
        let picture = picture(progress, None);
        picture.lines().next().unwrap().rsplit_once("stalled").unwrap().1.to_owned()
    };
    assert_eq!(ends(&progress()), "");
    let paused = Progress { paused: true, ..progress() };
    assert_eq!(ends(&paused), " · paused");
    let stopping = Some(rushes::scheduler::RunOutcome::Interrupted);
    assert_eq!(ends(&Progress { stopping, ..paused }), " · stopping");
}

#[test]
fn a_line_says_shots_and_money() {
    let said = "20 of 40 shots delivered, 5 rendering, 10 queued, 3 failed, 2 stalled \
                · $0 spent; no cap";
    assert_eq!(line(&progress()), said);
}

#[test]
fn the_rest_is_estimated_only_from_a_few_shots_on() {
    let minute = Duration::from_secs(60);
    assert_eq!(estimate(2, 10, minute), None);
    assert_eq!(estimate(6, 12, minute), Some(minute * 2));
    assert_eq!(estimate(6, 0, minute), None);
}
