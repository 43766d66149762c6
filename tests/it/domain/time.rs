//! Moments.

use std::time::Duration;

use rushes::domain::time::Timestamp;

#[test]
fn a_moment_prints_as_rfc_3339_and_never_goes_negative() {
    let moment = Timestamp::from_millis(1_705_123_450_007);
    assert_eq!(moment.to_string(), "2024-01-13T05:24:10.007Z");
    assert_eq!(moment.since(moment.plus(Duration::from_secs(1))), Duration::ZERO);
    assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), format!("{} ms", i64::MAX));
}
