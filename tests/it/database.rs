//! A campaign whose ledger is in a real database, through the program.

mod account;
mod away;
mod encrypted;

use serde_json::Value;

use crate::kills::Simulator;
use crate::sandbox::{Done, Sandbox};
use crate::support::postgres::PostgresServer;
use rushes::simulator::Profile;

const MANIFEST: &str = "campaign: beach\nbudget: 5\ndefaults: {model: kling-v2-6, duration: 5}\n\
     limits: {rate: 50/s, poll_every: 20ms}\n\
     shots:\n  - {id: wave, prompt: a wave}\n  - {id: gull, prompt: a gull, takes: 3}\n";

struct Stage {
    server: PostgresServer,
    sandbox: Sandbox,
    simulator: Simulator,
}

impl Stage {
    fn new() -> Self {
        let server = PostgresServer::start();
        let sandbox = Sandbox::new().manifest(MANIFEST).var("KLING_API_KEY", "secret-key");
        let simulator = Simulator::start(&sandbox, Profile::Calm, 1, "20ms..60ms");
        Self { server, sandbox, simulator }
    }

    /// The same with another key of the gateway.
    fn with_key(self, key: &str) -> Self {
        Self { sandbox: self.sandbox.var("KLING_API_KEY", key), ..self }
    }

    /// The address with a password, which the server does not ask for.
    fn ledger(&self) -> String {
        self.server.address("rushes").replace("postgres@", "postgres:s3cr3t@")
    }

    fn run(&self, words: &[&str]) -> Done {
        let (ledger, url) = (self.ledger(), self.simulator.url());
        let gateway = ["--api-base", &url];
        let asks = ["run", "fetch", "check"].contains(&words[0]);
        let all = [words, &["--ledger", &ledger], if asks { &gateway } else { &[] }].concat();
        self.sandbox.run_words(&all)
    }
}

#[test]
fn every_command_works_on_a_campaign_in_a_database() {
    let stage = Stage::new();
    stage.run(&["status", "shots.yaml"]).exits(2).warns("nothing was run yet");
    stage.run(&["plan", "shots.yaml"]).exits(0).says("4 to render");
    stage.run(&["run", "shots.yaml"]).exits(0).says("4 delivered");
    stage.run(&["run", "shots.yaml"]).exits(0).says("4 delivered");
    assert_eq!(stage.simulator.books().purchases.len(), 4);
    stage.run(&["status", "shots.yaml"]).exits(0).says("4 delivered");
    stage.run(&["plan", "shots.yaml"]).exits(0).says("4 done");
    stage.run(&["fetch", "shots.yaml"]).exits(0).says("4 delivered");
    stage.run(&["check", "shots.yaml"]).says("the folder is this ledger's");
    let report = stage.run(&["report", "shots.yaml", "--format", "json"]).exits(0).stdout_json();
    let states: Vec<&Value> =
        report["shots"].as_array().unwrap().iter().map(|shot| &shot["state"]).collect();
    assert_eq!(states, ["delivered"; 4]);
    assert_eq!(report["money"]["spent"], "0.0636");
    let told = stage.server.psql("rushes", "SELECT campaign, cap, spent FROM spend");
    assert_eq!(told, "beach|5.00|0.0636");
    let told = stage.server.psql("rushes", "SELECT shot, state, price FROM results");
    assert!(told.starts_with("wave|delivered|0.0159\ngull|delivered|"), "{told}");
    // Trial 2: the plan of an edited manifest tells what it would replace.
    let edited = MANIFEST.replace("a wave", "a tall wave").replace("id: gull", "id: tern");
    std::fs::write(stage.sandbox.path("shots.yaml"), edited).unwrap();
    let plan = stage.run(&["plan", "shots.yaml", "--format", "json"]).exits(0).stdout_json();
    let (wave, tern) = (&plan["shots"][0], &plan["shots"][1]);
    assert_eq!(wave["changed"]["prompt"], serde_json::json!(["a wave", "a tall wave"]));
    assert_eq!(wave["replaces"]["files"], serde_json::json!(["clips/wave.mp4"]));
    assert_eq!(tern["was"]["id"], "gull");
    stage.run(&["plan", "shots.yaml", "--check"]).exits(10);
}

/// Another machine has the manifest and an empty folder.
#[test]
fn another_machine_goes_on_where_one_stopped_and_buys_nothing_twice() {
    let stage = Stage::new();
    stage.run(&["run", "shots.yaml", "--budget", "0.04"]).exits(3);
    let bought = stage.simulator.books().purchases.len();
    assert_eq!(bought, 2);
    stage.run(&["run", "shots.yaml", "--out", "elsewhere", "--budget", "5"]).exits(0);
    assert_eq!(stage.simulator.books().purchases.len(), 4);
    assert!(stage.sandbox.path("elsewhere/clips/gull-t3.mp4").exists());
}

/// Each machine names the database and the bucket, and needs nothing else of the others.
#[cfg(feature = "buckets")]
#[test]
fn machines_that_go_on_with_a_campaign_put_its_clips_into_one_bucket() {
    use crate::support::s3::S3;
    let (stage, s3) = (Stage::new(), S3::with(|_| None));
    let (ledger, url) = (stage.ledger(), stage.simulator.url());
    let machine = || {
        let sandbox = Sandbox::new().manifest(MANIFEST).var("KLING_API_KEY", "secret-key");
        let set = |sandbox: Sandbox, (name, value): (String, String)| sandbox.var(&name, &value);
        s3.variables().into_iter().fold(sandbox, set)
    };
    let words = ["run", "shots.yaml", "--ledger", &ledger, "--api-base", &url];
    let words = [&words[..], &["--out", "s3://films/summer"]].concat();
    machine().run_words(&[&words[..], &["--budget", "0.04"]].concat()).exits(3);
    assert_eq!((stage.simulator.books().purchases.len(), s3.clips().len()), (2, 2));
    machine().run_words(&[&words[..], &["--budget", "5"]].concat()).exits(0).says("4 delivered");
    assert_eq!((stage.simulator.books().purchases.len(), s3.clips().len()), (4, 4));
    machine().run_words(&words).exits(0);
    assert_eq!(stage.simulator.books().purchases.len(), 4);
    let mark = String::from_utf8(s3.objects()["summer/ledger.id"].bytes.clone()).unwrap();
    assert!(mark.contains("postgres://") && !mark.contains("s3cr3t"), "{mark}");
}

#[test]
fn a_folder_has_one_ledger_be_it_a_file_or_a_database() {
    let stage = Stage::new();
    stage.run(&["run", "shots.yaml"]).exits(0);
    let url = stage.simulator.url();
    let in_a_file = stage.sandbox.run(["run", "shots.yaml", "--api-base", &url]);
    in_a_file
        .exits(2)
        .warns("is the folder of the ledger postgres://")
        .warns("to go on: rushes run shots.yaml --ledger");
    stage
        .sandbox
        .run(["run", "shots.yaml", "--api-base", &url, "--out", "file", "--separate"])
        .exits(0);
    stage.run(&["run", "shots.yaml", "--out", "file"]).exits(2).warns("file/ledger.sqlite");
    assert_eq!(stage.simulator.books().purchases.len(), 8);
}

#[test]
fn field_31_a_manifest_under_another_name_is_not_bought_again_beside_its_campaign() {
    let stage = Stage::new();
    stage.run(&["run", "shots.yaml"]).exits(0);
    std::fs::write(
        stage.sandbox.path("shots.yaml"),
        MANIFEST.replace("campaign: beach", "campaign: strand"),
    )
    .unwrap();
    stage.run(&["run", "shots.yaml"]).exits(2).warns("by the campaign \"beach\" in this database");
    stage.run(&["run", "shots.yaml", "--separate"]).exits(0);
    assert_eq!(stage.simulator.books().purchases.len(), 8);
}

#[test]
fn a_rehearsal_in_a_database_and_addresses_that_are_none_are_refused_in_words() {
    let stage = Stage::new();
    let ledger = stage.ledger();
    let rehearsal = ["run", "shots.yaml", "--sim", "--ledger", &ledger];
    stage.sandbox.run(rehearsal).exits(2).warns("start `rushes sim` and name it with --api-base");
    for (ledger, said) in [
        ("postgres://ann:s3cr3t@127.0.0.1", "it names no database"),
        ("postgres://ann:s3cr3t@127.0.0.1/x?sslmode=no", "sslmode is `require`"),
        ("postgres://ann:s3cr3t@127.0.0.1:1/x", "cannot be reached"),
    ] {
        let told = stage.sandbox.run(["plan", "shots.yaml", "--ledger", ledger]);
        let told = told.exits(2).warns(said).stderr();
        assert!(!told.contains("s3cr3t"), "{told}");
    }
}

#[test]
fn a_password_is_written_nowhere() {
    let stage = Stage::new();
    let mut said = String::new();
    for words in [
        &["run", "shots.yaml", "-vv", "--budget", "0.04"][..],
        &["plan", "shots.yaml", "-vv"],
        &["status", "shots.yaml"],
        &["report", "shots.yaml", "--format", "json"],
        &["run", "shots.yaml", "--log-format", "json"],
    ] {
        let ran = stage.run(words);
        said += &ran.stdout();
        said += &ran.stderr();
    }
    assert!(said.contains("postgres@"), "the address is told: {said}");
    assert!(!said.contains("s3cr3t"), "{said}");
    let mut folders = vec![stage.sandbox.path("renders")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("s3cr3t"), "{}", entry.path().display());
        }
    }
}
