//! Why a database cannot be the ledger, in words for people.

use super::address::told;
use crate::domain::time::Timestamp;

/// Why a database cannot be used, or not any more. Without names of their own, the fields are the
/// database and what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Its address cannot be used.
    #[error("--ledger: {0}")]
    Address(#[from] super::address::BadServerAddress),
    /// A rehearsal keeps its tasks in a folder.
    #[error(
        "--sim rehearses in a folder, not in a database: start `rushes sim` and name it with --api-base, or leave --ledger out"
    )]
    Rehearsal,
    /// Nothing answers there.
    #[error(
        "{0} cannot be reached ({1}); nothing was sent: see that it runs and that this machine may speak to it"
    )]
    Unreachable(String, String),
    /// It does not answer, and the user wants to leave.
    #[error(
        "{0} does not answer, and this run leaves without it: what it was last told may not be written"
    )]
    Unanswered(String),
    /// It does not let us in.
    #[error(
        "{0} refuses the connection ({1}); nothing was sent: see the user, PGPASSWORD, and the server's pg_hba.conf"
    )]
    Refused(String, String),
    /// It may lose what it confirmed.
    #[error(
        "{server} runs with {setting}, so that a power cut could make it forget what was bought; set {fix} and restart it"
    )]
    Unsafe {
        /// The database.
        server: String,
        /// The setting, as it is.
        setting: &'static str,
        /// As it must be.
        fix: &'static str,
    },
    /// A copy that only follows another one.
    #[error("{0} is a standby, which can only be read; name the primary")]
    Standby(String),
    /// Too old a server.
    #[error("{0} is PostgreSQL {1}; rushes needs 14 or later")]
    Old(String, String),
    /// Its tables are of a later version.
    #[error(
        "{server} was written by {by} (schema {schema}), which is newer than this program; use that version or a later one"
    )]
    Newer {
        /// The database.
        server: String,
        /// The version that wrote it.
        by: String,
        /// Its schema.
        schema: i32,
    },
    /// No such campaign there.
    #[error("nothing has been run yet: {0} has no campaign {1:?}; `rushes run` makes it")]
    Missing(String, String),
    /// Another worker renders another text of the manifest.
    #[error(
        "{holder} works on another text of this manifest since {since}; stop it, or use the same manifest. If it is dead, it is given up 30 s after it was last heard of"
    )]
    OtherText {
        /// Who.
        holder: String,
        /// Since when.
        since: Timestamp,
    },
    /// The account is used with another key.
    #[error(
        "the account of {0} is used with another key; its limits and its month's cap are those of one key"
    )]
    OtherKey(String),
    /// Its tables are to be brought to a later form, and a program that needs the earlier one is at work.
    #[error(
        "the tables of {server} are of an earlier version, and {holder} still works with them; wait until that ends or stop it, then try again. If it is dead, wait 30 s"
    )]
    OlderAtWork {
        /// The database.
        server: String,
        /// Who.
        holder: String,
    },
    /// Another worker has taken over.
    #[error("{0} gave this worker up because nothing was heard of it for too long")]
    GivenUp(String),
    /// It knows less than it had confirmed.
    #[error(
        "{server} is not what it was: it knows {has} of the {had} requests that it had confirmed. It was restored from an older copy, or a replica took over that had not heard of them, and what it forgot would be bought again. Nothing more is sent: put the right database back; if it is lost, look up in the gateway's console what was bought, then remove {mark} and run again"
    )]
    Forgetful {
        /// The database.
        server: String,
        /// How many attempts it had confirmed.
        had: i64,
        /// How many it knows.
        has: i64,
        /// The note of what it knew.
        mark: String,
    },
    /// A statement failed.
    #[error("{0} did not write it ({1}); nothing more is sent: mend that and run again")]
    Failed(String, String),
    /// What it says cannot have been written.
    #[error("{0} is damaged ({1}); put back a copy that works")]
    Damaged(String, String),
}

/// Why a call was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection is gone, and what became of the call is not known: it is to be made again.
    Lost(String),
    /// It will not be done.
    Given(ServerError),
}

/// The error codes of our own functions.
const GIVEN_UP: &str = "RU001";
/// See `schema/functions`.
const FORGOTTEN: &str = "RU002";
/// After these the same statement may succeed: it was in the way of another, waited too long for a lock,
/// or was canceled; the session was ended for its idleness or the length of its transaction; there are
/// too many connections; a standby answers, which may soon be the primary.
const PASSING: [&str; 8] = ["40001", "40P01", "55P03", "57014", "25P03", "25P04", "53300", "25006"];
/// The classes of errors of the connection, and of a server that ends or begins.
const PASSING_CLASSES: [&str; 2] = ["08", "57P"];

impl Trouble {
    /// What an error of the driver means.
    pub(super) fn of(server: &str, error: &tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            if error.is_closed() || is_io(error) {
                return Self::Lost(told(error));
            }
            return Self::Given(ServerError::Damaged(server.to_owned(), told(error)));
        };
        let code = database.code().code();
        match code {
            GIVEN_UP => Self::Given(ServerError::GivenUp(server.to_owned())),
            FORGOTTEN => Self::Given(ServerError::Forgetful {
                server: server.to_owned(),
                had: 0,
                has: 0,
                mark: String::new(),
            }),
            code if is_passing(code) => Self::Lost(told(error)),
            _ => Self::Given(ServerError::Failed(server.to_owned(), told(error))),
        }
    }

    /// What a value that cannot be read means.
    pub(super) fn damaged(server: &str, what: impl Into<String>) -> Self {
        Self::Given(ServerError::Damaged(server.to_owned(), what.into()))
    }
}

/// Whether the same call may succeed later.
fn is_passing(code: &str) -> bool {
    PASSING.contains(&code) || PASSING_CLASSES.iter().any(|class| code.starts_with(class))
}

/// Whether the connection itself failed.
fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}
