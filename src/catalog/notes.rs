//! What is odd about a request and not forbidden: values that have no effect, or that the gateway is
//! not known to take.

use serde_json::Value;

use super::address;
use super::model::Catalog;
use super::param::{Param, ParamKind};
use super::request_view::RequestView;
use super::values::{either, is_given, plain};

/// Something odd about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The parameter's index in [`Catalog::params`].
    pub param: usize,
    /// What is odd about it.
    pub kind: NoteKind,
}

/// What is odd about a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// It has no effect beside the parameter with that index.
    Idle(usize),
    /// It is outside of the numbers that the gateway is known to take.
    Outside,
    /// It is none of the values that the gateway is known to take.
    Unusual,
    /// Its address is that of a page that shows the file, not of the file.
    SharePage,
}

/// The parameters of which something odd can be said, and for each those beside which it is idle.
pub(super) fn noted(params: &[Param]) -> Vec<(usize, Vec<usize>)> {
    let place = |name: &String| params.iter().position(|param| param.name == *name);
    let is_noted = |param: &Param| {
        let is_file = matches!(param.kind, ParamKind::Image | ParamKind::Video);
        is_file
            || !param.idle_beside.is_empty()
            || param.between.is_some()
            || !param.usual.is_empty()
    };
    let noted = params.iter().enumerate().filter(|(_, param)| is_noted(param));
    noted.map(|(at, param)| (at, param.idle_beside.iter().filter_map(place).collect())).collect()
}

/// Everything that is odd about a request.
pub(super) fn of(catalog: &Catalog, request: &RequestView<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    for (place, idle_beside) in &catalog.noted {
        if let Some(value) = request.own(*place).filter(|value| is_given(value))
            && let Some(param) = catalog.params.get(*place)
            && let Some(kind) = odd(param, idle_beside, value, request)
        {
            notes.push(Note { param: *place, kind });
        }
    }
    notes
}

fn odd(
    param: &Param,
    idle_beside: &[usize],
    value: &Value,
    request: &RequestView<'_>,
) -> Option<NoteKind> {
    let mut others = idle_beside.iter().copied();
    if let Some(other) = others.find(|place| request.own(*place).is_some_and(is_given)) {
        return Some(NoteKind::Idle(other));
    }
    let is_file = matches!(param.kind, ParamKind::Image | ParamKind::Video);
    if is_file && value.as_str().is_some_and(|url| address::share_page(url).is_some()) {
        return Some(NoteKind::SharePage);
    }
    if let (Some([least, most]), Some(number)) = (&param.between, value.as_f64())
        && (least.as_f64().is_some_and(|least| number < least)
            || most.as_f64().is_some_and(|most| number > most))
    {
        return Some(NoteKind::Outside);
    }
    (!param.usual.is_empty() && !param.usual.contains(value)).then_some(NoteKind::Unusual)
}

impl Note {
    /// What is odd, and what to do, as people read it; `value` is the parameter's.
    #[must_use]
    pub fn words(&self, catalog: &Catalog, value: &Value) -> (String, String) {
        let Some(param) = catalog.params.get(self.param) else { return Default::default() };
        let name = &param.name;
        match self.kind {
            NoteKind::Idle(other) => {
                let other = catalog.params.get(other).map_or("", |other| &other.name);
                (
                    format!("`{name}` has no effect beside `{other}`"),
                    "leave it out; but leave it as it is in shots that were bought with it: a \
                     change would buy them again"
                        .to_owned(),
                )
            }
            NoteKind::Outside => {
                let [least, most] = param.between.clone().unwrap_or([0.into(), 0.into()]);
                (
                    format!("`{name}` is {value}; the gateway is known to take {least} to {most}"),
                    format!("write a number from {least} to {most}"),
                )
            }
            NoteKind::Unusual => {
                let usual = either(&param.usual.iter().map(plain).collect::<Vec<_>>());
                (
                    format!("`{name}` is {}; the gateway is known to take {usual}", plain(value)),
                    "write one of these, unless you know that it takes this one".to_owned(),
                )
            }
            NoteKind::SharePage => {
                let url = value.as_str().unwrap_or_default();
                (
                    format!("`{name}` is the address of a page that shows a file, not of the file"),
                    address::share_page(url).unwrap_or_default(),
                )
            }
        }
    }
}
