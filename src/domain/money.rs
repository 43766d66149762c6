//! Exact dollars. Micro-dollars in an `i64`, parsed from and printed to decimal text; never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};

/// An amount of US dollars, exact to a millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i64);

/// The most a parsed amount may be: a billion dollars, so that sums of millions of them stay exact.
const MAX_MICROS: i64 = 1_000_000_000_000_000;

/// Why a text is not an amount of dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("not an amount of dollars; write a plain number such as 25 or 0.50")]
    NotANumber,
    /// Below zero.
    #[error("an amount of dollars cannot be negative")]
    Negative,
    /// Finer than a millionth of a dollar.
    #[error("finer than a millionth of a dollar")]
    TooFine,
    /// Beyond a billion dollars.
    #[error("more than a billion dollars")]
    TooMuch,
}

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `micros` millionths of a dollar.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The amount in millionths of a dollar.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The amount `count` times over, or `None` beyond what an `i64` of micro-dollars holds.
    #[must_use]
    pub fn times(self, count: u32) -> Option<Self> {
        self.0.checked_mul(i64::from(count)).map(Self)
    }

    /// What is left after taking `other` away, never below nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }
}

impl FromStr for Usd {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let amount = Decimal::from_str_exact(text.trim()).map_err(|_| MoneyError::NotANumber)?;
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(MoneyError::Negative);
        }
        let micros = amount.checked_mul(Decimal::from(1_000_000)).ok_or(MoneyError::TooMuch)?;
        if !micros.fract().is_zero() {
            return Err(MoneyError::TooFine);
        }
        match micros.to_i64() {
            Some(micros) if micros <= MAX_MICROS => Ok(Self(micros)),
            _ => Err(MoneyError::TooMuch),
        }
    }
}

/// As people and the gateway's price page write it, without a currency sign: `0`, `25.00`,
/// `1.2660`, `0.063333`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = match self.0 {
            0 => 0,
            micros if micros % 10_000 == 0 => 2,
            micros if micros % 100 == 0 => 4,
            _ => 6,
        };
        let mut amount = Decimal::new(self.0, 6);
        amount.rescale(scale);
        f.pad(&amount.to_string())
    }
}

/// As its text: a float would round it.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Usd {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}
