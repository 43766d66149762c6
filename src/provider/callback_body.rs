//! The tasks that a callback's body names. That body is undocumented and may be forged by anyone,
//! so this only says which ids are worth asking the gateway about.

use serde_json::Value;

use crate::domain::callback::add_named;
use crate::domain::outcome::TaskId;

use super::wire::names_task;

/// How deep a body is looked through.
const DEEPEST: u8 = 5;
/// What a task's id may be called, the surest first.
const NAMES: [fn(&str) -> bool; 2] = [names_task, |name| name == "id"];

/// The ids in a body that may be a task's, the likeliest first; none if it is not JSON.
#[must_use]
pub fn tasks_named(body: &[u8]) -> Vec<TaskId> {
    let mut tasks = Vec::new();
    if let Ok(body) = serde_json::from_slice(body) {
        for is_name in NAMES {
            collect(&body, is_name, DEEPEST, &mut tasks);
        }
    }
    tasks
}

fn collect(value: &Value, is_name: fn(&str) -> bool, deeper: u8, tasks: &mut Vec<TaskId>) {
    let Some(deeper) = deeper.checked_sub(1) else { return };
    match value {
        Value::Object(fields) => {
            let named = fields.iter().filter(|(name, _)| is_name(name));
            add_named(tasks, named.filter_map(|(_, value)| id(value)));
            fields.values().for_each(|value| collect(value, is_name, deeper, tasks));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, is_name, deeper, tasks)),
        _ => {}
    }
}

fn id(value: &Value) -> Option<TaskId> {
    match value {
        Value::String(text) if !text.contains(char::REPLACEMENT_CHARACTER) => TaskId::new(text),
        Value::Number(number) if number.is_u64() => TaskId::new(&number.to_string()),
        _ => None,
    }
}
