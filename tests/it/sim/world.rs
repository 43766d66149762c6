//! What the world sells, charges and forgets nothing of.

use std::collections::{BTreeMap, HashSet};

use rushes::simulator::{self, Fate, Profile, Purchase, Reply, SimOptions, TaskState, Told};

use super::{START, after, body, data, storm, task, usd, world};

#[test]
fn in_a_calm_night_every_shot_is_bought_once_rendered_and_charged() {
    let mut world = world(SimOptions { purse: usd("100000"), ..SimOptions::new(Profile::Calm) });
    let tasks: Vec<_> = (0..2_000)
        .map(|number| task(&world.submit(body(number).as_bytes(), START)).expect("a task"))
        .collect();
    for task in &tasks {
        assert_eq!(data(&world.poll(task, START)).unwrap()["state"], "pending");
    }
    for task in &tasks {
        let late = data(&world.poll(task, after(4_000))).unwrap();
        assert_eq!(late["state"], "completed");
        assert_eq!(late["resultUrls"].as_array().map(Vec::len), Some(1));
    }
    let books = world.books(after(4_000));
    assert_eq!((books.charged, books.held), (usd("633"), usd("0")));
    assert_eq!((books.tally.posts, books.tally.answered_task), (2_000, 2_000));
    assert_eq!(books.untold().count(), 0);
}

#[test]
fn a_price_is_held_while_a_task_runs_and_charged_when_it_is_done() {
    let mut world = world(SimOptions::new(Profile::Calm));
    world.submit(body(1).as_bytes(), START);
    let books = world.books(START);
    assert_eq!((books.charged, books.held), (usd("0"), usd("0.3165")));
    assert_eq!(books.charged_at(after(4_000)), usd("0.3165"));
    let books = world.books(after(4_000));
    assert_eq!((books.charged, books.held), (usd("0.3165"), usd("0")));
    // A clock that is set back undoes nothing.
    assert_eq!(world.books(START).charged, usd("0.3165"));
}

#[test]
fn what_a_model_does_not_accept_is_a_bad_request_and_costs_nothing() {
    let mut world = world(SimOptions::new(Profile::Calm));
    for bad in [
        "",
        "[]",
        "nonsense",
        r#"{"model":"kling-v9","prompt":"x"}"#,
        r#"{"model":"kling-v2-6","prompt":"x","duration":"12"}"#,
        r#"{"model":"kling-v3","duration":"5"}"#,
        r#"{"model":"kling-v3","image":"refs/girl.png","duration":"5"}"#,
    ] {
        let Reply::Answered(answer) = world.submit(bad.as_bytes(), START) else { panic!("{bad}") };
        assert_eq!(answer.status, 400, "{bad}");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(text.starts_with(r#"{"code":400,"msg":"Bad Request: "#), "{text}");
    }
    let books = world.books(START);
    assert_eq!((books.purchases.len(), books.tally.answered_4xx), (0, 7));
}

#[test]
fn a_request_without_a_known_price_costs_a_nominal_one_and_the_books_say_so() {
    let mut world = world(SimOptions::new(Profile::Calm));
    let silent_row = r#"{"model":"kling-v2-6","prompt":"x","duration":"5","sound":"on"}"#;
    assert!(task(&world.submit(silent_row.as_bytes(), START)).is_some());
    let purchase = &world.books(START).purchases[0].purchase;
    assert_eq!((purchase.priced, purchase.price), (false, simulator::NOMINAL_PRICE));
}

#[test]
fn unknown_parameters_pass_through() {
    let mut world = world(SimOptions::new(Profile::Calm));
    let extra = r#"{"model":"kling-v3","prompt":"x","duration":"5","seed_of_tomorrow":7}"#;
    assert!(task(&world.submit(extra.as_bytes(), START)).is_some());
}

#[test]
fn an_empty_purse_answers_402_until_credit_comes_free_and_never_goes_below_nothing() {
    let mut world = world(SimOptions::new(Profile::Broke));
    for number in 0..3 {
        assert!(task(&world.submit(body(number).as_bytes(), START)).is_some());
    }
    let Reply::Answered(answer) = world.submit(body(3).as_bytes(), START) else { panic!() };
    assert_eq!(answer.status, 402);
    let books = world.books(after(4_000));
    assert_eq!((books.charged, books.available), (usd("0.9495"), usd("0.0505")));
}

#[test]
fn a_purse_never_goes_below_nothing_in_any_storm() {
    let mut world = world(SimOptions { purse: usd("20"), ..storm(3) });
    for number in 0..2_000 {
        let now = after(i64::try_from(number).unwrap() * 10);
        world.submit(body(number % 900).as_bytes(), now);
        if number % 100 == 0 {
            let books = world.books(now);
            assert_eq!(books.charged + books.held + books.available, usd("20"));
        }
    }
    assert!(world.books(after(60_000)).tally.answered_4xx > 0);
}

/// Every request until it is bought, at most 12 times, in the given order.
fn night(options: SimOptions, numbers: impl Iterator<Item = usize> + Clone) -> Vec<Purchase> {
    let mut world = world(SimOptions { purse: usd("100000"), ..options });
    let mut left: Vec<usize> = numbers.collect();
    for _ in 0..12 {
        left.retain(|number| task(&world.submit(body(*number).as_bytes(), START)).is_none());
    }
    assert!(left.is_empty(), "{left:?} never bought");
    world.books(START).purchases().cloned().collect()
}

#[test]
fn a_seed_gives_the_same_books_again_and_the_same_fates_in_any_order() {
    let by_task = |purchases: Vec<Purchase>| {
        purchases.into_iter().map(|p| (p.task_id.clone(), p)).collect::<BTreeMap<_, _>>()
    };
    let once = night(storm(5), 0..500);
    assert_eq!(once, night(storm(5), 0..500));
    assert_eq!(by_task(once.clone()), by_task(night(storm(5), (0..500).rev())));
    assert_ne!(by_task(once), by_task(night(storm(6), 0..500)));
}

#[test]
fn takes_of_one_request_have_fates_of_their_own() {
    let mut world = world(SimOptions { purse: usd("100000"), ..storm(1) });
    for _ in 0..500 {
        world.submit(body(1).as_bytes(), START);
    }
    let books = world.books(START);
    let ids: HashSet<_> = books.purchases().map(|p| &p.task_id).collect();
    let fates: HashSet<_> = books.purchases().map(|p| format!("{:?}", p.fate)).collect();
    assert_eq!(ids.len(), books.purchases.len());
    assert!(fates.len() > 100);
}

#[test]
fn a_storm_answers_in_every_way_and_a_liar_sells_more_than_it_admits() {
    let bought = night(storm(0), 0..3_000);
    for told in [Told::Task, Told::Nothing, Told::Nonsense] {
        assert!(bought.iter().any(|p| p.told == told), "{told:?}");
    }
    assert!(bought.iter().any(|p| p.fate == Fate::Stuck));
    let stuck = bought.iter().filter(|p| p.fate == Fate::Stuck).count();
    assert!(stuck * 50 < bought.len(), "stuck must stay rare: {stuck}");
    let ways: HashSet<_> = bought
        .iter()
        .filter_map(|p| if let Fate::Fails { how, .. } = p.fate { Some(how) } else { None })
        .collect();
    assert_eq!(ways.len(), 8);
    let lies = |purchases: &[Purchase]| {
        purchases.iter().filter(|p| matches!(p.told, Told::Refusal(500..))).count()
    };
    assert_eq!(lies(&bought), 0);
    let bought = night(SimOptions::new(Profile::Liar), 0..1_000);
    assert!(lies(&bought) > 20);
}

#[test]
fn a_task_is_polled_through_every_fault_to_its_end() {
    let mut world = world(SimOptions { purse: usd("100000"), ..storm(2) });
    for number in 0..300 {
        world.submit(body(number).as_bytes(), START);
    }
    let later = after(60_000);
    for booked in world.books(later).purchases {
        let id = booked.purchase.task_id;
        let expected = match booked.state {
            TaskState::Completed => "completed",
            TaskState::Failed => "failed",
            _ => "processing",
        };
        let honest = (0..4)
            .any(|_| data(&world.poll(&id, later)).is_some_and(|data| data["state"] == expected));
        assert!(honest, "{id}");
    }
}

#[test]
fn an_unknown_task_is_a_404_in_the_envelope() {
    let mut world = world(SimOptions::new(Profile::Calm));
    for odd in ["", "clnone", "../../etc/passwd", "\u{0}"] {
        let Reply::Answered(answer) = world.poll(odd, START) else { panic!() };
        assert_eq!(answer.status, 404);
        assert!(answer.body.starts_with(b"{\"code\":404"));
    }
}

#[test]
fn after_a_restart_tasks_purse_books_and_luck_go_on_where_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let options = || SimOptions { dir: Some(dir.path().to_owned()), ..storm(4) };
    let mut through = world(storm(4));
    let mut before = world(options());
    for number in 0..200 {
        assert_eq!(
            before.submit(body(number).as_bytes(), START),
            through.submit(body(number).as_bytes(), START)
        );
    }
    let books = before.books(after(2_000));
    drop(before);
    assert_eq!(simulator::books(dir.path(), after(2_000)).unwrap(), books);
    let mut again = world(options());
    assert_eq!(again.books(after(2_000)), books);
    through.books(after(2_000));
    for number in 0..400 {
        assert_eq!(
            again.submit(body(number).as_bytes(), after(2_000)),
            through.submit(body(number).as_bytes(), after(2_000))
        );
    }
    assert_eq!(again.books(after(9_000)), through.books(after(9_000)));
}

#[test]
fn opening_again_with_the_same_settings_leaves_the_journal_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let options = |purse| SimOptions {
        dir: Some(dir.path().to_owned()),
        purse: usd(purse),
        ..SimOptions::new(Profile::Broke)
    };
    world(options("1")).submit(body(1).as_bytes(), START);
    let read = || std::fs::read(dir.path().join(simulator::JOURNAL)).unwrap();
    let kept = read();
    world(options("1"));
    assert_eq!(read(), kept);
    // Topping up the account is a new setting; what was charged stays charged.
    world(options("2"));
    let books = simulator::books(dir.path(), after(9_000)).unwrap();
    assert_eq!((books.purse, books.available), (usd("2"), usd("1.6835")));
}

#[test]
fn books_survive_the_trip_through_json_with_dollars_as_strings() {
    let mut world = world(storm(8));
    for number in 0..100 {
        world.submit(body(number).as_bytes(), START);
    }
    let books = world.books(after(2_000));
    let json = serde_json::to_value(&books).unwrap();
    assert_eq!(json["purse"], "1000.00");
    assert_eq!(json["purchases"][0]["price"], "0.3165");
    assert!(json["purchases"][0]["prompt"].as_str().unwrap().starts_with("shot "));
    assert_eq!(serde_json::from_value::<simulator::Accounts>(json).unwrap(), books);
}

#[test]
fn the_records_say_what_was_charged_once_a_task_has_ended() {
    let mut world = world(SimOptions::new(Profile::Calm));
    let task = task(&world.submit(body(1).as_bytes(), START)).expect("bought");
    let said = |world: &mut simulator::SimState, task: &str, now| {
        let answered = world.record(task, now);
        let body: serde_json::Value = serde_json::from_slice(&answered.body).unwrap();
        (answered.status, body["data"].clone())
    };
    let (status, data) = said(&mut world, &task, START);
    assert_eq!((status, &data["settled"]), (200, &false.into()));
    let (_, data) = said(&mut world, &task, after(10_000));
    let record = serde_json::json!(
        {"taskId": task, "settled": true, "credits": 0.3165, "currency": "USD"}
    );
    assert_eq!(data, record);
    assert_eq!(said(&mut world, "clnobodys", START).0, 404);
}

#[test]
fn where_it_is_to_call_makes_no_request_another_one() {
    let mut plain = world(storm(3));
    let mut calling = world(storm(3));
    for number in 0..300 {
        let body = body(number);
        let url = format!("http://127.0.0.1:1/{number}");
        let with = body.replace('}', &format!(r#","callback_url":"{url}"}}"#));
        assert_eq!(plain.submit(body.as_bytes(), START), calling.submit(with.as_bytes(), START));
    }
    assert!(plain.take_calls().is_empty());
    let calls = calling.take_calls().len();
    assert!(calls > 100 && calls <= calling.books(START).purchases.len(), "{calls}");
}
