//! `rushes init`: a starter manifest and its schema. Overwrites nothing.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use super::again::quoted;
use super::error::CliError;
use super::{args, generate};

/// The starter manifest.
pub const STARTER: &str = include_str!("starter.yaml");

/// Writes the starter manifest into a folder.
pub fn init(args: &args::Init, out: &mut dyn Write) -> Result<(), CliError> {
    let dir = &args.dir;
    std::fs::create_dir_all(dir)
        .map_err(|error| CliError::new(format!("{} cannot be made: {error}", dir.display())))?;
    let dir = dir.strip_prefix(".").unwrap_or(dir);
    let manifest = dir.join("shots.yaml");
    if !create(&manifest, STARTER)? {
        return Err(CliError::new(format!("{} is there already", manifest.display()))
            .help("rushes init OTHER-DIR writes elsewhere"));
    }
    writeln!(out, "wrote {}", manifest.display())?;
    let schema = dir.join("rushes.schema.json");
    if create(&schema, &generate::schema_text()?)? {
        writeln!(out, "wrote {}", schema.display())?;
    } else {
        writeln!(out, "left {} as it is", schema.display())?;
    }
    let manifest = quoted(&manifest);
    writeln!(
        out,
        "\nNext:\n  \
         rushes plan {manifest}        what it would buy, and for how much\n  \
         rushes run {manifest} --sim   rehearse it; costs nothing\n  \
         rushes run {manifest}         render it"
    )?;
    Ok(())
}

/// Writes a file that is not there yet; `false` when it is.
fn create(path: &Path, text: &str) -> Result<bool, CliError> {
    let unwritable =
        |error| CliError::new(format!("{} cannot be written: {error}", path.display()));
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true).map_err(unwritable),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(unwritable(error)),
    }
}
