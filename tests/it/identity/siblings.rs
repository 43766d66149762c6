//! A manifest that is renamed, copied or moved is not bought again with a fresh cap.

use std::fs;

use rusqlite::Connection;

use super::*;
use crate::disk::manifest;
use crate::sandbox::Sandbox;

/// Without `campaign:`, so that its name is its file's.
fn unnamed(ids: &[&str]) -> String {
    manifest(ids).replace("campaign: night\n", "")
}

fn begun() -> (Sandbox, crate::support::Server) {
    let sandbox = campaign(&[]).file("spots.yaml", &unnamed(&["a", "b", "c", "d"]));
    let server = sells();
    let url = server.url();
    sandbox.run(["run", "spots.yaml", "--only", "{a,b}", "--api-base", &url]).exits(0);
    assert_eq!(posted(&server), ["a", "b"]);
    (sandbox, server)
}

#[test]
fn field_31_a_renamed_manifest_is_gone_on_with_where_it_was_bought() {
    let (sandbox, server) = begun();
    let url = server.url();
    fs::rename(sandbox.path("spots.yaml"), sandbox.path("spots-2.yaml")).unwrap();
    let refused = sandbox.run(["run", "spots-2.yaml", "--api-base", &url]).exits(2).stderr();
    insta::assert_snapshot!("a_renamed_manifest", refused.replace(&url, "GATEWAY"));
    assert!(!sandbox.path("renders/spots-2").exists(), "nothing is changed");
    // What it says to type.
    let there = ["run", "spots-2.yaml", "--out", "renders/spots", "--api-base", &url];
    sandbox.run(["plan", "spots-2.yaml", "--out", "renders/spots"]).exits(0).says("2 done");
    sandbox.run(there).exits(0);
    assert_eq!(posted(&server), ["a", "b", "c", "d"]);
    sandbox.run(["fetch", "spots-2.yaml", "--out", "renders/spots", "--api-base", &url]).exits(0);
    // Or to buy them anew, which is kept.
    let separate = ["run", "spots-2.yaml", "--only", "none*", "--separate", "--api-base", &url];
    sandbox.run(separate).exits(2);
    let separate = ["run", "spots-2.yaml", "--separate", "--api-base", &url];
    sandbox.run(separate).exits(0);
    assert_eq!(posted(&server).len(), 8);
    sandbox.run(["run", "spots-2.yaml", "--api-base", &url]).exits(0);
    assert_eq!(posted(&server).len(), 8);
}

#[test]
fn field_31_a_manifest_that_was_moved_is_found_by_the_users_own_list() {
    let (sandbox, server) = begun();
    let url = server.url();
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    let there = sandbox.path("elsewhere/spots.yaml");
    fs::rename(sandbox.path("spots.yaml"), there).unwrap();
    let words = ["run", "elsewhere/spots.yaml", "--api-base", &url];
    sandbox.run(words).exits(2).warns("renders/spots: here they would be bought again");
    let list = fs::read_to_string(sandbox.path(".local/state/rushes/campaigns")).unwrap();
    assert_eq!(list.lines().count(), 1, "{list}");
    // Without the list, and with no place for one, it is another campaign.
    let alone = Sandbox::new().var("KLING_API_KEY", "k").var("HOME", "");
    fs::write(alone.path("spots.yaml"), unnamed(&["a"])).unwrap();
    alone.run(["run", "spots.yaml", "--api-base", &url]).exits(0);
    let state = sandbox.path("state");
    let sandbox = sandbox.var("XDG_STATE_HOME", state.to_str().unwrap());
    sandbox.run(words).exits(0);
    assert!(state.join("rushes/campaigns").exists());
}

/// Fewer than half of them may be meant; that money is spent again is said.
#[test]
fn field_31_a_few_shots_that_another_campaign_bought_are_warned_of() {
    let (sandbox, server) = begun();
    let url = server.url();
    fs::write(sandbox.path("other.yaml"), unnamed(&["a", "y", "z"])).unwrap();
    let done = sandbox.run(["run", "other.yaml", "--api-base", &url]).exits(0);
    done.warns("1 of 3 shots were bought already, or are about to be, by the campaign in")
        .warns("renders/spots: here they would be bought again");
}

/// A run at work has bought little yet, and is about to buy the rest.
#[test]
fn field_31_what_a_run_at_work_is_about_to_buy_counts() {
    let sandbox = campaign(&["a", "b", "c", "d"]);
    let server = sells();
    let url = server.url();
    let slow = ["run", "shots.yaml", "--rate", "1/min", "--api-base", &url];
    let first = crate::disk::Run::start(sandbox.command(&slow));
    let began = std::time::Instant::now();
    while posted(&server).is_empty() {
        assert!(began.elapsed() < std::time::Duration::from_secs(30));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let second = ["run", "shots.yaml", "--out", "elsewhere", "--api-base", &url];
    let done = sandbox.run(second);
    drop(first);
    done.exits(2).warns("half or more of these shots were bought already, or are about to be");
    assert_eq!(posted(&server).len(), 1);
}

#[test]
fn field_31_other_shots_rehearsals_and_what_was_never_bought_are_no_siblings() {
    let (sandbox, server) = begun();
    let url = server.url();
    // One of three is known.
    fs::write(sandbox.path("other.yaml"), unnamed(&["a", "y", "z"])).unwrap();
    sandbox.run(["run", "other.yaml", "--api-base", &url]).exits(0);
    // The same ids with other texts are other shots.
    let texts = unnamed(&["a", "b"]).replace("prompt: ", "prompt: new ");
    fs::write(sandbox.path("texts.yaml"), texts).unwrap();
    sandbox.run(["plan", "texts.yaml"]).exits(0).says("2 to render");
    // A rehearsal is none of what is paid, nor the other way round.
    let quick = unnamed(&["p", "q"]).replace("limits: {", "limits: {in_flight: 9, ");
    fs::write(sandbox.path("quick.yaml"), quick).unwrap();
    sandbox.run(["run", "quick.yaml", "--sim"]).exits(0);
    fs::copy(sandbox.path("quick.yaml"), sandbox.path("quick-2.yaml")).unwrap();
    sandbox.run(["plan", "quick-2.yaml"]).exits(0).says("2 to render");
    sandbox.run(["plan", "quick-2.yaml", "--sim"]).exits(0).says("2 to render");
    // A ledger that cannot be read is no reason to stop.
    fs::create_dir_all(sandbox.path("renders/odd")).unwrap();
    fs::write(sandbox.path("renders/odd/ledger.sqlite"), "SQLite format 3\0 no more").unwrap();
    sandbox.run(["plan", "quick-2.yaml"]).exits(0).says("2 to render");
}

/// Lets the campaign `spots` have bought elsewhere what a stand-in on this machine sold it.
fn move_elsewhere(sandbox: &Sandbox) {
    let ledger = Connection::open(sandbox.path("renders/spots/ledger.sqlite")).unwrap();
    let elsewhere = "https://one.example/api/v1/video/generations";
    ledger.execute("UPDATE origins SET address = ?1", [elsewhere]).unwrap();
}

#[test]
fn field_37_what_a_stand_in_rendered_was_bought_nowhere_else() {
    let (sandbox, server) = begun();
    let url = server.url();
    fs::rename(sandbox.path("spots.yaml"), sandbox.path("spots-2.yaml")).unwrap();
    let at = |address: &str| ["run", "spots-2.yaml", "--api-base", address].map(str::to_owned);
    let run = |address: &str| {
        let words = at(address);
        sandbox.run_words(&words.each_ref().map(String::as_str))
    };
    // The other gateway is never reached, and nothing is bought by that.
    let nowhere = "https://127.0.0.1.invalid";
    run(&url).exits(2).warns("would be bought again");
    run(nowhere).exits(3).warns("cannot be reached");
    sandbox.run(["plan", "spots-2.yaml"]).exits(0).says("4 to render");
    fs::remove_dir_all(sandbox.path("renders/spots-2")).unwrap();
    move_elsewhere(&sandbox);
    run(nowhere).exits(2).warns("would be bought again");
    sandbox.run(["plan", "spots-2.yaml"]).exits(2).warns("would be bought again");
    assert_eq!(posted(&server), ["a", "b"]);
    run(&url).exits(0);
    assert_eq!(posted(&server).len(), 6);
}
