//! Moments.

use std::time::{Duration, UNIX_EPOCH};

use rushes::domain::time::Timestamp;

#[test]
fn a_moment_prints_as_rfc_3339_and_never_goes_negative() {
    let moment = Timestamp::from_millis(1_705_123_450_007);
    assert_eq!(moment.to_string(), "2024-01-13T05:24:10.007Z");
    assert_eq!(moment.since(moment.plus(Duration::from_secs(1))), Duration::ZERO);
    assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), format!("{} ms", i64::MAX));
}

#[test]
fn field_45_a_clock_beyond_any_calendar_is_a_moment_like_any_other() {
    for (seconds, shown) in [
        (253_402_300_799_u64, "253402300799000 ms"),
        (253_402_100_000, "9999-12-29T16:13:20.000Z"),
        (9_000_000_000_000, "9000000000000000 ms"),
    ] {
        let moment = Timestamp::of_system(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(moment.to_string(), shown);
        assert!(moment.plus(Duration::MAX) >= moment);
    }
    let before = Timestamp::of_system(UNIX_EPOCH - Duration::from_millis(5));
    assert_eq!(before.as_millis(), -5);
}
