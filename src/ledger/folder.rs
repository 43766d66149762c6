//! Whose a campaign folder is: one ledger's. The lock keeps two runs with two ledgers out of one
//! folder; `ledger.id` outlives them and names the ledger that knows what was bought into it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LedgerError;
use crate::disk::{private, sync_folder};

/// The file in a campaign folder.
const FILE: &str = "ledger.id";
/// The longest such file that is believed, in bytes.
const MAX_BYTES: u64 = 16 << 10;
/// The fix for one that names no ledger.
const UNNAMED: &str = "put it back; or, if the ledger that you use is the one that bought what lies \
                       there, remove that file and run again";
/// A run that has just ended may still hold the lock for a moment.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// The ledger whose folder it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its unguessable id.
    pub id: String,
    /// Where it was when it was last opened.
    pub place: PathBuf,
}

impl Owner {
    /// The owner that a campaign folder names; `None` when it has none yet. Blocking.
    ///
    /// # Errors
    /// When the file that names it is there and cannot be read, or names none: any ledger would do
    /// then, also one that knows nothing of what was bought into the folder.
    pub fn of(folder: &Path) -> Result<Option<Self>, LedgerError> {
        let path = folder.join(FILE);
        let mut text = String::new();
        let read = crate::disk::open_file(&path)
            .and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => match parse(&text, folder) {
                Some(owner) => Ok(Some(owner)),
                None => Err(LedgerError::Inaccessible {
                    place: path,
                    cause: "it no longer names the ledger that knows what was bought into this \
                            folder"
                        .to_owned(),
                    fix: UNNAMED,
                }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LedgerError::inaccessible(&path, &error)),
        }
    }

    /// Names the ledger with this id at `ledger` as the owner of `folder`, durably; writes nothing
    /// where that is written already. Blocking.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(folder: &Path, id: &str, ledger: &Path) -> io::Result<()> {
        let place = place(folder, ledger);
        let text = format!(
            "{id}\n{}\nThe id and the place of the ledger that knows what was bought into this \
             folder. Keep it.\n",
            place.display()
        );
        let path = folder.join(FILE);
        if std::fs::read_to_string(&path).is_ok_and(|kept| kept == text) {
            return Ok(());
        }
        let part = folder.join(format!("{FILE}.part"));
        drop(std::fs::remove_file(&part));
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, &path)?;
        sync_folder(folder)
    }
}

/// The ledger's place as the folder keeps it: only its name where it lies in the folder, which may
/// be moved.
fn place(folder: &Path, ledger: &Path) -> PathBuf {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let ledger = real(ledger);
    match (ledger.parent(), ledger.file_name()) {
        (Some(parent), Some(name)) if parent == real(folder) => PathBuf::from(name),
        _ => ledger,
    }
}

/// An editor may have given it other line ends.
fn parse(text: &str, folder: &Path) -> Option<Owner> {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let id = lines.next()?.trim();
    let place = lines.next().filter(|place| !place.is_empty())?;
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| Owner { id: id.to_owned(), place: folder.join(place) })
}

/// The lock of a campaign folder, held until dropped; where the system has none for folders, the
/// ledger's lock alone keeps others out.
#[derive(Debug)]
pub struct FolderLock {
    _file: Option<File>,
}

impl FolderLock {
    /// Takes it; `None` when another process has it. Blocking.
    #[must_use]
    pub fn take(folder: &Path) -> Option<Self> {
        let Ok(file) = File::open(folder) else { return Some(Self { _file: None }) };
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Some(Self { _file: Some(file) }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
                // A network share may lock no folders.
                Err(TryLockError::Error(_)) => return Some(Self { _file: None }),
            }
        }
        None
    }
}
