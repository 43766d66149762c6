//! `rushes sim` and `--sim`: the simulator as a server, and in-process.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::gateway::Gateway;
use crate::sim::{SimGateway, SimOptions, World};
use crate::time::SystemClock;

use super::args;
use super::terminal::Terminal;
use super::trouble::Trouble;

/// The simulator in this process, keeping its tasks and purse in the campaign folder.
///
/// # Errors
/// When what it kept cannot be read or written.
pub fn in_process(
    options: Option<&SimOptions>,
    folder: &Path,
    catalog: Catalog,
    submit_timeout: Duration,
) -> Result<Arc<dyn Gateway>, Trouble> {
    let dir = Some(folder.to_owned());
    let options = SimOptions { dir, ..options.cloned().unwrap_or_default() };
    let world = World::open(options, catalog).map_err(Trouble::new)?;
    Ok(Arc::new(SimGateway::new(world, Arc::new(SystemClock), submit_timeout)))
}

/// Serves the simulator until it is told to end.
///
/// # Errors
/// When it cannot listen or be set up.
pub fn serve(args: &args::Sim, _: &Terminal, _: &mut dyn Write) -> Result<(), Trouble> {
    let _ = (&args.listen, &args.profile, args.seed, args.purse, &args.key, &args.dir, args.logs);
    Err(Trouble::new("the simulator is not built in yet"))
}
