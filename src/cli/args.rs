//! What was typed: the commands, their flags and their help. Knows nothing of files or defaults
//! that depend on them; `settings` says what it means here.

mod account;
mod check;
mod common;
mod environment;
mod export;
mod ls;
mod report;
mod sim;

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use crate::ledger::LedgerPlace;
use crate::policy::limits::{MaxFailures, Rate};
use crate::provider::apimodels;
use crate::server::Wish;
use crate::simulator::{Profile, SimOptions};

use super::deadline::Deadline;
use super::only::Only;
use super::values::{BudgetFlag, Out, ProxyFlag};

pub use account::Account;
pub use check::Check;
pub use common::{CheckFormat, LogFormat, Logs};
pub use environment::{command, variable_of};
pub use export::{Export, ExportFormat, ExportOrder};
pub use ls::Ls;
pub use report::{Report, ReportFormat};
pub use sim::Sim;

const EXAMPLES: &str = "\
Start here:
  rushes init summer             a starter manifest, summer/shots.yaml
  rushes plan summer/shots.yaml  what it would buy, and for how much
  rushes run summer/shots.yaml --sim
                                 rehearse on the simulator: no key, no network, no money
  rushes run summer/shots.yaml --budget 25
                                 render; stopped or killed, the same command goes on

The key comes from the environment: KLING_API_KEY, or KLING_API_KEY_FILE names a file with it.
RUSHES_NOTIFY_URL names a web address that is told how a run ends.";

/// Render a manifest of shots overnight on a paid video API
///
/// Reads a manifest of shots (YAML or CSV), renders every shot on the Kling API, and puts every clip
/// on your disk together with its price, or the reason why it failed. It never buys a shot twice,
/// never spends more than the cap, never loses what was paid for, and goes on where it stopped.
#[derive(Debug, Parser)]
#[command(name = "rushes", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented starter manifest, ready to run on the simulator
    Init(Init),
    /// Check the manifest and price it: what a run would do (no network, no key)
    Plan(Plan),
    /// Render the shots, or go on with them
    Run(Run),
    /// Say whether tonight will work: key, address, balance, disk, clock, ledger; buys nothing
    Check(Check),
    /// Show where the campaign stands, also while it runs
    Status(Status),
    /// List every shot with its clip, price, or reason of failure; or make the contact sheet
    Report(Report),
    /// Look at the clips in a browser and pick: serves the contact sheet, keeps picks, ratings and notes
    Review(Review),
    /// Give the chosen clips to an editing program: timeline, list, folder or table
    Export(Export),
    /// Say what became of shots in doubt, so that they can go on
    Resolve(Resolve),
    /// Poll and download what is already paid for; buys nothing
    Fetch(Fetch),
    /// List the campaigns below a folder: where each stands and what it has cost
    Ls(Ls),
    /// Show and set what an account in a database allows over all its campaigns
    Account(Account),
    /// Serve the simulator as a stand-in gateway for other programs
    Sim(Sim),
    /// Print the manifest's JSON Schema, for editors
    Schema,
    /// Print shell completions
    #[command(after_help = "\
Completes commands and flags. This completes ids of shots too, and goes into ~/.bashrc or ~/.zshrc:
  source <(COMPLETE=bash rushes)          or COMPLETE=zsh; COMPLETE=fish rushes | source")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

impl Command {
    /// The campaign that a command is about, if it names one.
    pub const fn campaign_mut(&mut self) -> Option<&mut Campaign> {
        match self {
            Self::Plan(args) => Some(&mut args.campaign),
            Self::Run(args) => Some(&mut args.online.campaign),
            Self::Status(args) => Some(&mut args.campaign),
            Self::Report(args) => Some(&mut args.campaign),
            Self::Export(args) => Some(&mut args.campaign),
            Self::Review(args) => Some(&mut args.campaign),
            Self::Resolve(args) => Some(&mut args.campaign),
            Self::Fetch(args) => Some(&mut args.online.campaign),
            Self::Init(_)
            | Self::Check(_)
            | Self::Ls(_)
            | Self::Account(_)
            | Self::Sim(_)
            | Self::Schema
            | Self::Completions { .. }
            | Self::Man => None,
        }
    }

    /// How talkative it is to be, where that can be said.
    pub fn logs(&self) -> Option<Logs> {
        match self {
            Self::Plan(args) => Some(args.campaign.logs),
            Self::Run(args) => Some(args.online.campaign.logs),
            Self::Check(args) => Some(args.logs),
            Self::Status(args) => Some(args.campaign.logs),
            Self::Report(args) => Some(args.campaign.logs),
            Self::Export(args) => Some(args.campaign.logs),
            Self::Review(args) => Some(args.campaign.logs),
            Self::Resolve(args) => Some(args.campaign.logs),
            Self::Fetch(args) => Some(args.online.campaign.logs),
            Self::Account(args) => Some(args.logs),
            Self::Ls(args) => Some(args.logs),
            Self::Sim(args) => Some(args.logs),
            Self::Init(_) | Self::Schema | Self::Completions { .. } | Self::Man => None,
        }
    }
}

/// The campaign, and how talkative to be.
#[derive(Clone, Debug, Args)]
pub struct Campaign {
    /// The manifest: shots.yaml or shots.csv; - is standard input [default: the only one in this folder]
    #[arg(default_value = ".", hide_default_value = true)]
    pub manifest: PathBuf,
    /// Campaign folder for clips and ledger [default: renders/CAMPAIGN beside the manifest]; or a bucket
    /// for the clips alone, by an address that begins with s3:, gs: or az:
    #[arg(long, value_name = "DIR|BUCKET", value_parser = OsStringValueParser::new().try_map(Out::parse))]
    #[arg(help_heading = "Where")]
    pub out: Option<Out>,
    /// The ledger, the record of every purchase: a file, or a database that several machines share,
    /// `postgres://USER@HOST/DATABASE` [default: ledger.sqlite in the campaign folder]
    #[arg(long, value_name = "FILE|URL", help_heading = "Where")]
    pub ledger: Option<LedgerPlace>,
    /// Whose limits it goes by, where the ledger is in a database [default: default]
    #[arg(long, value_name = "NAME", help_heading = "Where")]
    pub account: Option<String>,
    /// Rehearse on the built-in simulator, in renders/CAMPAIGN.sim: no key, no network, no money.
    /// Profiles: calm, flaky, storm, broke, liar, field; storm:7 fixes the faults
    #[arg(long, value_name = "PROFILE", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = Profile::default().name(), help_heading = "Where")]
    pub sim: Option<SimOptions>,
    #[command(flatten)]
    pub logs: Logs,
}

/// A campaign that talks to its gateway, and its live page.
#[derive(Clone, Debug, Args)]
pub struct Online {
    /// Watch, pause and stop it in a browser while it runs: the address is printed. Alone on this
    /// machine only, at port 7878 or a free one; 8080 at that port; 0.0.0.0:8080 for other machines
    /// too, with a secret in the address. Also serves ./metrics for Prometheus, and ./healthz
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "")]
    #[arg(help_heading = "Watching")]
    pub serve: Option<Wish>,
    /// The gateway's address
    #[arg(long, value_name = "URL", default_value = apimodels::address())]
    #[arg(help_heading = "Where")]
    pub api_base: String,
    /// Send everything through this proxy: http://HOST:PORT. Proxies that the environment names are
    /// ignored
    #[arg(long, value_name = "URL", help_heading = "Where")]
    pub proxy: Option<ProxyFlag>,
    #[command(flatten)]
    pub campaign: Campaign,
}

/// What `run` does and `plan` foretells.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Work {
    /// The most the whole campaign may cost, all runs together, in dollars; `none` lifts the cap
    #[arg(long, value_name = "USD|none", help_heading = "Money and pace")]
    pub budget: Option<BudgetFlag>,
    /// Everything or nothing: buy nothing unless all of it fits under the cap, judged before the
    /// campaign's first purchase, and unless the account's balance, if the gateway tells it, is enough
    #[arg(long, help_heading = "Money and pace")]
    pub whole: bool,
    /// The most purchases to send in any second or minute: 2/s, 90/min
    #[arg(long, value_name = "N/s|N/min", help_heading = "Money and pace")]
    pub rate: Option<Rate>,
    /// The most shots rendering at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(help_heading = "Money and pace")]
    pub in_flight: Option<u32>,
    /// Models and prices from this file instead of the built-in ones
    #[arg(long, value_name = "FILE", help_heading = "Money and pace")]
    pub catalog: Option<PathBuf>,
    /// Only shots whose id matches, such as 'beach*'; several with commas, or with the flag again
    #[arg(long, value_name = "GLOB", help_heading = "Which shots")]
    pub only: Vec<Only>,
    /// The campaign's gateway has another address now: go on there
    #[arg(long, help_heading = "Where")]
    pub same_gateway: bool,
    /// Take clips that lie in the folder, and that no ledger knows, as bought: their price is booked
    #[arg(long, help_heading = "Which shots")]
    pub adopt: bool,
    /// Buy these shots although another campaign bought them already
    #[arg(long, help_heading = "Which shots")]
    pub separate: bool,
    /// Buy failed shots again, also expired ones, whose first purchase was paid
    #[arg(long, help_heading = "Which shots")]
    pub retry_failed: bool,
    /// Answer yes to what `run` asks on a terminal before it buys: without a cap, above $50, or shots
    /// that were bought before and changed
    #[arg(short = 'y', long, help_heading = "Money and pace")]
    pub yes: bool,
}

/// `rushes init`
#[derive(Debug, Args)]
#[command(after_help = "Writes shots.yaml and rushes.schema.json; never overwrites a file.")]
pub struct Init {
    /// The folder to write to; it is made if need be
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
}

/// `rushes plan`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rushes plan shots.yaml               what a run would do, and what it would cost
  rushes plan shots.yaml --budget 10   would ten dollars do?
  rushes plan shots.yaml -v            every shot, however many there are
  rushes plan shots.yaml --format csv > plan.csv
  rushes plan shots.yaml --format json | jq .total
  rushes plan shots.yaml --check || echo something is to be done

Exit codes with --check: 0 a run would do nothing · 10 it would buy something that fits under the
cap · 11 it would only poll or download · 2 a mistake, a refusal, or nothing fits (with --whole: not
all of it). Without --check: 0, or 2 for a mistake or a refusal.")]
pub struct Plan {
    #[command(flatten)]
    pub work: Work,
    #[command(flatten)]
    pub campaign: Campaign,
    /// Say with the exit code what a run would do
    #[arg(long)]
    pub check: bool,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t, value_name = "text|json|csv")]
    #[arg(hide_possible_values = true)]
    pub format: PlanFormat,
}

/// How a plan looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// A table.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// `rushes run`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rushes run shots.yaml --sim               rehearse on the simulator
  rushes run shots.yaml --budget 25         never more than $25, all runs together
  rushes run shots.yaml --only 'beach*'     these shots first
  rushes run shots.yaml --deadline 07:00    stop buying at seven
  rushes run shots.yaml --retry-failed      give failed shots another try
  rushes run shots.yaml --serve             watch it in a browser
  rushes run shots.yaml --out s3://films/summer   clips go to a bucket

Ctrl-C once: buys nothing more, writes down what is on the wire, leaves rendering shots to the next
run. Twice: leaves at once. The same command goes on from there.

Flags can stand in the environment, for other commands too: RUSHES_BUDGET=25,
RUSHES_IN_FLIGHT=10, RUSHES_WHOLE=1. A flag that is typed beats the environment,
the environment beats the manifest.

Exit codes: 0 every shot is delivered · 1 some are failed, in doubt, stalled or not fetched ·
2 nothing was sent: a mistake in the manifest, the flags or the set-up · 3 stopped early (cap,
credit, key, address, deadline, too many failures, disk) · 130 interrupted.")]
pub struct Run {
    #[command(flatten)]
    pub work: Work,
    /// Stop buying after so many shots failed in this run, or such a share of the last 50
    #[arg(long, value_name = "N|N%", help_heading = "When to stop")]
    pub max_failures: Option<MaxFailures>,
    /// Stop buying at this time (07:00, 2026-11-23T07:00, RFC 3339) or after this long (8h, 90m)
    #[arg(long, value_name = "TIME|DURATION", help_heading = "When to stop")]
    pub deadline: Option<Deadline>,
    /// Leave clips on the gateway; fetch them within 7 days with `rushes fetch`
    #[arg(long, help_heading = "When to stop")]
    pub no_download: bool,
    #[command(flatten)]
    pub online: Online,
}

/// `rushes status`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rushes status shots.yaml             where it stands, also while it runs
  rushes status shots.yaml --watch     again and again, until the run has ended
  rushes status shots.yaml --watch=60 | tee -a night.txt
  rushes status shots.yaml --format json | jq .counts")]
pub struct Status {
    /// Show it again every so many seconds [default: 2], until the run has ended or Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "2", value_parser = clap::value_parser!(u32).range(1..=86400))]
    pub watch: Option<u32>,
    /// How to print it; with --watch json is a line each time
    #[arg(long, value_enum, default_value_t, value_name = "text|json")]
    #[arg(hide_possible_values = true)]
    pub format: CheckFormat,
    #[command(flatten)]
    pub campaign: Campaign,
}

/// `rushes review`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rushes review shots.yaml                        the address is printed; Ctrl-C ends it
  rushes review shots.yaml --serve 8080           at that port
  rushes review shots.yaml --serve 0.0.0.0:8080   for other machines too

Buys nothing and needs no key. Picks, ratings, rejects and notes are kept in review.json in the campaign
folder; several windows and people may decide at once, also while a run goes on.")]
pub struct Review {
    /// Where the page is: 8080 at that port of this machine; 0.0.0.0:8080 for other machines too, with a
    /// secret in the address [default: port 7878 of this machine, or a free one]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "")]
    pub serve: Option<Wish>,
    #[command(flatten)]
    pub campaign: Campaign,
}

/// `rushes resolve`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true))]
#[command(override_usage = "rushes resolve [OPTIONS] <MANIFEST> <SHOT...|--all|--file FILE> \
    <--task-id ID | --not-bought [--task-id ID] | --resubmit | --abandon>")]
#[command(after_help = "\
A shot is in doubt when its purchase was sent and no answer came back: it may have been bought.
Look for it in the gateway's console, then say what you found:

  rushes resolve shots.yaml beach --task-id clx123   it was bought: this is its task
  rushes resolve shots.yaml beach --not-bought       it was not: its price is free, it can run again
  rushes resolve shots.yaml beach --resubmit         buy it again in any case; both prices count
  rushes resolve shots.yaml beach --abandon          give it up; its price stays reserved

Many at once, of which those in doubt are meant:

  rushes resolve shots.yaml 'beach*' --not-bought
  rushes resolve shots.yaml --all --not-bought
  rushes resolve shots.yaml --file ids.txt --abandon

A wrong task id can be replaced with --task-id until the clip is delivered. A price that stays
reserved for an earlier purchase of a shot is freed by --not-bought; if that purchase has a task, by
`--not-bought --task-id ID`. `rushes report` names these prices.

Stalled shots can be resolved too. An older text of a shot is named with its revision: beach~r1.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Resolve {
    #[command(flatten)]
    pub campaign: Campaign,
    /// The shots, by id, or patterns such as 'beach*' that mean those in doubt
    #[arg(required_unless_present_any = ["all", "file"], value_name = "SHOT")]
    pub shots: Vec<String>,
    /// Every shot in doubt
    #[arg(long)]
    pub all: bool,
    /// The shots in doubt among those in this file, one id a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The shot was bought: this is its task's id
    #[arg(long, value_name = "ID", group = "what")]
    pub task_id: Option<String>,
    /// The shots were not bought: free their prices and queue them again
    #[arg(long, group = "what")]
    pub not_bought: bool,
    /// Buy the shots again, even if they were bought; their old prices stay reserved
    #[arg(long, group = "what", conflicts_with_all = ["task_id", "not_bought", "abandon"])]
    pub resubmit: bool,
    /// Give the shots up; their prices stay reserved
    #[arg(long, group = "what", conflicts_with_all = ["task_id", "not_bought"])]
    pub abandon: bool,
    /// Taken and ignored, so that the flags of `run` can stay.
    #[arg(long, value_name = "URL", hide = true)]
    pub api_base: Option<String>,
}

/// `rushes fetch`
#[derive(Debug, Args)]
#[command(after_help = "\
Takes the key as `rushes run` does, and has the same exit codes. Polls and downloads are free.")]
pub struct Fetch {
    /// Only shots whose id matches, such as 'beach*'; several with commas, or with the flag again
    #[arg(long, value_name = "GLOB", help_heading = "Which shots")]
    pub only: Vec<Only>,
    /// The campaign's gateway has another address now: go on there
    #[arg(long, help_heading = "Where")]
    pub same_gateway: bool,
    #[command(flatten)]
    pub online: Online,
}
