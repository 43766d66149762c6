//! Limits that the system puts on this process: files that may be open at once, and how long a file
//! may grow. Both must show up as errors that are told, never as a process that is killed.

/// Prepares the process: to be called once, before any file of a campaign is opened. What cannot be
/// done is left as it is.
pub fn prepare() {
    #[cfg(unix)]
    {
        raise_open_files();
        survive_the_file_size_limit();
    }
}

/// The most open files to ask for where the hard limit names no number, or one that the system does
/// not grant.
#[cfg(unix)]
const ENOUGH_FILES: u64 = 10_240;

/// A run that may open fewer files at once can fail anywhere, with whatever words a library has for
/// it.
#[cfg(unix)]
const TOO_FEW_FILES: u64 = 64;

/// The way out if this process may open so few files that an error may come from that.
pub fn few_files() -> Option<String> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let allowed = getrlimit(Resource::Nofile).current.filter(|many| *many < TOO_FEW_FILES)?;
        Some(format!(
            "only {allowed} files may be open at once here, which may be why: allow more \
             (ulimit -n), then run again"
        ))
    }
    #[cfg(not(unix))]
    None
}

/// Raises the soft limit of open files to the hard one.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raise = |to: u64| {
        let is_more = current.is_some_and(|current| current < to);
        is_more && setrlimit(Resource::Nofile, Rlimit { current: Some(to), maximum }).is_ok()
    };
    if !maximum.is_some_and(raise) {
        raise(maximum.map_or(ENOUGH_FILES, |hard| hard.min(ENOUGH_FILES)));
    }
}

/// Catches SIGXFSZ, which would end the process at the first write beyond `ulimit -f`: with it
/// caught, that write fails with an error, as on a full disk. Where no runtime can be made, the
/// command fails by that itself.
#[cfg(unix)]
fn survive_the_file_size_limit() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    let _inside = runtime.enter();
    // The handler stays when its receiver is dropped.
    drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())));
}
