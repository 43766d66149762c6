//! Tasks that take far longer than others like them, in virtual time: half an hour is the least that
//! makes one late, which no setting shortens.

use super::*;
use rushes::domain::state::State;

/// So many polls, one every five seconds, say of a task that hangs that it renders.
const HANGS: usize = 1000;

#[tokio::test(start_paused = true)]
async fn field_12_three_hung_tasks_that_fill_all_places_let_the_rest_be_bought_once_one_is_late() {
    let mut stage = Stage::new();
    stage.options.limits.in_flight = 3;
    stage.options.limits.poll_every = Duration::from_secs(5);
    let hung = ["task-s000", "task-s010", "task-s030"];
    let gateway = Arc::new(Puppet::default().on_poll(move |task, nth| {
        let after = if hung.contains(&task) { HANGS } else { 4 };
        let working = PollOutcome::Working { is_waiting: false, unknown: None };
        if nth < after { working } else { completed() }
    }));
    let began = Instant::now();
    let (ended, progress) = stage.run(&shots(50), &gateway).await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 50));
    assert_eq!((progress.late, progress.stalled), (0, 0), "they were polled on to their end");
    let seen = gateway.seen.lock().unwrap();
    assert_eq!(seen.submits.len(), 50, "each is bought once");
    let minutes = |nth: usize| (seen.submits[nth].0 - began).as_secs() / 60;
    let of = |id: &str| seen.submits.iter().position(|(_, prompt)| prompt == id).unwrap();
    assert_eq!(of("s030"), 30, "from here on all three places are held");
    assert!(minutes(30) < 15 && minutes(31) >= 30, "{} {}", minutes(30), minutes(31));
    assert!(minutes(49) < 45, "{}: not after two hours", minutes(49));
    assert!(
        stage.rows().iter().all(|row| matches!(row.entry.status.state, State::Delivered { .. }))
    );
}
