//! The edges of the cap, lived by whole runs in virtual time: before every POST what is committed
//! and this price are within the cap, no run buys what another bought, and the books add up.

use std::sync::{Arc, Mutex};

use rushes::answer::{Polled, Submitted};
use rushes::money::Usd;
use rushes::policy::budget::{Balance, Budget};
use rushes::shot::Shot;

use crate::scheduler::stage::{Puppet, Stage, bought, completed, shot};

/// What the gateway does about the shots of a run.
#[derive(Clone, Copy)]
enum Gateway {
    Renders,
    Fails,
    Doubts,
    Breaks,
}

/// One run of a campaign.
#[derive(Clone, Copy)]
struct Run {
    gateway: Gateway,
    /// The cap and whether it is strict; `None` leaves the ledger's.
    budget: Option<(Option<&'static str>, bool)>,
    retry_failed: bool,
    charged: bool,
    /// The shots and their prices today; `""` is unknown.
    shots: &'static [(&'static str, &'static str)],
    /// Who is posted in this run, in order.
    posts: &'static [&'static str],
    /// `spent`, `reserved`, `unconfirmed` after it.
    money: [&'static str; 3],
}

const RUN: Run = Run {
    gateway: Gateway::Renders,
    budget: None,
    retry_failed: false,
    charged: false,
    shots: &[("a", "1"), ("b", "1"), ("c", "1")],
    posts: &[],
    money: ["0", "0", "0"],
};

#[expect(clippy::unnecessary_wraps, reason = "short words keep the table a table")]
const fn cap(dollars: &'static str) -> Option<(Option<&'static str>, bool)> {
    Some((Some(dollars), false))
}

#[expect(clippy::unnecessary_wraps, reason = "short words keep the table a table")]
const fn strict(dollars: &'static str) -> Option<(Option<&'static str>, bool)> {
    Some((Some(dollars), true))
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn scenarios() -> Vec<(&'static str, Vec<Run>)> {
    use Gateway::{Breaks, Doubts, Fails};
    const DEAR: &[(&str, &str)] = &[("a", "2"), ("b", "2"), ("c", "2")];
    const UNKNOWN: &[(&str, &str)] = &[("a", ""), ("b", ""), ("c", "")];
    let two = Run { budget: cap("2"), posts: &["a", "b"], money: ["2", "0", "0"], ..RUN };
    let doubts = Run { gateway: Doubts, money: ["0", "2", "0"], ..two };
    let fails = Run { gateway: Fails, posts: &["a", "b", "c"], money: ["0", "0", "0"], ..two };
    let breaks = Run { gateway: Breaks, posts: &["a"], money: ["0", "0", "1"], ..two };
    vec![
        (
            "raised",
            vec![two, Run { posts: &["c"], money: ["3", "0", "0"], budget: cap("3"), ..RUN }],
        ),
        (
            "lowered below what is spent, then nothing at all, then none",
            vec![
                two,
                Run { budget: cap("1"), posts: &[], ..two },
                Run { budget: cap("0"), posts: &[], ..two },
                Run { budget: None, posts: &[], ..two },
                Run { budget: Some((None, false)), posts: &["c"], money: ["3", "0", "0"], ..two },
            ],
        ),
        ("nothing from the start", vec![Run { budget: cap("0"), ..RUN }]),
        (
            "dearer today: what is reserved keeps its price",
            vec![
                doubts,
                Run { budget: cap("3.99"), shots: DEAR, posts: &[], ..doubts },
                Run {
                    gateway: Gateway::Renders,
                    budget: cap("4"),
                    shots: DEAR,
                    posts: &["c"],
                    money: ["2", "2", "0"],
                    ..RUN
                },
            ],
        ),
        (
            "unknown today: what is reserved keeps its price and nothing is bought under a cap",
            vec![
                doubts,
                Run { budget: cap("9"), shots: UNKNOWN, posts: &[], ..doubts },
                Run { posts: &["c"], money: ["1", "2", "0"], ..RUN },
            ],
        ),
        (
            "unknown without a cap, then a cap and a price",
            vec![
                Run { shots: &[("a", "")], posts: &["a"], ..RUN },
                Run { budget: cap("1"), posts: &["b"], money: ["1", "0", "0"], ..RUN },
            ],
        ),
        (
            "free failures are tried again under a cap that allows only some",
            vec![
                Run { shots: &[("a", "1"), ("b", "1")], posts: &["a", "b"], ..fails },
                Run {
                    shots: &[("a", "1"), ("b", "1")],
                    posts: &["a"],
                    budget: cap("1"),
                    retry_failed: true,
                    money: ["1", "0", "0"],
                    ..RUN
                },
            ],
        ),
        (
            "charged failures count, also once the catalog calls them free",
            vec![
                Run { charged: true, posts: &["a", "b"], money: ["2", "0", "0"], ..fails },
                Run { retry_failed: true, posts: &[], money: ["2", "0", "0"], ..RUN },
                Run {
                    retry_failed: true,
                    posts: &["a"],
                    budget: cap("3"),
                    money: ["3", "0", "0"],
                    ..RUN
                },
            ],
        ),
        (
            "strict counts what is unconfirmed, and not once it is switched off",
            vec![
                Run { shots: &[("a", "1")], budget: strict("2"), ..breaks },
                Run {
                    shots: &[("b", "1"), ("c", "1")],
                    budget: strict("2"),
                    posts: &["b"],
                    money: ["1", "0", "1"],
                    ..RUN
                },
                Run {
                    shots: &[("c", "1")],
                    budget: cap("2"),
                    posts: &["c"],
                    money: ["2", "0", "1"],
                    ..RUN
                },
                Run {
                    shots: &[("b", "1")],
                    budget: strict("2"),
                    posts: &[],
                    money: ["2", "0", "1"],
                    ..RUN
                },
            ],
        ),
    ]
}

fn today(shots: &[(&str, &str)]) -> Vec<Shot> {
    let price = |price: &str| (!price.is_empty()).then(|| price.parse().unwrap());
    shots.iter().map(|(id, cost)| Shot { price: price(cost), ..shot(id) }).collect()
}

async fn live(name: &str, runs: &[Run]) {
    let mut stage = Stage::new();
    stage.orders.limits.attempts = 1;
    stage.orders.rules.attempts = 1;
    let mut budget = Budget::default();
    for (nth, run) in runs.iter().enumerate() {
        let at = format!("{name}, run {}", nth + 1);
        stage.budget = run.budget.map(|(cap, strict)| {
            budget = Budget { cap: cap.map(|cap| cap.parse().unwrap()), strict };
            budget
        });
        stage.orders.retry_failed = run.retry_failed;
        stage.orders.rules.failed_tasks_charged = run.charged;
        let over = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&over);
        let ledger = stage.ledger();
        let (gateway, allowed) = (run.gateway, budget);
        let puppet = Puppet::default()
            .on_submit(move |prompt, _| {
                // Its own price is among what is reserved by now.
                let balance = balance_of(&ledger);
                if allowed.cap.is_some_and(|cap| allowed.committed(&balance) > cap) {
                    seen.lock().unwrap().push((prompt.to_owned(), balance));
                }
                let why = || "because".to_owned();
                match gateway {
                    Gateway::Doubts => Submitted::Doubtful { why: why() },
                    Gateway::Breaks => {
                        Submitted::ServerError { status: 500, retry_after: None, why: why() }
                    }
                    Gateway::Renders | Gateway::Fails => bought(&format!("{prompt}-{nth}")),
                }
            })
            .on_poll(move |_, _| match gateway {
                Gateway::Fails => Polled::Failed { why: "because".into() },
                _ => completed(),
            });
        let puppet = Arc::new(puppet);
        stage.run(&today(run.shots), &puppet).await;
        assert!(over.lock().unwrap().is_empty(), "{at}: over the cap: {over:?}");
        assert_eq!(puppet.posted(), run.posts, "{at}");
        let balance = balance_of(&stage.ledger());
        let usd = |dollars: &str| dollars.parse::<Usd>().unwrap();
        let [spent, reserved, unconfirmed] = run.money.map(usd);
        assert_eq!(balance, Balance { spent, reserved, unconfirmed }, "{at}");
    }
}

/// The sums of the movements themselves, not the ledger's running totals; the two must agree.
fn balance_of(ledger: &std::path::Path) -> Balance {
    let reader = rushes::ledger::Reader::open(ledger).unwrap();
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

#[tokio::test(start_paused = true)]
async fn no_edge_of_the_budget_is_passed_and_nothing_is_bought_twice() {
    for (name, runs) in scenarios() {
        live(name, &runs).await;
    }
}
