//! How many pictures a second a clip shows, as an exact fraction, and how many it has.

use std::fmt;
use std::str::FromStr;

/// The rates that films and television have, as fractions.
const USUAL: [(u32, u32); 9] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
];
/// A measured rate this near to a usual one is that one: 24 and 23.976 are a thousandth apart.
const NEAR: u128 = 3000;
/// No clip shows more pictures a second.
const MAX_RATE: u32 = 1000;

/// Pictures a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

impl FrameRate {
    /// What is taken where a clip does not say it: film's.
    pub const FILM: Self = Self { numerator: 24, denominator: 1 };

    /// So many pictures in `duration` ticks, of which there are `timescale` a second; the usual rate
    /// that is meant. `None` for what no clip has.
    #[must_use]
    pub fn of(pictures: u64, duration: u64, timescale: u64) -> Option<Self> {
        let (count, ticks) = (u128::from(pictures) * u128::from(timescale), u128::from(duration));
        if count == 0 || ticks == 0 || count > ticks * u128::from(MAX_RATE) {
            return None;
        }
        let near = USUAL.iter().find(|(numerator, denominator)| {
            let (ours, theirs) = (count * u128::from(*denominator), ticks * u128::from(*numerator));
            ours.abs_diff(theirs) * NEAR < theirs
        });
        if let Some((numerator, denominator)) = near {
            return Some(Self { numerator: *numerator, denominator: *denominator });
        }
        let common = greatest_common(count, ticks);
        let part = |whole: u128| u32::try_from(whole / common).ok();
        // What is no short fraction is told in thousandths.
        let rounded = || Some((u32::try_from(count * 1000 / ticks).ok()?.max(1), 1000));
        let (numerator, denominator) = part(count).zip(part(ticks)).or_else(rounded)?;
        Some(Self { numerator, denominator })
    }

    /// Pictures a second, as a fraction.
    #[must_use]
    pub const fn parts(self) -> (u32, u32) {
        (self.numerator, self.denominator)
    }

    /// Pictures a second.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// How many pictures a timecode counts in a second: 24 for 23.976.
    #[must_use]
    pub const fn timebase(self) -> u32 {
        let (whole, rest) = (self.numerator / self.denominator, self.numerator % self.denominator);
        let rounded = if rest >= self.denominator - rest { whole + 1 } else { whole };
        if rounded == 0 { 1 } else { rounded }
    }

    /// Whether it is one of those that films and television have, which alone have a timecode.
    #[must_use]
    pub fn is_usual(self) -> bool {
        USUAL.contains(&self.parts())
    }

    /// How many pictures last so many milliseconds; at least one.
    #[must_use]
    pub fn frames_in(self, millis: u64) -> u32 {
        let scaled = u128::from(millis) * u128::from(self.numerator);
        let per = u128::from(self.denominator) * 1000;
        u32::try_from((scaled + per / 2) / per).unwrap_or(u32::MAX).max(1)
    }
}

const fn greatest_common(mut one: u128, mut other: u128) -> u128 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// `24`, `23.976`
impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = format!("{:.3}", self.as_f64());
        f.write_str(shown.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl FromStr for FrameRate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "write a frame rate such as 24, 25 or 23.976";
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 4
            || rest.len() > 6
            || !are_digits(whole)
            || !are_digits(rest)
        {
            return Err(wrong);
        }
        let count: u64 = format!("{whole}{rest}").parse().map_err(|_| wrong)?;
        Self::of(count, 10_u64.pow(u32::try_from(rest.len()).unwrap_or(6)), 1).ok_or(wrong)
    }
}

/// How many pictures a clip has, and how fast they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Pictures.
    pub frames: u32,
    /// Pictures a second.
    pub rate: FrameRate,
}

impl Timing {
    /// Of a clip that says only how long it is, at a rate that is taken for it.
    #[must_use]
    pub fn guessed(millis: u64, rate: FrameRate) -> Self {
        Self { frames: rate.frames_in(millis), rate }
    }

    /// How many of these pictures fit into the time that others take; at least one.
    #[must_use]
    pub fn frames_within(self, others: Self) -> u32 {
        let ((ours, per), (theirs, their_per)) = (self.rate.parts(), others.rate.parts());
        let scaled = u128::from(others.frames) * u128::from(their_per) * u128::from(ours);
        let fit = scaled / (u128::from(theirs) * u128::from(per));
        u32::try_from(fit).unwrap_or(u32::MAX).clamp(1, self.frames.max(1))
    }

    /// From the lengths of a clip's pictures: how many last how many ticks, of which there are
    /// `timescale` a second. `None` where there are none.
    #[must_use]
    pub fn of(lengths: impl IntoIterator<Item = (u32, u32)>, timescale: u64) -> Option<Self> {
        let lengths: Vec<(u64, u64)> =
            lengths.into_iter().map(|(count, ticks)| (count.into(), ticks.into())).collect();
        let frames: u64 = lengths.iter().map(|(count, _)| count).sum();
        let whole = lengths
            .iter()
            .try_fold(0_u64, |sum, (count, ticks)| sum.checked_add(count.checked_mul(*ticks)?))?;
        // A last picture that lasts longer or shorter than the others changes no rate.
        let usual = lengths.iter().find(|(count, _)| count * 10 >= frames * 9);
        let rate = match usual {
            Some((_, ticks)) => FrameRate::of(1, *ticks, timescale),
            None => FrameRate::of(frames, whole, timescale),
        };
        Some(Self { frames: u32::try_from(frames).ok()?, rate: rate? })
    }
}
