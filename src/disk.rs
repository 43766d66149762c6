//! Small things that several rooms do with files.

pub mod file_system;

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::Path;
use std::sync::OnceLock;

/// What standard input held, where a file may be named `-`.
static STANDARD_INPUT: OnceLock<Vec<u8>> = OnceLock::new();

/// Lets [`open_file`] open `-` as a file with this text, as often as it is asked to. Only the first
/// such text counts.
pub fn give_standard_input(text: Vec<u8>) {
    // There is one standard input.
    let _ = STANDARD_INPUT.set(text);
}

/// Opens a file for reading, and only a file: a pipe or a device could block or never end.
///
/// # Errors
/// When it is something else, or cannot be read.
pub fn open_file(path: &Path) -> io::Result<File> {
    if path == Path::new("-")
        && let Some(text) = STANDARD_INPUT.get()
    {
        let mut file = tempfile::tempfile()?;
        file.write_all(text)?;
        file.rewind()?;
        return Ok(file);
    }
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        let what = if found.is_dir() { "it is a folder" } else { "it is not a file" };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    File::open(path)
}

/// Makes the names in a folder durable; the present folder if `folder` is empty.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Gives a small file this text, durably: whole or not at all, also beside others that do the same. Only
/// the user can read it.
///
/// # Errors
/// When its folder cannot be written.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut part = tempfile::NamedTempFile::new_in(folder)?;
    part.write_all(text.as_bytes())?;
    part.as_file().sync_all()?;
    part.persist(path).map_err(|refused| refused.error)?;
    sync_folder(folder)
}

/// Makes a folder and those above it. Not even under a umask of 000 can other users write into it.
///
/// # Errors
/// When it cannot be made, or something else has its name.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(path)
}

/// What the system says went wrong, with the way out where one of its limits on this process is in
/// the way and not the disk.
#[must_use]
pub fn told(error: &io::Error) -> String {
    match limit_of(error) {
        Some(fix) => format!("{error}: {fix}"),
        None => error.to_string(),
    }
}

/// One cause of an error in its own words; what the system says, as [`told`] has it.
#[must_use]
pub fn cause_told(cause: &(dyn std::error::Error + 'static)) -> String {
    cause.downcast_ref::<io::Error>().map_or_else(|| cause.to_string(), told)
}

/// The way out where too many files are open.
const MORE_FILES: &str = "the disk is not full; allow more open files (ulimit -n), then run again";

/// Whether an error, as it was [`told`], is that this process may open no more files. That does not pass
/// by itself as one of the whole machine does.
#[must_use]
pub fn is_own_file_limit(told: &str) -> bool {
    // EMFILE on all systems that know it.
    told.contains("(os error 24)") && told.contains(MORE_FILES)
}

/// Whether files could not be opened because too many are open, in this process or on the machine:
/// nothing is wrong with the disk, and it passes.
#[must_use]
pub fn is_too_many_open(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

fn limit_of(error: &io::Error) -> Option<&'static str> {
    if is_too_many_open(error) {
        Some(MORE_FILES)
    } else if error.kind() == io::ErrorKind::FileTooLarge {
        Some(
            "the disk is not full; lift the limit on the size of files (ulimit -f), then run again",
        )
    } else {
        None
    }
}

/// Files that are made so can be read by the user alone.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
