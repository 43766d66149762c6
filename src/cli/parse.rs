//! From what was typed, and what the environment adds to it, to arguments.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::{ContextKind, ContextValue};

use super::args::{self, Cli};
use super::exit::Exit;
use super::terminal::{CYAN, Terminal, var};

/// The arguments; or how the program ends, where there is nothing to do or something is wrong, which
/// was said.
pub fn parse() -> Result<Cli, ExitCode> {
    let mut command = args::command(&var);
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| {
        // Help that cannot be printed has no reader.
        drop(error.print());
        if !error.use_stderr() {
            return Exit::Delivered.into();
        }
        if let Some(variable) = its_variable(&error, std::env::args_os()) {
            let help = format!("the value stands in the environment: {variable}");
            Terminal::look().say(CYAN, "help", &help);
        }
        Exit::NotStarted.into()
    })
}

/// The variable that a wrong value comes from, unless its flag was typed.
fn its_variable(error: &clap::Error, mut typed: impl Iterator<Item = OsString>) -> Option<String> {
    let ContextValue::String(flag) = error.get(ContextKind::InvalidArg)? else { return None };
    let flag = flag.split([' ', '[', '=']).next()?;
    let variable = args::variable_of(flag.strip_prefix("--")?);
    let is_typed =
        |word: OsString| word.to_str().is_some_and(|word| word.split('=').next() == Some(flag));
    (!typed.any(is_typed) && var(&variable).is_some()).then_some(variable)
}
