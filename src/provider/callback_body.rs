//! The tasks that a callback's body names. That body is undocumented and may be forged by anyone,
//! so this only says which ids are worth asking the gateway about.

use serde_json::Value;

use crate::domain::outcome::TaskId;

/// The most tasks of one body that are looked at.
pub const MAX_NAMED: usize = 4;
/// How deep a body is looked through.
const DEEPEST: u8 = 5;
/// The names of a task's id, the surest first.
const NAMES: [&[&str]; 2] = [&["taskId", "task_id", "taskid", "taskID"], &["id"]];

/// The ids in a body that may be a task's, the likeliest first; none if it is not JSON.
#[must_use]
pub fn tasks_named(body: &[u8]) -> Vec<TaskId> {
    let mut tasks = Vec::new();
    if let Ok(body) = serde_json::from_slice(body) {
        for names in NAMES {
            collect(&body, names, DEEPEST, &mut tasks);
        }
    }
    tasks
}

fn collect(value: &Value, names: &[&str], deeper: u8, tasks: &mut Vec<TaskId>) {
    let Some(deeper) = deeper.checked_sub(1) else { return };
    match value {
        Value::Object(fields) => {
            for task in names.iter().filter_map(|name| fields.get(*name).and_then(id)) {
                if tasks.len() < MAX_NAMED && !tasks.contains(&task) {
                    tasks.push(task);
                }
            }
            fields.values().for_each(|value| collect(value, names, deeper, tasks));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names, deeper, tasks)),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(body: &str) -> Vec<String> {
        tasks_named(body.as_bytes()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ids_are_found_in_every_likely_shape_and_the_likeliest_come_first() {
        assert_eq!(named(r#"{"code":200,"data":{"taskId":"t1","state":"completed"}}"#), ["t1"]);
        assert_eq!(named(r#"{"id":"hook-7","data":[{"task_id":"t1"}]}"#), ["t1", "hook-7"]);
        assert_eq!(named(r#"{"event":{"task":{"id":42}}}"#), ["42"]);
        assert_eq!(named(r#"[{"taskId":"t1"},{"taskId":"t1"}]"#), ["t1"]);
    }

    #[test]
    fn a_forged_body_costs_little_and_says_nothing() {
        for body in
            ["", "hello", "{", "null", "\u{1f}\u{8b}\u{8}", r#"{"taskId":"a\nb"}"#, r#"{"id":-1}"#]
        {
            assert_eq!(named(body), Vec::<String>::new(), "{body}");
        }
        let many: Vec<_> = (0..1000).map(|n| serde_json::json!({"taskId": n})).collect();
        assert_eq!(named(&serde_json::json!(many).to_string()).len(), MAX_NAMED);
        let deep = format!("{}{}{}", r#"{"a":"#.repeat(9), r#"{"taskId":"t1"}"#, "}".repeat(9));
        assert_eq!(named(&deep), Vec::<String>::new());
        assert_eq!(named(&"[".repeat(60_000)), Vec::<String>::new());
    }
}
