//! Why a ledger cannot be used: place, cause and what to do, in words for people. Cloneable,
//! because one failed write is the answer to all calls that waited for it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi;

use super::Kind;
use crate::disk::told;

/// Why a ledger cannot be used. Without names of their own, the fields are the file that it is about,
/// and what is wrong there or what keeps it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// There is none.
    #[error("nothing has been run yet: there is no ledger {}; `rushes run` makes it", .0.display())]
    Missing(PathBuf),
    /// A write to it was cut short, and what only reads cannot undo that.
    #[error(
        "{} was being written when the power failed or the program was killed; a user who may \
         write it and its folder can read it again",
        .0.display()
    )]
    CutShort(PathBuf),
    /// Another process works on the campaign.
    #[error(
        "{} is in use by {}; wait until that ends or stop it (its lock ends with it), then try again",
        .0.display(),
        .1
    )]
    Locked(PathBuf, String),
    /// A file that `rushes` did not make.
    #[error(
        "{} is not a ledger of rushes ({}); if it was one, put back a copy that works, because \
         without it every shot would be bought again; otherwise name another file with --ledger",
        .0.display(),
        .1
    )]
    Foreign(PathBuf, &'static str),
    /// It knows less than it did: emptied, cut short, an older copy, or without its log.
    #[error(
        "{} is not what it was: it knows {has} of the {had} requests that were written to it{}; it \
         was emptied, is an older copy, or lost its -wal, and what it forgot would be bought again. \
         Put the right file back, with its own -wal or none; if it is lost, look up in the gateway's console \
         what was bought, then remove {} and run again",
        .ledger.display(), fewer(*.movements), .mark.display()
    )]
    Forgetful {
        /// The ledger.
        ledger: PathBuf,
        /// The note of what it knew.
        mark: PathBuf,
        /// How many attempts it knew.
        had: i64,
        /// How many it knows.
        has: i64,
        /// How many movements of money are missing.
        movements: i64,
    },
    /// The file is empty, and a log of purchases lies beside it.
    #[error(
        "{} is empty, but its log {} is not: the file was cut after it had been written. Put back \
         a copy that works; without it what was bought would be bought again",
        .ledger.display(), .log.display()
    )]
    Emptied {
        /// The ledger.
        ledger: PathBuf,
        /// Its write-ahead log.
        log: PathBuf,
    },
    /// Its file was taken away while a run worked on it; what it knew was saved.
    #[error(
        "{} {what} while this run worked on it; nothing more is sent, and all it knows is saved in \
         {}: {fix}",
        .ledger.display(), .rescued.display()
    )]
    Displaced {
        /// The ledger.
        ledger: PathBuf,
        /// What became of it.
        what: &'static str,
        /// Where what it knew is now.
        rescued: PathBuf,
        /// What to do.
        fix: String,
    },
    /// Its file was taken away while a run worked on it, and what it knew could not be saved.
    #[error(
        "{} {what} while this run worked on it, and what it knew could not be saved ({cause}); \
         nothing more is sent. Keep what is left of it, and look up in the gateway's console what \
         was bought",
        .ledger.display()
    )]
    Lost {
        /// The ledger.
        ledger: PathBuf,
        /// What became of it.
        what: &'static str,
        /// Why it could not be saved.
        cause: String,
    },
    /// A run saved what it knew, and something else has the ledger's name.
    #[error(
        "{} holds what a run knew when {} was taken away from it, and another file has that name \
         now; to go on with what was really bought, move {} elsewhere and run again (or, if it is \
         the right one, move {} elsewhere)",
        .rescued.display(), .ledger.display(), .ledger.display(), .rescued.display()
    )]
    TwoLedgers {
        /// The ledger.
        ledger: PathBuf,
        /// What the run saved.
        rescued: PathBuf,
    },
    /// Something in the file is not as it was written.
    #[error(
        "{} is damaged ({}); keep the file and its -wal as they are, copy both, and save what \
         can be read with: sqlite3 COPY \".recover\" | sqlite3 saved.sqlite",
        .0.display(),
        .1
    )]
    Damaged(PathBuf, String),
    /// Made by a later version.
    #[error(
        "{} was written by {by} (schema {schema}), which is newer than this program; use that \
         version or a later one",
        .ledger.display()
    )]
    Newer {
        /// The ledger.
        ledger: PathBuf,
        /// The version that wrote it.
        by: String,
        /// Its schema.
        schema: i64,
    },
    /// Another ledger's folder.
    #[error(
        "{} is the folder of the ledger {}, which knows what was bought into it; {} does not, and \
         would buy it again{}",
        .folder.display(), .owner.display(), .ledger.display(), gone(.owner)
    )]
    OtherLedger {
        /// The folder.
        folder: PathBuf,
        /// The ledger that it belongs to.
        owner: PathBuf,
        /// The other one.
        ledger: PathBuf,
    },
    /// Another campaign's.
    #[error(
        "{} is the ledger of the campaign {theirs:?}, not of {ours:?}; give this campaign its own \
         --out folder, or set the manifest's `campaign` back",
        .ledger.display()
    )]
    OtherCampaign {
        /// The ledger.
        ledger: PathBuf,
        /// Whose it is.
        theirs: String,
        /// Whose it should be.
        ours: String,
    },
    /// The simulator's where a gateway's is needed, or the other way round.
    #[error("{} holds {}; {}", .ledger.display(), holds(*.theirs), instead(*.theirs))]
    OtherKind {
        /// The ledger.
        ledger: PathBuf,
        /// Whose tasks it holds.
        theirs: Kind,
    },
    /// It, its lock or its folder cannot be read or written.
    #[error("{}: {cause}; {fix}", .place.display())]
    Inaccessible {
        /// The file or folder.
        place: PathBuf,
        /// What the system says.
        cause: String,
        /// What to do.
        fix: &'static str,
    },
    /// There is no room for what must be written in an emergency.
    #[error(
        "{}: there is no room for the 1 MiB that is set aside to write down purchases when the \
         disk is full ({}); nothing was sent: free some space and try again",
        .0.display(),
        .1
    )]
    NoReserve(PathBuf, String),
    /// The disk filled up and the reserve was given up; nothing new may be bought.
    #[error(
        "the disk of {} is full; what was bought is written down and nothing more is sent: free \
         some space and run again",
        .0.display()
    )]
    DiskFull(PathBuf),
    /// It could not be written. Everything after it is refused with the same words.
    #[error(
        "{} could not be written ({}); nothing more is sent: mend that and run again",
        .0.display(),
        .1
    )]
    Failed(PathBuf, String),
    /// The program ends before this could be written.
    #[error("{} was not written: the program is ending; run again to go on", .0.display())]
    Ending(PathBuf),
    /// What was typed looks like an address, and is none of a database that can be the ledger.
    #[error(
        "--ledger: a ledger is a file, or a database at postgres://USER@HOST/DATABASE; no other kind of address can be used"
    )]
    OtherScheme,
    /// An account is asked for where there is none.
    #[error(
        "--ledger: a file has no account; limits over several campaigns are kept in a database, postgres://USER@HOST/DATABASE"
    )]
    NoAccount,
    /// This program was built without databases.
    #[error(
        "this rushes was built without PostgreSQL; build it with: cargo install rushes --features postgres"
    )]
    NoDatabases,
    /// A database that is the ledger.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Server(#[from] super::postgres::ServerError),
    /// One in memory that several workers share.
    #[error(transparent)]
    Memory(#[from] super::memory::MemoryError),
    /// Asked for what cannot be: a defect of this program. Nothing was written.
    #[error("internal error: {what}; nothing was written")]
    Defect {
        /// What was asked.
        what: String,
    },
}

fn fewer(movements: i64) -> String {
    if movements > 0 { format!(", and {movements} movements of money less") } else { String::new() }
}

fn gone(owner: &Path) -> &'static str {
    if owner.exists() { "" } else { ". That ledger is gone: put it back, with its -wal" }
}

const fn holds(kind: Kind) -> &'static str {
    match kind {
        Kind::Gateway => "real purchases",
        Kind::Simulator => "simulated purchases",
    }
}

const fn instead(theirs: Kind) -> &'static str {
    match theirs {
        Kind::Gateway => "choose another --out folder for --sim",
        Kind::Simulator => "add --sim, or choose another --out folder for real ones",
    }
}

impl LedgerError {
    /// What an `SQLite` error in `ledger` means.
    pub(in crate::ledger) fn of(ledger: &Path, error: &rusqlite::Error) -> Self {
        let (ledger, cause) = (ledger.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(ledger, cause)
            }
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::Inaccessible { place: ledger, cause, fix: PERMISSION }
            }
            Some(_) => Self::Failed(ledger, cause),
            // A value that this program would never have written, or no row where one must be.
            None => Self::Damaged(ledger, cause),
        }
    }

    /// What an error of the file system at `place` means.
    pub(in crate::ledger) fn inaccessible(place: &Path, cause: &std::io::Error) -> Self {
        let (place, cause) = (place.to_owned(), told(cause));
        Self::Inaccessible { place, cause, fix: PERMISSION }
    }

    /// The ledger, if what it lies on may be the cause.
    #[must_use]
    pub fn place(&self) -> Option<&Path> {
        match self {
            Self::CutShort(ledger)
            | Self::Locked(ledger, _)
            | Self::Foreign(ledger, _)
            | Self::Damaged(ledger, _)
            | Self::Failed(ledger, _)
            | Self::Inaccessible { place: ledger, .. }
            | Self::Forgetful { ledger, .. }
            | Self::Emptied { ledger, .. }
            | Self::Displaced { ledger, .. }
            | Self::Lost { ledger, .. }
            | Self::TwoLedgers { ledger, .. } => Some(ledger),
            _ => None,
        }
    }

    /// Whether there is no ledger yet, and nothing is wrong with that.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        match self {
            Self::Missing(_) => true,
            #[cfg(feature = "postgres")]
            Self::Server(super::postgres::ServerError::Missing(..)) => true,
            _ => false,
        }
    }

    /// Whether another worker works on another text of the manifest.
    #[must_use]
    pub const fn is_other_text(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Server(super::postgres::ServerError::OtherText { .. }) => true,
            _ => false,
        }
    }

    /// Whether the account is used with another key.
    #[must_use]
    pub const fn is_other_key(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Server(super::postgres::ServerError::OtherKey(_)) => true,
            _ => false,
        }
    }

    pub(crate) fn defect(what: impl Into<String>) -> Self {
        Self::Defect { what: what.into() }
    }
}

/// The fix for what cannot be opened.
pub(in crate::ledger) const PERMISSION: &str =
    "see to it that you may read and write it and its folder, or choose another with --out";

/// Whether giving up the reserve may help. Not after a failed sync: what that one wrote is unknown.
pub(in crate::ledger) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| {
        e.code == ErrorCode::DiskFull
            || matches!(
                e.extended_code,
                ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMOPEN
            )
    })
}
