//! Two real programs at one campaign over a real database: a call that reaches the one which does not
//! have the shot.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::support::Request;
use crate::support::postgres::PostgresServer;

/// A campaign at which two programs work, each of which listens at an address of its own.
struct Two {
    campaign: Campaign,
    other: SocketAddr,
    database: PostgresServer,
}

impl Two {
    fn new(ids: &[&str]) -> Self {
        let (campaign, other) = (Campaign::new("budget: 5\n", ids), free_address());
        let database = PostgresServer::start();
        let text = std::fs::read_to_string(campaign.sandbox.path("shots.yaml")).unwrap();
        let listen = |address| format!("listen: \"{address}\"");
        let text = text.replace(&listen(campaign.address), &listen(other));
        let sandbox = campaign.sandbox.file("other.yaml", &text);
        let sandbox = sandbox.var("RUSHES_LEDGER", &database.address("rushes"));
        Self { campaign: Campaign { sandbox, ..campaign }, other, database }
    }

    /// Starts the program that listens at the other address.
    fn start_other(&self, server: &Server) -> Run {
        let file = |end| File::create(self.campaign.sandbox.path(&format!("other.{end}"))).unwrap();
        let words = ["run", "other.yaml", "--api-base", &server.url(), "-vv"];
        let mut command = self.campaign.sandbox.command(&words);
        let run = Run(command.stdout(file("out")).stderr(file("err")).spawn().unwrap());
        let joined = "SELECT count(*) FROM rushes.workers WHERE NOT is_visitor";
        self.database.wait_until(joined, "2");
        run
    }

    fn call_other(&self, path: &str, body: &Value) -> u16 {
        send(self.other, "POST", path, body.to_string().as_bytes())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_to_the_worker_that_does_not_have_the_shot_settles_its_doubt() {
    let two = Two::new(&["a"]);
    let server = knowing(Script::new().always_post(Reply::cut()));
    let run = two.campaign.start("run", &server, &["run"]);
    server.received(1).await;
    two.campaign.is("a", "in_doubt");
    let other = two.start_other(&server);
    // Calls with made-up keys are looked up and forgotten.
    for n in 0..10 {
        assert_eq!(two.call_other(&format!("/rushes/{n:032x}"), &done("task-2")), 204);
    }
    assert_eq!(two.call_other(&path_of(&posts(&server)[0]), &done("task-1")), 204);
    assert_eq!(run.ends(), Some(0), "{}", two.campaign.said("run"));
    assert_eq!(other.ends(), Some(0), "{}", two.campaign.said("other"));
    let shot = &two.campaign.shots()[0];
    assert_eq!((&shot["state"], &shot["task_id"]), (&json!("delivered"), &json!("task-1")));
    assert!(two.campaign.said("run").contains("was bought after all, as task task-1"));
    assert_eq!(posts(&server).len(), 1);
}

/// The first program dies with a shot in doubt; the other one goes on with the rest, and is called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_about_a_doubt_of_a_dead_worker_is_gone_on_with_by_the_one_that_it_reaches() {
    let two = Two::new(&["a", "b"]);
    let is_done = Arc::new(AtomicBool::new(false));
    let may_be_done = Arc::clone(&is_done);
    let script = Script::new().on(move |request: &Request| {
        if request.method == "POST" && request.json()["prompt"] == "a" {
            return Some(Reply::cut());
        }
        if request.target.contains("task-b") && !may_be_done.load(Ordering::Relaxed) {
            let pending = json!({"code": 200, "data": {"taskId": "task-b", "state": "pending"}});
            return Some(Reply::json(200, &pending));
        }
        sells(request)
    });
    let server = script.serve();
    let run = two.campaign.start("run", &server, &["run"]);
    server.received(2).await;
    two.campaign.is("a", "in_doubt");
    two.campaign.is("b", "rendering");
    let other = two.start_other(&server);
    drop(run);
    let sent = posts(&server);
    let lost = sent.iter().find(|post| post["prompt"] == "a").unwrap();
    let has_taken_over = "SELECT count(*) FROM rushes.revisions WHERE worker = 2 AND shot = 'b'";
    two.database.wait_until(has_taken_over, "1");
    assert_eq!(two.call_other(&path_of(lost), &done("task-a")), 204);
    two.campaign.is("a", "delivered");
    is_done.store(true, Ordering::Relaxed);
    assert_eq!(other.ends(), Some(0), "{}", two.campaign.said("other"));
    assert_eq!(posts(&server).len(), 2, "nothing was bought again");
}
