//! Where a ledger is. The one place that turns an address into a ledger, so that the rest of the
//! program need not know what keeps it.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "postgres")]
use super::postgres::{PostgresLedger, PostgresSnapshot, ServerAddress};
use super::sqlite::{SqliteLedger, SqliteSnapshot};
use super::{AccountChange, AccountSummary, Ledger, LedgerError, LedgerOptions, Snapshot};

/// What keeps ledgers, as a user names it: a file, or a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerPlace {
    /// An `SQLite` file.
    File(PathBuf),
    /// A `PostgreSQL` database.
    #[cfg(feature = "postgres")]
    Server(Box<ServerAddress>),
    /// Neither: every use of it fails so.
    Unusable(LedgerError),
}

/// What looks like the address of a database is one, everything else a file's name. An address that
/// cannot be read is told when it is used, without the password that may be in it.
impl From<OsString> for LedgerPlace {
    fn from(typed: OsString) -> Self {
        let Some((scheme, rest)) = typed.to_str().and_then(|text| text.split_once("://")) else {
            return Self::File(typed.into());
        };
        let scheme = scheme.to_lowercase();
        if scheme != "postgres" && scheme != "postgresql" {
            // Taken for a file's name, it would be shown with the password that may be in it.
            return Self::Unusable(LedgerError::OtherScheme);
        }
        #[cfg(feature = "postgres")]
        return match format!("{scheme}://{rest}").parse::<ServerAddress>() {
            Ok(address) => Self::Server(Box::new(address)),
            Err(bad) => Self::Unusable(super::postgres::ServerError::from(bad).into()),
        };
        #[cfg(not(feature = "postgres"))]
        {
            let _ = rest;
            Self::Unusable(LedgerError::NoDatabases)
        }
    }
}

impl LedgerPlace {
    /// The same with the database's password, unless it names one itself.
    #[must_use]
    pub fn with_password(self, password: Option<OsString>) -> Self {
        match (self, password.and_then(|password| password.into_string().ok())) {
            #[cfg(feature = "postgres")]
            (Self::Server(address), Some(password)) => {
                Self::Server(Box::new(address.with_password(&password)))
            }
            (place, _) => place,
        }
    }
}

impl LedgerPlace {
    /// The same with this account's limits, if it is a database.
    #[must_use]
    pub fn with_account(self, account: Option<&str>) -> Self {
        match (self, account) {
            #[cfg(feature = "postgres")]
            (Self::Server(address), Some(account)) => {
                Self::Server(Box::new(address.with_account(account)))
            }
            (place, _) => place,
        }
    }
}

impl LedgerPlace {
    /// The account as it stands; `None` where nothing was run for it yet. Blocking.
    ///
    /// # Errors
    /// When it is no database, or that cannot be read.
    pub fn account(&self) -> Result<Option<AccountSummary>, LedgerError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Server(address) => super::postgres::account(address),
            Self::Unusable(error) => Err(error.clone()),
            Self::File(_) => Err(LedgerError::NoAccount),
        }
    }

    /// Changes what the account allows. Blocking.
    ///
    /// # Errors
    /// When it is no database, or that refuses.
    pub fn change_account(&self, change: &AccountChange) -> Result<(), LedgerError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Server(address) => super::postgres::change_account(address, change),
            Self::Unusable(error) => Err(error.clone()),
            Self::File(_) => {
                let _ = change;
                Err(LedgerError::NoAccount)
            }
        }
    }
}

/// As it is typed, without a password.
impl fmt::Display for LedgerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
            Self::Server(address) => address.fmt(f),
            Self::Unusable(_) => f.write_str("postgres://…"),
        }
    }
}

/// Where a campaign's ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerAddress {
    place: LedgerPlace,
    /// The campaign's name in a database.
    campaign: String,
    /// What the note of how much a database knew lies beside.
    beside: PathBuf,
    /// The file, or the database without its password.
    path: PathBuf,
}

impl LedgerAddress {
    /// An `SQLite` file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(LedgerPlace::File(path.into()), "", Path::new(""))
    }

    /// The ledger of a campaign whose folder is `folder`.
    #[must_use]
    pub fn new(place: LedgerPlace, campaign: &str, folder: &Path) -> Self {
        let path = match &place {
            LedgerPlace::File(path) => path.clone(),
            other => other.to_string().into(),
        };
        Self { place, campaign: campaign.to_owned(), beside: folder.join("postgres"), path }
    }

    /// The folder that must exist before it can be opened for writing.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.file_path()?.parent().filter(|folder| !folder.as_os_str().is_empty())
    }

    /// The file; of a database what stands for it in messages: its address without a password.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, if it is one.
    #[must_use]
    pub fn file_path(&self) -> Option<&Path> {
        matches!(self.place, LedgerPlace::File(_)).then_some(&*self.path)
    }

    /// Whether a ledger, or anything that speaks of one, is there. Blocking.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match &self.place {
            LedgerPlace::File(path) => SqliteLedger::is_known(path),
            #[cfg(feature = "postgres")]
            LedgerPlace::Server(_) => !self.snapshot().is_err_and(|error| error.is_missing()),
            LedgerPlace::Unusable(_) => false,
        }
    }

    /// Opens or creates the ledger and takes the run lock. Blocking.
    ///
    /// # Errors
    /// See [`SqliteLedger::open`]; for a database `PostgresLedger::open`.
    pub fn open(&self, options: &LedgerOptions<'_>) -> Result<Arc<dyn Ledger>, LedgerError> {
        match &self.place {
            LedgerPlace::File(path) => Ok(Arc::new(SqliteLedger::open(path, options)?)),
            #[cfg(feature = "postgres")]
            LedgerPlace::Server(address) => {
                Ok(Arc::new(PostgresLedger::open(address, &self.beside, options)?))
            }
            LedgerPlace::Unusable(error) => Err(error.clone()),
        }
    }

    /// Opens an existing ledger for reading; changes nothing. Blocking.
    ///
    /// # Errors
    /// When there is none, or it is newer than this program, damaged or unreadable.
    pub fn snapshot(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        self.reading(true)
    }

    /// The same for the process that holds the run lock and has ended its work: what it left half
    /// done is shown as the next run will find it.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn snapshot_at_end(&self) -> Result<Box<dyn Snapshot>, LedgerError> {
        self.reading(false)
    }

    fn reading(&self, heeds_lock: bool) -> Result<Box<dyn Snapshot>, LedgerError> {
        match &self.place {
            LedgerPlace::File(path) => Ok(Box::new(SqliteSnapshot::open(path, heeds_lock)?)),
            #[cfg(feature = "postgres")]
            LedgerPlace::Server(address) => {
                Ok(Box::new(PostgresSnapshot::open(address, &self.campaign, heeds_lock)?))
            }
            LedgerPlace::Unusable(error) => Err(error.clone()),
        }
    }

    /// The ledgers of the other campaigns of the same account in the same database. Blocking.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn others(&self) -> Result<Vec<(String, Self)>, LedgerError> {
        match &self.place {
            #[cfg(feature = "postgres")]
            LedgerPlace::Server(address) => {
                let names = PostgresSnapshot::campaigns(address)?.into_iter();
                let others = names.filter(|name| *name != self.campaign);
                Ok(others
                    .map(|name| (name.clone(), Self { campaign: name, ..self.clone() }))
                    .collect())
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// As it is typed, without a password.
impl fmt::Display for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}
