//! A list of objects, such as the parts of a clip of several shots: what each part must hold, and
//! what all of them come to.

use serde_json::Value;

use super::model::Catalog;
use super::param::{Param, ParamKind};
use super::request_view::RequestView;
use super::values::is_given;

/// What is wrong with a list of objects that has the parameter's types, and what to write instead.
pub(super) fn check(
    catalog: &Catalog,
    param: &Param,
    value: &Value,
    request: &RequestView<'_>,
) -> Vec<(String, String)> {
    let items = match value {
        Value::Array(items) if param.kind == ParamKind::ObjectList => items.as_slice(),
        _ => return Vec::new(),
    };
    let mut wrong: Vec<(String, String)> =
        (1..).zip(items).flat_map(|(at, item)| part(param, at, item)).collect();
    if wrong.is_empty() && !items.is_empty() {
        wrong.extend(sums(catalog, param, items, request));
    }
    wrong
}

/// What is wrong with one part, counted from 1.
fn part(param: &Param, at: usize, item: &Value) -> Vec<(String, String)> {
    let name = &param.name;
    let mut wrong = Vec::new();
    for field in param.fields.keys() {
        let value = item.get(field).filter(|value| is_given(value));
        let Some(value) = value else {
            let what = format!("part {at} of `{name}` has no `{field}`");
            wrong.push((what, format!("write `{field}:` in each part")));
            continue;
        };
        let most = param.fields_most.get(field).copied().unwrap_or(usize::MAX);
        let count = value.as_str().map_or(0, |text| text.chars().count());
        if count > most {
            let what = format!(
                "`{field}` in part {at} of `{name}` has {count} characters; at most {most} are allowed"
            );
            let over = count - most;
            let s = if over == 1 { "" } else { "s" };
            wrong.push((what, format!("shorten it by {over} character{s}")));
        }
    }
    wrong
}

/// Whether the parts come to what they must come to.
fn sums(
    catalog: &Catalog,
    param: &Param,
    items: &[Value],
    request: &RequestView<'_>,
) -> Option<(String, String)> {
    let seconds = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok());
    param.sums.iter().find_map(|(field, whole)| {
        let wanted = seconds(request.get(catalog.place(whole)?)?)?;
        let sum: u64 = items.iter().filter_map(|item| seconds(item.get(field)?)).sum();
        (sum != wanted).then(|| {
            let what = format!(
                "the parts of `{}` are {sum} seconds long together, but `{whole}` is {wanted}",
                param.name
            );
            (what, format!("write `{whole}: {sum}`, or change the parts"))
        })
    })
}
