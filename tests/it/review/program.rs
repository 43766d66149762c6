//! `rushes review` before it serves anything, and what a broken file of picks does to others.

use insta::assert_snapshot;

use crate::sandbox::{Sandbox, TWO_SHOTS};

#[test]
fn a_campaign_that_never_ran_is_said_so() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let done = sandbox.run(["review", "shots.yaml"]).exits(2);
    assert_snapshot!(done.stderr(), @r"
    error: nothing was run yet: there is no ledger renders/summer/ledger.sqlite
    help: to begin: rushes run shots.yaml
    ");
}

/// A broken file of picks is never written over, and keeps no run from its work.
#[test]
fn a_broken_file_of_picks_is_refused_by_review_and_told_by_a_run() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let sandbox = sandbox.file("renders/summer.sim/review.json", "{\"rushes_review\": 1,");
    let run = ["run", "shots.yaml", "--sim", "--serve", "127.0.0.1:0"];
    let done = sandbox.run(run).exits(0);
    done.warns("what is picked on the live page is not kept")
        .warns("the contact sheet shows no picks")
        .warns("it is never written over");
    let done = sandbox.run(["review", "shots.yaml", "--sim"]).exits(2);
    assert_snapshot!(done.stderr(), @r"
    error: renders/summer.sim/review.json does not hold picks: EOF while parsing a value at line 1 column 20
    help: mend renders/summer.sim/review.json, or move it elsewhere: then there are no picks; it is never written over
    ");
    let left = std::fs::read_to_string(sandbox.path("renders/summer.sim/review.json")).unwrap();
    assert_eq!(left, "{\"rushes_review\": 1,");
}
