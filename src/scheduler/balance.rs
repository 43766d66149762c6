//! The provider's balance against what is left to buy: asked once, before the first purchase of a run.
//! What only polls and fetches neither asks nor waits. The cap decides what may be bought; this
//! says beforehand that the account will not bear it.

use std::cmp::Ordering;

use crate::domain::account::BalanceOutcome;
use crate::domain::money::Usd;

use super::core::Scheduler;
use super::effects::Effect;
use super::outcome::StopReason;
use super::questions::BalanceCheck;

impl Scheduler {
    /// Whether a purchase need not wait for the balance; asks for it if that was not done.
    pub(super) fn balance_is_looked_at(&mut self) -> bool {
        if self.balance_check == BalanceCheck::Due {
            self.balance_check = BalanceCheck::Asking;
            self.out.effects.push(Effect::Balance);
        }
        self.balance_check == BalanceCheck::Done
    }

    /// The provider told its balance, or did not.
    pub(super) fn balance_told(&mut self, outcome: &BalanceOutcome) {
        self.balance_check = BalanceCheck::Done;
        let available = match outcome {
            BalanceOutcome::Known(available) => available,
            BalanceOutcome::Unknown { why } => {
                tracing::info!("the account's balance is not known ({why})");
                return;
            }
        };
        let needed = self.left_to_buy();
        match available.against(needed) {
            None => tracing::info!(
                "the account's balance is {available}, which cannot be compared with dollars"
            ),
            Some(Ordering::Less) => {
                let why = self.too_little(&available.to_string(), needed);
                if self.options.whole {
                    self.stop(StopReason::Balance(why));
                } else {
                    tracing::warn!("{why}; shots are bought for as long as it lasts");
                }
            }
            Some(_) => tracing::debug!("the account's balance is {available}, ${needed} is needed"),
        }
    }

    /// What the shots in the queue cost, as far as the cap lets them be bought.
    fn left_to_buy(&self) -> Usd {
        let places = self.queued.iter().zip(&*self.shots);
        let queued = places.filter_map(|(slot, shot)| slot.and(shot.price));
        let total: Usd = match &self.sharing {
            Some(sharing) => sharing.to_buy,
            None => queued.sum(),
        };
        self.left().map_or(total, |left| total.min(left))
    }

    fn too_little(&self, available: &str, needed: Usd) -> String {
        let reserved = self.progress().balance.reserved;
        let beside = if reserved > Usd::ZERO {
            format!(" beside ${reserved} reserved for shots that were bought")
        } else {
            String::new()
        };
        format!(
            "the account's balance is {available}{beside}, and what is left to buy costs ${needed}"
        )
    }
}
