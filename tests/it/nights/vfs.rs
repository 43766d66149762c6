//! Stands between `SQLite` and the file system: a thin layer over the system's own VFS that asks a
//! [`Disk`] before every write and sync of the ledger under its folder, and tells it afterwards.
//! The only unsafe code of the project; it never ships.
#![allow(unsafe_code, reason = "SQLite's VFS is an interface of C")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Once, OnceLock};

use rusqlite::ffi;

use super::disk::{Disk, disk_of};

/// What lies before the system's own file in the memory that `SQLite` gives to a file.
#[repr(C)]
struct Watched {
    base: ffi::sqlite3_file,
    file: *mut Known,
}

/// A file under a disk.
struct Known {
    disk: Arc<Disk>,
    path: PathBuf,
}

/// Rounded up, so that the system's file behind it is aligned.
const HEAD: usize = size_of::<Watched>().next_multiple_of(16);

struct System(*mut ffi::sqlite3_vfs);
// SAFETY: SQLite's VFS objects are made to be used from any thread, and this one lives for ever.
unsafe impl Send for System {}
unsafe impl Sync for System {}

static SYSTEM: OnceLock<System> = OnceLock::new();

/// Makes the layer the one that every connection of this process opens files through, unless it
/// asks for `unix`.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the default VFS lives as long as the process; the copy is leaked on purpose, as
        // SQLite asks for what is registered, and differs from it only in what is replaced here.
        unsafe {
            ffi::sqlite3_initialize();
            let system = ffi::sqlite3_vfs_find(ptr::null());
            let mut layer = *system;
            layer.szOsFile += c_int::try_from(HEAD).unwrap();
            layer.zName = c"nights".as_ptr();
            layer.pNext = ptr::null_mut();
            layer.xOpen = Some(open);
            layer.xDelete = Some(delete);
            assert!(SYSTEM.set(System(system)).is_ok());
            assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(layer)), 1), ffi::SQLITE_OK);
        }
    });
}

fn system() -> *mut ffi::sqlite3_vfs {
    SYSTEM.get().expect("the layer calls back only once it is installed").0
}

/// The path that SQLite names.
unsafe fn path(name: *const c_char) -> Option<PathBuf> {
    // SAFETY: SQLite hands over a null pointer or a C string.
    (!name.is_null())
        .then(|| PathBuf::from(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes())))
}

/// The system's file behind a watched one.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: every file was given `HEAD` bytes more than the system's file needs.
    unsafe { file.byte_add(HEAD) }
}

/// The methods of the system's file.
unsafe fn methods(file: *mut ffi::sqlite3_file) -> &'static ffi::sqlite3_io_methods {
    // SAFETY: called for open files only, whose methods are a static table.
    unsafe { &*(*real(file)).pMethods }
}

unsafe fn known(file: *mut ffi::sqlite3_file) -> &'static Known {
    // SAFETY: set when the file was opened, freed when it is closed.
    unsafe { &*(*file.cast::<Watched>()).file }
}

unsafe extern "C" fn open(
    _layer: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are SQLite's own; without a disk the bare system's file is opened where
    // SQLite expects one, with nothing of ours around it.
    unsafe {
        let found = path(name).and_then(|path| Some((disk_of(&path)?, path)));
        let open = (*system()).xOpen.unwrap();
        let Some((disk, path)) = found else { return open(system(), name, file, flags, out) };
        (*file).pMethods = ptr::null();
        (*real(file)).pMethods = ptr::null();
        let code = open(system(), name, real(file), flags, out);
        if !(*real(file)).pMethods.is_null() {
            let watched = file.cast::<Watched>();
            (*watched).file = Box::into_raw(Box::new(Known { disk, path }));
            (*watched).base.pMethods = &raw const METHODS;
        }
        code
    }
}

unsafe extern "C" fn delete(
    _layer: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync: c_int,
) -> c_int {
    // SAFETY: as for `open`.
    unsafe {
        let disk = path(name).and_then(|path| disk_of(&path));
        match disk.map_or(Ok(()), |disk| disk.is_alive()) {
            Ok(()) => (*system()).xDelete.unwrap()(system(), name, sync),
            Err(code) => code,
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once.
    unsafe {
        drop(Box::from_raw((*file.cast::<Watched>()).file));
        methods(file).xClose.unwrap()(real(file))
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    amount: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite hands over `amount` bytes at `bytes`; `old` has room for what is read.
    unsafe {
        let Known { disk, path } = known(file);
        if let Err(code) = disk.may_write(path) {
            return code;
        }
        let length = length(file);
        let mut old = vec![0_u8; usize::try_from(amount).unwrap()];
        methods(file).xRead.unwrap()(real(file), old.as_mut_ptr().cast(), amount, offset);
        let code = methods(file).xWrite.unwrap()(real(file), bytes, amount, offset);
        let new = std::slice::from_raw_parts(bytes.cast::<u8>(), old.len());
        disk.wrote(path, u64::try_from(offset).unwrap(), old, new, length);
        code
    }
}

unsafe fn length(file: *mut ffi::sqlite3_file) -> u64 {
    let mut length = 0;
    // SAFETY: an open file, and room for its length.
    unsafe { methods(file).xFileSize.unwrap()(real(file), &raw mut length) };
    u64::try_from(length).unwrap()
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: an open file.
    unsafe {
        let Known { disk, path } = known(file);
        if let Err(code) = disk.may_sync(path) {
            return code;
        }
        let code = methods(file).xSync.unwrap()(real(file), flags);
        disk.synced(path).map_or_else(|dead| dead, |()| code)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: an open file; what is cut off is read before, within its length.
    unsafe {
        let Known { disk, path } = known(file);
        if let Err(code) = disk.is_alive() {
            return code;
        }
        let (old, new) = (length(file), u64::try_from(size).unwrap());
        if new < old {
            let mut tail = vec![0_u8; usize::try_from(old - new).unwrap()];
            let amount = c_int::try_from(tail.len()).unwrap();
            methods(file).xRead.unwrap()(real(file), tail.as_mut_ptr().cast(), amount, size);
            disk.wrote(path, new, tail, &[], old);
        }
        methods(file).xTruncate.unwrap()(real(file), size)
    }
}

/// Hands a call over to the system's file.
macro_rules! handed_over {
    ($($name:ident . $method:ident ($($arg:ident: $kind:ty),*) -> $answer:ty;)*) => {$(
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $arg: $kind)*) -> $answer {
            // SAFETY: SQLite's own arguments, for the file they were meant for.
            unsafe { methods(file).$method.unwrap()(real(file) $(, $arg)*) }
        }
    )*};
}

handed_over! {
    read.xRead(into: *mut c_void, amount: c_int, offset: i64) -> c_int;
    file_size.xFileSize(size: *mut i64) -> c_int;
    lock.xLock(level: c_int) -> c_int;
    unlock.xUnlock(level: c_int) -> c_int;
    reserved.xCheckReservedLock(answer: *mut c_int) -> c_int;
    control.xFileControl(what: c_int, with: *mut c_void) -> c_int;
    sector.xSectorSize() -> c_int;
    traits.xDeviceCharacteristics() -> c_int;
    shm_map.xShmMap(page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void) -> c_int;
    shm_lock.xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier.xShmBarrier() -> ();
    shm_unmap.xShmUnmap(delete: c_int) -> c_int;
}

/// Version 2: shared memory, but no mapping of the file itself.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(traits),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Opens a connection past the layer.
pub fn past_the_layer(path: &Path, flags: rusqlite::OpenFlags) -> rusqlite::Connection {
    rusqlite::Connection::open_with_flags_and_vfs(path, flags, c"unix").unwrap()
}
