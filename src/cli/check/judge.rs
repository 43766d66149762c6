//! What each answer, date and number means for the night. Pure: whatever was asked or read comes as an
//! argument.

use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;

use crate::disk::file_system::Trouble;
use crate::domain::account::{Access, AccessVerdict, BalanceOutcome, Clocks, ModelsOutcome};
use crate::domain::money::Usd;
use crate::domain::sanitize::plain;
use crate::policy::budget::{Balance, Budget};
use crate::report::text::{dollars, plural, safe_path, span};

use super::finding::Finding;

/// The longest text from outside that is shown, in characters.
const MAX_TEXT: usize = 200;
/// An older catalog is warned of, in days.
const OLD_DAYS: i32 = 60;
/// Clocks further apart are warned of.
const APART: Duration = Duration::from_secs(120);
/// What a clip is guessed to take, in bytes, before any was delivered.
pub const GUESSED_CLIP: u64 = 20 << 20;
/// What the ledger, its reserve and the log need beside the clips, in bytes.
const BESIDE: u64 = 16 << 20;

/// What a run would buy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToBuy {
    /// How many shots.
    pub shots: usize,
    /// Their known prices.
    pub total: Usd,
    /// How many of them have no known price.
    pub unknown: usize,
    /// How many fit under the cap.
    pub fitting: usize,
}

/// The key and the address, by an answer of the gateway.
#[must_use]
pub fn gateway(access: &Access, address: &str) -> Finding {
    const NAME: &str = "gateway";
    match &access.verdict {
        AccessVerdict::Accepted => Finding::ok(NAME, format!("{address} takes the key")),
        AccessVerdict::BadKey { why } => {
            Finding::failed(NAME, format!("{address} refuses the key: {}", short(why)))
                .help("set the key to a valid one from the gateway's console")
        }
        AccessVerdict::NotTheGateway { why } => Finding::failed(
            NAME,
            format!("what answers at {address} is not the gateway: {}", short(why)),
        )
        .help("check --api-base"),
        AccessVerdict::Unclear { why } => Finding::warning(
            NAME,
            format!("{address} answers nothing that shows it: {}", short(why)),
        )
        .help("try again in a minute"),
        AccessVerdict::Unreached { why } => {
            Finding::failed(NAME, format!("{address} cannot be reached: {}", short(why)))
                .help("check the network and --api-base")
        }
    }
}

/// The balance against what is to be bought, as far as the cap lets it be bought.
#[must_use]
pub fn balance(told: &BalanceOutcome, buys: &ToBuy, budget: &Budget, money: &Balance) -> Finding {
    const NAME: &str = "balance";
    let available = match told {
        BalanceOutcome::Known(available) => available,
        BalanceOutcome::Unknown { why } => return Finding::not_checked(NAME, short(why)),
    };
    let needed = budget.left(money).map_or(buys.total, |left| buys.total.min(left));
    let reserved = match money.reserved {
        Usd::ZERO => String::new(),
        reserved => format!(" beside {} reserved for what was bought", dollars(reserved)),
    };
    let text = format!("{available}{reserved}");
    match available.against(needed) {
        None => Finding::not_checked(NAME, format!("{text} cannot be compared with dollars")),
        Some(Ordering::Less) => {
            Finding::warning(NAME, format!("{text}, and {} is needed", dollars(needed)))
                .help("top up the account; with --whole nothing would be bought")
        }
        Some(_) if buys.shots == 0 => Finding::ok(NAME, text),
        Some(_) => Finding::ok(NAME, format!("{text}; {} is needed", dollars(needed))),
    }
}

/// The cap against what is to be bought.
#[must_use]
pub fn cap(buys: &ToBuy, budget: &Budget, money: &Balance) -> Finding {
    const NAME: &str = "cap";
    if buys.shots == 0 {
        return Finding::ok(NAME, "nothing is left to buy");
    }
    let unknown = match buys.unknown {
        0 => String::new(),
        unknown => format!(" and {} of unknown price", plural(unknown, "shot")),
    };
    let (shots, total) = (plural(buys.shots, "shot"), dollars(buys.total));
    let Some((cap, left)) = budget.cap.zip(budget.left(money)) else {
        return Finding::warning(NAME, format!("none; {shots} to buy for {total}{unknown}"))
            .help("--budget USD sets one");
    };
    let room = format!("{} of {} left", dollars(left), dollars(cap));
    if buys.fitting == buys.shots {
        Finding::ok(NAME, format!("{room}; {shots} to buy for {total}"))
    } else {
        let fitting = buys.fitting;
        Finding::warning(
            NAME,
            format!("{room}, enough for {fitting} of {shots} to buy for {total}{unknown}"),
        )
        .help("--budget USD allows more; --whole buys all or nothing")
    }
}

/// The age of the catalog's prices. A clock that shows no date of any calendar tells none.
#[must_use]
pub fn prices(date: &str, today: Option<Date>) -> Finding {
    const NAME: &str = "prices";
    let (Ok(of), Some(today)) = (date.parse::<Date>(), today) else {
        return Finding::not_checked(
            NAME,
            format!("the catalog is of {date}; today's date is not known"),
        );
    };
    let days = today.since(of).map_or(0, |age| age.get_days());
    let text = match days {
        ..0 => format!("the catalog is of {date}, which is yet to come"),
        0 => format!("the catalog is of today, {date}"),
        days => {
            let count = usize::try_from(days).unwrap_or_default();
            format!("the catalog is of {date}, {} old", plural(count, "day"))
        }
    };
    if (0..=OLD_DAYS).contains(&days) {
        Finding::ok(NAME, text)
    } else {
        Finding::warning(NAME, text).help("compare it with the gateway's page; --catalog FILE")
    }
}

/// The models that are to be bought against the gateway's list.
#[must_use]
pub fn models(told: &ModelsOutcome, wanted: &[&str]) -> Finding {
    const NAME: &str = "models";
    let listed = match told {
        ModelsOutcome::Listed(ids) => ids,
        ModelsOutcome::Unknown { why } => return Finding::not_checked(NAME, short(why)),
    };
    let is_missing = |name: &&&str| !listed.iter().any(|id| id.eq_ignore_ascii_case(name));
    let missing: Vec<&str> = wanted.iter().filter(is_missing).copied().collect();
    if missing.is_empty() {
        let found = if wanted.is_empty() { "none is needed".to_owned() } else { wanted.join(", ") };
        return Finding::ok(NAME, format!("{found}; the gateway lists {}", listed.len()));
    }
    Finding::warning(NAME, format!("the gateway does not list {}", short(&missing.join(", "))))
        .help("see its page: it may refuse each of these shots")
}

/// Our clock against the gateway's.
#[must_use]
pub fn clock(clocks: Option<Clocks>) -> Finding {
    const NAME: &str = "clock";
    let Some(Clocks { theirs, ours }) = clocks else {
        return Finding::not_checked(NAME, "no answer of the gateway had a date");
    };
    let (apart, way) = if ours > theirs {
        (ours.since(theirs), "ahead of")
    } else {
        (theirs.since(ours), "behind")
    };
    if apart <= APART {
        return Finding::ok(NAME, "as the gateway's");
    }
    Finding::warning(NAME, format!("{} {way} the gateway's", span(apart)))
        .help("set it right: --deadline and the clips' lifetime go by it")
}

/// What is expected on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Shots whose clips are to come.
    pub shots: usize,
    /// Bytes of a shot's clips: this campaign's own, or [`GUESSED_CLIP`].
    pub each: u64,
    /// Whether that is a guess.
    pub is_guess: bool,
}

/// The room on the disk against the clips to come.
#[must_use]
pub fn disk(free: u64, expected: &Expected) -> Finding {
    const NAME: &str = "disk";
    let needed = expected.each.saturating_mul(expected.shots as u64).saturating_add(BESIDE);
    let basis = if expected.is_guess { "a guess of" } else { "as so far," };
    let text = format!(
        "{} free; {} to come take about {} ({basis} {} each)",
        bytes(free),
        plural(expected.shots, "clip"),
        bytes(needed),
        bytes(expected.each)
    );
    let help = "make room, or choose another disk with --out";
    if expected.shots == 0 {
        Finding::ok(NAME, format!("{} free; no clip is to come", bytes(free)))
    } else if free < BESIDE || (free < needed && !expected.is_guess) {
        Finding::failed(NAME, text).help(help)
    } else if free < needed {
        Finding::warning(NAME, text).help(help)
    } else {
        Finding::ok(NAME, text)
    }
}

/// What the campaign folder lies on.
#[must_use]
pub fn folder(path: &Path, file_system: Option<&str>, trouble: Option<Trouble>) -> Finding {
    const NAME: &str = "folder";
    let shown = safe_path(path);
    let kind = file_system.map(|kind| format!(" ({})", short(kind))).unwrap_or_default();
    let elsewhere = "--ledger FILE puts the ledger on a local disk, --out DIR everything";
    match trouble {
        None if file_system.is_none() => {
            Finding::ok(NAME, format!("{shown}; its file system is not known here"))
        }
        None => Finding::ok(NAME, format!("{shown}{kind}")),
        Some(Trouble::Network) => {
            Finding::warning(NAME, format!("{shown} lies on another machine{kind}")).help(elsewhere)
        }
        Some(Trouble::Fat) => {
            Finding::warning(NAME, format!("{shown} lies on FAT or exFAT{kind}")).help(elsewhere)
        }
        Some(Trouble::Memory) => Finding::warning(
            NAME,
            format!("{shown} lies in memory{kind}: a restart loses ledger and clips"),
        )
        .help("choose a folder on a disk with --out"),
        Some(Trouble::Synced(service)) => {
            Finding::warning(NAME, format!("{shown} is copied away by {service}")).help(elsewhere)
        }
    }
}

/// `20 MiB`, `1.5 GiB`.
fn bytes(count: u64) -> String {
    const MIB: u64 = 1 << 20;
    match count / MIB {
        0 => format!("{} KiB", count / 1024),
        mib @ 1..1024 => format!("{mib} MiB"),
        mib => format!("{}.{} GiB", mib / 1024, mib % 1024 * 10 / 1024),
    }
}

fn short(text: &str) -> String {
    plain(text, MAX_TEXT)
}
