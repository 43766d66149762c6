//! The scheduler as plain synchronous calls: events and time in, commits and effects out.

mod answers;
mod balance;
mod begun;
mod callbacks;
mod charges;
mod commits;
mod contents;
mod doubts;
mod downloads;
mod earlier;
mod former;
mod given;
mod last_words;
mod money;
mod pace;
mod recovery;
mod refusals;
mod rerolls;
mod rig;
mod said;
mod shared;
mod shared_callbacks;
mod shared_refusals;
mod stops;
mod uploads;

use std::time::Duration;

use given::task;
use rushes::clips::Stored;
use rushes::domain::outcome::{PollOutcome, SubmitOutcome};
use rushes::provider::apimodels::is_from_proxy;
use rushes::scheduler::DownloadOutcome;

/// What a POST may be answered with.
fn bought(name: &str) -> SubmitOutcome {
    SubmitOutcome::Bought { task: task(name) }
}

fn throttled(retry_after: Option<Duration>) -> SubmitOutcome {
    SubmitOutcome::Throttled { is_money: false, retry_after, why: "too many".into() }
}

fn refused(status: u16) -> SubmitOutcome {
    SubmitOutcome::ServerError {
        status,
        from_proxy: is_from_proxy(status),
        retry_after: None,
        why: "broken".into(),
    }
}

fn not_sent() -> SubmitOutcome {
    SubmitOutcome::NotSent { why: "no route".into() }
}

fn cut() -> SubmitOutcome {
    SubmitOutcome::Doubtful { why: "cut".into(), answer: None }
}

/// What a poll may be answered with.
const fn working() -> PollOutcome {
    PollOutcome::Working { is_waiting: false, unknown: None }
}

fn completed(clips: u32) -> PollOutcome {
    let urls = (0..clips).map(|clip| format!("https://host/{clip}")).collect();
    PollOutcome::Completed { urls, completed_at: None }
}

fn unclear() -> PollOutcome {
    PollOutcome::Unclear { retry_after: None, why: "busy".into() }
}

fn rejected() -> SubmitOutcome {
    SubmitOutcome::Rejected { why: "too long".into() }
}

fn bad_key() -> SubmitOutcome {
    SubmitOutcome::BadKey { why: "no".into() }
}

fn failed() -> PollOutcome {
    PollOutcome::failed("no luck")
}

fn missing() -> PollOutcome {
    PollOutcome::Missing { why: "not found".into() }
}

/// A download that came to its end.
fn stored() -> DownloadOutcome {
    DownloadOutcome::Stored(clip("clips/shot.mp4"))
}

fn clip(path: &str) -> Stored {
    Stored {
        path: path.into(),
        bytes: 1,
        sha256: [0; 32],
        clip_info: None,
        unread: None,
        moved_aside: None,
    }
}
