//! The gateway's words: bodies of its answers, plain and odd, and the addresses of clips.

use serde_json::{Map, Value, json};

use super::faults::{CANCELED, CODED, EMPTY, WITHHELD};
use super::purchase::{Fate, Purchase, TaskState};
use super::reply::Answered;
use super::rng::SimRng;
use crate::domain::money::Usd;

/// The answer to a POST that bought.
pub fn accepted(purchase: &Purchase, odd: bool, rng: &mut SimRng) -> Answered {
    let task = &purchase.task_id;
    let data = json!({"taskId": task, "state": "pending", "model": model(purchase)});
    if !odd {
        return Answered::json(200, &json!({"code": 200, "msg": "success", "data": data}));
    }
    match rng.below(4) {
        0 => Answered::json(201, &json!({"code": "200", "msg": "success", "data": data})),
        1 => Answered::json(200, &json!({"data": {"taskId": task, "queue": {"ahead": "3"}}})),
        2 => Answered::json(202, &json!({"code": 200, "msg": null, "data": {"task_id": task}})),
        _ => Answered::json(200, &json!({"code": 200.0, "data": data, "traceId": "7f3a", "x": []})),
    }
}

/// The answer to a POST that bought, with the task's id where it usually is not.
pub fn nested(purchase: &Purchase, rng: &mut SimRng) -> Answered {
    let task = &purchase.task_id;
    let data = match rng.below(4) {
        0 => json!({"task": {"taskId": task, "state": "pending"}}),
        1 => json!({"id": task, "state": "pending"}),
        2 => json!([{"taskId": task}]),
        _ => json!({"task_id": task}),
    };
    Answered::json(200, &json!({"code": 200, "msg": "success", "data": data}))
}

/// A redirect in answer to a POST that bought.
pub fn redirected(purchase: &Purchase) -> Answered {
    let data = json!({"taskId": purchase.task_id});
    Answered::json(307, &json!({"code": 200, "msg": "moved", "data": data}))
}

/// Too many tasks, said by a code of the gateway's own in a 200.
pub fn busy() -> Answered {
    let why = "parallel task over resource pack limit";
    Answered::json(200, &json!({"code": 1303, "message": why}))
}

/// No credit, said with a 429 and a code of the gateway's own.
pub fn broke() -> Answered {
    Answered::json(429, &json!({"code": 1102, "message": "Account balance not enough"}))
}

/// A firewall's page.
pub fn firewall() -> Answered {
    Answered::page(403, "Attention Required! | Simulated firewall")
}

/// A 200 from which nothing can be learned.
pub fn garbled(rng: &mut SimRng) -> Answered {
    match rng.below(5) {
        0 => Answered::json(200, &json!({"code": 200, "msg": "success", "data": null})),
        1 => Answered::json(200, &json!({"code": 200, "msg": "success", "data": {"model": "x"}})),
        2 => Answered::page(200, "Please wait"),
        3 => Answered { body: Vec::new().into(), ..Answered::json(200, &Value::Null) },
        _ => Answered {
            body: "{\"code\":200,\"data\":{\"ta".into(),
            ..Answered::json(200, &json!(1))
        },
    }
}

/// The word for a task's state where gateways have words of their own: some say `succeed`, and some
/// tasks wait for long.
pub fn word_in_the_field(task: &str, state: TaskState) -> &'static str {
    let mut rng = SimRng::new(0, "word", task.as_bytes(), 0);
    match state {
        TaskState::Completed if rng.comes_up(1_000) => "succeed",
        TaskState::Processing if rng.comes_up(1_000) => TaskState::Pending.name(),
        state => state.name(),
    }
}

/// What a poll says of a task. `odd` gives numbers as strings and leaves fields out.
pub fn task(purchase: &Purchase, state: &str, base: &str, odd: bool) -> Answered {
    let mut data = Map::new();
    data.insert("taskId".into(), json!(purchase.task_id));
    data.insert("state".into(), json!(state));
    if !odd {
        data.insert("model".into(), json!(model(purchase)));
        if !purchase.prompt.is_empty() {
            let input = json!({"prompt": purchase.prompt});
            data.insert("param".into(), json!(json!({"input": input}).to_string()));
        }
    }
    match purchase.fate {
        Fate::Fails { how: CODED, .. } if state == "failed" => {
            let why = "generation failed: moderation";
            return Answered::json(200, &json!({"code": 422, "msg": why, "data": null}));
        }
        Fate::Completes { at } if matches!(state, "completed" | "succeed") => {
            let urls: Vec<_> = (0..purchase.clips as usize)
                .map(|part| format!("{base}{}", clip_path(&purchase.task_id, part)))
                .collect();
            let text = |value: Value| if odd { json!(value.to_string()) } else { value };
            data.insert("resultUrls".into(), text(json!(urls)));
            data.insert("createTime".into(), text(json!(purchase.at)));
            data.insert("completeTime".into(), text(json!(at)));
        }
        Fate::Fails { how, .. } if state == "failed" => data.extend(reason(how)),
        _ => {}
    }
    if odd {
        Answered::json(200, &json!({"code": "200", "data": data}))
    } else {
        Answered::json(200, &json!({"code": 200, "msg": "success", "data": data}))
    }
}

/// What the account holds: `balance` is what can be spent.
pub fn balance(total: Usd, available: Usd, held: Usd) -> Answered {
    let dollars =
        |amount: Usd| -> Value { serde_json::from_str(&amount.to_string()).unwrap_or_default() };
    let data = json!({
        "balance": dollars(available),
        "total": dollars(total),
        "frozen": dollars(held),
        "currency": "USD",
    });
    Answered::json(200, &json!({"code": 200, "msg": "success", "data": data}))
}

/// The models on sale.
pub fn models(names: &[&str]) -> Answered {
    let models: Vec<_> = names.iter().map(|name| json!({"id": name, "object": "model"})).collect();
    Answered::json(200, &json!({"object": "list", "data": models}))
}

/// What the records say a task cost.
pub fn record(purchase: &Purchase, settled: bool) -> Answered {
    let task = &purchase.task_id;
    let credits = if settled { purchase.charge().to_string() } else { "0".to_owned() };
    // As the number it is, to its last digit.
    let credits: Value = serde_json::from_str(&credits).unwrap_or_default();
    let data = json!({"taskId": task, "settled": settled, "credits": credits, "currency": "USD"});
    Answered::json(200, &json!({"code": 200, "msg": "success", "data": data}))
}

/// The ways a failed task says why; from 8 on with another word for its state, or by bad luck.
fn reason(how: u8) -> Map<String, Value> {
    let fields = match how {
        0 => json!({"failMsg": "Content policy violation"}),
        1 => json!({"failMsg": "Content policy violation", "failCode": "CONTENT_MODERATION",
                    "retryable": false}),
        2 => json!({"failMsg": null, "failCode": "UPSTREAM_BUSY", "retryable": true}),
        3 => json!({"failMsg": {"message": "the image could not be read", "code": 5001}}),
        4 => json!({"failMsg": ["upstream failed", "no worker was free"]}),
        5 => json!({"error": {"message": "TIMEOUT"}, "retryable": "true"}),
        6 => json!({}),
        WITHHELD => {
            json!({"state": "completed", "resultUrls": [], "failCode": "CONTENT_MODERATION",
                    "failMsg": "the result was withheld by moderation"})
        }
        CANCELED => json!({"state": "canceled", "failMsg": "canceled by the operator"}),
        EMPTY => json!({"state": "completed", "resultUrls": []}),
        12 => json!({"failMsg": "Content policy violation", "failCode": "CONTENT_MODERATION",
                     "retryable": true}),
        13 => json!({"failMsg": "no worker was free", "failCode": "UPSTREAM_FAILED",
                     "retryable": true}),
        _ => json!({"failMsg": "", "failCode": 500}),
    };
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn model(purchase: &Purchase) -> String {
    format!("kling-video/{}", purchase.model)
}

/// What comes between a task's id and `.mp4`, for its first and its watermarked clip.
const PARTS: [&str; 2] = ["", "-watermarked"];

/// A clip's path.
pub fn clip_path(task: &str, part: usize) -> String {
    format!("/clips/{task}{}.mp4", PARTS.get(part).copied().unwrap_or_default())
}

/// The task and part that a path names.
pub fn clip_of(path: &str) -> Option<(&str, usize)> {
    let name = path.strip_prefix("/clips/")?.strip_suffix(".mp4")?;
    Some(name.strip_suffix(PARTS[1]).map_or((name, 0), |task| (task, 1)))
}

/// The status an answer stands for: the envelope's `code` where a 200 hides one.
pub fn meant_status(answer: &Answered) -> u16 {
    let hidden = || {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        u16::try_from(body.get("code")?.as_u64()?).ok()
    };
    if answer.status == 200 { hidden().unwrap_or(200) } else { answer.status }
}
