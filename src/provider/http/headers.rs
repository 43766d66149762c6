//! Headers as text, understood. Pure.

use std::time::Duration;

use reqwest::header::{ACCEPT_RANGES, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};

use crate::domain::time::Timestamp;

/// The longest pause a `Retry-After` can ask for; longer ones are taken for this.
const LONGEST_PAUSE: u64 = 24 * 3600;

/// An HTTP date.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// `Retry-After`, in seconds or as an HTTP date, as a span from `now`, which is the answer's own
/// `Date` where it has one. A date that is not to come says nothing: one of the two clocks is wrong.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let span = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else if let Some(seconds) = text.parse().ok().filter(|seconds: &f64| *seconds >= 0.0) {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        Some(date(text)?.since(now)).filter(|span| !span.is_zero())?
    };
    Some(span.min(Duration::from_secs(LONGEST_PAUSE)))
}

/// What a `Content-Range` says: the first byte's offset and the whole length, when it is known.
pub(super) fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (first <= last && total.is_none_or(|total: u64| last < total)).then_some((first, total))
}

/// What makes a later download of the same bytes resumable: a strong `ETag`, else `Last-Modified`;
/// nothing when the host says that it knows no ranges.
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if header(ACCEPT_RANGES).is_some_and(|ranges| ranges.trim().eq_ignore_ascii_case("none")) {
        return None;
    }
    let strong = |etag: &&str| etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"');
    header(ETAG).filter(strong).or_else(|| header(LAST_MODIFIED)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date() {
        let seconds = |n| Some(Duration::from_secs(n));
        for (text, span) in [
            ("120", seconds(120)),
            (" 0 ", seconds(0)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("Sun, 06 Nov 1994 08:50:37 GMT", seconds(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", None),
            ("Fri, 31 Dec 2100 23:59:59 GMT", seconds(LONGEST_PAUSE)),
            ("99999999999999999999999", seconds(LONGEST_PAUSE)),
            ("-5", None),
            ("NaN", None),
            ("1e999", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, NOW), span, "{text}");
        }
    }

    #[test]
    fn a_range_is_believed_only_when_it_makes_sense() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for bad in ["", "bytes */10", "bytes 9-5/10", "bytes 5-10/10", "items 0-1/2", "bytes a-b/c"]
        {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_strong_tag_or_a_date_vouches_for_bytes() {
        let with = |pairs: &[(HeaderName, &'static str)]| {
            let pairs = pairs.iter().map(|(k, v)| (k.clone(), HeaderValue::from_static(v)));
            validator(&pairs.collect())
        };
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(with(&[(ETAG, "\"a\""), (LAST_MODIFIED, date)]), Some("\"a\"".into()));
        assert_eq!(with(&[(ETAG, "W/\"a\""), (LAST_MODIFIED, date)]), Some(date.into()));
        assert_eq!(with(&[(ETAG, "W/\"a\"")]), None);
        assert_eq!(with(&[(ETAG, "\"a\""), (ACCEPT_RANGES, "None")]), None);
        assert_eq!(with(&[]), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in any::<String>()) {
            retry_after(&text, NOW);
            content_range(&text);
        }
    }
}
