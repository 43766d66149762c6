//! The gateway's key: from the environment, never from a flag or the manifest.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::CliError;
use crate::provider::apimodels::{KEY_FILE_VARIABLE as KEY_FILE, KEY_VARIABLE as KEY};

/// Reads the key; `var` gives an environment variable that is set and not empty.
pub fn key(var: impl Fn(&str) -> Option<OsString>) -> Result<String, CliError> {
    let (key, from) = if let Some(key) = var(KEY) {
        let unreadable = |_| CliError::new(format!("{KEY} is not text"));
        (key.into_string().map_err(unreadable)?, KEY.to_owned())
    } else if let Some(file) = var(KEY_FILE).map(PathBuf::from) {
        let from = format!("{KEY_FILE} ({})", file.display());
        let unreadable = |error| {
            CliError::new(format!("the key cannot be read from {from}: {error}"))
                .help(format!("put the key into that file, or set {KEY}"))
        };
        (std::fs::read_to_string(&file).map_err(unreadable)?, from)
    } else {
        return Err(CliError::new("there is no key for the gateway")
            .help(format!("export {KEY}=… with the key from the gateway's console"))
            .help(format!("or name a file that holds it: export {KEY_FILE}=~/.kling-key"))
            .help("or rehearse without one: add --sim"));
    };
    let key = key.trim();
    if key.is_empty() {
        return Err(CliError::new(format!("the key in {from} is empty")));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CliError::new(format!("{from} holds a space or a character that no key has"))
            .help("it must hold the key and nothing else"));
    }
    Ok(key.to_owned())
}
