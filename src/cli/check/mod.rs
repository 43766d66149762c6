//! `rushes check`: whether the night will work. Reads, and asks what is free; buys nothing and changes
//! nothing.

mod belonging;
mod bucket;
pub mod finding;
mod gather;
pub mod judge;
mod told;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::disk::file_system;
use crate::domain::account::{AccessVerdict, BalanceOutcome};
use crate::domain::sanitize::json_text;
use crate::domain::time::SystemClock;
use crate::policy::limits::Limits;
use crate::provider::{HttpProvider, HttpSettings, PROXY_VARIABLES, Provider};
use crate::report::text::Screen;
use crate::simulator::{SimOptions, SimState, Simulator};

use super::args::{self, CheckFormat};
use super::error::CliError;
use super::exit::Exit;
use super::settings::CampaignPaths;
use super::terminal::{Terminal, screen, var};
use super::{key, logging, runtime};

use finding::{Finding, Verdict, is_ready, text};
use gather::Night;

/// Where standard output is no terminal.
const USUAL_WIDTH: usize = 80;
/// How long each free question may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks, prints what was found, and says whether a run would work.
pub fn check(
    args: &args::Check,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    logging::start(args.logs, terminal);
    let (mut findings, night) = match args.campaign() {
        Some(typed) => {
            gather::campaign(&typed, &args.api_base, args.proxy.as_ref(), terminal.color)
        }
        None => (Vec::new(), Night::default()),
    };
    findings.extend(asked(args, &night)?);
    if let Some(folder) = &night.folder {
        findings.extend(on_disk(folder, &night));
    }
    findings.extend(night.last);
    if args.notify {
        let header = args.campaign().and_then(|typed| CampaignPaths::find(&typed, false).ok());
        findings.push(told::message(header.as_ref().map(|paths| &paths.header)));
    }
    match args.format {
        CheckFormat::Text => {
            let screen = screen();
            let width = Some(screen.width.unwrap_or(USUAL_WIDTH));
            write!(out, "{}", text(&findings, Screen { width, ..screen }))?;
        }
        CheckFormat::Json => {
            let ready = is_ready(&findings);
            writeln!(out, "{{\"ready\": {ready}, \"findings\": {}}}", json_text(&findings)?)?;
        }
    }
    out.flush()?;
    Ok(if is_ready(&findings) { Exit::Delivered } else { Exit::NotStarted })
}

/// What the gateway, or the simulator, answers.
fn asked(args: &args::Check, night: &Night) -> Result<Vec<Finding>, CliError> {
    let (mut findings, provider) = match &args.sim {
        Some(options) => {
            let found = Finding::ok("key", "none is needed for the simulator");
            (vec![found], simulator(options, night.folder.as_deref()))
        }
        None => gateway(args),
    };
    let prices = judge::prices(night.catalog().date(), gather::today());
    let provider = match provider {
        Ok(provider) => provider,
        Err(why) => {
            let names = ["gateway", "balance", "models", "clock"];
            findings.extend(names.map(|name| Finding::not_checked(name, &why)));
            findings.push(prices);
            return Ok(findings);
        }
    };
    let at = if args.sim.is_some() { "the simulator" } else { args.api_base.as_str() };
    let (access, told, models) = runtime()?.block_on(async {
        futures::join!(provider.access(), provider.balance(), provider.models())
    });
    let mut access = access;
    // Who tells the balance has taken the key.
    if matches!(told, BalanceOutcome::Known(_))
        && matches!(access.verdict, AccessVerdict::Unclear { .. })
    {
        access.verdict = AccessVerdict::Accepted;
    }
    let found = judge::gateway(&access, at);
    let is_told = found.verdict != Verdict::Failed;
    findings.push(found);
    if !is_told {
        let names = ["balance", "models", "clock"];
        findings.extend(names.map(|name| Finding::not_checked(name, "see gateway")));
        findings.push(prices);
        return Ok(findings);
    }
    findings.push(judge::balance(&told, &night.buys, &night.budget, &night.money));
    findings.push(prices);
    let wanted: Vec<&str> = night.models.iter().map(String::as_str).collect();
    findings.push(judge::models(&models, &wanted));
    findings.push(judge::clock(access.clocks));
    Ok(findings)
}

type Opened = Result<Arc<dyn Provider>, String>;

fn simulator(options: &SimOptions, folder: Option<&Path>) -> Opened {
    let options = SimOptions { dir: folder.map(Path::to_owned), ..options.clone() };
    let state = SimState::look(options, Catalog::builtin()).map_err(|error| error.to_string())?;
    let timeout = Limits::default().submit_timeout;
    Ok(Arc::new(Simulator::new(state, Arc::new(SystemClock), timeout)))
}

fn gateway(args: &args::Check) -> (Vec<Finding>, Opened) {
    let key = match key::key(var) {
        Ok(key) => key,
        Err(error) => {
            let (what, help) = error.in_words();
            let found = Finding::failed("key", what);
            let found = match help {
                Some(help) => found.help(help),
                None => found,
            };
            return (vec![found], Err("there is no key".to_owned()));
        }
    };
    let timeout = Limits::default().submit_timeout;
    let proxy = match args.proxy.clone().map(|flag| flag.0).transpose() {
        Ok(proxy) => proxy,
        Err(error) => {
            let found = Finding::failed("gateway", error.to_string()).help("check --proxy");
            return (vec![found], Err("the proxy cannot be used".to_owned()));
        }
    };
    let is_set = |name: &&&str| proxy.is_none() && var(name).is_some();
    let ignored_proxy = PROXY_VARIABLES.iter().find(is_set).copied();
    let settings = HttpSettings::new(args.api_base.clone(), key, timeout, Arc::new(SystemClock));
    match HttpProvider::new(HttpSettings {
        poll_timeout: PATIENCE,
        proxy,
        ignored_proxy,
        ..settings
    }) {
        Ok(provider) => (vec![Finding::ok("key", "there is one")], Ok(Arc::new(provider))),
        Err(error) => {
            let found = Finding::failed("gateway", error.to_string()).help("check --api-base");
            (vec![found], Err("the address or the key cannot be used".to_owned()))
        }
    }
}

/// Room and file system of the campaign folder.
fn on_disk(folder: &Path, night: &Night) -> Vec<Finding> {
    let nearest = match file_system::nearest(folder) {
        Ok(nearest) => nearest,
        Err(error) => {
            let why = error.to_string();
            return ["folder", "disk"].map(|name| Finding::not_checked(name, &why)).into();
        }
    };
    let placed = if let Err(error) = file_system::may_write(&nearest) {
        let what = format!("{} cannot be written: {error}", nearest.display());
        Finding::failed("folder", what).help("choose another folder with --out")
    } else {
        let kind = file_system::file_system_of(&nearest);
        let trouble = file_system::trouble(kind.as_deref(), &nearest);
        judge::folder(folder, kind.as_deref(), trouble)
    };
    let room = match file_system::room(&nearest) {
        Ok(free) => judge::disk(free, &night.expected),
        Err(error) => Finding::not_checked("disk", error.to_string()),
    };
    vec![placed, room]
}
