//! Flags from the environment: `RUSHES_BUDGET` stands for `--budget`. A flag that is typed beats it.

use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command, CommandFactory};

use super::Cli;
use crate::simulator::Profile;

/// Commands whose flags are never taken from there: what they say is about one thing, once.
const ONCE: [&str; 3] = ["init", "sim", "completions"];
/// Flags that say something once, by their commands and ids: what became of single shots, and what an
/// account is to allow.
const WORDS: [(&str, &[&str]); 2] = [
    ("resolve", &["all", "file", "task_id", "not_bought", "resubmit", "abandon"]),
    ("account", &["cap", "rate", "poll_rate", "in_flight", "margin", "new_key"]),
];

/// Flags that also stand alone, and what they mean then: a yes or a no will do for them too.
const ALONE: [(&str, &str); 2] = [("sim", Profile::Calm.name()), ("serve", "")];

/// Flags whose empty value is refused from a variable too: a script that found no shots, or no cap, did
/// not mean all shots, or no cap.
const NEVER_EMPTY: [&str; 2] = ["only", "budget"];

/// The program's commands; each flag takes its value from its variable too, where `var` has one that
/// is not empty.
pub fn command(var: &dyn Fn(&str) -> Option<OsString>) -> Command {
    Cli::command().mut_subcommands(|command| {
        if ONCE.contains(&command.get_name()) {
            return command;
        }
        let name = command.get_name().to_owned();
        let is_word = move |id: &str| {
            WORDS.iter().any(|(command, ids)| *command == name && ids.contains(&id))
        };
        command.mut_args(
            |arg| {
                if is_word(arg.get_id().as_str()) { arg } else { with_variable(arg, var) }
            },
        )
    })
}

/// The variable of a flag: `RUSHES_IN_FLIGHT` of `in-flight`.
pub fn variable_of(flag: &str) -> String {
    format!("RUSHES_{}", flag.replace('-', "_").to_uppercase())
}

fn with_variable(arg: Arg, var: &dyn Fn(&str) -> Option<OsString>) -> Arg {
    let variable = match arg.get_long() {
        None | Some("help" | "version") => return arg,
        Some(long) => variable_of(long),
    };
    let value = match var(&variable) {
        // The parser reads it, and refuses what is empty.
        None if NEVER_EMPTY.contains(&arg.get_id().as_str()) => String::new(),
        // Any other that is empty is one that is not set.
        None => return arg.env(None::<&str>),
        Some(value) => value.to_string_lossy().to_lowercase(),
    };
    if let Some((_, alone)) = ALONE.iter().find(|(id, _)| arg.get_id() == id) {
        match value.as_str() {
            "1" | "true" | "yes" | "on" => return arg.default_value(*alone),
            "0" | "false" | "no" | "off" => return arg.env(None::<&str>),
            _ => {}
        }
    }
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    // The parser keeps names for as long as the program lives; there are a few of them, made once.
    let variable: &'static str = Box::leak(variable.into_boxed_str());
    let arg = arg.env(variable).hide_env(true);
    if is_switch { arg.value_parser(BoolishValueParser::new()) } else { arg }
}
