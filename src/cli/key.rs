//! The gateway's key: from the environment, never from a flag or the manifest.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::CliError;
use crate::provider::apimodels::{key_file_variable, key_variable};

/// Reads the key; `var` gives an environment variable that is set and not empty.
pub fn key(var: impl Fn(&str) -> Option<OsString>) -> Result<String, CliError> {
    let (name, file_name) = (key_variable(), key_file_variable());
    let (key, from) = if let Some(key) = var(name) {
        let unreadable = |_| CliError::new(format!("{name} is not text"));
        (key.into_string().map_err(unreadable)?, name.to_owned())
    } else if let Some(file) = var(file_name).map(PathBuf::from) {
        let from = format!("{file_name} ({})", file.display());
        let unreadable = |error| {
            CliError::new(format!("the key cannot be read from {from}: {error}"))
                .help(format!("put the key into that file, or set {name}"))
        };
        (std::fs::read_to_string(&file).map_err(unreadable)?, from)
    } else {
        return Err(CliError::new("there is no key for the gateway")
            .help(format!("export {name}=… with the key from the gateway's console"))
            .help(format!("or name a file that holds it: export {file_name}=~/.kling-key"))
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
