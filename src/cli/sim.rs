//! `rushes sim` and `--sim`: the simulator as a server, and in-process.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::catalog::Catalog;
use crate::domain::time::SystemClock;
use crate::provider::Provider;
use crate::simulator::{self, SimOptions, SimState, Simulator};

use super::error::CliError;
use super::settings::private_folder;
use super::signals::Signals;
use super::terminal::Terminal;
use super::{args, logging, runtime};

/// The simulator in this process, keeping its tasks and purse in the campaign folder.
pub fn in_process(
    options: Option<&SimOptions>,
    folder: &Path,
    catalog: Catalog,
    submit_timeout: Duration,
) -> Result<Arc<dyn Provider>, CliError> {
    let dir = Some(folder.to_owned());
    let options = SimOptions { dir, ..options.cloned().unwrap_or_default() };
    let world = SimState::open(options, catalog).map_err(CliError::new)?;
    Ok(Arc::new(Simulator::new(world, Arc::new(SystemClock), submit_timeout)))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Serves the simulator until it is told to end.
pub fn serve(args: &args::Sim, terminal: &Terminal, out: &mut dyn Write) -> Result<(), CliError> {
    logging::start(args.logs, terminal);
    let usual = SimOptions::new(args.profile);
    let options = SimOptions {
        seed: args.seed,
        purse: args.purse.unwrap_or(usual.purse),
        render_ms: millis(args.render.start)..millis(args.render.end),
        key: args.key.clone(),
        dir: args.dir.clone(),
        ..usual
    };
    if let Some(dir) = &options.dir {
        private_folder(dir)?;
    }
    let world = SimState::open(options, Catalog::builtin()).map_err(CliError::new)?;
    runtime()?.block_on(async {
        let deaf = |error| CliError::new(format!("cannot listen on {}: {error}", args.listen));
        let listener = TcpListener::bind(args.listen).await.map_err(deaf)?;
        let mut signals = Signals::new().map_err(deaf)?;
        let address = listener.local_addr().map_err(deaf)?;
        if !address.ip().is_loopback() {
            tracing::warn!("{address} can be reached from other machines");
        }
        writeln!(out, "listening on http://{address}")?;
        out.flush()?;
        let stop = async move { signals.next().await };
        simulator::serve(listener, world, Arc::new(SystemClock), stop)
            .await
            .map_err(|error| CliError::new(format!("the simulator ended: {error}")))
    })
}
