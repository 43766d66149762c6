//! The disk under a ledger, as a night wants it: it fails, fills up or loses power at the write or
//! sync that was drawn, and knows what was written and not yet synced, so that a crash can take
//! that back, in whole or in part.

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use rusqlite::ffi;
use tokio::sync::Notify;

/// Tells the process of a life that it is dead, and everybody else.
#[derive(Default)]
pub struct Death {
    is_dead: AtomicBool,
    notify: Notify,
}

impl Death {
    /// Nothing that the process does from now on has any effect.
    pub fn strike(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
        self.notify.notify_one();
    }

    pub fn has_struck(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    pub async fn struck(&self) {
        while !self.has_struck() {
            self.notify.notified().await;
        }
    }
}

/// What goes wrong with the disk in a life; numbers count writes or syncs of that life from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies just before a write.
    DieBeforeWrite(u32),
    /// It dies before a sync: all was written, nothing is sure to be there.
    DieBeforeSync(u32),
    /// It dies when a sync is done and nobody knows yet.
    DieAfterSync(u32),
    /// A write fails; the disk is well again afterwards.
    FailWrite(u32),
    /// A sync fails.
    FailSync(u32),
    /// From a write on the disk is full, until the reserve is given up.
    Full(u32),
    /// The same, and what the reserve gives back is taken by somebody else.
    Crammed(u32),
}

/// What is left of what was written and not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process was killed: all of it.
    Kill,
    /// The power went: nothing.
    Power,
    /// The power went: some of it, in no order.
    Torn,
}

/// A write that was not synced yet.
struct Unsynced {
    file: PathBuf,
    offset: u64,
    old: Vec<u8>,
    new: Vec<u8>,
    /// The file's length before it.
    length: u64,
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    writes: u32,
    syncs: u32,
    failed: bool,
    unsynced: Vec<Unsynced>,
}

/// The disk under one folder.
pub struct Disk {
    folder: PathBuf,
    death: Mutex<Arc<Death>>,
    state: Mutex<State>,
}

static DISKS: Mutex<Vec<Weak<Disk>>> = Mutex::new(Vec::new());

/// The disk under which a file lies.
pub fn disk_of(file: &Path) -> Option<Arc<Disk>> {
    let disks = DISKS.lock().unwrap();
    disks.iter().filter_map(Weak::upgrade).find(|disk| file.starts_with(&disk.folder))
}

impl Disk {
    /// Puts a sound disk under a folder, until it is dropped.
    pub fn under(folder: &Path) -> Arc<Self> {
        super::vfs::install();
        let folder = folder.canonicalize().unwrap();
        let disk = Arc::new(Self { folder, death: Mutex::default(), state: Mutex::default() });
        let mut disks = DISKS.lock().unwrap();
        disks.retain(|disk| disk.strong_count() > 0);
        disks.push(Arc::downgrade(&disk));
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn death(&self) -> Arc<Death> {
        Arc::clone(&self.death.lock().unwrap())
    }

    /// A new life begins, with what goes wrong in it.
    pub fn begin(&self, death: &Arc<Death>, fault: Option<Fault>) {
        *self.death.lock().unwrap() = Arc::clone(death);
        let unsynced = std::mem::take(&mut self.state().unsynced);
        *self.state() = State { fault, unsynced, ..State::default() };
    }

    /// Whether a commit's write or sync failed in this life. What fails while the log is copied into
    /// the ledger costs nothing: the log stays.
    pub fn has_failed(&self) -> bool {
        self.state().failed
    }

    /// Whether everything that was written is synced as well.
    pub fn is_synced(&self) -> bool {
        self.state().unsynced.is_empty()
    }

    fn strike(&self) -> c_int {
        self.death().strike();
        ffi::SQLITE_IOERR
    }

    pub fn is_alive(&self) -> Result<(), c_int> {
        if self.death().has_struck() { Err(ffi::SQLITE_IOERR) } else { Ok(()) }
    }

    /// Asked before a write.
    pub fn may_write(&self, file: &Path) -> Result<(), c_int> {
        self.is_alive()?;
        let mut state = self.state();
        state.writes += 1;
        let writes = state.writes;
        let verdict = match state.fault {
            Some(Fault::DieBeforeWrite(nth)) if writes == nth => Err(self.strike()),
            Some(Fault::FailWrite(nth)) if writes == nth => Err(ffi::SQLITE_IOERR_WRITE),
            Some(Fault::Full(nth)) if writes >= nth && self.has_reserve() => Err(ffi::SQLITE_FULL),
            Some(Fault::Crammed(nth)) if writes >= nth => Err(ffi::SQLITE_FULL),
            _ => Ok(()),
        };
        // A full disk that the reserve helps is no failure: the write is made after all.
        let full = matches!(state.fault, Some(Fault::Full(_)));
        state.failed |= verdict.is_err() && !full && is_log(file);
        verdict
    }

    fn has_reserve(&self) -> bool {
        self.folder.join("ledger.sqlite.reserve").exists()
    }

    /// Told after a write or a cut.
    pub fn wrote(&self, file: &Path, offset: u64, old: Vec<u8>, new: &[u8], length: u64) {
        let (file, new) = (file.to_owned(), new.to_vec());
        self.state().unsynced.push(Unsynced { file, offset, old, new, length });
    }

    /// Asked before a sync.
    pub fn may_sync(&self, file: &Path) -> Result<(), c_int> {
        self.is_alive()?;
        let mut state = self.state();
        state.syncs += 1;
        match state.fault {
            Some(Fault::DieBeforeSync(nth)) if state.syncs == nth => Err(self.strike()),
            Some(Fault::FailSync(nth)) if state.syncs == nth => {
                state.failed = is_log(file);
                Err(ffi::SQLITE_IOERR_FSYNC)
            }
            _ => Ok(()),
        }
    }

    /// Told after a sync.
    pub fn synced(&self, file: &Path) -> Result<(), c_int> {
        let mut state = self.state();
        state.unsynced.retain(|write| write.file != file);
        match state.fault {
            Some(Fault::DieAfterSync(nth)) if state.syncs == nth => Err(self.strike()),
            _ => Ok(()),
        }
    }

    /// The life is over and nothing is open any more: takes back what the crash leaves nothing of.
    pub fn crash(&self, crash: Crash, dice: &mut fastrand::Rng) {
        let unsynced = std::mem::take(&mut self.state().unsynced);
        if crash == Crash::Kill {
            return;
        }
        for write in unsynced.iter().rev() {
            if let Some(mut file) = reopen(&write.file) {
                file.seek(SeekFrom::Start(write.offset)).unwrap();
                file.write_all(&write.old).unwrap();
                file.set_len(write.length).unwrap();
            }
        }
        let kept = unsynced
            .iter()
            .filter(|write| crash == Crash::Torn && !write.new.is_empty() && dice.bool());
        for write in kept {
            if let Some(mut file) = reopen(&write.file) {
                file.seek(SeekFrom::Start(write.offset)).unwrap();
                file.write_all(&write.new).unwrap();
            }
        }
    }
}

/// Whether commits go to this file.
fn is_log(file: &Path) -> bool {
    file.to_string_lossy().ends_with("-wal")
}

/// A file that is still there.
fn reopen(path: &Path) -> Option<File> {
    OpenOptions::new().write(true).open(path).ok()
}
