//! `rushes sim` and `--sim`: the simulator as a server, and in-process.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::gateway::Gateway;

use super::args;
use super::terminal::Terminal;
use super::trouble::Trouble;

/// The profile where none is named.
pub const USUAL_PROFILE: &str = "calm";

/// The simulator in this process, keeping its tasks in the campaign folder.
///
/// # Errors
/// When it cannot be set up.
pub fn in_process(profile: Option<&String>, folder: &Path) -> Result<Arc<dyn Gateway>, Trouble> {
    let _ = (profile, folder);
    Err(Trouble::new("the simulator is not built in yet"))
}

/// Serves the simulator until it is told to end.
///
/// # Errors
/// When it cannot listen or be set up.
pub fn serve(args: &args::Sim, _: &Terminal, _: &mut dyn Write) -> Result<(), Trouble> {
    let _ = (&args.listen, &args.profile, args.seed, args.purse, &args.key, &args.dir, args.logs);
    Err(Trouble::new("the simulator is not built in yet"))
}
