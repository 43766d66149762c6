//! One campaign, one gateway: a run at another one would ask it for tasks that it does not know, and
//! buy the rest from another account.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::outcome::PollOutcome;
use crate::domain::webhook::{is_loopback, web_address};
use crate::ledger::{Home, Ledger, Note};
use crate::provider::{Provider, TaskHandle, same_gateway};
use crate::report::text::safe;

use super::error::CliError;
use super::settings::CampaignPaths;

/// The most tasks that are asked for to find out whether a gateway is an older ledger's.
const MAX_ASKED: usize = 5;
/// How long their answers are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Refuses a gateway that is not the campaign's.
pub fn keeps_to(home: &Home, address: &str, paths: &CampaignPaths) -> Result<(), CliError> {
    let Some(theirs) = home.gateway.as_deref().filter(|theirs| !same_gateway(theirs, address))
    else {
        return Ok(());
    };
    if is_local(theirs) != is_local(address) {
        return Err(mixed(theirs, address, paths));
    }
    if paths.is_moved() {
        return Ok(());
    }
    let (theirs, ours) = (base(theirs), base(address));
    let there = paths.clone().with_gateway(theirs);
    let what = format!(
        "this campaign was sent to {}, and {} may be another gateway: its tasks could not be \
         fetched there, and the rest would be bought from another account",
        safe(theirs),
        safe(ours)
    );
    Err(CliError::new(what)
        .help(format!("to finish what is there: {}", there.again("fetch", "")))
        .help(format!(
            "if it only has another address now: {}",
            again_with(paths, "--same-gateway")
        ))
        .help("to buy from another gateway, give it its own folder with --out"))
}

/// A stand-in on this machine, and a gateway elsewhere.
fn mixed(theirs: &str, address: &str, paths: &CampaignPaths) -> CliError {
    let there = paths.clone().with_gateway(base(theirs));
    let (what, how) = if is_local(theirs) {
        ("a stand-in on this machine, so nothing in it was bought for real", "for real purchases")
    } else {
        ("a gateway elsewhere, so its purchases are real", "to rehearse")
    };
    CliError::new(format!(
        "this campaign was sent to {} ({what}); {} is never mixed with it",
        safe(base(theirs)),
        safe(base(address))
    ))
    .help(format!("{how}, choose another folder: {}", again_with(paths, "--out DIR")))
    .help(format!("to go on with what is there: {}", there.again("run", "")))
}

/// The same campaign at the gateway that its purchases were sent to, if its ledger knows that.
#[must_use]
pub fn at_home(paths: &CampaignPaths, home: &Home) -> CampaignPaths {
    match &home.gateway {
        Some(address) => paths.clone().with_gateway(base(address)),
        None => paths.clone(),
    }
}

fn again_with(paths: &CampaignPaths, flag: &str) -> String {
    paths.again("run", flag)
}

/// Keeps the address that the user says the gateway has now.
pub async fn keep(ledger: &dyn Ledger, home: &Home, address: &Arc<str>) -> Result<(), CliError> {
    if home.gateway.as_deref().is_some_and(|theirs| !same_gateway(theirs, address)) {
        ledger.note(Note::MovedTo(Arc::clone(address))).await?;
    }
    Ok(())
}

/// Gives a ledger of an older version, which did not keep where it sent its requests, this gateway:
/// if that knows one of its open tasks, or none is open. Asking is free. A gateway that clearly knows
/// none of them is refused; without a clear answer the run itself will find out.
pub async fn take_up(
    ledger: &dyn Ledger,
    gateway: &dyn Provider,
    paths: &CampaignPaths,
) -> Result<(), CliError> {
    let home = ledger.snapshot()?.summary()?.home;
    if home.gateway.is_some() || !home.has_attempts {
        return Ok(());
    }
    let address = gateway.capabilities().origin.address;
    let open = ledger.snapshot()?.entries()?;
    let tasks: Vec<TaskHandle> = open
        .iter()
        .filter_map(|entry| entry.status.state.task())
        .take(MAX_ASKED)
        .map(|task| TaskHandle::new(task.clone()))
        .collect();
    let asked = async {
        let mut missing = 0;
        for task in &tasks {
            match gateway.poll(std::slice::from_ref(task)).await.pop() {
                Some(PollOutcome::Missing { .. }) => missing += 1,
                Some(
                    PollOutcome::Working { .. }
                    | PollOutcome::Completed { .. }
                    | PollOutcome::Failed { .. },
                ) => return Some(true),
                _ => return None,
            }
        }
        (missing > 0).then_some(false)
    };
    match tokio::time::timeout(PATIENCE, asked).await.ok().flatten() {
        Some(true) => Ok(ledger.note(Note::MovedTo(address)).await?),
        Some(false) if paths.is_moved() => Ok(ledger.note(Note::MovedTo(address)).await?),
        Some(false) => Err(CliError::new(format!(
            "{} knows none of the tasks that this campaign bought: it is another gateway, and the \
             rest would be bought from another account",
            safe(base(&address))
        ))
        .help("give the right one with --api-base URL; the tasks are fetched from there")
        .help(format!("if it is the right one: {}", again_with(paths, "--same-gateway")))),
        None => Ok(()),
    }
}

/// Whether an address is of this machine.
#[must_use]
pub fn is_local(address: &str) -> bool {
    web_address(address).is_ok_and(|(_, authority)| {
        let port = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
        is_loopback(port.map_or(authority, |at| &authority[..at]))
    })
}

/// What stands before the paths of the gateway, as it is typed.
pub fn base(address: &str) -> &str {
    let base = address.strip_suffix("/video/generations").unwrap_or(address);
    let base = base.strip_suffix("/api/v1").or_else(|| base.strip_suffix("/v1")).unwrap_or(base);
    base.trim_end_matches('/')
}
