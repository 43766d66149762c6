//! The cap itself: raised, lowered, lifted and strict, and prices that change under it.

use super::scenario::{Gateway, RUN, Scenario, Step, cap, strict};

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn scenarios() -> Vec<Scenario> {
    use Gateway::{Breaks, Doubts, Fails, Proxies, Renders};
    const DEAR: &[(&str, &str)] = &[("a", "2"), ("b", "2"), ("c", "2")];
    const UNKNOWN: &[(&str, &str)] = &[("a", ""), ("b", ""), ("c", "")];
    let two = Step { budget: cap("2"), posts: &["a", "b"], money: ["2", "0", "0"], ..RUN };
    let doubts = Step { gateway: Doubts, money: ["0", "2", "0"], ..two };
    let fails = Step { gateway: Fails, posts: &["a", "b", "c"], money: ["0", "0", "0"], ..two };
    let breaks = Step { gateway: Breaks, posts: &["a"], money: ["0", "0", "1"], ..two };
    vec![
        (
            "raised",
            vec![two, Step { posts: &["c"], money: ["3", "0", "0"], budget: cap("3"), ..RUN }],
        ),
        (
            "lowered below what is spent, then nothing at all, then none",
            vec![
                two,
                Step { budget: cap("1"), posts: &[], ..two },
                Step { budget: cap("0"), posts: &[], ..two },
                Step { budget: None, posts: &[], ..two },
                Step { budget: Some((None, false)), posts: &["c"], money: ["3", "0", "0"], ..two },
            ],
        ),
        ("nothing from the start", vec![Step { budget: cap("0"), ..RUN }]),
        (
            "dearer today: what is reserved keeps its price",
            vec![
                doubts,
                Step { budget: cap("3.99"), shots: DEAR, posts: &[], ..doubts },
                Step {
                    gateway: Renders,
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
                Step { budget: cap("9"), shots: UNKNOWN, posts: &[], ..doubts },
                Step { posts: &["c"], money: ["1", "2", "0"], ..RUN },
            ],
        ),
        (
            "unknown without a cap, then a cap and a price",
            vec![
                Step { shots: &[("a", "")], posts: &["a"], ..RUN },
                Step { budget: cap("1"), posts: &["b"], money: ["1", "0", "0"], ..RUN },
            ],
        ),
        (
            "free failures are tried again under a cap that allows only some",
            vec![
                Step { shots: &[("a", "1"), ("b", "1")], posts: &["a", "b"], ..fails },
                Step {
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
                Step { charged: true, posts: &["a", "b"], money: ["2", "0", "0"], ..fails },
                Step { retry_failed: true, posts: &[], money: ["2", "0", "0"], ..RUN },
                Step {
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
                Step { shots: &[("a", "1")], budget: strict("2"), ..breaks },
                Step {
                    shots: &[("b", "1"), ("c", "1")],
                    budget: strict("2"),
                    posts: &["b"],
                    money: ["1", "0", "1"],
                    ..RUN
                },
                Step {
                    shots: &[("c", "1")],
                    budget: cap("2"),
                    posts: &["c"],
                    money: ["2", "0", "1"],
                    ..RUN
                },
                Step {
                    shots: &[("b", "1")],
                    budget: strict("2"),
                    posts: &[],
                    money: ["2", "0", "1"],
                    ..RUN
                },
            ],
        ),
        (
            "strict, and lowered to less than what is unconfirmed",
            vec![
                Step {
                    gateway: Breaks,
                    budget: strict("2"),
                    posts: &["a", "b"],
                    money: ["0", "0", "2"],
                    ..RUN
                },
                Step { budget: strict("1"), money: ["0", "0", "2"], ..RUN },
                Step { budget: strict("1"), retry_failed: true, money: ["0", "0", "2"], ..RUN },
                Step { retry_failed: true, budget: strict("2.99"), money: ["0", "0", "2"], ..RUN },
                Step {
                    retry_failed: true,
                    budget: strict("3"),
                    posts: &["a"],
                    money: ["1", "0", "2"],
                    ..RUN
                },
                Step { budget: cap("1"), money: ["1", "0", "2"], ..RUN },
                // It went back to the queue when it was to be tried again.
                Step { budget: cap("2"), posts: &["b"], money: ["2", "0", "2"], ..RUN },
                Step { budget: cap("3"), posts: &["c"], money: ["3", "0", "2"], ..RUN },
            ],
        ),
        (
            "a proxy's 5xx is unconfirmed, and reserved under strict",
            vec![
                Step {
                    gateway: Proxies,
                    budget: cap("1"),
                    shots: &[("a", "1")],
                    posts: &["a"],
                    money: ["0", "0", "1"],
                    stand: &[("a", "failed")],
                    ..RUN
                },
                Step {
                    gateway: Proxies,
                    budget: strict("2"),
                    posts: &["b"],
                    money: ["0", "1", "1"],
                    stand: &[("b", "in_doubt"), ("c", "queued")],
                    ..RUN
                },
                Step { budget: cap("1"), money: ["0", "1", "1"], ..RUN },
                Step { budget: strict("2.99"), money: ["0", "1", "1"], ..RUN },
                Step { budget: strict("3"), posts: &["c"], money: ["1", "1", "1"], ..RUN },
            ],
        ),
    ]
}
