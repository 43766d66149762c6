//! What tells whether two workers render the same: a hash over all shots and all that decides money.

use sha2::{Digest as _, Sha256};

use super::reconcile::{list, pairs};
use crate::domain::shot::Shot;
use crate::domain::state::{OnDoubt, Rules};

/// A hash over a manifest's shots, in order, and over the rules by which they are bought.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these shots, bought by these rules.
    #[must_use]
    pub fn of(shots: &[Shot], rules: &Rules) -> Self {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        };
        for shot in shots {
            add(shot.id.as_str().as_bytes());
            add(shot.fingerprint.as_bytes());
            add(&shot.priority.to_le_bytes());
            add(shot.clip_name.as_bytes());
            add(&shot.price.map_or(-1, crate::domain::money::Usd::micros).to_le_bytes());
            add(list(&shot.tags).as_bytes());
            add(shot.entry.as_bytes());
            add(pairs(&shot.variant).unwrap_or_default().as_bytes());
        }
        let Rules { attempts, strict, on_doubt, render_timeout, rerolls, .. } = rules;
        add(&attempts.to_le_bytes());
        add(&rerolls.to_le_bytes());
        add(&render_timeout.as_millis().to_le_bytes());
        let charged = |charged: Option<bool>| charged.map_or(2, u8::from);
        add(&[
            u8::from(*strict),
            u8::from(*on_doubt == OnDoubt::Resubmit),
            charged(Some(rules.failed_tasks_charged)),
            charged(rules.canceled_tasks_charged),
        ]);
        Self(hash.finalize().into())
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::catalog::hex(&self.0[..8]))
    }
}
