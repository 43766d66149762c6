//! What the gateway says a task really cost: its own number in its own currency, beside the price
//! that the cap goes by and never in its place.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use crate::domain::money::Usd;

/// A charge as the gateway's records have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    amount: Decimal,
    currency: Box<str>,
}

impl Charge {
    /// The longest amount and currency that are believed, in bytes.
    const MAX_BYTES: usize = 32;

    /// Takes an exact decimal number (`0.3165`, `3.2e-1`) and a word for the currency (`USD`,
    /// `credits`); `None` when either is not readable as such, or the amount is below zero.
    #[must_use]
    pub fn new(amount: &str, currency: &str) -> Option<Self> {
        let (amount, currency) = (amount.trim(), currency.trim());
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if amount.len() > Self::MAX_BYTES
            || currency.is_empty()
            || currency.len() > Self::MAX_BYTES
            || !currency.bytes().all(word)
        {
            return None;
        }
        let amount = Decimal::from_str_exact(amount)
            .or_else(|_| Decimal::from_scientific(amount))
            .ok()
            .filter(|amount| !amount.is_sign_negative() || amount.is_zero())?;
        Some(Self { amount, currency: currency.into() })
    }

    /// The amount as decimal text, to its last digit.
    #[must_use]
    pub fn amount(&self) -> String {
        self.amount.to_string()
    }

    /// The gateway's word for the currency.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// How it compares with a price; `None` when it is not in dollars.
    #[must_use]
    pub fn against(&self, price: Usd) -> Option<Ordering> {
        let price = Decimal::new(price.micros(), 6);
        self.currency.eq_ignore_ascii_case("USD").then(|| self.amount.cmp(&price))
    }
}

/// As people read it: `0.3165 USD`.
impl std::fmt::Display for Charge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// What the gateway said when it was asked what a task cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// So much, finally.
    Settled(Charge),
    /// It does not know yet.
    Unsettled,
    /// Nothing that could be read, or nothing at all.
    Unknown {
        /// What was answered.
        why: String,
    },
}
