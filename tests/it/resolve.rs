//! `rushes resolve` over many shots, of tasks that were given wrongly, and of prices that stay reserved
//! beside what a shot is about.

mod contents;
mod earlier;
mod many;
mod prices;
mod tasks;
mod told;

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::sandbox::{Done, Sandbox};
use crate::support::server::{Reply, Request, Script, Server};

const KEY: &str = "sk-live-0123456789abcdef";

/// The smallest file that passes for a clip.
const CLIP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatclip";

/// A campaign of these shots.
fn campaign(ids: &[String]) -> Sandbox {
    let shot = |id: &String| format!("- {{id: {id}, model: kling-v3, prompt: 'the {id}'}}\n");
    let shots: String = ids.iter().map(shot).collect();
    let head = "campaign: one\nbudget: 900\nlimits: {rate: 1000/s, in_flight: 1000, poll_every: 50ms, \
                poll_rate: 500/s, attempts: 2, submit_timeout: 2s, fetch_patience: 200ms}\nshots:\n";
    Sandbox::new().manifest(&format!("{head}{shots}")).var("KLING_API_KEY", KEY)
}

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ledger(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("renders/one/ledger.sqlite")
}

/// All shots are in doubt.
fn all_in_doubt(names: &[String]) -> Sandbox {
    let sandbox = campaign(names);
    let server = Script::new().always_post(Reply::cut()).serve();
    let done = run(&sandbox, &server, &[]);
    done.exits(1);
    sandbox
}

fn run(sandbox: &Sandbox, server: &Server, more: &[&str]) -> Done {
    let url = server.url();
    let words = [&["run", "shots.yaml", "--api-base", &url], more].concat();
    sandbox.run_words(&words)
}

fn resolve(sandbox: &Sandbox, words: &[&str]) -> Done {
    sandbox.run_words(&[&["resolve", "shots.yaml"], words].concat())
}

/// How many shots are in each of these states.
fn counts(sandbox: &Sandbox, states: [&str; 3]) -> [u64; 3] {
    let report = report(sandbox);
    states.map(|state| report["counts"][state].as_u64().unwrap())
}

fn report(sandbox: &Sandbox) -> Value {
    sandbox.run(["report", "shots.yaml", "--format", "json"]).exits(0).stdout_json()
}

fn money(sandbox: &Sandbox) -> [String; 2] {
    let report = report(sandbox);
    ["spent", "reserved"].map(|account| report["money"][account].as_str().unwrap().to_owned())
}

fn sql(sandbox: &Sandbox, query: &str) -> Vec<Option<String>> {
    let conn = Connection::open(ledger(sandbox)).unwrap();
    let mut found = conn.prepare(query).unwrap();
    found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn asks_clip(request: &Request) -> bool {
    request.target.rsplit('.').next() == Some("mp4")
}

/// A gateway that answers polls of these tasks with these states and models, knows no other task,
/// and cuts every POST.
fn knows(tasks: &'static [(&'static str, &'static str, &'static str)]) -> Server {
    Script::new()
        .always_post(Reply::cut())
        .on(move |request| {
            let host = request.header("host").unwrap_or_default().to_owned();
            if request.method != "GET" || request.is_about_account() {
                return None;
            }
            if asks_clip(request) {
                return Some(Reply::bytes(200, CLIP));
            }
            let (_, asked) = request.target.split_once("task_id=")?;
            let Some((id, state, model)) = tasks.iter().find(|(id, ..)| *id == asked) else {
                let none = json!({"code": 404, "msg": "no such task", "data": null});
                return Some(Reply::json(404, &none));
            };
            let mut data = json!({"taskId": id, "state": state, "model": model});
            if *state == "completed" {
                data["resultUrls"] = json!([format!("http://{host}/{id}.mp4")]);
            } else if *state == "failed" {
                data["failMsg"] = json!("the prompt was refused");
            }
            Some(Reply::json(200, &json!({"code": 200, "msg": "success", "data": data})))
        })
        .serve()
}
