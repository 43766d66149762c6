//! What a simulator is told: how bad the night gets, and with which seed, purse and speed.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use crate::domain::money::Usd;

/// How bad the night gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Nothing goes wrong.
    #[default]
    Calm,
    /// One call in ten or so goes wrong.
    Flaky,
    /// Everything goes wrong that is known to go wrong.
    Storm,
    /// Nothing goes wrong, but the purse runs out.
    Broke,
    /// A milder storm in which some answers with a 5xx did buy.
    Liar,
    /// The troubles that people report of real nights: firewalls, lagging hosts, odd last words.
    Field,
}

impl Profile {
    /// All of them, mildest first.
    pub const ALL: [Self; 6] =
        [Self::Calm, Self::Flaky, Self::Storm, Self::Broke, Self::Liar, Self::Field];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Flaky => "flaky",
            Self::Storm => "storm",
            Self::Broke => "broke",
            Self::Liar => "liar",
            Self::Field => "field",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What was asked for is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProfile {
    /// No such name.
    #[error(
        "{0:?} is no profile of the simulator; choose calm, flaky, storm, broke, liar or field"
    )]
    Name(String),
    /// What stands after the colon is no seed.
    #[error("{0:?} is no seed; write a whole number, as in storm:7")]
    Seed(String),
}

impl FromStr for Profile {
    type Err = BadProfile;

    fn from_str(text: &str) -> Result<Self, BadProfile> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name() == text)
            .ok_or_else(|| BadProfile::Name(text.to_owned()))
    }
}

/// How a simulator is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimOptions {
    /// How bad it gets.
    pub profile: Profile,
    /// The same seed gives the same faults, fates and task ids.
    pub seed: u64,
    /// What the account holds in all, before anything is charged.
    pub purse: Usd,
    /// How long a task takes, in milliseconds.
    pub render_ms: Range<u64>,
    /// The one key that is accepted by the server; `None` accepts any that is not empty.
    pub key: Option<String>,
    /// Where [`JOURNAL`](super::JOURNAL) is kept; `None` forgets everything at the end.
    pub dir: Option<PathBuf>,
}

impl SimOptions {
    /// A profile's own settings: seed 0, its purse, tasks of 1 to 4 seconds, in memory.
    #[must_use]
    pub const fn new(profile: Profile) -> Self {
        let purse = Usd::from_micros(match profile {
            Profile::Broke => 1_000_000,
            _ => 1_000_000_000,
        });
        Self { profile, seed: 0, purse, render_ms: 1_000..4_000, key: None, dir: None }
    }
}

impl Default for SimOptions {
    fn default() -> Self {
        Self::new(Profile::default())
    }
}

/// Reads what may follow `--sim=`: `storm`, or `storm:7` with a seed.
impl FromStr for SimOptions {
    type Err = BadProfile;

    fn from_str(text: &str) -> Result<Self, BadProfile> {
        let (name, seed) = match text.split_once(':') {
            Some((name, seed)) => {
                (name, seed.parse().map_err(|_| BadProfile::Seed(seed.to_owned()))?)
            }
            None => (text, 0),
        };
        Ok(Self { seed, ..Self::new(name.parse()?) })
    }
}
