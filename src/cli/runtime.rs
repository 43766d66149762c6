//! The threads that commands with a gateway or a clock work on.

use tokio::runtime::Runtime;

use super::error::CliError;

/// The threads that a command works with.
pub fn runtime() -> Result<Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(format!("no threads can be started: {error}")))
}
