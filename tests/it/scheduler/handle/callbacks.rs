//! Callbacks about rendering tasks: a hint to poll, and nothing more.

use std::time::Duration;

use super::given::{given, rendered, rendering, secs};
use super::rig::Rig;
use super::{bought, completed, rejected, working};
use rushes::domain::outcome::PollOutcome;
use rushes::domain::secret::Secret;
use rushes::domain::state::State;
use rushes::scheduler::RunOutcome;
use rushes::scheduler::{Effect, Event};

const NONE: [usize; 0] = [];

/// A task that was polled a moment ago and is still being worked on.
fn waiting() -> Rig {
    let mut rig = given(1).stored(0, rendering("a")).callbacks(secs(60)).start();
    rig.polled(0, working());
    rig.play(Duration::from_millis(100));
    assert_eq!(rig.polls(), NONE);
    rig
}

/// How long it takes until the task is polled.
fn until_polled(rig: &mut Rig) -> Option<Duration> {
    let end = rig.now.elapsed + secs(600);
    rig.play_until(end, |rig| !rig.polls().is_empty())
}

#[test]
fn a_callback_about_a_rendering_task_polls_it_at_once() {
    let mut rig = waiting();
    rig.call(0, &["a"]);
    assert_eq!(rig.polls(), [0]);
    rig.polled(0, completed(1));
    assert_eq!(rig.is(0), "rendered");
}

#[test]
fn callbacks_cause_at_most_one_poll_a_second() {
    let mut rig = waiting();
    for polls in 0..3 {
        rig.call(0, &["a"]);
        let expected = if polls == 0 { Duration::ZERO } else { secs(1) };
        assert_eq!(until_polled(&mut rig), Some(expected), "poll {polls}");
        rig.polled(0, working());
    }
    assert_eq!(until_polled(&mut rig), Some(secs(5)), "then at its usual pace");
}

#[test]
fn a_callback_that_comes_during_a_poll_causes_another_one() {
    let mut rig = waiting();
    rig.play(secs(5));
    assert_eq!(rig.polls(), [0]);
    rig.call(0, &["a"]);
    assert_eq!(rig.polls(), [0], "one at a time");
    rig.polled(0, working());
    assert_eq!(until_polled(&mut rig), Some(Duration::ZERO));
}

#[test]
fn a_callback_does_not_shorten_what_the_provider_asked_for() {
    let mut rig = given(1).stored(0, rendering("a")).callbacks(secs(60)).start();
    rig.polled(0, PollOutcome::Unclear { retry_after: Some(secs(40)), why: "busy".into() });
    rig.play(secs(10));
    rig.call(0, &["a"]);
    assert_eq!(until_polled(&mut rig), Some(secs(30)));
}

#[test]
fn a_callback_that_names_another_task_changes_no_rendering_shot() {
    let mut rig = waiting();
    rig.call(0, &["z"]);
    assert_eq!((rig.polls(), rig.finds().len()), (vec![0], 0));
    assert_eq!(rig.state(0).task().unwrap().as_str(), "a");
}

#[test]
fn a_callback_with_a_key_that_is_not_known_does_nothing() {
    let mut rig = waiting();
    let key = Secret::from_bytes([99; 16]);
    rig.tell(Event::Callback { key, tasks: Vec::new() });
    assert!(rig.begun.is_empty());
}

#[test]
fn a_callback_about_a_stalled_task_polls_it_again() {
    let mut rig = given(2)
        .stored(0, rendering("a"))
        .callbacks(secs(60))
        .limits(|limits| (limits.render_timeout, limits.in_flight) = (secs(1), 1))
        .start();
    rig.play(secs(10));
    rig.polled(0, working());
    assert!(matches!(rig.state(0), State::Rendering { stalled: Some(_), .. }));
    assert_eq!((rig.posts(), rig.polls()), (vec![1], vec![]));
    rig.call(0, &[]);
    assert_eq!(rig.polls(), [0]);
    rig.polled(0, completed(1));
    assert_eq!((rig.is(0), rig.downloads()), ("rendered", vec![0]));
}

#[test]
fn an_attempts_key_is_heard_from_its_claim_until_nothing_more_can_be_learned() {
    let mut rig = given(1).callbacks(secs(60)).recovered();
    assert!(rig.heard.is_empty());
    rig.carry_out();
    let key = rig.attempts[0].key;
    assert!(rig.heard.contains(&key));
    rig.answer(0, bought("a"));
    rig.play(secs(5));
    rig.polled(0, completed(1));
    rig.downloaded(0, super::stored());
    assert!(rig.heard.is_empty());
    assert_eq!(rig.ended(), Some(RunOutcome::Done));
}

#[test]
fn the_provider_is_told_where_to_call_about_this_very_attempt() {
    let rig = given(1).callbacks(secs(60)).start();
    let [Effect::Submit { submission, .. }] = &rig.begun[..] else { panic!("no POST") };
    let address = submission.callback.as_deref().unwrap();
    let key = rig.attempts[0].key;
    assert_eq!((submission.key, address.rsplit('/').next()), (key, Some(&*key.reveal())));
}

#[test]
fn an_attempt_that_bought_nothing_is_not_heard_of_any_more() {
    let mut rig = given(1).callbacks(secs(60)).start();
    rig.answer(0, rejected());
    assert!(rig.heard.is_empty());
}

#[test]
fn open_attempts_of_earlier_runs_are_heard_and_settled_ones_are_not() {
    let rig = given(3)
        .stored(0, rendering("a"))
        .stored(1, super::given::in_doubt)
        .stored(2, |attempt| State::Delivered { attempt })
        .callbacks(secs(60))
        .start();
    let keys = [0, 1, 2].map(|row: usize| rig.heard.contains(&rig.attempts[row].key));
    assert_eq!(keys, [true, true, false]);
}

#[test]
fn a_callback_during_a_download_is_of_no_interest() {
    let mut rig = given(1).stored(0, rendered(1)).callbacks(secs(60)).start();
    rig.call(0, &["a"]);
    assert_eq!((rig.begun.len(), rig.downloads()), (1, vec![0]));
}

#[test]
fn a_key_that_is_echoed_in_an_answer_is_not_kept() {
    let mut rig = given(1).start();
    let key = rig.attempts[0].key;
    let why = format!("no callback to /{}", key.reveal());
    rig.answer(0, rushes::domain::outcome::SubmitOutcome::Rejected { why });
    assert_eq!(rig.state(0).why(), Some("no callback to /[token]"));
}
