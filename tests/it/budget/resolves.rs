//! Every form of `rushes resolve` under a tight cap: what it frees, what it keeps, and what the
//! next runs buy.

use super::scenario::{Gateway, RUN, Scenario, Step, cannot_resolve, cap, resolve};
use Gateway::{Doubts, Fails, Forgets, Stalls};

const A: &[(&str, &str)] = &[("a", "1")];
const A_B: &[(&str, &str)] = &[("a", "1"), ("b", "1")];
const EDITED: &[(&str, &str)] = &[("a*", "1")];
const OTHER: &[(&str, &str)] = &[("b", "1")];

const ALONE: Step = Step { shots: A, ..RUN };
/// `a` in doubt under a cap of $1.
const DOUBT: Step = Step {
    gateway: Doubts,
    budget: cap("1"),
    posts: &["a"],
    money: ["0", "1", "0"],
    stand: &[("a", "in_doubt")],
    ..ALONE
};
/// `a` and `b` in doubt under a cap of $2.
const BOTH: Step = Step {
    budget: cap("2"),
    shots: A_B,
    posts: &["a", "b"],
    money: ["0", "2", "0"],
    stand: &[("a", "in_doubt")],
    ..DOUBT
};
/// `a` stalled under a cap of $1.
const STALL: Step = Step { gateway: Stalls, stand: &[("a", "rendering")], ..DOUBT };

/// One in doubt, and several.
pub fn doubts() -> Vec<Scenario> {
    vec![
        (
            "one, not bought: its price is free and buys it",
            vec![
                DOUBT,
                resolve("a --not-bought", ["0", "0", "0"]),
                Step { posts: &["a"], money: ["1", "0", "0"], ..ALONE },
                cannot_resolve("a --not-bought", ["1", "0", "0"]),
            ],
        ),
        (
            "one, resubmitted: both prices count",
            vec![
                DOUBT,
                resolve("a --resubmit", ["0", "1", "0"]),
                Step { budget: cap("1.99"), money: ["0", "1", "0"], ..ALONE },
                Step { budget: cap("2"), posts: &["a"], money: ["1", "1", "0"], ..ALONE },
                Step { budget: cap("9"), money: ["1", "1", "0"], ..ALONE },
            ],
        ),
        (
            "one, abandoned: reserved for ever, whatever is tried again",
            vec![
                DOUBT,
                resolve("a --abandon", ["0", "1", "0"]),
                Step {
                    budget: cap("1.99"),
                    retry_failed: true,
                    shots: A_B,
                    money: ["0", "1", "0"],
                    stand: &[("a", "failed"), ("b", "queued")],
                    ..RUN
                },
                Step {
                    budget: cap("9"),
                    retry_failed: true,
                    resubmits: true,
                    posts: &["b"],
                    shots: A_B,
                    money: ["1", "1", "0"],
                    ..RUN
                },
            ],
        ),
        (
            "one, abandoned and then known not to be bought",
            vec![
                DOUBT,
                resolve("a --abandon", ["0", "1", "0"]),
                resolve("a --not-bought", ["0", "0", "0"]),
                Step { posts: &["a"], money: ["1", "0", "0"], ..ALONE },
            ],
        ),
        (
            "in doubt again and again: each price counts, and all are freed by the word",
            vec![
                DOUBT,
                resolve("a --resubmit", ["0", "1", "0"]),
                Step { budget: cap("2"), money: ["0", "2", "0"], ..DOUBT },
                resolve("a --resubmit", ["0", "2", "0"]),
                Step { gateway: Doubts, budget: cap("2.99"), money: ["0", "2", "0"], ..ALONE },
                Step { budget: cap("3"), money: ["0", "3", "0"], ..DOUBT },
                resolve("a --not-bought", ["0", "0", "0"]),
                Step { budget: cap("1"), posts: &["a"], money: ["1", "0", "0"], ..ALONE },
            ],
        ),
        (
            "several, not bought",
            vec![
                BOTH,
                resolve("a b --not-bought", ["0", "0", "0"]),
                Step { posts: &["a", "b"], money: ["2", "0", "0"], ..RUN },
            ],
        ),
        (
            "several, resubmitted: as many as fit beside both",
            vec![
                BOTH,
                resolve("a b --resubmit", ["0", "2", "0"]),
                Step { money: ["0", "2", "0"], ..RUN },
                Step { budget: cap("3"), posts: &["a"], money: ["1", "2", "0"], ..RUN },
                Step { budget: cap("4"), posts: &["b"], money: ["2", "2", "0"], ..RUN },
            ],
        ),
        (
            "several, each its own way: what one frees is for whoever is next",
            vec![
                BOTH,
                cannot_resolve("a b --task-id task-a-9", ["0", "2", "0"]),
                cannot_resolve("a c --not-bought", ["0", "2", "0"]),
                resolve("b --not-bought", ["0", "1", "0"]),
                resolve("a --abandon", ["0", "1", "0"]),
                Step { posts: &["b"], money: ["1", "1", "0"], stand: &[("c", "queued")], ..RUN },
            ],
        ),
    ]
}

/// One that is stalled: bought, and nobody knows what comes of it.
pub fn stalled() -> Vec<Scenario> {
    let still = Step { posts: &[], ..STALL };
    vec![
        (
            "stalled, not bought: free, and its task is not asked for any more",
            vec![
                STALL,
                resolve("a --not-bought", ["0", "0", "0"]),
                Step { posts: &["a"], money: ["1", "0", "0"], ..ALONE },
            ],
        ),
        (
            "stalled, resubmitted",
            vec![
                STALL,
                resolve("a --resubmit", ["0", "1", "0"]),
                // Its first task ends, and that makes no room.
                Step { money: ["1", "0", "0"], ..ALONE },
                Step { budget: cap("2"), posts: &["a"], money: ["2", "0", "0"], ..ALONE },
            ],
        ),
        (
            "stalled, resubmitted and in doubt: not bought is not said of the task",
            vec![
                STALL,
                resolve("a --resubmit", ["0", "1", "0"]),
                Step { budget: cap("2"), money: ["1", "1", "0"], ..DOUBT },
                resolve("a --not-bought", ["1", "0", "0"]),
                Step { budget: cap("1.99"), money: ["1", "0", "0"], ..ALONE },
                Step { budget: cap("2"), posts: &["a"], money: ["2", "0", "0"], ..ALONE },
            ],
        ),
        (
            "stalled, abandoned: its task is asked for, and its price goes by its end",
            vec![
                STALL,
                still,
                resolve("a --abandon", ["0", "1", "0"]),
                Step { retry_failed: true, budget: cap("9"), money: ["1", "0", "0"], ..ALONE },
                cannot_resolve("a --not-bought", ["1", "0", "0"]),
            ],
        ),
        (
            "stalled under a wrong id, then the right one",
            vec![
                STALL,
                cannot_resolve("a --task-id task-a-1", ["0", "1", "0"]),
                resolve("a --task-id task-a-9", ["0", "1", "0"]),
                Step { money: ["1", "0", "0"], stand: &[("a", "delivered")], ..ALONE },
            ],
        ),
    ]
}

/// An older text, and a shot that left the manifest.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn left_behind() -> Vec<Scenario> {
    let edited =
        Step { budget: cap("2"), shots: EDITED, posts: &["a*"], money: ["1", "1", "0"], ..RUN };
    let again = Step { posts: &[], ..edited };
    let other = Step { shots: OTHER, ..edited };
    let other = Step { posts: &["b"], ..other };
    vec![
        (
            "an older text, not bought: free for others, and it is bought once it is back",
            vec![
                DOUBT,
                edited,
                resolve("a~r1 --not-bought", ["1", "0", "0"]),
                Step { money: ["1", "0", "0"], ..again },
                Step { budget: cap("1.99"), money: ["1", "0", "0"], ..ALONE },
                Step { budget: cap("2"), posts: &["a"], money: ["2", "0", "0"], ..ALONE },
            ],
        ),
        (
            "an older text, resubmitted: not bought again, reserved, until it is back",
            vec![
                DOUBT,
                edited,
                resolve("a --resubmit", ["1", "1", "0"]),
                Step { budget: cap("9"), ..again },
                Step { budget: cap("2.99"), money: ["1", "1", "0"], ..ALONE },
                Step { budget: cap("3"), posts: &["a"], money: ["2", "1", "0"], ..ALONE },
            ],
        ),
        (
            "an older text, abandoned",
            vec![
                DOUBT,
                edited,
                resolve("a~r1 --abandon", ["1", "1", "0"]),
                Step { budget: cap("9"), retry_failed: true, ..again },
                Step { budget: cap("9"), retry_failed: true, money: ["1", "1", "0"], ..ALONE },
            ],
        ),
        (
            "an older text, found: paid and delivered",
            vec![
                DOUBT,
                edited,
                resolve("a~r1 --task-id task-a-9", ["1", "1", "0"]),
                Step { money: ["2", "0", "0"], ..again },
                Step {
                    budget: cap("9"),
                    money: ["2", "0", "0"],
                    stand: &[("a", "delivered")],
                    ..ALONE
                },
            ],
        ),
        (
            "both texts in doubt: the name is today's",
            vec![
                DOUBT,
                Step { gateway: Doubts, money: ["0", "2", "0"], ..edited },
                resolve("a --not-bought", ["0", "1", "0"]),
                edited,
                Step {
                    budget: cap("9"),
                    money: ["1", "1", "0"],
                    stand: &[("a", "in_doubt")],
                    ..ALONE
                },
            ],
        ),
        (
            "a removed shot, not bought: free for others",
            vec![
                DOUBT,
                Step { budget: cap("1"), shots: OTHER, money: ["0", "1", "0"], ..RUN },
                resolve("a --not-bought", ["0", "0", "0"]),
                Step { shots: OTHER, posts: &["b"], money: ["1", "0", "0"], ..RUN },
                Step { money: ["1", "0", "0"], stand: &[("a", "queued")], ..ALONE },
            ],
        ),
        (
            "a removed shot, resubmitted and abandoned: never bought, reserved",
            vec![
                DOUBT,
                other,
                resolve("a --resubmit", ["1", "1", "0"]),
                Step { budget: cap("9"), posts: &[], retry_failed: true, ..other },
                cannot_resolve("a --abandon", ["1", "1", "0"]),
                Step { budget: cap("3"), posts: &["a"], money: ["2", "1", "0"], ..ALONE },
            ],
        ),
        (
            "a removed shot, abandoned, then found: paid",
            vec![
                DOUBT,
                other,
                resolve("a --abandon", ["1", "1", "0"]),
                Step { budget: cap("9"), posts: &[], retry_failed: true, ..other },
                resolve("a --task-id task-a-9", ["1", "1", "0"]),
                Step { posts: &[], money: ["2", "0", "0"], ..other },
            ],
        ),
    ]
}

/// `--task-id`, and what comes of the task.
pub fn named_tasks() -> Vec<Scenario> {
    let named = |money| resolve("a --task-id task-a-9", money);
    let fails = Step { gateway: Fails, stand: &[("a", "failed")], ..ALONE };
    let unknown =
        Step { gateway: Forgets, money: ["0", "1", "0"], stand: &[("a", "rendering")], ..ALONE };
    let renders = Step { money: ["1", "0", "0"], stand: &[("a", "delivered")], ..ALONE };
    vec![
        (
            "completes: paid once, not bought again",
            vec![DOUBT, named(["0", "1", "0"]), renders, renders],
        ),
        (
            "fails for nothing: its price buys it again if asked for",
            vec![
                DOUBT,
                named(["0", "1", "0"]),
                fails,
                ALONE,
                Step { retry_failed: true, posts: &["a"], ..renders },
            ],
        ),
        (
            "fails and is charged",
            vec![
                Step { charged: true, ..DOUBT },
                named(["0", "1", "0"]),
                Step { money: ["1", "0", "0"], ..fails },
                Step { retry_failed: true, budget: cap("1.99"), money: ["1", "0", "0"], ..ALONE },
            ],
        ),
        (
            "is unknown to the gateway: reserved, asked for by every run, and found at last",
            vec![DOUBT, named(["0", "1", "0"]), unknown, unknown, renders],
        ),
        (
            "is unknown to the gateway, and was not bought after all",
            vec![
                DOUBT,
                named(["0", "1", "0"]),
                unknown,
                resolve("a --not-bought", ["0", "0", "0"]),
                Step { posts: &["a"], ..renders },
            ],
        ),
        (
            "is unknown to the gateway, and another one is the right one",
            vec![
                DOUBT,
                resolve("a --task-id task-zzz-1", ["0", "1", "0"]),
                unknown,
                named(["0", "1", "0"]),
                renders,
            ],
        ),
        (
            "is another shot's: refused, and nothing moves",
            vec![
                Step { but: &[("b", Stalls)], ..BOTH },
                cannot_resolve("a --task-id task-b-1", ["0", "2", "0"]),
                Step {
                    shots: A_B,
                    money: ["1", "1", "0"],
                    stand: &[("a", "in_doubt"), ("b", "delivered")],
                    ..RUN
                },
            ],
        ),
    ]
}
