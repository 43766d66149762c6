//! `rushes account`: what was typed.

use std::time::Duration;

use clap::Args;

use crate::cli::values::{Limit, MonthCap, margin};
use crate::ledger::LedgerPlace;
use crate::policy::limits::Rate;

use super::common::{CheckFormat, Logs};

/// `rushes account`
#[derive(Debug, Args)]
#[command(after_help = "\
An account belongs to one key, the first that a run used it with. Its limits hold over all campaigns,
runs and machines that name it and the same database. Without a limit the strictest of what its runs say holds for all of them.

Examples:
  rushes account --ledger postgres://rushes@db.example/films
  rushes account --cap 2000/month --rate 10/s --in-flight 100     with RUSHES_LEDGER set
  rushes account --cap none --format json

A month is a calendar month in UTC; what a shot cost counts in the month in which it was bought.
A margin is kept around each window of a rate, and takes its share of it: 40ms of a second are 4 %.
Where the database is far away, a wider one lets fewer moments go to waste.")]
pub struct Account {
    /// The database
    #[arg(long, value_name = "URL")]
    pub ledger: Option<LedgerPlace>,
    /// Which account [default: default]
    #[arg(long = "account", value_name = "NAME")]
    pub name: Option<String>,
    /// The most that its campaigns may cost together in a month, or none
    #[arg(long, value_name = "USD/month|none")]
    pub cap: Option<MonthCap>,
    /// Submissions of all its runs together, such as 10/s, or none
    #[arg(long, value_name = "RATE|none")]
    pub rate: Option<Limit<Rate>>,
    /// Polls of all its runs together, or none
    #[arg(long, value_name = "RATE|none")]
    pub poll_rate: Option<Limit<Rate>>,
    /// Shots of all its runs that render at once, or none
    #[arg(long, value_name = "N|none")]
    pub in_flight: Option<Limit<u32>>,
    /// What is kept around each window of a rate [at first: 40ms]
    #[arg(long, value_name = "SPAN", value_parser = margin)]
    pub margin: Option<Duration>,
    /// Its key was renewed: from the next run on, that run's key is the account's
    #[arg(long)]
    pub new_key: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t, value_name = "text|json")]
    #[arg(hide_possible_values = true)]
    pub format: CheckFormat,
    #[command(flatten)]
    pub logs: Logs,
}
