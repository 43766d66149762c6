//! `--only` under a cap: it says who is bought, not whose money counts.

use super::scenario::{Gateway, RUN, Scenario, Step, cap};

pub fn scenarios() -> Vec<Scenario> {
    use Gateway::{Doubts, Fails, IsLeft, Rejects, Stalls};
    let doubts = Step {
        gateway: Doubts,
        budget: cap("2"),
        posts: &["a", "b"],
        money: ["0", "2", "0"],
        ..RUN
    };
    let c = Step { only: Some("c"), ..RUN };
    vec![
        (
            "doubts left out stay reserved",
            vec![
                doubts,
                Step { budget: cap("2.99"), money: ["0", "2", "0"], ..c },
                Step { budget: cap("3"), posts: &["c"], money: ["1", "2", "0"], ..c },
            ],
        ),
        (
            "doubts left out are not bought again by `on_doubt: resubmit`",
            vec![
                doubts,
                Step {
                    budget: cap("9"),
                    resubmits: true,
                    posts: &["c"],
                    money: ["1", "2", "0"],
                    stand: &[("a", "in_doubt"), ("b", "in_doubt")],
                    ..c
                },
                Step {
                    budget: cap("4"),
                    resubmits: true,
                    posts: &["a"],
                    money: ["2", "2", "0"],
                    stand: &[("a", "delivered"), ("b", "in_doubt")],
                    ..RUN
                },
            ],
        ),
        (
            "what is in flight and left out is finished, and what comes free is for the others",
            vec![
                Step { gateway: IsLeft, ..doubts },
                Step {
                    but: &[("a", Fails)],
                    posts: &["c"],
                    money: ["2", "0", "0"],
                    stand: &[("a", "failed"), ("b", "delivered"), ("c", "delivered")],
                    ..c
                },
            ],
        ),
        (
            "what is stalled and left out stays reserved",
            vec![
                Step { gateway: Stalls, ..doubts },
                Step { gateway: Stalls, money: ["0", "2", "0"], ..c },
                Step { money: ["2", "0", "0"], ..c },
            ],
        ),
        (
            "failures left out are not tried again",
            vec![
                Step {
                    gateway: Rejects,
                    posts: &["a", "b", "c"],
                    money: ["0", "0", "0"],
                    ..doubts
                },
                Step { retry_failed: true, posts: &["c"], money: ["1", "0", "0"], ..c },
                Step { retry_failed: true, money: ["1", "0", "0"], ..c },
                Step { retry_failed: true, posts: &["a"], money: ["2", "0", "0"], ..RUN },
            ],
        ),
        (
            "queued ones left out are not bought, also with room for all",
            vec![
                Step { budget: cap("9"), posts: &["c"], money: ["1", "0", "0"], ..c },
                Step { money: ["1", "0", "0"], ..c },
                Step { posts: &["a", "b"], money: ["3", "0", "0"], ..RUN },
            ],
        ),
    ]
}
