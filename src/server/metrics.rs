//! The run's figures in the Prometheus text format, version 0.0.4.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use crate::scheduler::{Histogram, Metrics, Progress};

/// What the format calls itself.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures.
pub fn text(progress: &Progress, metrics: &Metrics) -> String {
    let mut page = Page::default();
    page.family("rushes_shots", "gauge", "The manifest's shots by state.");
    for (state, count) in progress.by_state() {
        page.sample("rushes_shots", Some(("state", state)), count);
    }
    page.family("rushes_attempts_total", "counter", "POSTs of this run by what came of them.");
    for (outcome, count) in metrics.attempts() {
        page.sample("rushes_attempts_total", Some(("outcome", outcome)), count);
    }
    let (money, cap) = (&progress.balance, progress.budget.cap);
    page.gauge("rushes_spent_dollars", "Charged for completed tasks.", money.spent);
    page.gauge("rushes_reserved_dollars", "Set aside for what may be bought.", money.reserved);
    let help = "What 5xx answers could have cost at worst.";
    page.gauge("rushes_unconfirmed_dollars", help, money.unconfirmed);
    if let Some(cap) = cap {
        page.gauge("rushes_cap_dollars", "The most the campaign may cost.", cap);
    }
    page.gauge("rushes_in_flight", "Shots submitting or rendering.", progress.in_flight());
    page.gauge("rushes_paused", "Whether the user paused buying.", u8::from(progress.paused));
    let stopping = u8::from(progress.stopping.is_some());
    page.gauge("rushes_stopping", "Whether buying has stopped for good.", stopping);
    let help = "From a POST that leaves to its answer.";
    page.histogram("rushes_submit_seconds", help, &metrics.submitting);
    let help = "From a purchase to a task that is done.";
    page.histogram("rushes_rendering_seconds", help, &metrics.rendering);
    let help = "From a task that is done to its clips on disk.";
    page.histogram("rushes_download_seconds", help, &metrics.fetching);
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

// Writing to a string cannot fail.
impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Names and values of labels are this file's own: nothing in them needs escaping.
    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: impl Display) {
        let _ = match label {
            Some((label, of)) => writeln!(self.text, "{name}{{{label}=\"{of}\"}} {value}"),
            None => writeln!(self.text, "{name} {value}"),
        };
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, None, value);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        let mut all = 0;
        for (most, count) in histogram.cumulative() {
            let most = most.map_or_else(|| "+Inf".to_owned(), seconds);
            self.sample(&format!("{name}_bucket"), Some(("le", &most)), count);
            all = count;
        }
        self.sample(&format!("{name}_sum"), None, seconds(histogram.sum()));
        self.sample(&format!("{name}_count"), None, all);
    }
}

/// `0.05`, `7200`.
fn seconds(span: Duration) -> String {
    span.as_secs_f64().to_string()
}
