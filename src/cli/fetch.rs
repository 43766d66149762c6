//! `rushes fetch`: polls and downloads what is paid for; submits nothing.

use std::io::Write;

use crate::scheduler::RunOptions;

use super::error::CliError;
use super::exit::Exit;
use super::notifier::Notifier;
use super::run::{Door, Work, gateway, http, key_for};
use super::runtime::runtime;
use super::settings::{CampaignPaths, catalog, rules};
use super::terminal::{Terminal, var};
use super::{args, logging, serve};

/// Fetches a campaign's clips.
///
/// # Errors
/// Whatever keeps it from asking the gateway.
pub fn fetch(
    args: &args::Fetch,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let log = logging::start_with_log(args.campaign.logs, terminal);
    let paths = CampaignPaths::find(&args.campaign, terminal.color)?.with_gateway(&args.api);
    let kept = paths.existing()?.summary()?;
    let key = key_for(&paths)?;
    let limits = paths.header.limits.clone();
    let catalog = catalog(None)?;
    // Nothing is bought, so nothing is asked about what a failed task would cost.
    let rules = rules(&paths.header, &limits, kept.budget, false);
    let check_charges = paths.header.check_charges;
    let options = RunOptions { rules, submit: false, check_charges, ..RunOptions::new(limits) };
    runtime()?.block_on(async {
        let http = http(key, &args.api, &options.limits)?;
        let door = Door::open(&paths.header).await?;
        let port = serve::take(args.serve.serve).await?;
        let notifier = Notifier::of(&paths.header, "rushes fetch", var)?;
        let (ledger, log) = paths.open("rushes fetch", &log)?;
        let gateway = gateway(http, &args.campaign, &paths, catalog, &options.limits)?;
        let work = Work { paths: &paths, shots: [].into(), options, door, port, log, notifier };
        work.drive(ledger, gateway, terminal, out).await
    })
}
