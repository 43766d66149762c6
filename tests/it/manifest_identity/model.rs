//! What a campaign comes to, worked out the slow and simple way: every shot from its entry, its row,
//! its matrix values and its take. It knows the rules and not the reader.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

/// A campaign before anyone wrote it down.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    pub vars: BTreeMap<String, String>,
    pub entries: Vec<Entry>,
    /// Images by file name.
    pub stills: BTreeMap<String, Vec<u8>>,
}

/// One item of `shots`, or, without `named`, a CSV that is the manifest itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Who it is, whatever it is called.
    pub who: usize,
    /// Its id; a template of rows, matrix values or `take` tells those apart by itself.
    pub id: Text,
    pub named: bool,
    pub params: BTreeMap<String, Param>,
    pub extra: BTreeMap<String, Json>,
    pub matrix: BTreeMap<String, Vec<String>>,
    pub takes: u32,
    pub table: Option<Table>,
    /// What must not matter.
    pub labels: Labels,
}

/// Rows of a CSV. A cell that is not there is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// A row: who it is, and its filled cells by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub who: usize,
    pub cells: BTreeMap<String, Text>,
}

/// Tags, priority and a clip's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    pub tags: Vec<String>,
    pub priority: Option<i32>,
    pub clip_name: Option<&'static str>,
}

/// Words and names, alternating as they will.
pub type Text = Vec<Piece>;

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Words(String),
    Name(String),
}

/// A request parameter as it is meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    Text(Text),
    Seconds(u32),
    Switch(bool),
    Bool(bool),
    Number(f64),
    List(Vec<Text>),
    Object(Map<String, Json>),
    Still(String),
}

/// A shot's origin: entry, row, matrix values, take. It stays while everything around it changes.
pub type Origin = (usize, Option<usize>, BTreeMap<String, String>, u32);

/// What a shot must come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    pub id: String,
    /// The request without local files.
    pub request: Json,
    /// Parameter and name of each local file.
    pub files: BTreeMap<String, String>,
    /// What of it is meant: nothing that is the API's default anyway, files by their bytes.
    pub meaning: Json,
}

/// Every shot by its origin.
pub type Shots = BTreeMap<Origin, Shot>;

impl Campaign {
    /// Its shots.
    pub fn shots(&self) -> Shots {
        let mut shots = Shots::new();
        for entry in &self.entries {
            let rows: Vec<Option<&Row>> = match &entry.table {
                Some(table) => table.rows.iter().map(Some).collect(),
                None => vec![None],
            };
            for row in rows {
                for values in entry.combinations() {
                    for take in 1..=entry.takes_of(row) {
                        let origin = (entry.who, row.map(|row| row.who), values.clone(), take);
                        shots.insert(origin, self.shot(entry, row, &values, take));
                    }
                }
            }
        }
        shots
    }

    /// Whether no two shots are called alike.
    pub fn is_sound(&self) -> bool {
        let ids: Vec<String> = self.shots().values().map(|shot| shot.id.to_lowercase()).collect();
        ids.iter().collect::<BTreeSet<_>>().len() == ids.len()
    }

    fn shot(
        &self,
        entry: &Entry,
        row: Option<&Row>,
        values: &BTreeMap<String, String>,
        take: u32,
    ) -> Shot {
        let mut names = self.vars.clone();
        names.extend(values.clone());
        names.insert("take".to_owned(), take.to_string());
        let plain = names.clone();
        for (column, cell) in row.iter().flat_map(|row| &row.cells) {
            names.insert(column.clone(), written(cell));
        }
        let mut request = Map::new();
        let mut files = BTreeMap::new();
        for name in entry.param_names() {
            let own = entry.params.get(&name);
            let its_own_name = |text: &Text| text.contains(&Piece::Name(name.clone()));
            let by_itself = matches!(own, Some(Param::Text(text)) if its_own_name(text));
            let cell = row.and_then(|row| row.cells.get(&name));
            let mut value = match (own, values.get(&name), cell) {
                (Some(own), ..) if by_itself => own.wire(&names),
                (_, Some(value), _) => wire(&name, value),
                (_, None, Some(cell)) => wire(&name, &filled(cell, &plain)),
                (Some(Param::Still(file)), ..) => {
                    files.insert(name.clone(), file.clone());
                    continue;
                }
                (Some(own), ..) => own.wire(&names),
                (None, None, None) => Json::Null,
            };
            for (column, cell) in row.iter().flat_map(|row| &row.cells) {
                if let Some(field) = column.strip_prefix(&format!("{name}.")) {
                    if value.is_null() {
                        value = json!({});
                    }
                    value[field] = wire(column, &filled(cell, &plain));
                }
            }
            if !value.is_null() {
                request.insert(name, trimmed(value));
            }
        }
        for (name, value) in &entry.extra {
            request.insert(name.clone(), value.clone());
        }
        let id = entry.id_of(row, values, take, &names);
        Shot { id, meaning: self.meaning(&request, &files), request: Json::Object(request), files }
    }

    fn meaning(&self, request: &Map<String, Json>, files: &BTreeMap<String, String>) -> Json {
        let defaults = [("mode", "std"), ("duration", "5"), ("sound", "off")];
        let mut meant = request.clone();
        meant.remove("callback_url");
        meant.retain(|name, value| !defaults.contains(&(name, value.as_str().unwrap_or(""))));
        for (param, file) in files {
            meant.insert(param.clone(), json!({"bytes": self.stills[file]}));
        }
        Json::Object(meant)
    }
}

impl Entry {
    fn takes_of(&self, row: Option<&Row>) -> u32 {
        let cell = row.and_then(|row| row.cells.get("takes"));
        cell.map_or(self.takes, |cell| written(cell).parse().unwrap())
    }

    /// Every choice of one value for each variable.
    pub fn combinations(&self) -> Vec<BTreeMap<String, String>> {
        let mut all = vec![BTreeMap::new()];
        for (name, values) in &self.matrix {
            let more = |chosen: BTreeMap<String, String>| {
                values.iter().map(move |value| {
                    let mut chosen = chosen.clone();
                    chosen.insert(name.clone(), value.clone());
                    chosen
                })
            };
            all = all.into_iter().flat_map(more).collect();
        }
        all
    }

    /// The columns of its table.
    pub fn columns(&self) -> &[String] {
        self.table.as_ref().map_or(&[], |table| &table.columns)
    }

    /// Request parameters that anything sets.
    fn param_names(&self) -> BTreeSet<String> {
        let heads = self.columns().iter().filter_map(|column| column.split('.').next());
        let all = self.params.keys().map(String::as_str).chain(self.matrix.keys().map(|k| &**k));
        all.chain(heads)
            .filter(|name| KINDS.iter().any(|(n, _)| n == name))
            .map(Into::into)
            .collect()
    }

    fn id_of(
        &self,
        row: Option<&Row>,
        values: &BTreeMap<String, String>,
        take: u32,
        names: &BTreeMap<String, String>,
    ) -> String {
        let told = |name: &str| self.id.contains(&Piece::Name(name.to_owned()));
        let mut parts = vec![filled(&self.id, names)];
        if let Some(row) = row
            && !self.columns().iter().any(|column| told(column))
        {
            parts.push(match row.cells.get("id") {
                Some(id) => written(id),
                None => self.row_part(row),
            });
        }
        parts.extend(values.iter().filter(|(name, _)| !told(name)).map(|(_, value)| part(value)));
        if take > 1 && !told("take") {
            parts.push(format!("t{take}"));
        }
        parts.retain(|part| !part.is_empty());
        let id = parts.join("-");
        if id.len() <= 150 {
            return id;
        }
        format!("{}-{}", cut(&id, 141).trim_end_matches(['-', '.']), hash(&id, 4))
    }

    /// What tells a row without an id apart: the filled cells that the request uses, by
    /// column name.
    fn row_part(&self, row: &Row) -> String {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        let texts = self.params.iter().filter(|(name, _)| !self.matrix.contains_key(*name));
        for param in texts.map(|(_, param)| param) {
            let texts: Vec<&Text> = match param {
                Param::Text(text) => vec![text],
                Param::List(items) => items.iter().collect(),
                _ => Vec::new(),
            };
            for piece in texts.into_iter().flatten() {
                if let Piece::Name(name) = piece {
                    named.insert(name);
                }
            }
        }
        let is_param = |column: &str| {
            let head = column.split('.').next().unwrap_or(column);
            KINDS.iter().any(|(name, _)| *name == head)
        };
        let mut used: Vec<&str> = self.columns().iter().map(String::as_str).collect();
        // An empty cell says nothing.
        used.retain(|column| row.cells.contains_key(*column));
        used.retain(|column| is_param(column) || named.contains(column));
        used.sort_unstable();
        let cell = |column: &str| row.cells.get(column).map(written);
        let lone = used.len() == 1;
        let short: Option<Vec<String>> = used
            .iter()
            .map(|column| readable(&cell(column)?).filter(|part| lone || !part.contains('-')))
            .collect();
        if let Some(part) = short.map(|parts| parts.join("-"))
            && !part.is_empty()
            && part.len() <= 40
        {
            return part;
        }
        let mut all = String::new();
        for column in &used {
            if let Some(cell) = cell(column) {
                let _ = write!(all, "{column:?}={cell:?};");
            }
        }
        let leading = ["prompt", "image"].into_iter().find(|column| used.contains(column));
        let leading = leading.or(used.first().copied()).and_then(cell);
        with_hash(&slug(&leading.unwrap_or_default()), &all, 8)
    }
}

/// The request parameters that campaigns here use.
pub const KINDS: [(&str, &str); 16] = [
    ("model", "text"),
    ("prompt", "text"),
    ("image", "still"),
    ("mode", "text"),
    ("duration", "seconds"),
    ("sound", "switch"),
    ("negative_prompt", "text"),
    ("aspect_ratio", "text"),
    ("cfg_scale", "number"),
    ("callback_url", "text"),
    ("image_tail", "still"),
    ("voice_list", "list"),
    ("camera_control", "object"),
    ("multi_shot", "bool"),
    ("watermark_info", "object"),
    ("motion_video", "text"),
];

/// A text for the gateway, from a cell's or a matrix value's text.
fn wire(name: &str, text: &str) -> Json {
    match KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind) {
        Some("number") => json!(text.parse::<f64>().unwrap()),
        Some("bool") => json!(text == "true"),
        Some("list") => text.split(';').collect(),
        Some("object") => serde_json::from_str(text).unwrap(),
        _ => text.into(),
    }
}

impl Param {
    fn wire(&self, names: &BTreeMap<String, String>) -> Json {
        match self {
            Self::Text(text) => filled(text, names).into(),
            Self::Seconds(seconds) => seconds.to_string().into(),
            Self::Switch(on) => if *on { "on" } else { "off" }.into(),
            Self::Bool(yes) => (*yes).into(),
            Self::Number(number) => (*number).into(),
            Self::List(items) => items.iter().map(|item| filled(item, names)).collect(),
            Self::Object(fields) => Json::Object(fields.clone()),
            Self::Still(_) => unreachable!("files are not in the request"),
        }
    }
}

/// A text with its names filled in.
fn filled(text: &Text, names: &BTreeMap<String, String>) -> String {
    text.iter()
        .map(|piece| match piece {
            Piece::Words(words) => words.as_str(),
            Piece::Name(name) => &names[name],
        })
        .collect()
}

/// A text as it is written down.
pub fn written(text: &Text) -> String {
    text.iter()
        .map(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Name(name) => format!("{{{{ {name} }}}}"),
        })
        .collect()
}

/// A text without names.
pub fn words(text: &str) -> Text {
    vec![Piece::Words(text.to_owned())]
}

/// What a matrix value adds to an id.
/// White space around a text means nothing.
fn trimmed(value: Json) -> Json {
    match value {
        Json::String(text) => text.trim().into(),
        Json::Array(items) => items.into_iter().map(trimmed).filter(|item| item != "").collect(),
        Json::Object(mut fields) => {
            if let Some(Json::String(text)) = fields.get_mut("type") {
                *text = text.trim().to_owned();
            }
            Json::Object(fields)
        }
        other => other,
    }
}

fn part(value: &str) -> String {
    readable(value).unwrap_or_else(|| with_hash(&slug(value), value, 4))
}

/// A value that stands in an id as it is, but for spaces and the colon of `16:9`.
fn readable(value: &str) -> Option<String> {
    let ratio = value.split_once(':').filter(|(w, h)| {
        [w, h].iter().all(|side| !side.is_empty() && side.bytes().all(|b| b.is_ascii_digit()))
    });
    let easy = match ratio {
        Some((width, height)) => format!("{width}-{height}"),
        None => value.replace(' ', "-"),
    };
    let slug = slug(value);
    ((slug == value || slug == easy) && !slug.is_empty() && slug.len() <= 40).then_some(slug)
}

/// Letters, digits, `.` and `_`; one `-` for any run of others; no `-` or `.` at the ends.
fn slug(text: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || c == '.' || c == '_';
    let mut slug: String = text.chars().map(|c| if safe(c) { c } else { '-' }).collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    slug.trim_matches(['-', '.']).to_owned()
}

fn with_hash(slug: &str, all: &str, bytes: usize) -> String {
    let stem = cut(slug, 28).trim_end_matches(['-', '.']);
    if stem.is_empty() { hash(all, bytes) } else { format!("{stem}-{}", hash(all, bytes)) }
}

fn cut(text: &str, most: usize) -> &str {
    &text[..(0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap()]
}

fn hash(text: &str, bytes: usize) -> String {
    Sha256::digest(text)
        .iter()
        .take(bytes)
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
