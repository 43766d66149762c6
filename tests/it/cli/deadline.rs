//! What `--deadline` takes, and the moment that it means.

use jiff::tz::TimeZone;
use rushes::cli::Deadline;
use rushes::domain::time::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn seen(text: &str) -> Result<Timestamp, String> {
    let zone = TimeZone::fixed(jiff::tz::offset(1));
    let now = at("2026-11-22T21:30:00Z");
    text.parse::<Deadline>()?.moment(now, &zone)
}

#[test]
fn a_time_of_day_is_its_next_occurrence_here() {
    assert_eq!(seen("07:00"), Ok(at("2026-11-23T06:00:00Z")));
    assert_eq!(seen("23:00"), Ok(at("2026-11-22T22:00:00Z")));
    assert_eq!(seen("22:30"), Ok(at("2026-11-23T21:30:00Z")), "now is not next");
}

#[test]
fn dates_moments_and_spans_read_too() {
    assert_eq!(seen("2026-11-23T07:00"), Ok(at("2026-11-23T06:00:00Z")));
    assert_eq!(seen("2026-11-23 07:00"), Ok(at("2026-11-23T06:00:00Z")));
    assert_eq!(seen("2026-11-23T07:00:00Z"), Ok(at("2026-11-23T07:00:00Z")));
    assert_eq!(seen("2026-11-23T07:00:00+02:00"), Ok(at("2026-11-23T05:00:00Z")));
    assert_eq!(seen("8h"), Ok(at("2026-11-23T05:30:00Z")));
    assert_eq!(seen("1h 30m"), Ok(at("2026-11-22T23:00:00Z")));
}

#[test]
fn what_has_passed_or_is_no_time_is_refused() {
    for bad in ["", "7", "25:00", "tomorrow", "2026-11-23", "-5m", "2026-11-22T21:00:00Z"] {
        assert!(seen(bad).is_err(), "{bad}");
    }
}
