//! What a run would do with each shot, and what it would cost.

mod differences;
mod table;

use std::time::Duration;

use rushes::domain::money::Usd;
use rushes::domain::outcome::TaskId;
use rushes::domain::shot::{FileKind, Fingerprint, LocalFile, Request, Shot, ShotId};
use rushes::domain::state::{AttemptId, Failure, RevisionState, State, Unanswered};
use rushes::domain::time::Timestamp;
use rushes::ledger::{Entry, RevisionId};
use rushes::plan::{Action, Others, Scope, USUAL_RENDER, plan, shown, vanished};
use rushes::policy::budget::{Balance, Budget};
use rushes::policy::limits::Limits;
use serde_json::json;

use crate::support::server::{Reply, Script};

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn shot(id: &str, price: Option<&str>) -> Shot {
    Shot {
        id: ShotId::new(id).unwrap(),
        fingerprint: Fingerprint::from_bytes([1; 16]),
        former: [].into(),
        request: Request { json: r#"{"model":"kling-v3"}"#.into(), files: [].into() },
        model: "kling-v3".into(),
        price: price.map(usd),
        priority: 0,
        tags: [].into(),
        clip_name: id.into(),
        entry: id.into(),
        variant: [].into(),
    }
}

fn entry(id: &str, state: State) -> Entry {
    Entry {
        revision: RevisionId(1),
        shot: ShotId::new(id).unwrap(),
        number: 1,
        fingerprint: Fingerprint::from_bytes([1; 16]),
        current: true,
        clip_name: id.into(),
        status: RevisionState { state, ..RevisionState::new() },
        price: Some(usd("0.10")),
        charged_if_failed: false,
    }
}

fn failed(failure: Failure) -> State {
    State::Failed { attempt: None, failure, why: "no".into() }
}

fn rendering() -> State {
    State::Rendering {
        attempt: AttemptId(1),
        task: TaskId::new("t").unwrap(),
        since: Timestamp::from_millis(0),
        silence: Unanswered::default(),
        stalled: Some("late".into()),
    }
}

#[test]
fn every_state_has_its_action_and_only_purchases_count() {
    let attempt = AttemptId(1);
    let task = TaskId::new("t").unwrap();
    let completed_at = Timestamp::from_millis(0);
    let states = [
        ("queued", State::Queued { why: None }, Action::Render),
        ("submitting", State::Submitting { attempt, doubt: None }, Action::InDoubt),
        ("doubt", State::InDoubt { attempt, why: "cut".into() }, Action::InDoubt),
        ("stalled", rendering(), Action::GoOn),
        (
            "rendered",
            State::Rendered { attempt, task, urls: vec![], completed_at, why: None },
            Action::Download,
        ),
        ("delivered", State::Delivered { attempt }, Action::Done),
        ("failed", failed(Failure::Rejected), Action::Failed),
    ];
    let mut shots: Vec<_> = states.iter().map(|(id, ..)| shot(id, Some("0.30"))).collect();
    shots.push(shot("new", Some("0.30")));
    let entries: Vec<_> = states.iter().map(|(id, state, _)| entry(id, state.clone())).collect();
    let plan = plan(&shots, &entries, Scope::default());
    for ((id, _, expected), line) in states.iter().zip(&plan.lines) {
        assert_eq!(line.action, *expected, "{id}");
        let price = if expected.buys() { "0.30" } else { "0.10" };
        assert_eq!(line.price, Some(usd(price)), "{id}");
    }
    assert_eq!(plan.lines.last().map(|line| line.action), Some(Action::Render));
    assert_eq!((plan.total, plan.to_buy()), (usd("0.60"), 2));
}

#[test]
fn failed_shots_are_retried_when_asked_but_abandoned_ones_never() {
    let shots = [shot("a", Some("1")), shot("b", Some("1"))];
    let entries =
        [entry("a", failed(Failure::RefusedTooOften)), entry("b", failed(Failure::Abandoned))];
    let scope = Scope { retry_failed: true, ..Scope::default() };
    let plan = plan(&shots, &entries, scope);
    let actions: Vec<_> = plan.lines.iter().map(|line| line.action).collect();
    assert_eq!(actions, [Action::Retry, Action::Failed]);
    assert_eq!(plan.total, usd("1"));
}

#[test]
fn field_11_what_failed_for_what_it_asks_for_is_told_from_bad_luck() {
    let why = |failure, why: &str| State::Failed { attempt: None, failure, why: why.into() };
    let states = [
        (why(Failure::Rejected, "duration must be 5 or 10"), true),
        (why(Failure::NotRendered, "Content policy violation (CONTENT_MODERATION)"), true),
        (why(Failure::NotRendered, "INVALID_PARAMETER"), true),
        (why(Failure::NotRendered, "no worker was free"), false),
        (why(Failure::Unlucky, "Content policy violation (CONTENT_MODERATION)"), false),
        (why(Failure::RefusedTooOften, "HTTP 503"), false),
        (why(Failure::Expired, "the host answered 410"), false),
        (why(Failure::Abandoned, "invalid parameter"), false),
    ];
    let ids: Vec<String> = (0..states.len()).map(|nth| format!("s{nth}")).collect();
    let shots: Vec<_> = ids.iter().map(|id| shot(id, Some("1"))).collect();
    let entries: Vec<_> =
        ids.iter().zip(&states).map(|(id, (state, _))| entry(id, state.clone())).collect();
    let scope = Scope { retry_failed: true, ..Scope::default() };
    let retried = plan(&shots, &entries, scope);
    for ((state, is_hopeless), line) in states.iter().zip(&retried.lines) {
        assert_eq!(line.is_hopeless, *is_hopeless, "{state:?}");
    }
    let idle = plan(&shots, &entries, Scope::default());
    assert!(idle.lines.iter().all(|line| !line.is_hopeless), "they are not bought at all");
}

#[test]
fn field_11_a_plan_with_retry_failed_names_the_hopeless_ones() {
    let ids = ["a", "b", "c", "d", "e", "lucky"];
    let sandbox = crate::disk::campaign(&ids);
    let server = Script::new()
        .on(|request| {
            let rejects = request.method == "POST" && request.json()["prompt"] != "lucky";
            let body = json!({"code": 400, "msg": request.method});
            let data = json!({"taskId": "task-lucky", "state": "failed", "failMsg": "no hands"});
            let polled = json!({"code": 200, "data": data});
            match (rejects, &*request.method) {
                (true, _) => Some(Reply::json(400, &body)),
                (false, "POST") => Some(crate::disk::sold(request, b"")),
                _ => Some(Reply::json(200, &polled)),
            }
        })
        .serve();
    sandbox.run(["run", "shots.yaml", "--api-base", &server.url()]).exits(1);
    let done = sandbox.run(["plan", "shots.yaml", "--retry-failed"]).exits(0);
    done.says(
        "5 of the 6 to retry will most likely fail again, for what they ask for: a, b, c and 2 more; \
         edit them in the manifest, or choose the others with --only\n",
    );
    let plan = sandbox.run(["plan", "shots.yaml", "--retry-failed", "--format", "json"]);
    let plan = plan.exits(0).stdout_json();
    assert_eq!(plan["shots"][0]["hopeless"], true);
    assert!(plan["shots"][5].get("hopeless").is_none());
    assert!(!sandbox.run(["plan", "shots.yaml"]).exits(0).stdout().contains("most likely"));
}

#[test]
fn a_shot_in_doubt_is_bought_again_only_as_on_doubt_says_and_not_for_ever() {
    let attempt = AttemptId(1);
    let doubt = State::InDoubt { attempt, why: "cut".into() };
    let mut entries = [
        entry("a", doubt.clone()),
        entry("b", State::Submitting { attempt, doubt: None }),
        entry("c", doubt.clone()),
        entry("d", doubt),
    ];
    entries[2].status.resubmits = 5;
    entries[3].status.refusals = 5;
    let shots = ["a", "b", "c", "d"].map(|id| shot(id, Some("0.30")));
    let held = plan(&shots, &entries, Scope::default());
    assert_eq!((held.count(Action::InDoubt), held.total), (4, Usd::ZERO));
    let again = plan(&shots, &entries, Scope { resubmits: 5, ..Scope::default() });
    let actions: Vec<_> = again.lines.iter().map(|line| line.action).collect();
    assert_eq!(actions, [Action::Render, Action::Render, Action::InDoubt, Action::InDoubt]);
    assert_eq!(again.total, usd("0.60"));
}

#[test]
fn an_edited_shot_is_new_work_and_its_old_task_is_counted_beside_it() {
    let mut edited = shot("a", Some("0.50"));
    edited.fingerprint = Fingerprint::from_bytes([2; 16]);
    let (shots, entries) = ([edited], [entry("a", rendering())]);
    let plan = plan(&shots, &entries, Scope::default());
    assert_eq!(plan.lines[0].action, Action::Render);
    assert_eq!(plan.others, Others { shots: 1, total: usd("0.10"), in_flight: 1 });
}

#[test]
fn only_restricts_the_lines_without_making_the_rest_strangers() {
    let only = globset::Glob::new("b*").unwrap().compile_matcher();
    let shots = [shot("a", Some("1")), shot("b", Some("2"))];
    let entries = [entry("a", rendering())];
    let plan = plan(&shots, &entries, Scope { only: Some(&only), ..Scope::default() });
    assert_eq!(plan.lines.len(), 1);
    assert_eq!(plan.total, usd("2"));
    assert_eq!(plan.others, Others::default());
}

#[test]
fn an_unknown_price_is_counted_apart_from_the_total() {
    let shots = [shot("a", None), shot("b", Some("2"))];
    let plan = plan(&shots, &[], Scope::default());
    assert_eq!((plan.total, plan.unknown), (usd("2"), 1));
    assert_eq!((plan.by_model[0].shots, plan.by_model[0].unknown), (2, 1));
}

#[test]
fn what_does_not_fit_under_the_cap_is_passed_over_by_priority() {
    let mut shots = [shot("a", Some("2")), shot("b", Some("5")), shot("c", Some("1"))];
    let budget = Budget { cap: Some(usd("5")), strict: false };
    let balance = Balance { spent: usd("1"), ..Balance::default() };
    assert_eq!(plan(&shots, &[], Scope::default()).fitting(&budget, &balance), 2);
    shots[1].priority = 1;
    let plan = plan(&shots, &[], Scope::default());
    assert_eq!(plan.fitting(&budget, &Balance::default()), 1);
    assert_eq!(plan.fitting(&Budget::default(), &balance), 3);
}

#[test]
fn the_time_is_the_slower_of_rate_and_places_in_flight() {
    let shots: Vec<_> = (0..100).map(|n| shot(&format!("s{n}"), None)).collect();
    let plan = plan(&shots, &[], Scope::default());
    let mut limits = Limits { in_flight: 10, ..Limits::default() };
    assert_eq!(plan.time(&limits, USUAL_RENDER), USUAL_RENDER * 10);
    limits.in_flight = 1000;
    assert_eq!(plan.time(&limits, USUAL_RENDER), USUAL_RENDER + Duration::from_secs(50));
}

#[test]
fn a_request_is_shown_with_the_paths_of_its_files() {
    let file = LocalFile {
        param: "image".into(),
        kind: FileKind::Picture,
        path: "/x/a.png".into(),
        written: "a.png".into(),
        sha256: [0; 32],
        bytes: 3,
    };
    let request = Request { json: r#"{"model":"m"}"#.into(), files: [file].into() };
    assert_eq!(shown(&request).to_string(), r#"{"model":"m","image":"a.png"}"#);
}

fn vanished_of(known: &[&str], today: &[&str]) -> Option<String> {
    let delivered = State::Delivered { attempt: AttemptId(1) };
    let entries: Vec<Entry> = known.iter().map(|id| entry(id, delivered.clone())).collect();
    let shots: Vec<Shot> = today.iter().map(|id| shot(id, None)).collect();
    vanished(&shots, &entries)
}

#[test]
fn field_22_an_id_that_came_back_as_a_date_is_told() {
    for (before, after) in [
        ("mar-1", "1-Mar"),
        ("mar-1", "Mar-01"),
        ("MARCH1", "1-Mrz"),
        ("dec-12", "12.Dez"),
        ("mar-1", "2026-03-01"),
        ("scene-a", "1-Mar"),
    ] {
        let told = vanished_of(&["x", before], &["x", after]).unwrap();
        assert!(told.starts_with(&format!("the shot {after} is new, and {before}, ")), "{told}");
    }
    for (before, after) in [
        // Nothing is gone, or nothing new is a date.
        (&["a"][..], &["a", "1-Mar"][..]),
        (&["a", "b"], &["a"]),
        (&["a", "b"], &["a", "c"]),
        (&["mar-1"], &["mar-1", "mar-2"]),
        // They are called so.
        (&["mar-1", "mar-2"], &["mar-2", "mar-3"]),
        (&["a"], &["march-hare"]),
    ] {
        assert_eq!(vanished_of(before, after), None, "{before:?} {after:?}");
    }
}

#[test]
fn field_22_many_ids_that_vanish_while_as_many_come_are_told() {
    let told = vanished_of(&["a1", "a2", "a3", "x"], &["b1", "b2", "b3", "x"]).unwrap();
    assert!(told.starts_with("3 shots that were bought are gone, such as a1, and 3 are new"));
    assert_eq!(vanished_of(&["a1", "a2", "a3", "x"], &["b1", "x"]), None);
    let known: Vec<String> = (0..40).map(|n| format!("s{n}")).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let today = [&known[3..], &["t1", "t2", "t3"]].concat();
    assert_eq!(vanished_of(&known, &today), None, "three of forty are an ordinary change");
    // What was never bought may go.
    let entries = ["a", "b", "c"].map(|id| entry(id, State::Queued { why: None }));
    assert_eq!(vanished(&["d", "e", "f"].map(|id| shot(id, None)), &entries), None);
}
