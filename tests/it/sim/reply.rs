//! What the simulator answers, before it becomes bytes on a wire.

use std::time::Duration;

use rushes::domain::time::Timestamp;
use rushes::simulator::RetryAfter;
use rushes::simulator::rng::SimRng;

#[test]
fn retry_after_is_said_in_seconds_or_as_an_http_date_that_lies_ahead() {
    let now = Timestamp::from_millis(1_705_123_450_007);
    let mut dice = SimRng::new(0, "retry", b"", 0);
    let said: Vec<_> = (0..50).map(|_| RetryAfter::some(&mut dice, now)).collect();
    let date = RetryAfter::Date(Timestamp::from_millis(1_705_123_452_000));
    for way in [None, Some(RetryAfter::Seconds(1)), Some(date)] {
        assert!(said.contains(&way), "{way:?}");
    }
    assert_eq!(date.header(), "Sat, 13 Jan 2024 05:24:12 GMT");
    assert_eq!(date.span(now), Duration::from_millis(1_993));
}
