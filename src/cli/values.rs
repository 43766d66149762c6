//! Flags' values that are more than words or numbers.

use std::str::FromStr;

use crate::money::Usd;

/// `--budget`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetFlag {
    /// At most this much.
    Cap(Usd),
    /// No cap.
    None,
}

impl FromStr for BudgetFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::None);
        }
        let amount = text.strip_prefix('$').unwrap_or(text);
        amount.parse().map(Self::Cap).map_err(|why| format!("{why}, or none"))
    }
}

impl BudgetFlag {
    /// The cap it sets.
    #[must_use]
    pub const fn cap(self) -> Option<Usd> {
        match self {
            Self::Cap(cap) => Some(cap),
            Self::None => None,
        }
    }
}

/// `--only`.
///
/// # Errors
/// When the text is no glob.
pub fn glob(text: &str) -> Result<globset::GlobMatcher, String> {
    match globset::Glob::new(text) {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(why) => Err(format!("{why}; write for example 'beach*' or '{{a,b}}-take?'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_an_amount_or_none() {
        assert_eq!("25".parse(), Ok(BudgetFlag::Cap("25".parse().unwrap())));
        assert_eq!("$2.50".parse(), Ok(BudgetFlag::Cap("2.5".parse().unwrap())));
        assert_eq!("none".parse(), Ok(BudgetFlag::None));
        for bad in ["", "-1", "lots", "1e3"] {
            let why = bad.parse::<BudgetFlag>().unwrap_err();
            assert!(why.contains("dollars"), "{why}");
        }
    }
}
