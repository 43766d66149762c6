//! What a manifest comes to: a campaign, its shots and its settings.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::money::Usd;
use crate::domain::shot::Shot;
use crate::domain::state::OnDoubt;
use crate::domain::webhook::{Hook, Occasion};
use crate::policy::limits::Limits;

use super::diagnostics::Finding;

/// Everything in a manifest but its shots.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// The campaign's name: a safe file name.
    pub campaign: String,
    /// The manifest's path.
    pub path: PathBuf,
    /// Where it lives, as far as that is written.
    pub place: WrittenPlace,
    /// `budget`, when it is written.
    pub budget: Option<WrittenBudget>,
    /// `on_doubt`.
    pub on_doubt: OnDoubt,
    /// `limits`.
    pub limits: Limits,
    /// `callback`, when it is written.
    pub callback: Option<WrittenCallback>,
    /// `check_charges`.
    pub check_charges: bool,
    /// `notify`, when it is written.
    pub notify: Option<WrittenNotify>,
}

impl Header {
    /// Whether the manifest itself names a cap.
    #[must_use]
    pub fn is_capped(&self) -> bool {
        self.budget.is_some_and(|budget| budget.cap.is_some())
    }
}

/// Where a manifest says that its campaign lives. What is typed beats it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenPlace {
    /// `out`: a folder, beside the manifest unless it is a whole path; or a bucket's address.
    pub out: Option<PathBuf>,
    /// `ledger`: a file, beside the manifest unless it is a whole path; or a database's address.
    pub ledger: Option<PathBuf>,
    /// `account`: whose limits it goes by, in a database.
    pub account: Option<String>,
}

impl WrittenPlace {
    /// A place as it is written in a manifest that lies in the folder `beside`.
    #[must_use]
    pub fn located(written: &str, beside: &Path) -> PathBuf {
        if written.contains("://") { PathBuf::from(written) } else { beside.join(written) }
    }
}

/// A manifest's `budget`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenBudget {
    /// `cap`, or the bare number.
    pub cap: Option<Usd>,
    /// `strict`.
    pub strict: bool,
}

/// A manifest's `callback`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenCallback {
    /// Where to listen on this machine.
    pub listen: SocketAddr,
    /// The public address of that: `http` or `https`, a host, perhaps a path.
    pub url: String,
    /// How long after its POST a shot in doubt waits for a callback.
    pub wait: Duration,
}

/// A manifest's `notify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenNotify {
    /// The web address; `None`: that of `RUSHES_NOTIFY_URL`, if it is set.
    pub url: Option<Hook>,
    /// The occasions for a message.
    pub on: Vec<Occasion>,
    /// From how many failed shots in a run on `failures` is an occasion.
    pub failures: u32,
}

/// Every occasion, to the address in the environment.
impl Default for WrittenNotify {
    fn default() -> Self {
        Self { url: None, on: Occasion::ALL.to_vec(), failures: 10 }
    }
}

/// A manifest, expanded.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Everything but the shots.
    pub header: Header,
    /// The shots in manifest order.
    pub shots: Vec<Shot>,
    /// Warnings, such as that of an unknown price without a cap: the first hundred.
    pub warnings: Vec<Finding>,
    /// How many more warnings there are.
    pub more_warnings: usize,
    /// What `where` and `skip` left of tables.
    pub chosen_rows: Vec<ChosenRows>,
}

/// What an entry's `where` and `skip` left of its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenRows {
    /// The table as the entry names it.
    pub table: String,
    /// How many rows it has, empty ones not counted.
    pub rows: usize,
    /// How many of them count.
    pub taken: usize,
}
