//! The account's balance before a run, and `--whole`: everything or nothing, by the real program and a
//! scripted gateway.

use serde_json::json;

use crate::sandbox::{Done, Sandbox, TWO_SHOTS};
use crate::support::server::{Reply, Request, Script, Server};

/// The smallest clip.
const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";

/// A gateway that sells everything, has it rendered at once, and names tasks after prompts.
fn script() -> Script {
    Script::new().on(|request: &Request| {
        if request.method == "POST" {
            let prompt = request.json()["prompt"].as_str().unwrap().replace(' ', "-");
            return Some(Reply::json(200, &json!({"code": 200, "data": {"taskId": prompt}})));
        }
        if request.target.starts_with("/clip") {
            return Some(Reply::bytes(200, CLIP));
        }
        let host = request.header("host").unwrap();
        let urls = json!([format!("http://{host}/clip.mp4")]);
        Some(Reply::json(200, &json!({"data": {"state": "completed", "resultUrls": urls}})))
    })
}

fn holding(amount: &str) -> Server {
    let data = json!({"balance": amount, "total": 99, "frozen": 0, "currency": "USD"});
    script().balance(Reply::json(200, &json!({"code": 200, "data": data}))).serve()
}

fn sandbox() -> Sandbox {
    Sandbox::new().manifest(TWO_SHOTS).var("KLING_API_KEY", "secret-key")
}

fn run(sandbox: &Sandbox, server: &Server, words: &[&str]) -> Done {
    let url = server.url();
    let mut all = vec!["run", "shots.yaml", "--api-base", &url];
    all.extend(words);
    sandbox.run_words(&all)
}

fn posts(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.method == "POST").count()
}

fn balances(server: &Server) -> usize {
    let asked = server.asked();
    asked.iter().filter(|request| request.target == "/api/v1/balance").count()
}

#[test]
fn too_little_on_the_account_is_a_warning_and_the_run_goes_on() {
    let (sandbox, server) = (sandbox(), holding("0.1"));
    run(&sandbox, &server, &[]).exits(0).warns("the account's balance is 0.1 USD").warns("$0.3324");
    assert_eq!((posts(&server), balances(&server)), (2, 1));
    let asked = server.asked();
    assert_eq!(asked[0].target, "/api/v1/balance", "before the first purchase");
    assert_eq!(asked[0].header("authorization"), Some("Bearer secret-key"));
    run(&sandbox, &server, &[]).exits(0);
    assert_eq!(balances(&server), 1, "a run that buys nothing does not ask");
}

#[test]
fn enough_on_the_account_says_nothing() {
    let (sandbox, server) = (sandbox(), holding("0.3324"));
    let done = run(&sandbox, &server, &["--whole"]).exits(0);
    assert!(!done.stderr().contains("balance"), "{}", done.stderr());
    assert_eq!(posts(&server), 2);
}

#[test]
fn an_unknown_balance_is_a_note_and_refuses_nothing_not_even_with_whole() {
    for words in [&[][..], &["--whole"][..]] {
        let (sandbox, server) = (sandbox(), script().serve());
        run(&sandbox, &server, words).exits(0).warns("the account's balance is not known");
        assert_eq!(posts(&server), 2);
    }
}

#[test]
fn fetch_does_not_ask_for_the_balance() {
    let (sandbox, server) = (sandbox(), holding("5"));
    run(&sandbox, &server, &["--no-download"]).exits(1);
    let asked = balances(&server);
    let url = server.url();
    sandbox.run(["fetch", "shots.yaml", "--api-base", &url]).exits(0);
    assert_eq!(balances(&server), asked);
}

#[test]
fn with_whole_too_little_on_the_account_buys_nothing_and_exits_2() {
    let (sandbox, server) = (sandbox(), holding("0.3323"));
    let done = run(&sandbox, &server, &["--whole"]).exits(2);
    let done = done.warns("the account's balance is 0.3323 USD").warns("top up the account");
    assert!(done.stderr().contains("$0.3324"), "{}", done.stderr());
    assert_eq!(posts(&server), 0);
}

#[test]
fn with_whole_too_little_on_the_account_finishes_what_is_bought_and_exits_3() {
    let (sandbox, server) = (sandbox(), holding("0.3"));
    run(&sandbox, &server, &["--only", "alley", "--no-download"]).exits(1);
    run(&sandbox, &server, &["--whole"]).exits(3).says("1 delivered, 1 queued");
    assert_eq!(posts(&server), 1);
}

#[test]
fn with_whole_a_campaign_that_does_not_fit_under_its_cap_is_not_begun() {
    let (sandbox, server) = (sandbox(), holding("99"));
    let done = run(&sandbox, &server, &["--whole", "--budget", "0.32"]).exits(2);
    let text = done.stderr();
    assert!(
        text.contains("2 shots cost $0.3324, and the cap of $0.32 leaves $0.32: enough for 1"),
        "{text}"
    );
    assert!(
        text.contains("--whole --budget 0.3324") && text.contains("leave --whole out"),
        "{text}"
    );
    assert!(server.asked().is_empty(), "nothing was asked or sent");
    assert!(!sandbox.path("renders").exists(), "nothing was made");
    run(&sandbox, &server, &["--whole", "--budget", "0.3324"]).exits(0);
    assert_eq!(posts(&server), 2);
}

#[test]
fn a_campaign_that_has_begun_goes_on_with_whole() {
    let (sandbox, server) = (sandbox(), holding("99"));
    run(&sandbox, &server, &["--budget", "0.32"]).exits(3);
    assert_eq!(posts(&server), 1);
    run(&sandbox, &server, &["--whole"]).exits(3).warns("the cap of $0.32 holds back");
    run(&sandbox, &server, &["--whole", "--budget", "1"]).exits(0);
    assert_eq!(posts(&server), 2);
}

#[test]
fn a_plan_says_that_nothing_would_be_bought_with_whole() {
    let sandbox = sandbox();
    let words = ["plan", "shots.yaml", "--whole", "--budget", "0.32"];
    sandbox.run(words).exits(0).says("a run would buy nothing").says("enough for 1 of them");
    let done = sandbox.run(["plan", "shots.yaml", "--whole", "--budget", "1"]).exits(0);
    assert!(!done.stdout().contains("--whole"), "{}", done.stdout());
}

#[test]
fn the_simulator_tells_the_balance_of_its_purse() {
    let done = sandbox().run(["run", "shots.yaml", "--sim=broke", "--whole"]);
    let done = if done.code() == Some(0) { done } else { done.exits(2) };
    assert!(!done.stderr().contains("not known"), "{}", done.stderr());
}
