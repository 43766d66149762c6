//! Campaigns of every kind, and what can be done to them: changes around a shot, and changes of what
//! a shot means.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::model::{Campaign, Entry, Labels, Param, Piece, Row, Table, Text, words};

/// Bytes to choose by. All choices are zero once they are used up, and zero is the simplest choice,
/// so that what proptest shrinks the bytes to is simple.
pub struct Dice<'b>(std::slice::Iter<'b, u8>);

impl<'b> Dice<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(bytes.iter())
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % end.max(1)
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    fn of<'p, T: ?Sized>(&mut self, pool: &[&'p T]) -> &'p T {
        pool[self.below(pool.len())]
    }

    /// Some of a pool, at least one.
    fn some(&mut self, pool: &[&str], most: usize) -> Vec<String> {
        let count = 1 + self.below(most.min(pool.len()));
        let first = self.below(pool.len());
        (0..count).map(|at| pool[(first + at) % pool.len()].to_owned()).collect()
    }
}

const IDS: [&str; 6] = ["e0", "beach", "küche", "S_1", "x.y", "dawn2"];
const WORDS: [&str; 29] = [
    "A beach",
    "it's \"dusk\"",
    "waves: high",
    "a # b",
    "100%",
    "5",
    "5.10",
    "on",
    "null",
    "~",
    "a {brace} [x], y",
    "ä 海滩 🎬",
    "- dash",
    "tab\there",
    "two\nlines",
    "one\n\n  two\n",
    "back\\slash",
    "&a *b !c",
    "16:9",
    "@at `tick` %x",
    "e\u{301}\u{200b}.",
    "007",
    "1e3",
    "a fairly long sentence about waves that roll on and on, and on",
    "=1+1",
    "? what",
    "a;b|c",
    "yes and no",
    "<<",
];
const PLACES: [&str; 12] = [
    "Oslo",
    "New York",
    "16:9",
    "a/b",
    "a b!",
    "ä",
    "…",
    "wild.ish",
    "0.5",
    "5",
    "no",
    "a place whose name no file name would want to hold, by far",
];
const LOOKS: [&str; 4] = ["dim", "bright", "7", "x_y"];
const TOWNS: [&str; 5] = ["Rome", "Bonn", "Genève", "Ulm", "Wien"];

/// A campaign: four entries at most, or one table that is the manifest.
pub fn campaign(dice: &mut Dice<'_>) -> Campaign {
    let var = |dice: &mut Dice<'_>| dice.of(&WORDS[..14]).to_owned();
    let vars = [("mood", var(dice)), ("era", var(dice))];
    let is_table = dice.once_in(6);
    let count = 1 + if is_table { 0 } else { dice.below(4) };
    let still = |tag: &str| [crate::cases::PNG, tag.as_bytes()].concat();
    Campaign {
        vars: vars.map(|(name, text)| (name.to_owned(), text)).into(),
        entries: (0..count).map(|who| entry(who, !is_table, dice)).collect(),
        stills: [("still.png".into(), still("one")), ("two.png".into(), still("two"))].into(),
    }
}

/// A cell that is used by its name must not hold names itself: that is a mistake.
fn put_names_in_once(entry: &mut Entry) {
    let mut used = BTreeSet::new();
    let mut note = |text: &Text| {
        used.extend(text.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(name.clone()),
            Piece::Words(_) => None,
        }));
    };
    note(&entry.id);
    for param in entry.params.values() {
        match param {
            Param::Text(text) => note(text),
            Param::List(items) => items.iter().for_each(&mut note),
            _ => {}
        }
    }
    let rows = || entry.table.iter().flat_map(|table| &table.rows);
    rows().flat_map(|row| row.cells.values()).for_each(&mut note);
    for row in entry.table.iter_mut().flat_map(|table| &mut table.rows) {
        for (_, text) in row.cells.iter_mut().filter(|(column, _)| used.contains(*column)) {
            for piece in text.iter_mut() {
                if let Piece::Name(name) = piece {
                    *piece = Piece::Words(name.clone());
                }
            }
        }
    }
}

fn entry(who: usize, named: bool, dice: &mut Dice<'_>) -> Entry {
    let mut entry = Entry {
        who,
        id: if named { words(IDS[who]) } else { Text::new() },
        named,
        params: BTreeMap::new(),
        extra: BTreeMap::new(),
        matrix: if named { matrix(dice) } else { BTreeMap::new() },
        takes: if named { [1, 1, 2, 3][dice.below(4)] } else { 1 },
        table: None,
        labels: Labels::default(),
    };
    if !named || dice.once_in(3) {
        entry.table = Some(table(&entry, dice));
    }
    if named {
        params(&mut entry, dice);
        if dice.once_in(3) {
            entry.extra.insert("seed".into(), json!(dice.below(9)));
        }
        if dice.once_in(6) {
            entry.extra.insert("deep".into(), json!({"a": [1, "x: y", null, true, 0.5], "b": {}}));
        }
        told_by_id(&mut entry, dice);
    }
    put_names_in_once(&mut entry);
    entry
}

fn matrix(dice: &mut Dice<'_>) -> BTreeMap<String, Vec<String>> {
    let pools: [(&str, &[&str]); 5] = [
        ("place", &PLACES),
        ("look", &LOOKS),
        ("duration", &["5", "10"]),
        ("mode", &["std", "pro"]),
        ("sound", &["on", "off"]),
    ];
    let mut matrix = BTreeMap::new();
    for (name, pool) in pools {
        if dice.once_in(5) {
            matrix.insert(name.to_owned(), dice.some(pool, 3));
        }
    }
    matrix
}

/// Names that templates of an entry can use.
fn names(entry: &Entry) -> Vec<&str> {
    let mut names = vec!["mood", "era", "take"];
    names.extend(entry.matrix.keys().map(String::as_str));
    names.extend(entry.columns().contains(&"town".to_owned()).then_some("town"));
    names
}

fn text(names: &[&str], dice: &mut Dice<'_>) -> Text {
    (0..=dice.below(3))
        .map(|_| match dice.below(3) {
            0 | 1 => Piece::Words(dice.of(&WORDS).to_owned()),
            _ => Piece::Name(dice.of(names).to_owned()),
        })
        .collect()
}

/// A text as a cell can hold it: without spaces and line breaks at its ends.
fn cell_text(names: &[&str], dice: &mut Dice<'_>) -> Text {
    let mut cell = text(names, dice);
    if let Some(Piece::Words(last)) = cell.last_mut() {
        last.truncate(last.trim_end().len());
    }
    cell
}

fn table(entry: &Entry, dice: &mut Dice<'_>) -> Table {
    let optional =
        ["id", "duration", "mode", "negative_prompt", "cfg_scale", "camera_control.type", "takes"];
    let mut columns: Vec<&str> = optional.into_iter().filter(|_| dice.once_in(3)).collect();
    if entry.named {
        columns.extend(["prompt", "town", "note"].iter().filter(|_| dice.once_in(2)));
        // A row with no cell at all would be no row.
        if !columns.contains(&"prompt") && !columns.contains(&"town") {
            columns.push("town");
        }
    } else {
        columns.extend(["model", "prompt"]);
    }
    columns.retain(|column| !entry.matrix.contains_key(*column));
    let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
    let rows = (0..=dice.below(4)).map(|who| row(who, entry, &columns, dice)).collect();
    Table { columns, rows }
}

fn row(who: usize, entry: &Entry, columns: &[String], dice: &mut Dice<'_>) -> Row {
    let known: Vec<&str> = entry.matrix.keys().map(String::as_str).collect();
    let known =
        [known.as_slice(), if entry.named { &["mood", "take"] } else { &["take"] }].concat();
    let mut cells = BTreeMap::new();
    for column in columns {
        let cell = match column.as_str() {
            "id" if !dice.once_in(4) => words(&format!("r{who}")),
            "prompt" => cell_text(&known, dice),
            "town" => words(TOWNS[who]),
            "model" => words(dice.of(&["kling-v3", "kling-v2-6"])),
            "duration" if dice.once_in(2) => words(dice.of(&["5", "10"])),
            "mode" if dice.once_in(2) => words(dice.of(&["std", "pro"])),
            "takes" if dice.once_in(3) => words(dice.of(&["1", "2"])),
            "cfg_scale" if dice.once_in(2) => words(dice.of(&["0.5", "1", "0.25"])),
            "negative_prompt" if dice.once_in(2) => cell_text(&known, dice),
            "camera_control.type" if dice.once_in(2) => words(dice.of(&["simple", "x y", "down"])),
            "note" if dice.once_in(2) => words(dice.of(&WORDS[..13])),
            _ => continue,
        };
        cells.insert(column.clone(), cell);
    }
    Row { who, cells }
}

fn params(entry: &mut Entry, dice: &mut Dice<'_>) {
    let names: Vec<String> = names(entry).into_iter().map(str::to_owned).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let has_prompts = entry.columns().contains(&"prompt".to_owned());
    let mut params: Vec<(&str, Param)> = Vec::new();
    params.push(("model", Param::Text(words(dice.of(&["kling-v3", "kling-v2-6"])))));
    if !has_prompts || dice.once_in(3) {
        let mut prompt = text(&names, dice);
        if has_prompts && dice.once_in(2) {
            prompt.push(Piece::Name("prompt".into()));
        }
        if names.contains(&"town") {
            prompt.push(Piece::Name("town".into()));
        }
        params.push(("prompt", Param::Text(prompt)));
    }
    let sound = dice.below(4);
    if sound > 1 {
        params.push(("sound", Param::Switch(sound == 3)));
    }
    for name in OPTIONAL {
        let has_image = params.iter().any(|(known, _)| *known == "image");
        let fits = match name {
            "image_tail" => has_image,
            "voice_list" => sound == 3 && !entry.matrix.contains_key("sound"),
            _ => true,
        };
        if fits && dice.once_in(4) {
            params.push((name, param(name, &names, dice)));
        }
    }
    let params = params.into_iter().filter(|(name, _)| !entry.matrix.contains_key(*name));
    entry.params = params.map(|(name, param)| (name.to_owned(), param)).collect();
}

const OPTIONAL: [&str; 12] = [
    "mode",
    "duration",
    "negative_prompt",
    "aspect_ratio",
    "cfg_scale",
    "callback_url",
    "multi_shot",
    "watermark_info",
    "camera_control",
    "image",
    "image_tail",
    "voice_list",
];

/// A value for a parameter.
fn param(name: &str, names: &[&str], dice: &mut Dice<'_>) -> Param {
    match name {
        "mode" => Param::Text(words(dice.of(&["std", "pro"]))),
        "duration" => Param::Seconds([5, 10][dice.below(2)]),
        "sound" => Param::Switch(true),
        "aspect_ratio" => Param::Text(words(dice.of(&["16:9", "9:16", "1:1"]))),
        "cfg_scale" => Param::Number([0.5, 1.0, 0.25, 2.0][dice.below(4)]),
        "callback_url" => Param::Text(words(dice.of(&["https://a.b/c", "http://d/e?f=g#h"]))),
        "multi_shot" => Param::Bool(dice.once_in(2)),
        "watermark_info" => Param::Object(object(&json!({"enabled": dice.once_in(2)}))),
        "camera_control" => Param::Object(object(&match dice.below(4) {
            0 => json!({"type": "simple"}),
            1 => json!({"type": "down_back", "config": {"horizontal": 1.5, "zoom": 2}}),
            2 => json!({"type": "5", "config": {"x": ["on", "1.0", "null", true, null, -3]}}),
            _ => json!({"config": {}, "type": "a: b"}),
        })),
        "image" | "image_tail" => Param::Still(dice.of(&["still.png", "two.png"]).into()),
        "voice_list" => Param::List((0..=dice.below(2)).map(|_| voice(dice)).collect()),
        _ => Param::Text(text(names, dice)),
    }
}

fn voice(dice: &mut Dice<'_>) -> Text {
    words(dice.of(&["v1", "v2", "5", "on", "a b"]))
}

fn object(json: &Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

/// Sometimes an entry's own id tells its shots apart.
fn told_by_id(entry: &mut Entry, dice: &mut Dice<'_>) {
    let names = ["look", "town", "take"].into_iter().filter(|name| match *name {
        "look" => entry.matrix.contains_key("look"),
        "town" => entry.columns().contains(&"town".to_owned()),
        _ => true,
    });
    for name in names.collect::<Vec<_>>() {
        if dice.once_in(6) {
            entry.id.push(Piece::Words("_".into()));
            entry.id.push(Piece::Name(name.into()));
        }
    }
}

/// Changes what is around shots: siblings come, go and change places, labels change.
pub fn stir(campaign: &mut Campaign, dice: &mut Dice<'_>) {
    for step in 1..=1 + dice.below(6) {
        let count = campaign.entries.len();
        let at = dice.below(count);
        let entry = &mut campaign.entries[at];
        match dice.below(9) {
            0 => entry.takes = if entry.named { 1 + (entry.takes + 1) % 4 } else { 1 },
            1 => {
                let table = entry.named.then(|| table(entry, dice));
                if let (Some(own), Some(other)) = (&mut entry.table, table)
                    && own.columns == other.columns
                {
                    for (at, mut row) in other.rows.into_iter().enumerate() {
                        row.who = 100 * step + at;
                        for (column, name) in [("id", "r"), ("town", "Town")] {
                            let cell = row.cells.get_mut(column);
                            let _ = cell.map(|cell| *cell = words(&format!("{name}{}", row.who)));
                        }
                        own.rows.insert(dice.below(own.rows.len()), row);
                    }
                }
            }
            2 => {
                if let Some(table) = &mut entry.table
                    && table.rows.len() > 1
                {
                    table.rows.remove(dice.below(table.rows.len()));
                }
            }
            3 => {
                if let Some(values) = entry.matrix.get_mut("place") {
                    let new = PLACES[dice.below(PLACES.len())];
                    if !values.iter().any(|value| value == new) {
                        values.insert(dice.below(values.len()), new.to_owned());
                    }
                }
            }
            4 => {
                for values in entry.matrix.values_mut().filter(|values| values.len() > 1) {
                    values.remove(dice.below(values.len()));
                }
            }
            5 => {
                entry.labels = Labels {
                    tags: dice.some(&["x", "{{ id }}", "{{ take }}", "a b"], 3),
                    priority: Some([-1, 0, 7][dice.below(3)]),
                    clip_name: [None, Some("s/{{ id }}"), Some("{{ id }}.x.mp4")][dice.below(3)],
                }
            }
            6 if count > 1 => {
                campaign.entries.remove(at);
            }
            7 if entry.named => {
                // One that was never there before.
                let who = step % 2 + 4;
                if campaign.entries.iter().all(|entry| entry.who != who) && step < 3 {
                    campaign.entries.insert(at, self::entry(who, true, dice));
                }
            }
            _ => {
                campaign.vars.insert("unused".into(), "x".into());
            }
        }
    }
}

/// Changes what shots mean, or says the same in more words. What came of it is for the model to say.
pub fn change(campaign: &mut Campaign, dice: &mut Dice<'_>) {
    let at = dice.below(campaign.entries.len());
    let entry = &mut campaign.entries[at];
    match dice.below(8) {
        0 => {
            let other = [crate::cases::PNG, b"other"].concat();
            campaign.stills.insert("still.png".into(), other);
        }
        1 => drop(campaign.vars.insert("mood".into(), dice.of(&WORDS[..14]).into())),
        2 if entry.named => drop(entry.extra.insert("new".into(), json!([dice.below(3)]))),
        3 if entry.table.is_some() => {
            let row = |table: &mut Table, dice: &mut Dice<'_>| {
                let at = dice.below(table.rows.len());
                let cell = table.rows[at].cells.get_mut("prompt");
                cell.map(|cell| cell.insert(0, Piece::Words("Changed".into())))
            };
            entry.table.as_mut().and_then(|table| row(table, dice));
        }
        4 => {
            if let Some(Param::Text(text)) = entry.params.get_mut("prompt") {
                text.push(Piece::Words(dice.of(&WORDS).into()));
            }
        }
        5 => {
            if let Some(Param::Object(fields)) = entry.params.get_mut("camera_control") {
                fields.insert("config".into(), json!({"new": [1, {"a": dice.below(3)}]}));
            }
        }
        _ if !entry.named => {}
        _ => {
            let name = dice.of(&OPTIONAL);
            let needs = ["image_tail", "voice_list"].contains(&name);
            if !entry.matrix.contains_key(name) && (!needs || entry.params.contains_key(name)) {
                entry.params.insert(name.into(), param(name, &["mood"], dice));
            }
        }
    }
}
