//! A disk that is full: before the run, with POSTs on the wire, in the middle of a clip.

use std::process::Output;
use std::sync::mpsc;

use serde_json::Value;

use super::room::Room;
use super::{
    CLIP, Gate, PATIENCE, Run, all_delivered, campaign, each_once, holds, posted, sells, sold,
};
use crate::sandbox::Sandbox;
use crate::support::server::{Script, Server};

fn run(room: &Room, sandbox: &Sandbox, server: &Server) -> (Option<i32>, String) {
    Run::start(room.command(sandbox, &["run", "shots.yaml", "--api-base", &server.url()])).end()
}

fn report(room: &Room, sandbox: &Sandbox) -> Value {
    let Output { stdout, stderr, .. } =
        room.command(sandbox, &["report", "shots.yaml", "--format=json"]).output().unwrap();
    serde_json::from_slice(&stdout)
        .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&stderr)))
}

/// The state of a shot.
fn state<'a>(report: &'a Value, id: &str) -> &'a Value {
    let shots = report["shots"].as_array().unwrap();
    &shots.iter().find(|shot| shot["id"] == id).unwrap()["state"]
}

#[test]
fn without_room_at_the_start_nothing_is_sent_and_with_room_everything_goes_on() {
    let ids = ["a", "b", "c"];
    // From nothing at all over what the reserve takes to nearly enough.
    for left in [0, 8, 600, 1024, 1040, 1060, 1100, 1150, 1250] {
        let sandbox = campaign(&ids);
        let Some(room) = Room::of(&sandbox, 3000) else { return };
        room.fill(left);
        let server = sells();
        let (code, said) = run(&room, &sandbox, &server);
        if left <= 1024 {
            assert_eq!((code, posted(&server).len()), (Some(2), 0), "{left} KiB left: {said}");
            let why = said.contains("No space left") || said.contains("disk is full");
            assert!(why && said.contains("disk/night"), "{left} KiB left: {said}");
        } else {
            assert!(matches!(code, Some(0 | 2 | 3)), "{left} KiB left: {code:?} {said}");
            assert!(code != Some(2) || posted(&server).is_empty(), "{left} KiB left: {said}");
        }
        room.empty();
        let (code, said) = run(&room, &sandbox, &server);
        assert_eq!(code, Some(0), "{left} KiB were left: {said}");
        each_once(&[&server], &ids);
        all_delivered(&report(&room, &sandbox), 3);
    }
}

#[test]
fn a_disk_that_fills_with_posts_on_the_wire_keeps_every_task_and_sends_nothing_more() {
    let ids = ["a", "b", "c", "d", "e", "f"];
    let sandbox = campaign(&ids);
    let Some(room) = Room::of(&sandbox, 4000) else { return };
    let (server, comes, gate) = holds(3);
    let url = server.url();
    let words = ["run", "shots.yaml", "--in-flight", "3", "--api-base", &url];
    let begun = Run::start(room.command(&sandbox, &words));
    (0..3).for_each(|_| comes.recv_timeout(PATIENCE).unwrap());
    room.fill(0);
    assert!(room.names("night").contains(&"ledger.sqlite.reserve".to_owned()));
    gate.open();
    let (code, said) = begun.end();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("the disk is full") && said.contains("make room"), "{said}");
    assert_eq!(posted(&server).len(), 3, "nothing more is sent: {said}");
    assert!(!room.names("night").contains(&"ledger.sqlite.reserve".to_owned()));
    assert!(said.matches("the log").count() <= 1, "once is enough: {said}");
    let found = report(&room, &sandbox);
    for shot in posted(&server) {
        let shots = found["shots"].as_array().unwrap();
        let row = shots.iter().find(|row| row["id"] == shot.as_str()).unwrap();
        assert_eq!(row["task_id"], format!("task-{shot}"), "{found}");
    }
    room.empty();
    let (code, said) = run(&room, &sandbox, &server);
    assert_eq!(code, Some(0), "{said}");
    each_once(&[&server], &ids);
    all_delivered(&report(&room, &sandbox), 6);
}

#[test]
fn when_even_the_reserve_gives_no_room_the_task_ids_go_to_standard_error() {
    let ids = ["a", "b", "c", "d"];
    let sandbox = campaign(&ids);
    let Some(room) = Room::of(&sandbox, 4000) else { return };
    let (server, comes, gate) = holds(2);
    let url = server.url();
    let words = ["run", "shots.yaml", "--in-flight", "2", "--api-base", &url];
    let begun = Run::start(room.command(&sandbox, &words));
    (0..2).for_each(|_| comes.recv_timeout(PATIENCE).unwrap());
    // Whoever has a hand on the reserve keeps its room when it is given up.
    let reserve = room.seen("night/ledger.sqlite.reserve");
    std::fs::hard_link(&reserve, room.seen("neighbour")).unwrap();
    room.fill(0);
    gate.open();
    let (code, said) = begun.end();
    assert_eq!(code, Some(3), "{said}");
    let sent = posted(&server);
    assert_eq!(sent.len(), 2, "nothing more is sent: {said}");
    for shot in &sent {
        let told = format!("rushes resolve MANIFEST {shot} --task-id task-{shot}");
        assert!(said.contains(&told), "{told} is missing: {said}");
    }

    std::fs::remove_file(room.seen("neighbour")).unwrap();
    room.empty();
    let (code, said) = run(&room, &sandbox, &server);
    assert_eq!(code, Some(1), "{said}");
    for shot in &sent {
        let task = format!("task-{shot}");
        let words = ["resolve", "shots.yaml", shot, "--task-id", &task];
        let (code, said) = Run::start(room.command(&sandbox, &words)).end();
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(run(&room, &sandbox, &server).0, Some(0));
    each_once(&[&server], &ids);
    all_delivered(&report(&room, &sandbox), 4);
}

#[test]
fn a_disk_that_fills_in_the_middle_of_a_clip_leaves_no_half_of_it_and_buys_nothing() {
    let sandbox = campaign(&["a"]);
    let Some(room) = Room::of(&sandbox, 6000) else { return };
    let (came, comes) = mpsc::channel();
    let gate = Gate::new();
    let hold = gate.holds();
    let mut first = true;
    // Behind the film lies 2 MiB of free space, as the format calls it.
    let mut clip = CLIP.to_vec();
    clip.extend((2_u32 << 20).to_be_bytes());
    clip.extend(b"free");
    clip.resize(CLIP.len() + (2 << 20), 0);
    let server = Script::new()
        .on(move |request| {
            let reply = sold(request, &clip);
            if request.target.starts_with("/clip") && std::mem::take(&mut first) {
                came.send(()).ok();
                return Some(hold(reply));
            }
            Some(reply)
        })
        .serve();
    let url = server.url();
    let words = ["run", "shots.yaml", "--api-base", &url];
    let begun = Run::start(room.command(&sandbox, &words));
    comes.recv_timeout(PATIENCE).unwrap();
    // Room for its first piece, not for the whole.
    room.fill(700);
    gate.open();
    let (code, said) = begun.end();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("a.mp4") && said.contains("make room"), "{said}");
    assert_eq!(room.names("night/clips"), [""; 0], "no half clip, no temporary file");
    let found = report(&room, &sandbox);
    assert_eq!(state(&found, "a"), "rendered", "{found}");
    room.empty();
    assert_eq!(run(&room, &sandbox, &server).0, Some(0));
    assert_eq!(room.names("night/clips"), ["a.mp4"]);
    each_once(&[&server], &["a"]);
    all_delivered(&report(&room, &sandbox), 1);
}
