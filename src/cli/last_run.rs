//! `last-run.json` in the campaign folder: the flags of the last run that a command which is printed later
//! repeats, so that going on buys what that run was to buy. Without such flags there is no file.

use std::path::Path;

use serde_json::Value;

use super::again::RunFlags;

/// The file's name.
pub const FILE: &str = "last-run.json";
/// How it begins; what begins otherwise is left alone.
const HEAD: &str = "{\"rushes_last_run\":";
/// A longer file is not read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The file's text; `None` where nothing is to be kept.
pub fn text(flags: &RunFlags) -> Option<String> {
    let lasting = flags.lasting();
    (!lasting.is_empty()).then(|| format!("{HEAD}{}}}\n", Value::from(lasting)))
}

/// Whether a file that begins so is ours.
pub fn is_ours(head: &[u8]) -> bool {
    head.starts_with(HEAD.as_bytes())
}

/// The flags of the campaign's last run; none where they are not known.
#[must_use]
pub fn kept(folder: &Path) -> RunFlags {
    let words = read(&folder.join(FILE)).unwrap_or_default();
    RunFlags::of_lasting(&words)
}

/// The words that a file of ours holds.
fn read(path: &Path) -> Option<Vec<String>> {
    use std::io::Read;
    let mut text = String::new();
    crate::disk::open_file(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
    let words = value.get("rushes_last_run")?.as_array()?.iter();
    words.map(|word| word.as_str().map(str::to_owned)).collect()
}
