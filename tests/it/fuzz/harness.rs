//! What must hold whatever bytes a manifest is made of. The fuzz targets and the tests that replay
//! what they found (`tests/it/fuzz.rs`) share this file.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use rushes::catalog::Catalog;
use rushes::domain::shot::ShotId;
use rushes::manifest::{Campaign, Reading, load};

/// Stands between the two files of a `table` input.
const PARTING: &[u8] = b"\n=====\n";

/// The CSV that every YAML manifest can name, unless the input brings its own.
const ROWS: &[u8] = b"id,prompt,place,takes\na,A beach,Oslo,2\nb,\"A {{ place }}, dim\",Rome,\n";

/// Enough of a PNG to be taken for one.
const STILL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x05\0\0\0\x02\xd0\x08\x02\0\0\0????\0\0\0\0IEND\xae\x42\x60\x82";

/// A folder to write manifests to, and the catalog.
pub struct Harness {
    folder: tempfile::TempDir,
    catalog: Catalog,
}

impl Harness {
    /// Makes the folder; it goes with the harness.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("still.png"), STILL).unwrap();
        Self { folder, catalog: Catalog::builtin() }
    }

    /// Reads bytes as the fuzz target of that name does.
    ///
    /// # Panics
    /// When something does not hold that always must.
    pub fn read(&self, target: &str, bytes: &[u8]) {
        if asks_for_millions(bytes) {
            return;
        }
        match target {
            "yaml" => self.check(&[("shots.yaml", bytes), ("rows.csv", ROWS)]),
            "csv" => self.check(&[("shots.csv", bytes)]),
            "template" => self.check(&[("shots.yaml", templates(bytes).as_bytes())]),
            "table" => {
                let at = bytes.windows(PARTING.len()).position(|window| window == PARTING);
                let (yaml, csv) = match at {
                    Some(at) => (&bytes[..at], &bytes[at + PARTING.len()..]),
                    None => (TABLE, bytes),
                };
                self.check(&[("shots.yaml", yaml), ("rows.csv", csv)]);
            }
            other => panic!("there is no target {other}"),
        }
    }

    /// Loads files, of which the first is the manifest, and looks at what comes of it.
    fn check(&self, files: &[(&str, &[u8])]) {
        for (name, bytes) in files {
            std::fs::write(self.folder.path().join(name), bytes).unwrap();
        }
        let manifest = self.folder.path().join(files[0].0);
        let reading = Reading { catalog: &self.catalog, capped: None, color: false };
        match load(&manifest, &reading) {
            Ok(campaign) => self.good(&campaign, files),
            Err(mistakes) => {
                assert!(mistakes.count > 0, "refused without a reason");
                self.diagnostics(&mistakes.rendered, "error", files);
            }
        }
    }

    fn good(&self, campaign: &Campaign, files: &[(&str, &[u8])]) {
        assert!(ShotId::new(&campaign.header.campaign).is_ok(), "{:?}", campaign.header.campaign);
        assert!(!campaign.shots.is_empty(), "a campaign without shots");
        let mut ids = HashSet::new();
        for shot in &campaign.shots {
            let (id, clip) = (shot.id.as_str(), &*shot.clip_name);
            assert!(ShotId::new(id).is_ok(), "{id:?} is no id");
            assert!(ids.insert(shot.id.folded()), "{id:?} is there twice");
            assert!(clip.split('/').all(|part| ShotId::new(part).is_ok()), "{clip:?} is not safe");
            let json: serde_json::Value = serde_json::from_str(&shot.request.json).unwrap();
            assert_eq!(json.get("model").and_then(|model| model.as_str()), Some(&*shot.model));
        }
        for warning in &campaign.warnings {
            self.diagnostics(&warning.rendered, "warning", files);
        }
    }

    /// A diagnostic is safe to print and points into a file.
    fn diagnostics(&self, rendered: &str, level: &str, files: &[(&str, &[u8])]) {
        let steers = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let bad = |c: char| (c.is_control() && c != '\n') || steers(c);
        assert!(!rendered.contains(bad), "unsafe to print: {rendered:?}");
        let mut titles = 0;
        for line in rendered.lines().filter(|line| line.starts_with(level)) {
            let title = line.strip_prefix(level).and_then(|rest| rest.strip_prefix(": "));
            let place = title.and_then(|title| place(title, self.folder.path()));
            let Some((name, line, column)) = place else { panic!("no place: {line}") };
            let bytes = files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| *bytes);
            let text = String::from_utf8_lossy(bytes.unwrap_or(STILL)).into_owned();
            // A lone carriage return ends a line too, as on an old Mac.
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let Some(shown) = text.split('\n').nth(line.wrapping_sub(1)) else {
                panic!("{name} has no line {line}:\n{rendered}")
            };
            let width = shown.chars().count();
            assert!((1..=width + 1).contains(&column), "no column {column}:\n{rendered}");
            titles += 1;
        }
        assert!(titles > 0, "no place at all: {rendered}");
    }
}

/// The file, line and column that a title begins with.
fn place<'t>(title: &'t str, folder: &Path) -> Option<(&'t str, usize, usize)> {
    let mut parts = title.strip_prefix(folder.to_str()?)?.strip_prefix('/')?.splitn(4, ':');
    // A manifest may write `./rows.csv`.
    let name = parts.next()?.rsplit('/').next()?;
    let (line, column) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().map(|_| (name, line, column))
}

/// Millions of takes are allowed, and slow; there is nothing to be found in them.
fn asks_for_millions(bytes: &[u8]) -> bool {
    let takes = bytes.windows(5).any(|word| word.eq_ignore_ascii_case(b"takes"));
    takes && bytes.split(|byte| !byte.is_ascii_digit()).any(|digits| digits.len() > 4)
}

/// The manifest of a `table` input that is a CSV and nothing more.
const TABLE: &[u8] = b"campaign: c
vars: {mood: calm}
defaults: {model: kling-v3, prompt: '{{ prompt }}, {{ mood }}'}
shots:
  - {id: r, from: rows.csv, matrix: {mode: [std, pro]}, tags: ['{{ id }}']}
";

/// A manifest in which the bytes are a prompt, an id, a clip's name and a tag.
fn templates(bytes: &[u8]) -> String {
    let text = quoted(&String::from_utf8_lossy(bytes));
    format!(
        "campaign: c
vars: {{mood: calm, n: 5, list: \"a,b,c\"}}
defaults: {{model: kling-v3}}
shots:
  - {{id: a, takes: 2, matrix: {{place: [Oslo, Rome], size: [1, 0.5]}}, prompt: {text}}}
  - {{id: {text}, prompt: x}}
  - {{id: c, prompt: x, takes: 2, clip_name: {text}}}
  - {{id: d, prompt: x, tags: [{text}], duration: {text}}}
"
    )
}

/// A text as YAML's double-quoted scalar.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            c => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
        }
    }
    quoted + "\""
}
