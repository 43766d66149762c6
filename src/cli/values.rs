//! Flags' values that are more than words or numbers.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::money::Usd;
use crate::policy::limits::span;
use crate::provider::{BadProxy, ProxyUrl};

/// `--budget`: the cap that it sets, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetFlag(pub Option<Usd>);

impl FromStr for BudgetFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self(None));
        }
        let amount = text.strip_prefix('$').unwrap_or(text);
        amount.parse().map(|cap| Self(Some(cap))).map_err(|why| format!("{why}, or none"))
    }
}

/// `--proxy`, right or wrong: what is wrong is told without the password that may be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyFlag(pub Result<ProxyUrl, BadProxy>);

impl FromStr for ProxyFlag {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse()))
    }
}

/// `--only`.
pub fn glob(text: &str) -> Result<globset::GlobMatcher, String> {
    match globset::Glob::new(text) {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(why) => Err(format!("{why}; write for example 'beach*' or '{{a,b}}-take?'")),
    }
}

/// `--render` of the simulator.
pub fn spans(text: &str) -> Result<Range<Duration>, String> {
    let example = "write a range such as 50ms..200ms";
    let (min, max) = text.split_once("..").ok_or(example)?;
    let spans = span(min)?..span(max)?;
    if spans.is_empty() { Err(format!("that is no span; {example}")) } else { Ok(spans) }
}
