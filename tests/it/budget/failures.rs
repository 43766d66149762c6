//! Every kind of failure under both of the catalog's rules, and what `--retry-failed` buys again
//! under a small cap. `a` is rejected, `b` refused too often, `c` not rendered, `d` expires, `e` is
//! abandoned.

use super::scenario::{Gateway, RUN, Scenario, Step, cap, resolve, strict};

const ALL: &[(&str, &str)] = &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")];
const HOW: &[(&str, Gateway)] = &[
    ("a", Gateway::Rejects),
    ("b", Gateway::Breaks),
    ("c", Gateway::Fails),
    ("d", Gateway::Gone),
    ("e", Gateway::Doubts),
];
const FAILED: &[(&str, &str)] =
    &[("a", "failed"), ("b", "failed"), ("c", "failed"), ("d", "failed"), ("e", "failed")];

pub fn scenarios() -> Vec<Scenario> {
    let run = Step { shots: ALL, ..RUN };
    let retry = Step { retry_failed: true, ..run };
    let lost = Step { but: HOW, budget: cap("5"), posts: &["a", "b", "c", "d", "e"], ..run };
    let expires = Step { days: 8, posts: &[], stand: FAILED, ..lost };
    let failed = |charged, money| {
        vec![
            Step { charged, money, ..lost },
            resolve("e --abandon", money),
            Step { charged, money, ..expires },
            // Nothing of it is bought again unless asked for, whatever the gateway would do now.
            Step { budget: cap("99"), money, stand: FAILED, ..run },
        ]
    };
    vec![
        (
            "free: each is tried again for its price, what was given up never",
            [
                failed(false, ["1", "1", "1"]),
                vec![
                    Step { budget: cap("2.99"), money: ["1", "1", "1"], ..retry },
                    Step { budget: cap("3"), posts: &["a"], money: ["2", "1", "1"], ..retry },
                    Step { budget: cap("5"), posts: &["b", "c"], money: ["4", "1", "1"], ..retry },
                    Step { budget: cap("9"), posts: &["d"], money: ["5", "1", "1"], ..retry },
                    Step { money: ["5", "1", "1"], stand: &[("e", "failed")], ..retry },
                ],
            ]
            .concat(),
        ),
        (
            "charged: what was not rendered was paid and is paid again",
            [
                failed(true, ["2", "1", "1"]),
                vec![
                    Step { budget: cap("3.99"), money: ["2", "1", "1"], ..retry },
                    Step { budget: cap("5"), posts: &["a", "b"], money: ["4", "1", "1"], ..retry },
                    Step { budget: cap("7"), posts: &["c", "d"], money: ["6", "1", "1"], ..retry },
                    Step { budget: cap("9"), money: ["6", "1", "1"], ..retry },
                ],
            ]
            .concat(),
        ),
        (
            "charged and failing again and again: paid each time, up to the cap",
            vec![
                Step {
                    gateway: Gateway::Fails,
                    charged: true,
                    budget: cap("3"),
                    shots: &[("a", "1")],
                    posts: &["a"],
                    money: ["1", "0", "0"],
                    ..RUN
                },
                Step {
                    gateway: Gateway::Fails,
                    charged: true,
                    shots: &[("a", "1"), ("b", "1"), ("c", "1")],
                    posts: &["a", "b"],
                    money: ["3", "0", "0"],
                    ..retry
                },
                Step { charged: true, budget: cap("3.99"), money: ["3", "0", "0"], ..retry },
            ],
        ),
        (
            "strict: refused too often counts until it is switched off",
            [
                failed(false, ["1", "1", "1"]),
                vec![
                    Step { budget: strict("3.99"), money: ["1", "1", "1"], ..retry },
                    Step { budget: strict("4"), posts: &["a"], money: ["2", "1", "1"], ..retry },
                    Step { budget: strict("4.99"), money: ["2", "1", "1"], ..retry },
                    Step {
                        gateway: Gateway::Breaks,
                        budget: strict("5"),
                        posts: &["b"],
                        money: ["2", "1", "2"],
                        ..retry
                    },
                    Step { budget: cap("4"), posts: &["b"], money: ["3", "1", "2"], ..retry },
                ],
            ]
            .concat(),
        ),
    ]
}
