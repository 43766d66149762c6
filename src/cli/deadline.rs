//! `--deadline`: a time of day, a date and time, or a span.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil;
use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;
use crate::policy::limits::span;

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// The next time a clock shows this.
    Daily(civil::Time),
    /// When a clock on this date shows this.
    Local(civil::DateTime),
    /// A moment.
    Moment(jiff::Timestamp),
    /// So long from now.
    In(Duration),
}

impl FromStr for Deadline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::Moment(moment));
        }
        // jiff reads a bare date as its midnight, and `07` as a time; both are more likely slips.
        if text.contains(':') {
            if let Ok(time) = text.parse::<civil::Time>()
                && !text.contains(['-', 'T', 't', ' '])
            {
                return Ok(Self::Daily(time));
            }
            if let Ok(local) = text.parse::<civil::DateTime>() {
                return Ok(Self::Local(local));
            }
        } else if let Ok(span) = span(text) {
            return Ok(Self::In(span));
        }
        Err("not a time or a span; write for example 07:00, 2026-11-23T07:00, \
             2026-11-23T07:00:00+01:00 or 8h"
            .to_owned())
    }
}

/// As it can be typed.
impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daily(time) if time.second() == 0 && time.subsec_nanosecond() == 0 => {
                write!(f, "{}", time.strftime("%H:%M"))
            }
            Self::Daily(time) => time.fmt(f),
            Self::Local(local) => local.fmt(f),
            Self::Moment(moment) => moment.fmt(f),
            Self::In(span) => {
                let ms = span.as_millis();
                match [(3_600_000, "h"), (60_000, "m"), (1_000, "s")]
                    .into_iter()
                    .find(|(unit, _)| ms.is_multiple_of(*unit))
                {
                    Some((unit, word)) => write!(f, "{}{word}", ms / unit),
                    None => write!(f, "{ms}ms"),
                }
            }
        }
    }
}

impl Deadline {
    /// The moment it stands for, seen at `now` from `zone`.
    pub fn moment(self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
        let odd = |_| "the deadline is out of any calendar".to_owned();
        let here = || {
            let present = jiff::Timestamp::from_millisecond(now.as_millis());
            present.map(|present| present.to_zoned(zone.clone())).map_err(odd)
        };
        let at = match self {
            Self::In(span) => return Ok(now.plus(span)),
            Self::Moment(moment) => moment,
            Self::Local(local) => local.to_zoned(zone.clone()).map_err(odd)?.timestamp(),
            Self::Daily(time) => {
                let on = |date: civil::Date| {
                    date.to_datetime(time).to_zoned(zone.clone()).map(|at| at.timestamp())
                };
                let here = here()?;
                let today = on(here.date()).map_err(odd)?;
                if today > here.timestamp() {
                    today
                } else {
                    on(here.date().tomorrow().map_err(odd)?).map_err(odd)?
                }
            }
        };
        if at.as_millisecond() <= now.as_millis() {
            return Err("the deadline has passed already".to_owned());
        }
        Ok(Timestamp::from_millis(at.as_millisecond()))
    }
}
