//! A campaign's steps in a row, a line each: what is done, what the gateway makes of it, who is
//! posted, and where the money lies afterwards. `live` lives them.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rushes::catalog::Catalog;
use rushes::domain::money::Usd;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome};
use rushes::domain::shot::{Fingerprint, Shot, ShotId};
use rushes::domain::state::OnDoubt;
use rushes::manifest::{Reading, load};
use rushes::policy::budget::{Balance, Budget};
use rushes::provider::apimodels::is_from_proxy;
use rushes::scheduler::CancelToken;

use crate::scheduler::stage::{Puppet, Stage, bought, clip, completed, shot};

/// What the gateway makes of a request, from its POST to its clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gateway {
    Renders,
    /// Completed with several URLs, some of them twice, and others at every poll.
    RendersOften,
    /// Completed, and the clips are not there; for as long as somebody is `Gone`, nobody's are.
    Gone,
    Fails,
    /// Works on it for ever.
    Stalls,
    /// Knows nothing of the task.
    Forgets,
    /// Works on it, and the user stops the run as soon as it is asked.
    IsLeft,
    /// The run is killed with the POST on the wire.
    Kills,
    Doubts,
    /// 500.
    Breaks,
    /// 502.
    Proxies,
    Rejects,
}

/// What is done.
#[derive(Clone, Copy)]
pub enum Does {
    Run,
    /// `rushes resolve` with these words.
    Resolve(&'static str),
    /// The same, and it is refused.
    CannotResolve(&'static str),
}

/// What `--catalog` says.
#[derive(Clone, Copy)]
pub struct Prices {
    /// Of a second; a shot has five.
    pub second: &'static str,
    pub failed_tasks: &'static str,
}

/// One step of a campaign.
#[derive(Clone, Copy)]
pub struct Step {
    pub does: Does,
    /// So many days after the last one.
    pub days: i64,
    pub gateway: Gateway,
    /// What it makes of these instead.
    pub but: &'static [(&'static str, Gateway)],
    /// The cap and whether it is strict; `None` leaves the ledger's.
    pub budget: Option<(Option<&'static str>, bool)>,
    pub retry_failed: bool,
    /// `on_doubt: resubmit`.
    pub resubmits: bool,
    pub only: Option<&'static str>,
    pub charged: bool,
    /// The manifest's texts and their prices today; `""` is unknown. The text of shot `a` is `a`,
    /// and `a*`, `a**`, … once it is edited.
    pub shots: &'static [(&'static str, &'static str)],
    /// Prices and terms from a real catalog file instead.
    pub catalog: Option<Prices>,
    /// Who is posted, in order.
    pub posts: &'static [&'static str],
    /// `spent`, `reserved`, `unconfirmed` after it.
    pub money: [&'static str; 3],
    /// How these texts stand after it.
    pub stand: &'static [(&'static str, &'static str)],
}

pub const RUN: Step = Step {
    does: Does::Run,
    days: 0,
    gateway: Gateway::Renders,
    but: &[],
    budget: None,
    retry_failed: false,
    resubmits: false,
    only: None,
    charged: false,
    shots: &[("a", "1"), ("b", "1"), ("c", "1")],
    catalog: None,
    posts: &[],
    money: ["0", "0", "0"],
    stand: &[],
};

pub const fn resolve(words: &'static str, money: [&'static str; 3]) -> Step {
    Step { does: Does::Resolve(words), money, ..RUN }
}

pub const fn cannot_resolve(words: &'static str, money: [&'static str; 3]) -> Step {
    Step { does: Does::CannotResolve(words), money, ..RUN }
}

#[expect(clippy::unnecessary_wraps, reason = "short words keep the tables tables")]
pub const fn cap(dollars: &'static str) -> Option<(Option<&'static str>, bool)> {
    Some((Some(dollars), false))
}

#[expect(clippy::unnecessary_wraps, reason = "short words keep the tables tables")]
pub const fn strict(dollars: &'static str) -> Option<(Option<&'static str>, bool)> {
    Some((Some(dollars), true))
}

/// A name and what happens under it.
pub type Scenario = (&'static str, Vec<Step>);

pub async fn live(scenarios: Vec<Scenario>) {
    for (name, steps) in scenarios {
        let mut stage = Stage::new();
        stage.options.limits.attempts = 1;
        stage.options.limits.fetch_patience = std::time::Duration::ZERO;
        stage.options.rules.attempts = 1;
        let mut budget = Budget::default();
        for (nth, step) in (1..).zip(&steps) {
            let at = format!("{name}, step {nth}");
            stage.clock.jump(24 * step.days);
            match step.does {
                Does::Run => run(&mut stage, &mut budget, step, nth, &at).await,
                Does::Resolve(words) => assert_eq!(resolved(&stage, words), Some(0), "{at}"),
                Does::CannotResolve(words) => assert_eq!(resolved(&stage, words), Some(2), "{at}"),
            }
            let usd = |dollars: &str| dollars.parse::<Usd>().unwrap();
            let [spent, reserved, unconfirmed] = step.money.map(usd);
            let balance = balance_of(&stage.ledger());
            assert_eq!(balance, Balance { spent, reserved, unconfirmed }, "{at}");
            for (text, state) in step.stand {
                assert_eq!(stands(&stage, text), *state, "{at}: {text}");
            }
        }
    }
}

async fn run(stage: &mut Stage, budget: &mut Budget, step: &Step, nth: usize, at: &str) {
    stage.budget = step.budget.map(|(cap, strict)| {
        *budget = Budget { cap: cap.map(|cap| cap.parse().unwrap()), strict };
        *budget
    });
    stage.stop = CancelToken::default();
    let glob = |glob| globset::Glob::new(glob).unwrap().compile_matcher();
    stage.options.only = step.only.map(glob);
    stage.options.retry_failed = step.retry_failed;
    stage.options.rules.strict = budget.strict;
    stage.options.rules.on_doubt = if step.resubmits { OnDoubt::Resubmit } else { OnDoubt::Hold };
    stage.options.rules.failed_tasks_charged = step.charged;
    let mut shots = today(step.shots);
    if let Some(prices) = step.catalog {
        let catalog = catalog(prices);
        stage.options.rules.failed_tasks_charged = catalog.failed_tasks_charged();
        shots = listed(&catalog, step.shots);
    }

    let over = Arc::new(Mutex::new(Vec::new()));
    let puppet = Arc::new(puppet(stage, step, nth, *budget, Arc::clone(&over)));
    // Whoever is killed waits for an answer by then, and everybody else is done.
    let dies = step.makes().any(|makes| makes == Gateway::Kills);
    let lasts = Duration::from_secs(if dies { 60 } else { 24 * 3600 });
    let ended = tokio::time::timeout(lasts, stage.run(&shots, &puppet)).await;
    assert_eq!(ended.is_err(), dies, "{at}");
    // What is aborted is gone only when its turn comes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(over.lock().unwrap().is_empty(), "{at}: over the cap: {over:?}");
    assert_eq!(puppet.posted(), step.posts, "{at}");
}

impl Step {
    fn makes(&self) -> impl Iterator<Item = Gateway> {
        std::iter::once(self.gateway).chain(self.but.iter().map(|(_, makes)| *makes))
    }

    fn makes_of(&self, text: &str) -> Gateway {
        self.but.iter().find(|(of, _)| *of == text).map_or(self.gateway, |(_, makes)| *makes)
    }
}

/// The gateway of one run, which looks at the books before every POST.
fn puppet(
    stage: &Stage,
    step: &Step,
    nth: usize,
    budget: Budget,
    over: Arc<Mutex<Vec<(String, Balance)>>>,
) -> Puppet {
    let (ledger, button, step) = (stage.ledger(), stage.stop.clone(), *step);
    let why = || "because".to_owned();
    let broken = move |status| SubmitOutcome::ServerError {
        status,
        from_proxy: is_from_proxy(status),
        retry_after: None,
        why: why(),
    };
    let gone = step.makes().any(|makes| makes == Gateway::Gone);
    Puppet::default()
        .on_slow_submit(move |prompt, _| {
            // Its own price is among what is reserved by now.
            let balance = balance_of(&ledger);
            if budget.cap.is_some_and(|cap| budget.committed(&balance) > cap) {
                over.lock().unwrap().push((prompt.to_owned(), balance));
            }
            let task = || bought(&format!("{prompt}-{nth}"));
            let soon = Duration::from_millis(20);
            match step.makes_of(prompt) {
                Gateway::Doubts => (soon, SubmitOutcome::Doubtful { why: why(), answer: None }),
                Gateway::Breaks => (soon, broken(500)),
                Gateway::Proxies => (soon, broken(502)),
                Gateway::Rejects => (soon, SubmitOutcome::Rejected { why: why() }),
                Gateway::Kills => (Duration::from_secs(3600), task()),
                _ => (soon, task()),
            }
        })
        .on_poll(move |task, poll| match step.makes_of(text_of(task)) {
            Gateway::Fails => PollOutcome::failed(why()),
            Gateway::Forgets => PollOutcome::Missing { why: why() },
            Gateway::Stalls => PollOutcome::Working { is_waiting: false, unknown: None },
            Gateway::IsLeft => {
                button.cancel();
                PollOutcome::Working { is_waiting: false, unknown: None }
            }
            Gateway::RendersOften => {
                let url = |n: usize| format!("http://host/{poll}/{n}.mp4");
                let urls = vec![url(1), url(1), url(2), url(nth)];
                PollOutcome::Completed { urls, completed_at: None }
            }
            _ => completed(),
        })
        .on_fetch(move |_| if gone { Err(DownloadError::Gone { why: why() }) } else { Ok(clip()) })
}

/// `task-a*-3` is what step 3 bought for `a*`.
fn text_of(task: &str) -> &str {
    task.strip_prefix("task-").unwrap().rsplit_once('-').unwrap().0
}

fn id_of(text: &str) -> &str {
    text.trim_end_matches('*')
}

fn today(shots: &[(&str, &str)]) -> Vec<Shot> {
    let edited = |(text, cost): &(&str, &str)| {
        let id = ShotId::new(id_of(text)).unwrap();
        let price = (!cost.is_empty()).then(|| cost.parse().unwrap());
        Shot { id, clip_name: id_of(text).into(), price, ..text_alone(text) }
    };
    shots.iter().map(edited).collect()
}

/// A shot with the request and the fingerprint of a text.
fn text_alone(text: &str) -> Shot {
    let plain = shot(id_of(text));
    let mut fingerprint = *plain.fingerprint.as_bytes();
    fingerprint[15] = u8::try_from(text.len() - id_of(text).len()).unwrap();
    let mut request = plain.request.clone();
    request.json = format!(r#"{{"prompt":"{text}"}}"#).into();
    Shot { request, fingerprint: Fingerprint::from_bytes(fingerprint), ..plain }
}

fn catalog(prices: Prices) -> Catalog {
    let builtin = include_str!("../../../src/catalog/kling-2026-11-22.yaml");
    let text = builtin
        .replace("per_second: 0.0633", &format!("per_second: {}", prices.second))
        .replace("failed_tasks: free", &format!("failed_tasks: {}", prices.failed_tasks));
    Catalog::parse(&text).unwrap()
}

/// The shots of a real manifest by this catalog.
fn listed(catalog: &Catalog, shots: &[(&str, &str)]) -> Vec<Shot> {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("shots.yaml");
    let line = |(text, _): &(&str, &str)| {
        format!("  - {{id: {}, model: kling-v3, prompt: \"{text}\"}}\n", id_of(text))
    };
    let lines: String = shots.iter().map(line).collect();
    let text = format!("campaign: stage\nshots:\n{lines}");
    std::fs::write(&manifest, text).unwrap();
    load(&manifest, &Reading { catalog, capped: Some(true), color: false }).unwrap().shots
}

/// Has the real program resolve something; how it ended.
fn resolved(stage: &Stage, words: &str) -> Option<i32> {
    let ledger = stage.ledger();
    let manifest = ledger.with_file_name("stage.yaml");
    std::fs::write(&manifest, "campaign: stage\nshots: []\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
    command.env_clear().arg("resolve").arg(manifest).args(words.split(' '));
    command.arg("--ledger").arg(ledger).output().unwrap().status.code()
}

fn stands(stage: &Stage, text: &str) -> &'static str {
    let rows = stage.rows();
    let says = |request: &str| {
        serde_json::from_str::<serde_json::Value>(request).unwrap()["prompt"] == text
    };
    rows.iter()
        .find(|row| says(&row.request))
        .map_or("unknown", |row| row.entry.status.state.name())
}

/// The sums of the movements themselves, not the ledger's running totals; the two must agree.
fn balance_of(ledger: &Path) -> Balance {
    let reader = rushes::ledger::LedgerAddress::file(ledger).snapshot().unwrap();
    let balance = reader.summary().unwrap().balance;
    let conn = rusqlite::Connection::open(ledger).unwrap();
    let sum = |account: &str| {
        let sql = "SELECT coalesce(sum(micro), 0) FROM money WHERE account = ?1";
        let micros: i64 = conn.query_row(sql, [account], |row| row.get(0)).unwrap();
        Usd::from_micros(micros)
    };
    let summed =
        Balance { spent: sum("spent"), reserved: sum("reserved"), unconfirmed: sum("unconfirmed") };
    assert_eq!(summed, balance, "the books do not add up");
    balance
}
