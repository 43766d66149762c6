//! `--file`: a shot a line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::super::error::CliError;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// The names in a file, or on standard input if it is `-`, each with where it stands. Empty lines
/// and those that begin with `#` are left out.
pub fn read(file: &Path) -> Result<Vec<(String, String)>, CliError> {
    let (shown, text) = match file.to_str() {
        Some("-") => ("standard input".to_owned(), text(io::stdin().lock())),
        _ => (file.display().to_string(), File::open(file).and_then(text)),
    };
    let text = text.map_err(|error| {
        CliError::new(format!("{shown}: {error}; nothing was changed"))
            .help("--file takes a text file with the id of a shot on each line")
    })?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let numbered = (1..).zip(lines).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    Ok(numbered.map(|(number, line)| (line.to_owned(), format!("{shown}:{number}"))).collect())
}

fn text(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > MAX_BYTES) {
        return Err(io::Error::other("it is longer than 16 MiB"));
    }
    Ok(text)
}
