//! What the simulator sold: a task, its price and its fate, fixed at the moment of sale. All that
//! happens to it later follows from this and the time.

use serde::{Deserialize, Serialize};

use crate::domain::money::Usd;
use crate::domain::time::Timestamp;

use super::faults::{self, CANCELED, CODED, EMPTY, Misfortune, ODD_ENDS, WITHHELD};
use super::profile::SimOptions;
use super::rng::SimRng;
use super::sample_clips::Film;

/// One task that was bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The task's id.
    pub task_id: String,
    /// SHA-256 of the POST's body, in hexadecimal.
    pub request: String,
    /// How many-eth purchase of that very body, from 1.
    pub nth: u32,
    /// The first 200 characters of the prompt.
    pub prompt: String,
    /// The model's API name.
    pub model: String,
    /// What it costs.
    #[serde(with = "dollars")]
    pub price: Usd,
    /// Whether the catalog knew the price; else [`NOMINAL_PRICE`] is charged.
    pub priced: bool,
    /// When it was bought, in Unix milliseconds.
    pub at: i64,
    /// What becomes of it.
    pub fate: Fate,
    /// What the client was answered.
    pub told: Told,
    /// What it shows.
    pub film: Film,
    /// How many clips it makes: two with a watermarked version.
    pub clips: u32,
}

/// What is charged for a request that the catalog has no price for: the gateway would not refuse
/// it, so neither does the simulator.
pub const NOMINAL_PRICE: Usd = Usd::from_micros(50_000);

/// What becomes of a task. Moments are Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is rendered and charged.
    Completes {
        /// When.
        at: i64,
    },
    /// It fails.
    Fails {
        /// When.
        at: i64,
        /// Which of the ways to say so.
        how: u8,
        /// Whether it is charged all the same.
        charged: bool,
    },
    /// It is never done; its price stays held.
    Stuck,
}

/// What the client was answered to a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The task's id.
    Task,
    /// A refusal, with this status in the status line or the envelope.
    Refusal(u16),
    /// An answer that was cut or did not name the task.
    Nonsense,
    /// Nothing: cut or hanging.
    Nothing,
    /// That there was no connection.
    NoConnection,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Waiting.
    Pending,
    /// Being rendered.
    Processing,
    /// Done and charged.
    Completed,
    /// Given up.
    Failed,
}

impl TaskState {
    /// The gateway's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl Fate {
    /// Draws the fate of a task bought at `at`; failed and canceled tasks may be charged.
    pub(super) fn draw(
        options: &SimOptions,
        mut rng: SimRng,
        at: Timestamp,
        [failed_charged, canceled_charged]: [bool; 2],
    ) -> Self {
        let span = options.render_ms.end.saturating_sub(options.render_ms.start);
        let millis = options.render_ms.start.saturating_add(rng.below(span));
        let after =
            |millis: u64| at.as_millis().saturating_add(i64::try_from(millis).unwrap_or(i64::MAX));
        match faults::fate(options.profile, &mut rng) {
            None => Self::Completes { at: after(millis) },
            Some(Misfortune::Late) => Self::Completes { at: after(millis.saturating_mul(5)) },
            Some(Misfortune::Fails) => Self::Fails {
                at: after(millis / 2),
                how: rng.pick([0, 1, 2, 3, 4, 5, 6, 7]),
                charged: failed_charged,
            },
            Some(Misfortune::Stuck) => Self::Stuck,
            Some(Misfortune::Odd) => {
                let how = rng.pick(ODD_ENDS);
                let charged = match how {
                    WITHHELD | EMPTY | CODED => false,
                    CANCELED => canceled_charged,
                    _ => failed_charged,
                };
                Self::Fails { at: after(millis / 2), how, charged }
            }
        }
    }

    /// Whether no poll ever says that the task has ended.
    #[must_use]
    pub const fn is_never_told(self) -> bool {
        matches!(self, Self::Stuck | Self::Fails { how: EMPTY | CODED, .. })
    }

    /// Whether no answer ever says if it is charged, so that its price stays reserved.
    #[must_use]
    pub const fn leaves_price_open(self) -> bool {
        self.is_never_told() || matches!(self, Self::Fails { how: WITHHELD, .. })
    }

    /// When the task ends; never for a stuck one.
    #[must_use]
    pub const fn ends_at(self) -> Option<i64> {
        match self {
            Self::Completes { at } | Self::Fails { at, .. } => Some(at),
            Self::Stuck => None,
        }
    }
}

impl Purchase {
    /// Where the task stands.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TaskState {
        let now = now.as_millis();
        match self.fate {
            Fate::Completes { at } if at <= now => TaskState::Completed,
            Fate::Fails { at, .. } if at <= now => TaskState::Failed,
            fate => {
                // The first fifth of its time, or a second, it waits.
                let wait = fate.ends_at().map_or(1_000, |end| end.saturating_sub(self.at) / 5);
                let waiting = now < self.at.saturating_add(wait);
                if waiting { TaskState::Pending } else { TaskState::Processing }
            }
        }
    }

    /// What is charged once the task has ended.
    #[must_use]
    pub const fn charge(&self) -> Usd {
        match self.fate {
            Fate::Completes { .. } | Fate::Fails { charged: true, .. } => self.price,
            Fate::Fails { charged: false, .. } | Fate::Stuck => Usd::ZERO,
        }
    }
}

/// Dollars as a string.
pub(super) mod dollars {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::domain::money::Usd;

    /// Writes them.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub fn serialize<S: Serializer>(usd: &Usd, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(usd)
    }

    /// Reads them.
    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Usd, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
