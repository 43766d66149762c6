//! Asks on a terminal before a run buys what the user may not expect: without a cap, much at once, or
//! again what was bought before. Without a terminal nothing is asked.

use std::io::BufRead;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::domain::money::Usd;
use crate::ledger::{Entry, Kind};
use crate::plan::{Anew, Line, Plan, plan as lay_out};
use crate::policy::budget::Balance;
use crate::report::text::{dollars, plural, safe};

use super::args;
use super::consent::Consent;
use super::error::CliError;
use super::plan::cost;
use super::settings::LoadedCampaign;
use super::terminal::{self, Terminal};

/// A run that would buy for more than this is asked about, in dollars.
const MUCH: i64 = 50;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks, where there is something to be asked about; answers what was agreed to and is to be kept.
///
/// # Errors
/// When the user does not agree: nothing was changed.
pub fn ask(
    loaded: &LoadedCampaign,
    entries: &[Entry],
    work: &args::Work,
    terminal: &Terminal,
) -> Result<Option<Consent>, CliError> {
    if loaded.paths.kind != Kind::Gateway || !terminal::can_be_asked() {
        return Ok(None);
    }
    let plan = lay_out(&loaded.campaign.shots, entries, loaded.scope(work));
    let balance = loaded.kept.as_ref().map_or_else(Balance::default, |kept| kept.balance);
    let (shots, total) = plan.fit(&loaded.budget, &balance);
    let wanted = wanted(loaded, &plan, &balance, total);
    let is_harmless = !wanted.without_cap && !wanted.large && wanted.named.is_empty();
    if shots == 0 || is_harmless {
        return Ok(None);
    }
    if work.yes || Consent::kept(&loaded.paths).covers(&wanted) {
        return Ok(work.yes.then_some(wanted));
    }
    let screen = terminal.screen();
    for line in question(loaded, &plan, shots, total) {
        terminal.write(format!("{}\n", screen.with_command(&line, 0, 4)).as_bytes());
    }
    terminal.write(b"Buy? [y/N] ");
    let said = answer(|| std::io::stdin().lock(), PATIENCE);
    if said.is_none() {
        terminal.write(b"\n");
    }
    match said.as_deref().map(str::trim) {
        Some(yes) if yes.eq_ignore_ascii_case("y") || yes.eq_ignore_ascii_case("yes") => {
            Ok(Some(wanted))
        }
        said => {
            let why = if said.is_none() { "no answer within two minutes" } else { "not agreed" };
            let look = loaded.paths.again("plan", "");
            Err(CliError::new(format!("{why}: nothing was bought, nothing was changed"))
                .help(format!("to see what it would buy: {look}"))
                .help("to answer beforehand: --yes; to set a cap: --budget USD"))
        }
    }
}

/// What is to be agreed to.
fn wanted(loaded: &LoadedCampaign, plan: &Plan<'_>, balance: &Balance, total: Usd) -> Consent {
    let is_named =
        |line: &&Line<'_>| line.is_bought_anew() || line.action.buys() && line.price.is_none();
    let named = plan.lines.iter().filter(is_named);
    let key = |line: &Line<'_>| format!("{} {}", line.shot.id, line.shot.fingerprint);
    Consent {
        ledger: loaded.kept.as_ref().and_then(|kept| kept.home.id.clone()),
        total: (balance.spent + balance.reserved + total).to_string(),
        without_cap: loaded.budget.cap.is_none(),
        large: total > Usd::from_micros(MUCH * 1_000_000),
        named: named.map(key).collect(),
    }
}

/// What, how many, how much: a line each.
fn question(loaded: &LoadedCampaign, plan: &Plan<'_>, shots: usize, total: Usd) -> Vec<String> {
    let campaign = safe(&loaded.campaign.header.campaign);
    let unknown = match plan.unknown {
        0 => String::new(),
        some => format!(" and {} of unknown price", plural(some, "shot")),
    };
    let mut lines = vec![format!(
        "{campaign}: this run would buy {} for {}{unknown}",
        plural(shots, "shot"),
        dollars(total)
    )];
    let anew = |anew: &Anew, how: &str| {
        let (shots, state, cost) = (plural(anew.shots, "shot"), anew.state, cost(anew));
        format!("  {shots} {how}, {state} before: buying again costs {cost}")
    };
    let (changed, renamed) = (plan.changed(), plan.renamed());
    if changed.shots > 0 {
        lines.push(anew(&changed, "changed"));
    }
    if renamed.shots > 0 {
        lines.push(anew(&renamed, "under another id"));
    }
    if changed.shots + renamed.shots > 0 {
        lines.push(format!("  what changed: {}", loaded.paths.again("plan", "")));
    }
    match loaded.budget.cap {
        Some(cap) => lines.push(format!("  the cap is {}", dollars(cap))),
        None => lines.push("  there is no cap; --budget USD sets one".to_owned()),
    }
    lines
}

/// The line that `input` brings in time; `None` when none comes. The thread that reads ends with the line,
/// or with the program.
pub fn answer<R: BufRead>(
    input: impl FnOnce() -> R + Send + 'static,
    patience: Duration,
) -> Option<String> {
    let (sender, answers) = mpsc::channel();
    let read = move || {
        let mut line = String::new();
        if input().read_line(&mut line).is_ok() {
            drop(sender.send(line));
        }
    };
    thread::Builder::new().name("answer".to_owned()).spawn(read).ok()?;
    answers.recv_timeout(patience).ok()
}
