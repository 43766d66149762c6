//! `rushes sim`: what was typed.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::values::spans;
use crate::domain::money::Usd;
use crate::simulator::Profile;

use super::common::Logs;

/// `rushes sim`
#[derive(Debug, Args)]
#[command(after_help = "\
The first line on standard output says where it listens: `listening on http://127.0.0.1:PORT`.

Example, in two terminals:
  rushes sim --listen 127.0.0.1:8787 --key secret
  KLING_API_KEY=secret rushes run shots.yaml --api-base http://127.0.0.1:8787 --out rehearsal

A folder keeps to its gateway: what was rendered by this one is never mixed with real purchases.")]
pub struct Sim {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,
    /// How it behaves
    #[arg(long, value_name = "calm|flaky|storm|broke|liar|field", default_value_t)]
    pub profile: Profile,
    /// Fixes its chances: the same number brings the same faults again
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How long tasks take, each somewhere in this range
    #[arg(long, value_name = "MIN..MAX", default_value = "1s..4s", value_parser = spans)]
    pub render: Range<Duration>,
    /// The account's credit in dollars [default: 1000; of the profile broke: 1]
    #[arg(long, value_name = "USD")]
    pub purse: Option<Usd>,
    /// The only key it accepts [default: any]
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Keep tasks and purse in this folder [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub logs: Logs,
}
