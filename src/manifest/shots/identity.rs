//! The parts of an id that tell an entry's shots apart. Each part depends on its own shot alone, so
//! that adding, removing or reordering shots changes no other shot's id.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::catalog::{Param, ParamKind, hex};
use crate::domain::shot::ShotId;

/// The longest readable part, in bytes; a longer one is cut and gets a hash.
const MAX_PART: usize = 40;
/// Bytes of the hash of a matrix value or a long id, which has few siblings.
const PART_HASH: usize = 4;
/// Bytes of a row's hash: enough to tell millions apart.
const ROW_HASH: usize = 8;
/// How much of a cut part stays readable.
const STEM: usize = 28;

/// The part of an id that a value makes: the value itself where it can stand in a file name, else
/// what is readable of it and a hash of all of it. The commonest values need no hash: `16:9` is
/// `16-9` and `New York` is `New-York`; should two siblings meet there, it is a mistake.
#[must_use]
pub fn part(value: &str) -> String {
    readable(value).unwrap_or_else(|| hashed(&slug(value), value, PART_HASH))
}

/// A cell or a matrix value as identity sees it: `5`, `5.0` and `5s` are one duration, `on` and
/// `TRUE` one switch, whatever a spreadsheet makes of them.
pub(crate) fn meant<'v>(param: Option<&Param>, value: &'v str) -> Cow<'v, str> {
    let Some(param) = param else { return value.into() };
    let typed = matches!(
        param.kind,
        ParamKind::Seconds | ParamKind::OnOff | ParamKind::Bool | ParamKind::Number
    );
    match typed.then(|| param.coerce(Value::from(value))) {
        Some(Ok(Value::String(text))) => text.into(),
        Some(Ok(Value::Number(number))) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}").into()
            }
            _ => number.to_string().into(),
        },
        Some(Ok(other)) => other.to_string().into(),
        Some(Err(_)) | None => value.into(),
    }
}

/// The part that a row without an id makes: of the filled cells that its request uses, by column
/// name. Empty cells do not count, so that a new column changes no row that leaves it empty.
#[must_use]
pub fn row_part(cells: &[(&str, Cow<'_, str>)]) -> String {
    let of = |wanted: &str| cells.iter().find(|(name, _)| *name == wanted);
    // The cell that people recognize best.
    let leading = of("prompt").or(of("image")).or(cells.first()).map_or("", |(_, cell)| cell);
    let one = cells.len() == 1;
    let parts: Option<Vec<String>> = cells
        .iter()
        .map(|(_, cell)| readable(cell).filter(|part| one || !part.contains('-')))
        .collect();
    let joined = parts.map(|parts| parts.join("-"));
    if let Some(joined) = joined.filter(|joined| joined.len() <= MAX_PART && !joined.is_empty()) {
        return joined;
    }
    let mut all = String::new();
    for (name, cell) in cells {
        let _ = write!(all, "{name:?}={cell:?};");
    }
    hashed(&slug(leading), &all, ROW_HASH)
}

/// Joins the parts; an id that got too long is cut and gets a hash.
#[must_use]
pub fn join<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let id = parts.join("-");
    let first = parts.first().map_or(0, |first| first.len());
    if id.len() <= ShotId::MAX_BYTES || first > ShotId::MAX_BYTES {
        return id;
    }
    let stem = cut(&id, ShotId::MAX_BYTES - 9);
    format!("{}-{}", stem.trim_end_matches(['-', '.']), hash(&id, PART_HASH))
}

/// What of a text can stand in a file name, everything else made `-`.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() || matches!(c, '.' | '_') => slug.push(c),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_matches(['-', '.']).to_owned()
}

/// A text in which only single spaces, and colons between digits, had to give way.
fn plain(text: &str) -> String {
    let sides: Option<(&str, &str)> = text.split_once(':');
    let digits = |side: &str| !side.is_empty() && side.bytes().all(|b| b.is_ascii_digit());
    match sides {
        Some((width, height)) if digits(width) && digits(height) => format!("{width}-{height}"),
        _ => text.replace(' ', "-"),
    }
}

/// A value that needs no hash, as it stands in an id.
fn readable(value: &str) -> Option<String> {
    let slug = slug(value);
    let same = slug == value || slug == plain(value);
    (same && !slug.is_empty() && slug.len() <= MAX_PART).then_some(slug)
}

fn hashed(slug: &str, all: &str, bytes: usize) -> String {
    let stem = cut(slug, STEM).trim_end_matches(['-', '.']);
    if stem.is_empty() { hash(all, bytes) } else { format!("{stem}-{}", hash(all, bytes)) }
}

/// No more than `most` bytes of a text, cut between characters.
fn cut(text: &str, most: usize) -> &str {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= most);
    text.get(..end.last().unwrap_or(0)).unwrap_or(text)
}

fn hash(text: &str, bytes: usize) -> String {
    Sha256::digest(text).get(..bytes).map(hex).unwrap_or_default()
}
