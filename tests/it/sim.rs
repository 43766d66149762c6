//! The simulator as others use it: one world, in-process and over a socket, and its books.

#![cfg(test)]

mod clips;
mod faults;
mod journal;
mod profile;
mod reply;
mod rng;
mod sample_clips;
mod server;
mod world;

use rushes::catalog::Catalog;
use rushes::domain::money::Usd;
use rushes::domain::time::Timestamp;
use rushes::simulator::{Profile, Reply, SimOptions, SimState};

/// A world in memory.
fn world(options: SimOptions) -> SimState {
    SimState::open(options, Catalog::builtin()).expect("a world")
}

fn storm(seed: u64) -> SimOptions {
    SimOptions { seed, ..SimOptions::new(Profile::Storm) }
}

fn usd(text: &str) -> Usd {
    text.parse().expect("dollars")
}

/// A request that costs $0.3165 and is unlike all with another number.
fn body(number: usize) -> String {
    format!(r#"{{"model":"kling-v3","prompt":"shot {number}","duration":"5"}}"#)
}

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn after(millis: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + millis)
}

/// The `data` of an answer, if there is any.
fn data(reply: &Reply) -> Option<serde_json::Value> {
    let Reply::Answered(answered) = reply else { return None };
    let mut body: serde_json::Value = serde_json::from_slice(&answered.body).ok()?;
    body.get_mut("data").map(serde_json::Value::take).filter(|data| !data.is_null())
}

/// The task that an answered POST names.
fn task(reply: &Reply) -> Option<String> {
    let data = data(reply)?;
    let id = data.get("taskId").or_else(|| data.get("task_id"))?;
    id.as_str().map(str::to_owned)
}
