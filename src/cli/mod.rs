//! The command line: what was typed, what it means here, what the user reads, how it ends. The
//! only room that prints, and that reads the environment and the terminal.

mod account;
mod again;
mod args;
mod artifacts;
mod asking;
mod bars;
mod bucket;
mod bucket_mark;
pub mod check;
mod clips_url;
mod complete;
mod consent;
mod deadline;
mod error;
mod exit;
mod export;
mod gateway;
mod generate;
mod holdings;
mod init;
mod key;
mod last_run;
pub mod ledger_place;
mod log;
mod logging;
mod ls;
mod named_budget;
mod named_manifest;
mod notifier;
mod only;
mod opening;
mod other_text;
mod ownership;
mod parse;
mod plan;
pub mod progress;
mod report;
mod resolve;
mod review;
mod run;
mod run_note;
mod serve;
mod settings;
mod siblings;
pub mod signals;
mod sim;
mod status;
mod stderr;
mod summary;
mod system_limits;
mod terminal;
mod values;
mod waiting;
mod whole;
mod whole_screen;

pub use again::quoted;
pub use asking::answer;
pub use deadline::Deadline;
pub use exit::Exit;
pub use key::key;
pub use log::{BATCH, LogFile, Urgency};
pub use resolve::choose;
pub use settings::budget;
pub use values::{BudgetFlag, spans};

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use tokio::runtime::Runtime;

use args::{Command, LogFormat, Logs};
use error::CliError;
use terminal::{CYAN, Terminal};

use crate::disk::told;

/// Parses, runs, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    complete::answer();
    let mut cli = match parse::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    system_limits::prepare();
    let mut terminal = Terminal::look();
    if cli.command.logs().is_some_and(|logs| logs.quiet && logs.verbose == 0) {
        terminal = terminal.without_bars();
    }
    let is_json = |logs: &Logs| logs.log_format == LogFormat::Json;
    terminal = terminal.in_json(cli.command.logs().as_ref().is_some_and(is_json));
    let mut out = BufWriter::new(io::stdout());
    if let Err(error) = named_manifest::settle(&mut cli.command) {
        return error.tell(&terminal).into();
    }
    let buys = match &cli.command {
        Command::Run(args) => Some((args.online.campaign.clone(), args.online.proxy.clone())),
        Command::Plan(args) => Some((args.campaign.clone(), None)),
        _ => None,
    };
    let result = dispatch(cli.command, &terminal, &mut out);
    // The reader of what is still buffered is gone: do not try again while dropping.
    let _ = out.into_parts();
    let told = result.unwrap_or_else(|error| {
        let exit = error.tell(&terminal);
        if let Some(help) = system_limits::few_files().filter(|_| exit == Exit::NotStarted) {
            terminal.say(CYAN, "help", &help);
        }
        let waits = buys.filter(|_| exit == Exit::NotStarted);
        if let Some(help) = waits
            .and_then(|(of, proxy)| waiting::command(&error, &of, proxy.as_ref(), terminal.color))
        {
            terminal.say(CYAN, "help", &help);
        }
        exit
    });
    stderr::settle();
    told.into()
}

fn dispatch(command: Command, terminal: &Terminal, out: &mut dyn Write) -> Result<Exit, CliError> {
    match command {
        Command::Init(args) => init::init(&args, out)?,
        Command::Plan(args) => return plan::plan(&args, terminal, out),
        Command::Run(args) => return run::run(&args, terminal, out),
        Command::Check(args) => return check::check(&args, terminal, out),
        Command::Status(args) => status::status(&args, terminal, out)?,
        Command::Report(args) => report::report(&args, terminal, out)?,
        Command::Review(args) => review::review(&args, terminal, out)?,
        Command::Export(args) => export::export(&args, terminal, out)?,
        Command::Resolve(args) => resolve::resolve(&args, terminal, out)?,
        Command::Fetch(args) => return run::fetch(&args, terminal, out),
        Command::Ls(args) => ls::ls(&args, terminal, out)?,
        Command::Account(args) => account::account(&args, terminal, out)?,
        Command::Sim(args) => sim::serve(&args, terminal, out)?,
        Command::Schema => generate::schema(out)?,
        Command::Completions { shell } => generate::completions(shell, out)?,
        Command::Man => generate::man(out)?,
    }
    // A run has printed its end by now; that this could not be read does not change how it ended.
    out.flush()?;
    Ok(Exit::Delivered)
}

/// The one thread that commands with a gateway or a clock work on.
fn runtime() -> Result<Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(format!("no threads can be started: {}", told(&error))))
}
