//! What a run shows of its progress.

use std::time::Duration;

use rushes::cli::progress::{Moment, bar, estimate, line, picture};
use rushes::cli::signals::{quit, stopping};
use rushes::domain::shot::ShotId;
use rushes::domain::time::Timestamp;
use rushes::report::text::{Screen, columns};
use rushes::scheduler::{Progress, RunOutcome, Since, StopReason, Wire};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const TIMEOUT: Duration = Duration::from_secs(60);

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

fn since(shot: &str, seconds: i64) -> Since {
    let since = Timestamp::from_millis(NOW.as_millis() - seconds * 1000);
    Since { shot: ShotId::new(shot).unwrap(), since }
}

/// Two requests on the wire: one for so many seconds, the other for 19.
fn on_the_wire(seconds: i64) -> Progress {
    let newest = Some(since("alley", 19).since);
    let wire = Wire { posts: 2, oldest: Some(since("beach", seconds)), newest };
    Progress { submitting: 2, wire, ..progress() }
}

fn moment(left: Option<u64>) -> Moment {
    let left = left.map(Duration::from_secs);
    Moment { now: NOW, elapsed: Duration::from_secs(4320), left, timeout: TIMEOUT }
}

fn screen(width: usize) -> Screen {
    Screen { width: Some(width), color: false }
}

#[test]
fn the_bar_shows_the_states_in_their_proportions() {
    let bar = |progress: &Progress, width| bar(progress, width, Screen::PLAIN);
    assert_eq!(bar(&progress(), 16), "████████▒▒✕‖░░░░");
    assert_eq!(bar(&Progress::default(), 4), "░░░░");
    assert_eq!(bar(&Progress { delivered: 3, ..Progress::default() }, 4), "████");
}

/// Trial 18: what wants a look is seen, whatever the colours, and failed is not in doubt.
#[test]
fn one_failed_shot_of_many_has_a_sign_of_its_own() {
    let one = Progress { delivered: 900, failed: 1, in_doubt: 1, ..Progress::default() };
    assert_eq!(bar(&one, 10, Screen::PLAIN), "████████✕?");
    let coloured = bar(&one, 10, Screen { width: Some(80), color: true });
    assert!(coloured.contains("\u{1b}[31m✕\u{1b}[0m\u{1b}[33m?\u{1b}[0m"), "{coloured:?}");
}

/// Trials 8 and 9: the bar, the time, what takes longest, on every width.
#[test]
fn the_picture_fits_the_terminal_and_says_how_long_it_takes() {
    let longest = Some(since("scene-12-wide-dawn", 250));
    let progress = Progress { longest, ..progress() };
    for width in [50, 80, 200] {
        let text = picture(&progress, &moment(Some(12_000)), screen(width));
        assert!(text.lines().all(|line| columns(line) < width), "{width}: {text}");
        insta::assert_snapshot!(format!("a_picture_{width}"), text);
    }
}

/// Trial 9: a request that hangs is told instead of an end that does not come.
#[test]
fn a_request_without_an_answer_is_told() {
    let text = picture(&on_the_wire(41), &moment(None), screen(80));
    assert!(text.ends_with("\nno answer for 41s: the request for beach"), "{text}");
    assert!(!picture(&on_the_wire(3), &moment(None), screen(80)).contains("no answer"));
}

#[test]
fn the_bar_says_that_it_is_paused_or_stops() {
    let ends = |progress: &Progress| {
        let picture = picture(progress, &moment(None), Screen::PLAIN);
        picture.lines().next().unwrap().rsplit_once("1h 12m").unwrap().1.to_owned()
    };
    assert_eq!(ends(&progress()), "");
    let paused = Progress { paused: true, ..progress() };
    assert_eq!(ends(&paused), " · paused");
    let stopping = Some(RunOutcome::Interrupted);
    assert_eq!(ends(&Progress { stopping, ..paused }), " · stopping");
    let stopping = Some(RunOutcome::Stopped(StopReason::Deadline));
    assert_eq!(ends(&Progress { stopping, ..progress() }), " · stopping");
}

/// Trial 7: the first Ctrl-C says what is waited for, and for how long at most.
#[test]
fn a_run_that_is_stopped_counts_down() {
    let said = stopping(&on_the_wire(30), NOW, TIMEOUT);
    insta::assert_snapshot!(said, @"stopping: 2 requests on the wire, at most 42 s; press Ctrl-C again to quit now: those 2 would be in doubt; the 5 shots that render are left to the next run");
    let stopping_now = Progress { stopping: Some(RunOutcome::Interrupted), ..on_the_wire(30) };
    let waits = |seconds: i64| {
        let now = Timestamp::from_millis(NOW.as_millis() + seconds * 1000);
        let text = picture(&stopping_now, &Moment { now, ..moment(None) }, screen(120));
        text.lines().last().unwrap().to_owned()
    };
    let told = "waiting for 2 requests on the wire, at most";
    assert_eq!(waits(0), format!("{told} 42 s; press Ctrl-C again to quit now"));
    assert_eq!(waits(20), format!("{told} 22 s; press Ctrl-C again to quit now"));
    let nothing = stopping(&Progress::default(), NOW, TIMEOUT);
    assert_eq!(nothing, "stopping: no request is on the wire");
}

/// Trial 7: the second Ctrl-C says what it leaves.
#[test]
fn a_run_that_is_left_says_what_is_in_doubt() {
    insta::assert_snapshot!(quit(&on_the_wire(30)), @"2 requests were on the wire and may have bought their shots: they are in doubt; 5 shots bought and not fetched yet, the next run does");
    let nothing = "no request was on the wire, so nothing is in doubt";
    assert_eq!(quit(&Progress::default()), nothing);
}

#[test]
fn a_line_says_shots_money_and_time() {
    let said = "20 of 40 shots delivered, 5 rendering, 10 queued, 3 failed, 2 stalled \
                · $0 spent; no cap · 1h 12m";
    assert_eq!(line(&progress(), &moment(None)), said);
    let left = line(&progress(), &moment(Some(30)));
    assert_eq!(left, format!("{said} · less than a minute left"));
    let hangs = line(&on_the_wire(41), &moment(Some(30)));
    assert!(hangs.ends_with(" left · no answer for 41s: the request for beach"), "{hangs}");
}

#[test]
fn the_rest_is_estimated_only_from_a_few_shots_on() {
    let minute = Duration::from_secs(60);
    assert_eq!(estimate(2, 10, minute), None);
    assert_eq!(estimate(6, 12, minute), Some(minute * 2));
    assert_eq!(estimate(6, 0, minute), None);
}
