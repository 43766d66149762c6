//! What a completed task names: several URLs, some twice, others at every poll, or none that work.

use super::scenario::{Gateway, RUN, Scenario, Step, cap, resolve};

pub fn scenarios() -> Vec<Scenario> {
    use Gateway::{Gone, IsLeft, RendersOften, Stalls};
    let one = Step { budget: cap("9"), shots: &[("a", "1")], ..RUN };
    let again = Step { money: ["1", "0", "0"], stand: &[("a", "delivered")], ..one };
    let often = Step { gateway: RendersOften, posts: &["a"], ..again };
    let left = Step { gateway: IsLeft, posts: &["a"], money: ["0", "1", "0"], ..one };
    let gone = Step { gateway: Gone, posts: &["a"], stand: &[("a", "rendered")], ..again };
    let expired = Step { days: 8, posts: &[], stand: &[("a", "failed")], ..gone };
    vec![
        ("several URLs, some of them twice", vec![often, again]),
        (
            "others at every poll, of several runs",
            vec![
                left,
                Step { posts: &[], ..left },
                Step { posts: &[], ..often },
                Step { posts: &[], ..often },
            ],
        ),
        ("one by one gone, then there", vec![gone, Step { posts: &[], ..gone }, again, again]),
        (
            "gone until they expire: paid, and bought again only if asked for",
            vec![
                gone,
                expired,
                Step { days: 0, ..expired },
                Step { budget: cap("1.99"), retry_failed: true, stand: &[], ..again },
                Step {
                    budget: cap("2"),
                    retry_failed: true,
                    posts: &["a"],
                    money: ["2", "0", "0"],
                    ..again
                },
                Step { retry_failed: true, money: ["2", "0", "0"], ..again },
            ],
        ),
        (
            "two tasks of one shot: both are fetched and paid",
            vec![
                Step { gateway: Stalls, posts: &["a"], money: ["0", "1", "0"], ..one },
                resolve("a --resubmit", ["0", "1", "0"]),
                Step { budget: cap("2"), money: ["2", "0", "0"], ..often },
                Step { money: ["2", "0", "0"], ..again },
            ],
        ),
    ]
}
