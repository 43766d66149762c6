//! The gateway's JSON, read as tolerantly as money allows. Pure; shared by the HTTP client and the
//! simulator. Promises that a task id that arrived is found, and that nothing else is taken for
//! one.

use serde_json::{Map, Value};

use super::apimodels::{is_from_proxy, spec};
use super::spec::{Means, StateWord};
use crate::domain::charge::{Charge, ChargeOutcome};
use crate::domain::content::Content;
use crate::domain::outcome::{PollOutcome, SubmitOutcome, TaskId, Unresolved};
pub use crate::domain::sanitize::plain;

pub mod account;
mod body;
mod content;
mod failure;
mod fields;
mod ids;
mod judge;
mod scan;
mod upload;

pub use body::{Answer, MAX_BODY};
use body::{Body, MAX_WHY, is_page, state_of};
use content::told;
use failure::{failure, is_canceled_or_luck, reason};
use fields::{completed_at, field, is_pleasantry, result_urls, task_id};
use ids::Ids;
pub(super) use ids::names_task;
use judge::{is_success, judged_status, meaning};
pub use upload::uploaded;

/// What an answered POST means.
///
/// A readable task id wins over every error around it: it may have been bought, and asking after a
/// task is free. What is less surely a task's id is believed only in an answer that says nothing
/// else; in an error that does not exclude a purchase it makes a doubt that shows it.
#[must_use]
pub fn submitted(answer: &Answer) -> SubmitOutcome {
    let body = Body::read(answer);
    let ids = Ids::read(&answer.text());
    if let Some(task) = ids.sure {
        return SubmitOutcome::Bought { task };
    }
    if let Some(task) = ids.likely.clone().filter(|_| is_success(answer, &body)) {
        return SubmitOutcome::Bought { task };
    }
    let doubt =
        |why: String| SubmitOutcome::Doubtful { why: ids.shown_in(why), answer: answer.kept() };
    let status = judged_status(answer.status, &body).unwrap_or(answer.status);
    let said = body.why(status);
    let Some(means) = meaning(answer, &body) else {
        return doubt(match status {
            200..=299 => format!("answered {status} without a task id: {}", body.excerpt()),
            _ => format!("answered with an odd status: {said}"),
        });
    };
    let why = ids.shown_in(said);
    let retry_after = answer.retry_after;
    match means {
        Means::Busy | Means::WrongAddress if !ids.shown.is_empty() && !is_4xx(status) => doubt(why),
        Means::Busy if answer.is_proxied && !body.is_envelope() => {
            doubt(format!("{why}; the proxy may have said so after the request was passed on"))
        }
        Means::Busy => {
            let from_proxy = is_from_proxy(status);
            SubmitOutcome::ServerError { status, from_proxy, retry_after, why }
        }
        Means::WrongAddress if is_4xx(status) => {
            SubmitOutcome::WrongAddress { why: format!("not the gateway's answer: {why}") }
        }
        Means::WrongAddress => SubmitOutcome::WrongAddress { why: redirect(answer) },
        Means::Rejected => SubmitOutcome::Rejected { why },
        Means::BadKey => SubmitOutcome::BadKey { why },
        Means::Firewall => SubmitOutcome::Firewall { why },
        Means::NoCredit => SubmitOutcome::NoCredit { why },
        Means::Throttled => SubmitOutcome::Throttled { is_money: false, retry_after, why },
        Means::Money => SubmitOutcome::Throttled { is_money: true, retry_after, why },
    }
}

const fn is_4xx(status: u16) -> bool {
    matches!(status, 400..=499)
}

/// What an answered poll means.
///
/// A state the gateway names in `data` wins over the envelope's `code`, not over the status line.
/// Beside an error `code`, a word outside of `data` is about the call and not about the task.
#[must_use]
pub fn polled(answer: &Answer) -> PollOutcome {
    let body = Body::read(answer);
    let of_task = body.has_data() || judged_status(answer.status, &body).is_none();
    if let (200..=299, Some(fields), true) = (answer.status, body.fields(), of_task)
        && let Some(polled) = state(fields, &body)
    {
        return polled;
    }
    let retry_after = answer.retry_after;
    let Some(status) = judged_status(answer.status, &body) else {
        let why = format!("answered {} without a state: {}", answer.status, body.excerpt());
        return PollOutcome::Unclear { retry_after, why };
    };
    let why = body.why(status);
    match status {
        // A firewall's, which says nothing about the key.
        403 if is_page(&answer.text()) => PollOutcome::Unclear { retry_after, why },
        401 | 403 => PollOutcome::BadKey { why },
        404 => PollOutcome::Missing { why },
        300..=399 => PollOutcome::Unclear { retry_after, why: redirect(answer) },
        400..=499 if body.is_envelope() && !spec().passing.contains(status.into()) => {
            PollOutcome::Unresolved { kind: Unresolved::Coded(status), why }
        }
        _ => PollOutcome::Unclear { retry_after, why },
    }
}

/// What an answered poll of `task` means: [`polled`], unless it speaks of another task.
#[must_use]
pub fn polled_of(task: &TaskId, answer: &Answer) -> PollOutcome {
    let said = polled(answer);
    let speaks = speaks_of_task(&said);
    let theirs = speaks.then(|| Body::read(answer).fields().and_then(task_id)).flatten();
    match theirs.filter(|theirs| theirs != task) {
        Some(theirs) => PollOutcome::OtherTask { theirs },
        None => said,
    }
}

/// What an answered poll of `task` means: [`polled_of`], unless the task is to be held against what its
/// shot asks for and renders something else.
#[must_use]
pub fn polled_for(task: &TaskId, asked: Option<&Content>, answer: &Answer) -> PollOutcome {
    let said = polled_of(task, answer);
    let Some(asked) = asked.filter(|_| speaks_of_task(&said)) else { return said };
    let told = Body::read(answer).fields().map(told).unwrap_or_default();
    asked.contradicted_by(&told).map_or(said, |why| PollOutcome::OtherContent { why })
}

/// Whether it is about the task itself.
const fn speaks_of_task(said: &PollOutcome) -> bool {
    matches!(
        said,
        PollOutcome::Working { .. }
            | PollOutcome::Completed { .. }
            | PollOutcome::Failed { .. }
            | PollOutcome::Unresolved { .. }
    )
}

/// What the answer to a question for `task`'s record means. Anything but a readable record is
/// [`ChargeOutcome::Unknown`]: the seed's page does not promise records.
#[must_use]
pub fn billed(task: &TaskId, answer: &Answer) -> ChargeOutcome {
    let body = Body::read(answer);
    let unknown = |why: String| ChargeOutcome::Unknown { why: plain(&why, MAX_WHY) };
    let (200..=299, None, Some(fields)) =
        (answer.status, judged_status(answer.status, &body), body.fields())
    else {
        return unknown(body.why(answer.status));
    };
    if task_id(fields).is_some_and(|theirs| theirs != *task) {
        return unknown("a record of another task".to_owned());
    }
    let settled = match field(fields, &["settled"]) {
        Some(Value::Bool(settled)) => *settled,
        Some(Value::String(text)) if text.trim() == "true" => true,
        Some(Value::String(text)) if text.trim() == "false" => false,
        _ => return unknown(format!("no readable record: {}", body.excerpt())),
    };
    if !settled {
        return ChargeOutcome::Unsettled;
    }
    let amount = field(fields, &["credits"]).and_then(|value| match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    });
    let currency = field(fields, &["currency"]).and_then(Value::as_str);
    match amount.zip(currency).and_then(|(amount, currency)| Charge::new(&amount, currency)) {
        Some(charge) => ChargeOutcome::Settled(charge),
        None => unknown(format!("no readable record: {}", body.excerpt())),
    }
}

/// What `data` says of the task; `None` when it names no state.
fn state(fields: &Map<String, Value>, body: &Body<'_>) -> Option<PollOutcome> {
    let named = state_of(fields)?.as_str()?.trim();
    let word = spec().states.read(named);
    let urls = result_urls(fields);
    let reason = reason(fields).map(|why| plain(&why, MAX_WHY));
    let resolved = |kind, why: Option<String>| {
        let why =
            why.unwrap_or_else(|| format!("the gateway calls its state {:?}", plain(named, 60)));
        PollOutcome::Unresolved { kind, why }
    };
    let failed = is_canceled_or_luck(fields, word);
    Some(match word {
        StateWord::Failed => {
            let why = failure(fields)
                .or_else(|| body.message().filter(|text| !is_pleasantry(text)))
                .unwrap_or_else(|| "the gateway gave no reason".to_owned());
            PollOutcome::Failed { why: plain(&why, MAX_WHY), kind: failed }
        }
        StateWord::Done | StateWord::Ended | StateWord::Canceled | StateWord::Unknown
            if !urls.is_empty() =>
        {
            PollOutcome::Completed { urls, completed_at: completed_at(fields) }
        }
        StateWord::Done if reason.is_some() => resolved(Unresolved::CompletedWithReason, reason),
        StateWord::Done => {
            let why = format!("completed, but without a result URL: {}", body.excerpt());
            resolved(Unresolved::CompletedEmpty, Some(why))
        }
        StateWord::Ended | StateWord::Canceled => resolved(Unresolved::Ended(failed), reason),
        StateWord::Waiting | StateWord::Working | StateWord::Unknown if reason.is_some() => {
            resolved(Unresolved::OtherWithReason, reason)
        }
        StateWord::Waiting | StateWord::Working => {
            PollOutcome::Working { is_waiting: word == StateWord::Waiting, unknown: None }
        }
        StateWord::Unknown => {
            PollOutcome::Working { is_waiting: false, unknown: Some(plain(named, 60)) }
        }
    })
}

fn redirect(answer: &Answer) -> String {
    let target = match &answer.location {
        Some(location) => format!("to {}", plain(location, 200)),
        None => "without saying where to".to_owned(),
    };
    format!("{}: redirected {target}; is the address right?", answer.status)
}
