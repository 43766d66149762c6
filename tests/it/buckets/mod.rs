//! Campaigns whose clips go to a bucket, through the real program: with a bucket of the tests that has
//! faults on demand, and with somebody else's S3.

mod check;
mod moto;
mod program;
mod refusals;

use serde_json::Value;

use crate::disk::campaign;
use crate::sandbox::Sandbox;
use crate::support::Server;
use crate::support::s3::variables;

/// Where the clips go.
pub const OUT: &str = "s3://films/summer";

/// A campaign `night` whose environment leads to an S3.
pub fn at(url: &str, ids: &[&str]) -> Sandbox {
    let set = |sandbox: Sandbox, (name, value): (String, String)| sandbox.var(&name, &value);
    variables(url).into_iter().fold(campaign(ids), set)
}

/// The words of a run at a gateway with its clips in the bucket.
pub fn run<'a>(gateway: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "shots.yaml", "--out", OUT, "--api-base", gateway], more].concat()
}

/// The report's JSON.
pub fn report(sandbox: &Sandbox) -> Value {
    sandbox.run(["report", "shots.yaml", "--format", "json"]).exits(0).stdout_json()
}

/// How many shots were posted.
pub fn posts(gateway: &Server) -> usize {
    crate::disk::posted(gateway).len()
}
