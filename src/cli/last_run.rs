//! `last-run.json` in the campaign folder: the flags of the last run that a command which is printed later
//! repeats, so that going on buys what that run was to buy. Without such flags there is no file.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::again::RunFlags;
use super::artifacts;

/// The file's name.
const FILE: &str = "last-run.json";
/// How it begins; what begins otherwise is left alone.
const HEAD: &str = "{\"rushes_last_run\":";
/// A longer file is not read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Keeps a run's flags. That they cannot be kept is no reason not to run.
pub fn keep(flags: &RunFlags, folder: &Path) {
    let lasting = flags.lasting();
    let path = folder.join(FILE);
    let kept = if lasting.is_empty() {
        match read(&path) {
            Some(_) => fs::remove_file(&path).map_err(Into::into),
            None => Ok(()),
        }
    } else {
        let text = format!("{HEAD}{}}}\n", Value::from(lasting));
        let is_ours = |head: &[u8]| head.starts_with(HEAD.as_bytes());
        let written =
            artifacts::write(folder, FILE, is_ours, &mut |out| Ok(out.write_all(text.as_bytes())?));
        written.map(drop)
    };
    if let Err(error) = kept {
        tracing::info!("{FILE} is not kept: {error}");
    }
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
