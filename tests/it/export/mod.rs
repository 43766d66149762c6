//! `rushes export`: what an editing program gets, read back by libraries that others wrote.

mod choose;
mod edl;
mod files;
mod folder;
mod otio;
mod program;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rushes::domain::clip_info::ClipInfo;
use rushes::domain::frame_rate::{FrameRate, Timing};
use rushes::report::export::{Clip, Event, Location, Timeline};
use serde_json::Value;

use crate::sandbox::Sandbox;

/// Shots with takes, sound, and two shapes; ready in a second or so.
const SHOTS: &str = "\
campaign: summer
limits: {poll_every: 100ms, poll_rate: 100/s}
defaults: {model: kling-v2-6}
shots:
  - {id: beach, prompt: A girl dancing on the beach, takes: 3}
  - {id: market, model: kling-v3, sound: on, duration: 3, prompt: Traders calling}
  - {id: tower, prompt: 'A tower, seen from below', aspect_ratio: '9:16'}
";

/// A rehearsed campaign of [`SHOTS`].
fn rehearsed() -> Sandbox {
    let sandbox = Sandbox::new().manifest(SHOTS);
    sandbox.run(["run", "shots.yaml", "--sim"]).exits(0);
    sandbox
}

fn rate(text: &str) -> FrameRate {
    text.parse().unwrap()
}

/// A clip of so many pictures at this rate.
fn clip(name: &str, frames: u32, fps: &str) -> Clip {
    Clip {
        shot: name.to_owned(),
        revision: 1,
        name: name.to_owned(),
        path: format!("clips/{name}.mp4"),
        location: Location::File(PathBuf::from(format!("/films/it's here/clips/{name}.mp4"))),
        info: Some(ClipInfo { millis: 5000, width: 1280, height: 720, sound: false }),
        timing: Timing { frames, rate: rate(fps) },
        model: "kling-v3".to_owned(),
        prompt: format!("A {name}"),
        rating: 0,
        note: String::new(),
    }
}

fn event(clip: Clip, takes: Vec<Clip>) -> Event {
    Event { clip, takes }
}

fn timeline(events: Vec<Event>) -> Timeline {
    Timeline { campaign: "summer".to_owned(), events }
}

/// What the library of the format's makers reads.
fn read(text: &str, words: &[&str]) -> Value {
    let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/export/read.py");
    let mut process = Command::new(crate::support::python("otio.sh"))
        .arg(reader)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = process.wait_with_output().unwrap();
    assert!(done.status.success(), "{}\n{text}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// A line for each item of each track: `V1 Clip beach 0..5`, and where it is off.
fn told(timeline: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for track in timeline["tracks"].as_array().unwrap() {
        for item in track["items"].as_array().unwrap() {
            let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            let off = if item["enabled"] == true { "" } else { " off" };
            lines.push(format!(
                "{} {} {} {}..{}{off}",
                track["name"].as_str().unwrap_or_default(),
                text("is"),
                text("name"),
                item["from"],
                item["to"]
            ));
        }
    }
    lines
}
