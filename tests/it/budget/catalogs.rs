//! Real catalog files whose prices and rule change between runs: what was reserved keeps its price
//! and its terms, what is bought from now on has the new ones.

use super::scenario::{Gateway, Prices, RUN, Scenario, Step, cap, resolve};

/// A shot costs $1, or $2, and a failed task nothing or that.
const ONE: Option<Prices> = Some(Prices { second: "0.2", failed_tasks: "free" });
const TWO: Option<Prices> = Some(Prices { second: "0.4", failed_tasks: "free" });
const CHARGED: Option<Prices> = Some(Prices { second: "0.2", failed_tasks: "charged" });
const TWO_CHARGED: Option<Prices> = Some(Prices { second: "0.4", failed_tasks: "charged" });

pub fn scenarios() -> Vec<Scenario> {
    use Gateway::{Doubts, Fails, IsLeft};
    let one = Step { catalog: ONE, ..RUN };
    let two = Step { catalog: TWO, ..RUN };
    let doubts = Step {
        gateway: Doubts,
        budget: cap("2"),
        posts: &["a", "b"],
        money: ["0", "2", "0"],
        ..one
    };
    let left = Step { gateway: IsLeft, ..doubts };
    let fails = Step { gateway: Fails, ..RUN };
    vec![
        (
            "dearer: what is in doubt keeps its price, given back or paid",
            vec![
                doubts,
                Step { budget: cap("3.99"), money: ["0", "2", "0"], ..two },
                Step { budget: cap("4"), posts: &["c"], money: ["2", "2", "0"], ..two },
                resolve("a --not-bought", ["2", "1", "0"]),
                Step { budget: cap("4.99"), money: ["2", "1", "0"], ..two },
                Step { budget: cap("5"), posts: &["a"], money: ["4", "1", "0"], ..two },
                resolve("b --task-id task-b-9", ["4", "1", "0"]),
                Step { money: ["5", "0", "0"], ..two },
            ],
        ),
        (
            "cheaper: what is in doubt keeps its price, and the next ones cost less",
            vec![
                Step { catalog: TWO, budget: cap("4"), money: ["0", "4", "0"], ..doubts },
                Step { money: ["0", "4", "0"], ..one },
                Step { budget: cap("5"), posts: &["c"], money: ["1", "4", "0"], ..one },
                resolve("a --resubmit", ["1", "4", "0"]),
                Step { budget: cap("6"), posts: &["a"], money: ["2", "4", "0"], ..one },
                resolve("b --task-id task-b-9", ["2", "4", "0"]),
                Step { money: ["4", "2", "0"], ..one },
            ],
        ),
        (
            "dearer while in flight: paid at the old price",
            vec![left, Step { budget: cap("4"), posts: &["c"], money: ["4", "0", "0"], ..two }],
        ),
        (
            "charged from now on: what is in flight fails for nothing, the next ones do not",
            vec![
                left,
                Step { catalog: CHARGED, posts: &["c"], money: ["1", "0", "0"], ..fails },
                Step {
                    catalog: CHARGED,
                    retry_failed: true,
                    posts: &["a"],
                    money: ["2", "0", "0"],
                    ..fails
                },
            ],
        ),
        (
            "free from now on: what is in flight fails at the old price, the next ones do not",
            vec![
                Step { catalog: TWO_CHARGED, budget: cap("4"), money: ["0", "4", "0"], ..left },
                Step { catalog: ONE, money: ["4", "0", "0"], ..fails },
                Step {
                    catalog: ONE,
                    budget: cap("5"),
                    posts: &["c"],
                    money: ["4", "0", "0"],
                    ..fails
                },
                Step {
                    retry_failed: true,
                    budget: cap("6"),
                    posts: &["a", "b"],
                    money: ["6", "0", "0"],
                    ..one
                },
            ],
        ),
        (
            "charged when it was bought, in doubt, found, and failed under a free catalog",
            vec![
                Step { catalog: CHARGED, ..doubts },
                resolve("a --task-id task-a-9", ["0", "2", "0"]),
                resolve("b --not-bought", ["0", "1", "0"]),
                Step {
                    catalog: ONE,
                    budget: cap("1"),
                    money: ["1", "0", "0"],
                    stand: &[("a", "failed"), ("b", "queued")],
                    ..fails
                },
            ],
        ),
    ]
}
