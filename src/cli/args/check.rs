//! `rushes check`: what was typed.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::cli::values::{Out, ProxyFlag};
use crate::ledger::LedgerPlace;
use crate::provider::apimodels;
use crate::simulator::{Profile, SimOptions};

use super::Campaign;
use super::common::{CheckFormat, Logs};

/// `rushes check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rushes check                      key, address, balance and clock
  rushes check shots.yaml           whether a run of it would work tonight
  rushes check shots.yaml --notify  also send a test message to where runs are told of
  rushes check shots.yaml --format json | jq '.findings[] | select(.verdict != \"ok\")'

Asks only what is free, buys nothing and changes nothing; in a bucket it writes .rushes-probe.
Exit codes: 0 a run would work · 2 something would keep it from working.")]
pub struct Check {
    /// The manifest: shots.yaml or shots.csv; without one only key, address, balance and clock
    pub manifest: Option<PathBuf>,
    /// Campaign folder for clips and ledger [default: renders/CAMPAIGN beside the manifest]; or a bucket
    /// for the clips alone, by an address that begins with s3:, gs: or az:
    #[arg(long, value_name = "DIR|BUCKET", value_parser = OsStringValueParser::new().try_map(Out::parse))]
    #[arg(help_heading = "Where")]
    pub out: Option<Out>,
    /// The ledger: a file, or `postgres://USER@HOST/DATABASE` [default: ledger.sqlite in the campaign
    /// folder]
    #[arg(long, value_name = "FILE|URL", help_heading = "Where")]
    pub ledger: Option<LedgerPlace>,
    /// Whose limits it goes by, where the ledger is in a database [default: default]
    #[arg(long, value_name = "NAME", help_heading = "Where")]
    pub account: Option<String>,
    /// Check the built-in simulator's in place of a gateway's
    #[arg(long, value_name = "PROFILE", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = Profile::default().name(), help_heading = "Where")]
    pub sim: Option<SimOptions>,
    /// The gateway's address
    #[arg(long, value_name = "URL", default_value = apimodels::address())]
    #[arg(help_heading = "Where")]
    pub api_base: String,
    /// Ask through this proxy: http://HOST:PORT
    #[arg(long, value_name = "URL", help_heading = "Where")]
    pub proxy: Option<ProxyFlag>,
    /// Send one test message to the address that `notify` or `RUSHES_NOTIFY_URL` names
    #[arg(long)]
    pub notify: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t, value_name = "text|json")]
    #[arg(hide_possible_values = true)]
    pub format: CheckFormat,
    #[command(flatten)]
    pub logs: Logs,
}

impl Check {
    /// The campaign, if a manifest was named.
    pub fn campaign(&self) -> Option<Campaign> {
        Some(Campaign {
            manifest: self.manifest.clone()?,
            out: self.out.clone(),
            ledger: self.ledger.clone(),
            account: self.account.clone(),
            sim: self.sim.clone(),
            logs: self.logs,
        })
    }
}
