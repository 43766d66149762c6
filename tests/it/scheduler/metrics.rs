//! What is counted and timed.

use std::time::Duration;

use rushes::domain::outcome::SubmitOutcome;
use rushes::scheduler::{Histogram, Metrics};

#[test]
fn a_span_counts_where_it_belongs_and_in_everything_longer() {
    let histogram = Histogram::new(&[10, 100]);
    for millis in [10, 11, 100, 101] {
        histogram.record(Duration::from_millis(millis));
    }
    let counts: Vec<u64> = histogram.cumulative().iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [1, 3, 4]);
    assert_eq!(histogram.sum(), Duration::from_millis(222));
}

#[test]
fn every_outcome_has_its_name() {
    let metrics = Metrics::default();
    let doubt = SubmitOutcome::Doubtful { why: "cut".into(), answer: None };
    metrics.answered(&doubt, Duration::from_secs(1));
    let found: Vec<_> = metrics.attempts().filter(|(_, count)| *count > 0).collect();
    assert_eq!(found, [("in_doubt", 1)]);
}
