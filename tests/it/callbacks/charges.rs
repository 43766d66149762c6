//! What the gateway's records say a task cost, over real sockets.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_above_the_price_is_warned_of_once_and_reported_for_each() {
    let campaign = Campaign::new("check_charges: true\n", &["a", "b", "c"]);
    let charge = |credits: &str| {
        format!(r#"{{"code":200,"data":{{"settled":true,"credits":{credits},"currency":"USD"}}}}"#)
    };
    let records = move |request: &crate::support::Request| {
        let task = request.target.strip_prefix("/api/v1/records/")?;
        Some(Reply::text(200, &charge(if task == "task-c" { "0.0159" } else { "0.4" })))
    };
    let server =
        Script::new().on(move |request| records(request).or_else(|| sells(request))).serve();
    assert_eq!(campaign.start("run", &server, &["run"]).ends(), Some(0));
    let said = campaign.said("run");
    assert_eq!(said.matches("was expected: prices have changed").count(), 1, "{said}");
    assert!(said.contains("The gateway's charge is not the catalog's price for 2 shots"), "{said}");
    let shots = campaign.shots();
    assert_eq!(shots[0]["charge"], json!({"amount": "0.4", "currency": "USD"}));
    assert_eq!(shots[2]["charge"]["amount"], "0.0159");
    let report = campaign.sandbox.run(["report", "shots.yaml"]).exits(0).stdout();
    assert_eq!(report.matches("the gateway charged 0.4 USD").count(), 2, "{report}");
    assert_eq!(report.matches("charged").count(), 2, "{report}");
    let asked = server.requests();
    let asked = asked.iter().filter(|request| request.target.contains("/records/"));
    assert!(asked.clone().all(|request| request.header("authorization").is_some()));
    assert_eq!(asked.count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_records_is_warned_of_once_and_costs_nothing() {
    let campaign =
        Campaign::new("check_charges: true\n", &["a", "b", "c", "d", "e", "f", "g", "h"]);
    let records = |request: &crate::support::Request| {
        request.target.contains("/records/").then(|| Reply::text(404, "Not Found"))
    };
    let server =
        Script::new().on(move |request| records(request).or_else(|| sells(request))).serve();
    assert_eq!(campaign.start("run", &server, &["run"]).ends(), Some(0));
    let said = campaign.said("run");
    assert_eq!(said.matches("cannot be learned from this gateway").count(), 1, "{said}");
    assert!(campaign.shots().iter().all(|shot| shot.get("charge").is_none()));
    let asked = server.requests();
    let asked = asked.iter().filter(|request| request.target.contains("/records/")).count();
    assert!((3..=6).contains(&asked), "{asked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_task_that_is_charged_its_price_although_it_is_free_is_warned_of() {
    let campaign = Campaign::new("check_charges: true\n", &["a"]);
    let fails = |request: &crate::support::Request| {
        let data = if request.target.contains("/records/") {
            json!({"settled": true, "credits": 0.0159, "currency": "USD"})
        } else if request.target.contains("task_id=") {
            json!({"taskId": "task-a", "state": "failed", "failMsg": "no hands"})
        } else {
            return sells(request);
        };
        Some(Reply::json(200, &json!({"code": 200, "data": data})))
    };
    let server = Script::new().on(fails).serve();
    assert_eq!(campaign.start("run", &server, &["run"]).ends(), Some(1));
    let said = campaign.said("run");
    assert!(said.contains("charged 0.0159 USD where 0 USD was expected"), "{said}");
    let shots = campaign.shots();
    assert_eq!(shots[0]["state"], "failed");
    assert_eq!(shots[0]["charge"], json!({"amount": "0.0159", "currency": "USD"}));
}
