//! Manifests in plain text files, many to a file: what a test reads, people can read too.
//!
//! `=== title` begins a case; lines such as `mistakes: 2` below it are its options; `--- shots.yaml`
//! begins a file, the first of which is the manifest. What an editor would spoil is drawn: `␉` is a
//! tab, `␍` a carriage return, `⍽` a space that does not break, `␀` a NUL, and `⟪2501×x⟫` is `x` so many times.
//!
//! Options: `mistakes: N` (default 1; 0 when it loads); `should be: N`, when that is not right yet; `capped`;
//! `folder: NAME` and `still: NAME` put a folder and a PNG beside the manifest, `picture: NAME jpeg
//! 800x600` one that `support/pictures.rs` draws; `bytes: FILE ENCODING`
//! writes a file as `utf-16`, `windows-1252` or `zip`; `load: NAME` reads another manifest than the
//! first file; `schema: cannot, REASON`, when a schema cannot see what is wrong; `awaits: the reader`,
//! when the schema takes what the reader does not yet.

use std::path::{Path, PathBuf};

use rushes::catalog::Catalog;
use rushes::manifest::{Campaign, Mistakes, Reading, load};
use tempfile::TempDir;

use crate::support::pictures;

/// A PNG of 1280x720 without pixels.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x05\0\0\0\x02\xd0\x08\x02\0\0\0????\0\0\0\0IEND\xae\x42\x60\x82";

/// A manifest and the files beside it.
pub struct Case {
    pub title: String,
    options: Vec<(String, String)>,
    files: Vec<(String, String)>,
}

/// The cases of `tests/it/NAME.txt`.
pub fn cases(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(name);
    let text = std::fs::read_to_string(path.with_extension("txt")).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            let title = title.to_owned();
            assert!(cases.iter().all(|case| case.title != title), "{name}: {title} stands twice");
            cases.push(Case { title, options: Vec::new(), files: Vec::new() });
            continue;
        }
        // What stands before the first case explains the file.
        let Some(case) = cases.last_mut() else { continue };
        if let Some(file) = line.strip_prefix("--- ") {
            case.files.push((file.to_owned(), String::new()));
        } else if let Some((_, text)) = case.files.last_mut() {
            text.push_str(&drawn(line));
            text.push('\n');
        } else if !line.is_empty() {
            let (key, value) = line.split_once(": ").unwrap_or((line, ""));
            let known = ["mistakes", "should be", "capped", "folder", "still", "bytes", "load"];
            let known = known.contains(&key) || ["schema", "awaits", "picture"].contains(&key);
            assert!(known, "{name}: {}: there is no option {key}", case.title);
            case.options.push((key.to_owned(), value.to_owned()));
        }
    }
    for case in &mut cases {
        // The empty line before the next case belongs to no case.
        if let Some((_, text)) = case.files.last_mut()
            && (text.ends_with("\n\n") || text == "\n")
        {
            text.pop();
        }
    }
    cases
}

/// Puts in what is only drawn.
fn drawn(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('⟪') {
        let (repeat, after) = after.split_once('⟫').unwrap();
        let (times, what) = repeat.split_once('×').unwrap();
        text.push_str(before);
        text.push_str(&what.repeat(times.parse().unwrap()));
        rest = after;
    }
    text.push_str(rest);
    text.replace('␉', "\t").replace('␍', "\r").replace('⍽', "\u{a0}").replace('␀', "\0")
}

impl Case {
    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// An option that is a number.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.option(name).map(|number| number.parse().unwrap())
    }

    /// The manifest's text, when it is a YAML file in UTF-8.
    pub fn yaml(&self) -> Option<&str> {
        let (name, text) = self.files.first()?;
        let plain = self.option("bytes").is_none_or(|bytes| !bytes.starts_with(name.as_str()));
        (plain && self.option("load").is_none() && Path::new(name).extension()? == "yaml")
            .then_some(text)
    }

    /// Writes its files down and reads the manifest; tells where.
    pub fn load(&self) -> (Result<Campaign, Mistakes>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (key, value) in &self.options {
            match key.as_str() {
                "folder" => std::fs::create_dir_all(at(value)).unwrap(),
                "still" => std::fs::write(at(value), pictures::png(1280, 720)).unwrap(),
                "picture" => {
                    let (name, written) = value.split_once(' ').unwrap();
                    std::fs::write(at(name), pictures::drawn(written)).unwrap();
                }
                _ => {}
            }
        }
        for (name, text) in &self.files {
            let bytes = self.option("bytes").and_then(|bytes| bytes.strip_prefix(name.as_str()));
            std::fs::write(at(name), encoded(text, bytes.unwrap_or("").trim())).unwrap();
        }
        let catalog = Catalog::builtin();
        let capped = self.option("capped").map(|_| true);
        let manifest: PathBuf = match self.option("load") {
            Some(name) => at(name),
            None => at(&self.files[0].0),
        };
        (load(&manifest, &Reading { catalog: &catalog, capped, color: false }), folder)
    }
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "" => text.as_bytes().to_vec(),
        "utf-16" => {
            std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        }
        "windows-1252" => text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
        "zip" => [b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00\x21\x00\xb5\x55", text.as_bytes()]
            .concat(),
        other => panic!("unknown encoding {other}"),
    }
}
