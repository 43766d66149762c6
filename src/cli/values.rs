//! Flags' values that are more than words or numbers.

use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::clips::BucketUrl;
use crate::domain::money::Usd;
use crate::policy::limits::{Rate, span};
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

/// A limit that is set, or lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// `none`.
    Lifted,
    /// This much.
    Set(T),
}

impl<T> Limit<T> {
    /// The limit; none where it is lifted.
    pub fn written(self) -> Option<T> {
        match self {
            Self::Lifted => None,
            Self::Set(limit) => Some(limit),
        }
    }
}

impl FromStr for Limit<Rate> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("none") {
            Ok(Self::Lifted)
        } else {
            text.parse().map(Self::Set)
        }
    }
}

impl FromStr for Limit<u32> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text.eq_ignore_ascii_case("none") => Ok(Self::Lifted),
            Ok(most @ 1..=1_000_000) => Ok(Self::Set(most)),
            _ => Err("write a number from 1 to 1000000, or none".to_owned()),
        }
    }
}

/// `rushes account --cap`: dollars a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthCap(pub Option<Usd>);

impl FromStr for MonthCap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let amount = text.strip_suffix("/month").unwrap_or(text);
        let BudgetFlag(cap) = amount.parse()?;
        Ok(Self(cap))
    }
}

/// `--margin`: a moment later than that is not used, and no rate is spread over more than a minute.
pub fn margin(text: &str) -> Result<Duration, String> {
    let margin = span(text)?;
    if (Duration::from_millis(25)..=Duration::from_secs(60)).contains(&margin) {
        Ok(margin)
    } else {
        Err("write a span from 25ms to 60s, such as 100ms".to_owned())
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

/// `--out`: where a campaign's clips go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// The campaign folder.
    Folder(PathBuf),
    /// A bucket; the campaign folder is the usual one.
    Bucket(BucketUrl),
}

impl Out {
    /// A folder, unless it begins as a bucket's address does.
    pub fn parse(text: OsString) -> Result<Self, String> {
        match text.to_str().filter(|text| BucketUrl::is_meant(text)) {
            None => Ok(Self::Folder(text.into())),
            Some(_) if !cfg!(feature = "buckets") => Err("this rushes was built without buckets: \
                cargo install rushes --features buckets, or name a folder"
                .to_owned()),
            Some(url) => url.parse().map(Self::Bucket),
        }
    }

    /// As it is typed.
    pub fn as_path(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.clone(),
            Self::Bucket(url) => url.to_string().into(),
        }
    }
}

/// `--only`: ids and patterns, separated by commas.
pub fn glob(text: &str) -> Result<globset::GlobMatcher, String> {
    let parts = parts(text);
    let pattern = match &parts[..] {
        [] => return Err("it names no shot; write for example 'beach*'".to_owned()),
        [one] => one.clone(),
        _ => format!("{{{}}}", parts.join(",")),
    };
    match globset::Glob::new(&pattern) {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(why) => Err(format!("{why}; write for example 'beach*' or '{{a,b}}-take?'")),
    }
}

/// What a text says between its commas; a comma inside of braces or brackets is the pattern's.
pub fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut is_escaped) = (0_usize, false);
    for c in text.chars() {
        match c {
            _ if is_escaped => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    let parts = parts.iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// `--links`: no cloud signs a link for longer than a week.
pub fn lifetime(text: &str) -> Result<Duration, String> {
    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
    let lasts = span(text)?;
    if (Duration::from_secs(60)..=WEEK).contains(&lasts) {
        Ok(lasts)
    } else {
        Err("write a duration from 1m to 7d, such as 12h".to_owned())
    }
}

/// `--render` of the simulator.
pub fn spans(text: &str) -> Result<Range<Duration>, String> {
    let example = "write a range such as 50ms..200ms";
    let (min, max) = text.split_once("..").ok_or(example)?;
    let spans = span(min)?..span(max)?;
    if spans.is_empty() { Err(format!("that is no span; {example}")) } else { Ok(spans) }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn commas_separate_outside_of_braces() {
        for (text, expected) in [
            ("a", vec!["a"]),
            ("a,b*", vec!["a", "b*"]),
            (" a , b ,", vec!["a", "b"]),
            ("{a,b}-t?", vec!["{a,b}-t?"]),
            ("{a,b},c", vec!["{a,b}", "c"]),
            ("[a,b]x,c", vec!["[a,b]x", "c"]),
            (r"a\,b", vec![r"a\,b"]),
            (",", vec![]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }
}
