//! A shot that is edited, changed back, removed or brought back, under a cap: every text has its
//! own money, and only the one that the manifest says today is bought.

use super::scenario::{Gateway, RUN, Scenario, Step, cap, resolve};

const A: &[(&str, &str)] = &[("a", "1")];
const EDITED: &[(&str, &str)] = &[("a*", "1")];
const TWICE: &[(&str, &str)] = &[("a**", "1")];
const OTHER: &[(&str, &str)] = &[("b", "1")];

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn scenarios() -> Vec<Scenario> {
    use Gateway::{Doubts, Fails, IsLeft, Kills, Rejects, Stalls};
    let a = Step { shots: A, ..RUN };
    let edited = Step { shots: EDITED, ..RUN };
    let other = Step { shots: OTHER, ..RUN };
    let spent = Step { budget: cap("1"), posts: &["a"], money: ["1", "0", "0"], ..a };
    let reserved = Step { money: ["0", "1", "0"], ..spent };
    let left = Step { gateway: IsLeft, ..reserved };
    let doubts = Step { gateway: Doubts, ..reserved };
    let rejects = Step { gateway: Rejects, money: ["0", "0", "0"], ..spent };
    vec![
        (
            "edited while in flight: the old text is finished and paid, the new one waits for room",
            vec![
                left,
                Step { money: ["1", "0", "0"], stand: &[("a*", "queued")], ..edited },
                Step { budget: cap("2"), posts: &["a*"], money: ["2", "0", "0"], ..edited },
                Step {
                    budget: cap("9"),
                    money: ["2", "0", "0"],
                    stand: &[("a", "delivered")],
                    ..a
                },
                Step { money: ["2", "0", "0"], stand: &[("a*", "delivered")], ..edited },
            ],
        ),
        (
            "edited while in flight, and what fails makes room in the same run",
            vec![
                left,
                Step { but: &[("a", Fails)], posts: &["a*"], money: ["1", "0", "0"], ..edited },
                Step { retry_failed: true, money: ["1", "0", "0"], ..a },
            ],
        ),
        (
            "edited and changed back while in flight",
            vec![
                left,
                Step { gateway: IsLeft, posts: &[], ..Step { shots: EDITED, ..reserved } },
                Step { money: ["1", "0", "0"], stand: &[("a", "delivered")], ..a },
            ],
        ),
        (
            "edited while stalled: reserved as long as nobody knows",
            vec![
                Step { gateway: Stalls, ..reserved },
                Step { gateway: Stalls, budget: cap("1.99"), money: ["0", "1", "0"], ..edited },
                Step {
                    but: &[("a", Stalls)],
                    budget: cap("2"),
                    posts: &["a*"],
                    money: ["1", "1", "0"],
                    ..edited
                },
                Step { money: ["2", "0", "0"], stand: &[("a*", "delivered")], ..edited },
            ],
        ),
        (
            "edited while in doubt, and changed back: still in doubt, neither bought again",
            vec![
                doubts,
                Step { budget: cap("1.99"), money: ["0", "1", "0"], ..edited },
                Step { budget: cap("2"), posts: &["a*"], money: ["1", "1", "0"], ..edited },
                Step { budget: cap("9"), money: ["1", "1", "0"], stand: &[("a", "in_doubt")], ..a },
            ],
        ),
        (
            "an older text in doubt is not bought again by `on_doubt: resubmit`",
            vec![
                doubts,
                Step {
                    resubmits: true,
                    budget: cap("9"),
                    posts: &["a*"],
                    money: ["1", "1", "0"],
                    ..edited
                },
                Step { resubmits: true, budget: cap("2"), money: ["1", "1", "0"], ..a },
                Step {
                    resubmits: true,
                    budget: cap("3"),
                    posts: &["a"],
                    money: ["2", "1", "0"],
                    ..a
                },
            ],
        ),
        (
            "edited after a kill with the POST on the wire",
            vec![
                Step { gateway: Kills, ..reserved },
                Step { money: ["0", "1", "0"], stand: &[("a", "in_doubt")], ..edited },
                Step { budget: cap("2"), posts: &["a*"], money: ["1", "1", "0"], ..edited },
                Step { budget: cap("9"), money: ["1", "1", "0"], stand: &[("a", "in_doubt")], ..a },
            ],
        ),
        (
            "edited after it failed, and changed back: failed, and tried again if there is room",
            vec![
                rejects,
                Step { posts: &["a*"], money: ["1", "0", "0"], ..edited },
                Step { money: ["1", "0", "0"], stand: &[("a", "failed")], ..a },
                Step { retry_failed: true, budget: cap("9"), money: ["1", "0", "0"], ..edited },
                Step { retry_failed: true, budget: cap("1.99"), money: ["1", "0", "0"], ..a },
                Step {
                    retry_failed: true,
                    budget: cap("2"),
                    posts: &["a"],
                    money: ["2", "0", "0"],
                    ..a
                },
            ],
        ),
        (
            "edited after delivery, twice, and changed back: a delivered text is never bought again",
            vec![
                spent,
                Step { budget: cap("1.99"), money: ["1", "0", "0"], ..edited },
                Step { budget: cap("2"), posts: &["a*"], money: ["2", "0", "0"], ..edited },
                Step { shots: TWICE, money: ["2", "0", "0"], ..RUN },
                Step {
                    budget: cap("9"),
                    money: ["2", "0", "0"],
                    stand: &[("a", "delivered")],
                    ..a
                },
                Step { money: ["2", "0", "0"], ..edited },
                Step { retry_failed: true, resubmits: true, money: ["2", "0", "0"], ..a },
                Step { shots: TWICE, posts: &["a**"], money: ["3", "0", "0"], ..RUN },
            ],
        ),
        (
            "edited before it was bought: the old text is bought only once it is back",
            vec![
                Step { budget: cap("0.99"), stand: &[("a", "queued")], ..a },
                Step { budget: cap("2"), posts: &["a*"], money: ["1", "0", "0"], ..edited },
                Step { posts: &["a"], money: ["2", "0", "0"], ..a },
            ],
        ),
        (
            "a dearer text does not fit where the cheaper one did, and gives way to it",
            vec![
                Step { budget: cap("1.50"), shots: &[("a*", "2")], ..RUN },
                Step { posts: &["a"], money: ["1", "0", "0"], ..a },
                Step { budget: cap("2.99"), shots: &[("a*", "2")], money: ["1", "0", "0"], ..RUN },
            ],
        ),
        (
            "removed while in flight: finished and paid, and delivered when it comes back",
            vec![
                left,
                Step { money: ["1", "0", "0"], stand: &[("b", "queued")], ..other },
                Step {
                    budget: cap("9"),
                    money: ["1", "0", "0"],
                    stand: &[("a", "delivered")],
                    ..a
                },
            ],
        ),
        (
            "removed while in doubt: reserved, also when it comes back",
            vec![
                doubts,
                Step { budget: cap("1.99"), money: ["0", "1", "0"], ..other },
                Step { budget: cap("2"), posts: &["b"], money: ["1", "1", "0"], ..other },
                Step { budget: cap("9"), money: ["1", "1", "0"], stand: &[("a", "in_doubt")], ..a },
                resolve("a --not-bought", ["1", "0", "0"]),
                Step { budget: cap("1.99"), money: ["1", "0", "0"], ..a },
                Step { budget: cap("2"), posts: &["a"], money: ["2", "0", "0"], ..a },
            ],
        ),
        (
            "removed after it failed: not tried again, unless it is back and asked for",
            vec![
                rejects,
                Step {
                    retry_failed: true,
                    budget: cap("9"),
                    posts: &["b"],
                    money: ["1", "0", "0"],
                    ..other
                },
                Step { money: ["1", "0", "0"], stand: &[("a", "failed")], ..a },
                Step {
                    retry_failed: true,
                    budget: cap("2"),
                    posts: &["a"],
                    money: ["2", "0", "0"],
                    ..a
                },
            ],
        ),
        (
            "removed after delivery and brought back: bought once",
            vec![
                spent,
                Step { budget: cap("2"), posts: &["b"], money: ["2", "0", "0"], ..other },
                Step {
                    budget: cap("9"),
                    money: ["2", "0", "0"],
                    stand: &[("a", "delivered")],
                    ..a
                },
            ],
        ),
        (
            "removed before it was bought: never bought, until it is back",
            vec![
                Step { budget: cap("0"), ..a },
                Step { budget: cap("9"), posts: &["b"], money: ["1", "0", "0"], ..other },
                Step { posts: &["a"], money: ["2", "0", "0"], ..a },
            ],
        ),
    ]
}
