//! What finished tasks really cost: asked for beside the run, written down beside the prices.

use rushes::domain::charge::{Charge, ChargeOutcome};

use super::*;

fn settled(amount: &str, currency: &str) -> (Duration, ChargeOutcome) {
    (Duration::ZERO, ChargeOutcome::Settled(Charge::new(amount, currency).unwrap()))
}

fn asking() -> Stage {
    let mut stage = Stage::new();
    stage.options.check_charges = true;
    stage
}

#[tokio::test(start_paused = true)]
async fn charges_are_written_down_beside_the_prices_and_move_no_money() {
    let stage = asking().cap("0.3");
    let gateway = Arc::new(
        Puppet::default()
            .on_poll(|task, _| match task {
                "task-s001" => PollOutcome::failed(why()),
                _ => completed(),
            })
            .on_charge(|task, _| match task {
                "task-s000" => settled("0.25", "USD"),
                "task-s001" => settled("0", "USD"),
                _ => settled("17.123456789", "credits"),
            }),
    );
    let (ended, progress) = stage.run(&shots(3), &gateway).await;
    assert_eq!((ended, progress.delivered, progress.failed), (RunOutcome::Done, 2, 1));
    assert_eq!(progress.balance.spent, usd("0.2"), "the cap goes by prices");
    let charges: Vec<String> =
        stage.rows().iter().map(|row| row.charge.as_ref().unwrap().to_string()).collect();
    assert_eq!(charges, ["0.25 USD", "0 USD", "17.123456789 credits"]);
    assert_eq!(gateway.seen.lock().unwrap().charges.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_charge_is_asked_for_unless_the_options_say_so() {
    let stage = Stage::new();
    let gateway = Arc::new(Puppet::default());
    stage.run(&shots(3), &gateway).await;
    assert!(gateway.seen.lock().unwrap().charges.is_empty());
    assert!(stage.rows().iter().all(|row| row.charge.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_without_records_is_asked_a_few_times_and_nothing_changes() {
    let stage = asking();
    let gateway = Arc::new(
        Puppet::default()
            .on_charge(|_, _| (Duration::ZERO, ChargeOutcome::Unknown { why: "404".into() })),
    );
    let (ended, progress) = stage.run(&shots(100), &gateway).await;
    assert_eq!((ended, progress.delivered), (RunOutcome::Done, 100));
    let asked = gateway.seen.lock().unwrap().charges.len();
    assert!((3..=6).contains(&asked), "{asked}: four ask at once, three answers are enough");
    assert!(stage.rows().iter().all(|row| row.charge.is_none()));
}

#[tokio::test(start_paused = true)]
async fn misses_between_answers_do_not_add_up() {
    let stage = asking();
    let gateway = Arc::new(Puppet::default().on_charge(|task, _| {
        let n: usize = task.trim_start_matches("task-s").parse().unwrap();
        match n % 5 {
            0 => (Duration::ZERO, ChargeOutcome::Unknown { why: "500".into() }),
            _ => settled("0.1", "USD"),
        }
    }));
    stage.run(&shots(50), &gateway).await;
    assert_eq!(gateway.seen.lock().unwrap().charges.len(), 50);
    assert_eq!(stage.rows().iter().filter(|row| row.charge.is_some()).count(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_is_not_settled_is_asked_for_once_more_and_then_left() {
    let stage = asking();
    let gateway = Arc::new(Puppet::default().on_charge(|task, nth| match (task, nth) {
        ("task-s000", 2..) => settled("0.1", "USD"),
        _ => (Duration::ZERO, ChargeOutcome::Unsettled),
    }));
    let (ended, _) = stage.run(&shots(2), &gateway).await;
    assert_eq!(ended, RunOutcome::Done);
    let charges = gateway.seen.lock().unwrap().charges.clone();
    assert_eq!(charges.len(), 4, "{charges:?}");
    let known: Vec<bool> = stage.rows().iter().map(|row| row.charge.is_some()).collect();
    assert_eq!(known, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn slow_records_delay_no_clip_and_end_with_the_user() {
    let stage = asking();
    let hour = Duration::from_secs(3600);
    let gateway =
        Arc::new(Puppet::default().on_charge(move |_, _| (hour, ChargeOutcome::Unsettled)));
    let began = stage.now();
    let stop = async {
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert!(stage.rows().iter().all(|row| row.delivered_at.is_some()));
        stage.stop.cancel();
    };
    let shots = shots(30);
    let ((ended, _), ()) = tokio::join!(stage.run(&shots, &gateway), stop);
    assert_eq!(ended, RunOutcome::Interrupted);
    let last = stage.rows().iter().map(|row| row.delivered_at.unwrap()).max().unwrap();
    assert!(last.since(began) < Duration::from_secs(60));
    assert_eq!(gateway.seen.lock().unwrap().charges.len(), 4, "never more than four at once");
}
