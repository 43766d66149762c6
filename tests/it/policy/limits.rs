//! Rates and spans as they are written.

use std::time::Duration;

use rushes::policy::limits::{Rate, Window, span};

#[test]
fn rates_and_spans_read_as_people_write_them() {
    assert_eq!("5/s".parse(), Ok(Rate { count: 5, window: Window::Second }));
    assert_eq!("120 / min".parse(), Ok(Rate { count: 120, window: Window::Minute }));
    assert_eq!(Rate { count: 9, window: Window::Minute }.to_string(), "9/min");
    for bad in ["", "5", "0/s", "-1/s", "1.5/s", "5/h", "s/5"] {
        assert!(bad.parse::<Rate>().is_err(), "{bad}");
    }
    assert_eq!(span("100ms"), Ok(Duration::from_millis(100)));
    assert_eq!(span("1h 30m"), Ok(Duration::from_secs(5400)));
    assert_eq!(span("8784h"), Ok(Duration::from_secs(366 * 24 * 3600)), "a leap year");
    for bad in ["", "5", "0s", "-5s", "forever", "8785h"] {
        assert!(span(bad).is_err(), "{bad}");
    }
}
