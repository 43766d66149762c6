//! Whose a campaign folder is: one ledger's. The lock keeps two runs with two ledgers out of one
//! folder; `ledger.id` outlives them and names the ledger that knows what was bought into it.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Ledger, LedgerAddress, LedgerError, LedgerOptions};

/// The longest such file that is believed, in bytes.
const MAX_BYTES: u64 = 16 << 10;
/// The fix for one that names no ledger.
const UNNAMED: &str = "put it back; or, if the ledger that you use is the one that bought what lies \
                       there, remove that file and run again";
/// A run that has just ended may still hold the lock for a moment.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
/// The first of several workers is alone in the folder while it joins.
const SHARED_TRIES: u32 = 1000;

/// The ledger whose folder it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its unguessable id.
    pub id: String,
    /// Where it was when it was last opened.
    pub place: PathBuf,
}

impl Owner {
    /// The file, or the object, that names it where the clips lie.
    pub const FILE: &str = "ledger.id";

    /// Whether it may be there: a file is, and of a database only that can tell.
    #[must_use]
    pub fn may_be_there(&self) -> bool {
        self.place.exists() || is_database(&self.place)
    }

    /// The owner that a campaign folder names; `None` when it has none yet. Blocking.
    ///
    /// # Errors
    /// When the file that names it is there and cannot be read, or names none: any ledger would do
    /// then, also one that knows nothing of what was bought into the folder.
    pub fn of(folder: &Path) -> Result<Option<Self>, LedgerError> {
        let path = folder.join(Self::FILE);
        let mut text = String::new();
        let read = crate::disk::open_file(&path)
            .and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => match Self::parse(&text, folder) {
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

    /// Refuses a ledger that is not the folder's; changes nothing. Blocking.
    ///
    /// # Errors
    /// When the folder names another one, or either cannot be read.
    pub fn check(folder: &Path, ledger: &LedgerAddress) -> Result<(), LedgerError> {
        match Self::of(folder)? {
            Some(owner) => owner.admit(folder, ledger),
            None => Ok(()),
        }
    }

    /// Refuses a ledger that is not this one; changes nothing. `folder`: whose owner this is.
    /// Blocking.
    ///
    /// # Errors
    /// When it is another one, or cannot be read.
    pub fn admit(self, folder: &Path, ledger: &LedgerAddress) -> Result<(), LedgerError> {
        let ours = match ledger.snapshot() {
            Ok(reader) => reader.summary()?.home.id,
            // What is left of a ledger says more about it than this.
            Err(error)
                if error.is_missing() && ledger.file_path().is_some() && ledger.is_known() =>
            {
                return Ok(());
            }
            Err(error) if error.is_missing() => Some(String::new()),
            Err(error) => return Err(error),
        };
        self.accept(ours.as_deref(), ledger.path(), folder)
    }

    /// What a folder keeps of the ledger with this id at `ledger`. Blocking.
    #[must_use]
    pub fn text(folder: &Path, id: &str, ledger: &Path) -> String {
        format!(
            "{id}\n{}\nThe id and the place of the ledger that knows what was bought into this \
             folder. Keep it.\n",
            place(folder, ledger).display()
        )
    }

    /// The owner that such a text names. An editor may have given it other line ends.
    #[must_use]
    pub fn parse(text: &str, folder: &Path) -> Option<Self> {
        let mut lines = text.trim_start_matches('\u{feff}').lines();
        let id = lines.next()?.trim();
        let place = lines.next().filter(|place| !place.is_empty())?;
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        // A database has no place below the folder.
        let place = PathBuf::from(place);
        let place = if is_database(&place) { place } else { folder.join(place) };
        is_id.then(|| Self { id: id.to_owned(), place })
    }

    /// `id`: the ledger's; one that an older version made has none yet.
    fn accept(self, id: Option<&str>, ledger: &Path, folder: &Path) -> Result<(), LedgerError> {
        let is_its_own = match id {
            Some(id) => *id == self.id,
            None => is_same_file(&self.place, ledger),
        };
        if is_its_own {
            return Ok(());
        }
        let (folder, ledger) = (folder.to_owned(), ledger.to_owned());
        Err(LedgerError::OtherLedger { folder, owner: self.place, ledger })
    }

    /// Names the ledger with this id at `ledger` as the owner of `folder`, durably; writes nothing
    /// where that is written already. Blocking.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(folder: &Path, id: &str, ledger: &Path) -> io::Result<()> {
        let text = Self::text(folder, id, ledger);
        let path = folder.join(Self::FILE);
        if std::fs::read_to_string(&path).is_ok_and(|kept| kept == text) {
            return Ok(());
        }
        crate::disk::replace(&path, &text)
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

fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    one == other || real(one).is_some_and(|one| Some(one) == real(other))
}

/// Whether a ledger's place is the address of a database.
#[must_use]
pub fn is_database(place: &Path) -> bool {
    place.to_str().is_some_and(|text| text.contains("://"))
}

/// The lock of a campaign folder, held until dropped; where the system has none for folders, the
/// ledger's lock alone keeps others out.
#[derive(Debug)]
pub struct FolderLock {
    file: Option<File>,
    is_alone: bool,
}

impl FolderLock {
    /// Takes it; `None` when another process has it. Those that share a ledger share the folder, but
    /// for the first, which is alone until it says [`share`](Self::share). Blocking.
    #[must_use]
    pub fn take(folder: &Path, is_shared: bool) -> Option<Self> {
        let Ok(file) = File::open(folder) else {
            return Some(Self { file: None, is_alone: !is_shared });
        };
        for nth in 0..if is_shared { SHARED_TRIES } else { TRIES } {
            if nth > 0 {
                std::thread::sleep(BETWEEN_TRIES);
            }
            match file.try_lock() {
                Ok(()) => return Some(Self { file: Some(file), is_alone: true }),
                Err(TryLockError::WouldBlock) => {}
                // A network share may lock no folders.
                Err(TryLockError::Error(_)) => {
                    return Some(Self { file: None, is_alone: !is_shared });
                }
            }
            if is_shared && file.try_lock_shared().is_ok() {
                return Some(Self { file: Some(file), is_alone: false });
            }
        }
        None
    }

    /// Whether no other process is in the folder: what lies there half done is left from a run that has ended.
    #[must_use]
    pub const fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Others may come in that share the ledger.
    pub fn share(&mut self) {
        self.is_alone = false;
        // If it fails they wait until this process ends.
        drop(self.file.as_ref().map(File::lock_shared));
    }
}

/// Opens or creates the ledger of a campaign folder for writing: takes the folder's lock, refuses a
/// ledger that is not the folder's, takes the run lock, and names the ledger as the folder's owner.
/// Both locks are held until what is answered is dropped. Blocking.
///
/// # Errors
/// When another process works there, the folder is another ledger's, or the ledger cannot be opened
/// or named.
pub fn open_in(
    folder: &Path,
    address: &LedgerAddress,
    options: &LedgerOptions<'_>,
) -> Result<(Arc<dyn Ledger>, FolderLock), LedgerError> {
    let is_shared = address.file_path().is_none();
    let Some(lock) = FolderLock::take(folder, is_shared) else {
        return Err(in_use(folder, address));
    };
    no_ledger_beside(folder, address)?;
    Owner::check(folder, address)?;
    let ledger = address.open(options)?;
    if let Some(id) = ledger.snapshot()?.summary()?.home.id {
        let unwritten = |error| LedgerError::inaccessible(&folder.join(Owner::FILE), &error);
        Owner::keep(folder, &id, address.path()).map_err(unwritten)?;
    }
    Ok((ledger, lock))
}

/// Refuses a database where a ledger of an older version, which named no owner, lies in the folder:
/// both would buy the rest.
fn no_ledger_beside(folder: &Path, address: &LedgerAddress) -> Result<(), LedgerError> {
    let owner = folder.join("ledger.sqlite");
    if address.file_path().is_some() || !LedgerAddress::file(&owner).is_known() {
        return Ok(());
    }
    let (folder, ledger) = (folder.to_owned(), address.path().to_owned());
    Err(LedgerError::OtherLedger { folder, owner, ledger })
}

/// The same for a ledger that is open: takes the folder's lock, and refuses a folder that names another
/// ledger. Such a ledger has no place that the folder could keep. Blocking.
///
/// # Errors
/// As [`open_in`].
pub fn hold_for(folder: &Path, ledger: &dyn Ledger) -> Result<FolderLock, LedgerError> {
    let given = || PathBuf::from("the ledger that was given");
    let Some(lock) = FolderLock::take(folder, ledger.fleet().is_some()) else {
        return Err(LedgerError::Locked(folder.to_owned(), "another run".to_owned()));
    };
    if let Some(owner) = Owner::of(folder)? {
        let id = ledger.snapshot()?.summary()?.home.id.unwrap_or_default();
        owner.accept(Some(&id), &given(), folder)?;
    }
    Ok(lock)
}

/// Another run has the folder.
fn in_use(folder: &Path, address: &LedgerAddress) -> LedgerError {
    let summary = address.snapshot().and_then(|reader| reader.summary());
    match summary.ok().and_then(|summary| summary.held_by) {
        Some(holder) => LedgerError::Locked(address.path().to_owned(), holder),
        None => LedgerError::Locked(folder.to_owned(), "a run with another ledger".to_owned()),
    }
}
