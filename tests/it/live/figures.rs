//! The figures, read as strictly as Prometheus reads them.

use std::collections::{BTreeMap, HashSet};

use rushes::policy::budget::{Balance, Budget};
use rushes::scheduler::{Metrics, Progress};
use rushes::server::metrics::text;

use super::rig::Rig;
use crate::scheduler::stage::shots;

/// A sample: its name, its label if it has one, its value.
type Samples = BTreeMap<(String, Option<(String, String)>), f64>;

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Text format 0.0.4: every family has its help and its type first, its samples in one group, each
/// once; histograms are cumulative and end in `+Inf`, which is their count.
pub fn parse(text: &str) -> Samples {
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let mut samples = Samples::new();
    let mut families = HashSet::new();
    let mut family = (String::new(), String::new());
    let mut help = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, said) = rest.split_once(' ').unwrap();
            assert!(!said.is_empty() && !said.contains('\\'), "{line}");
            help = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && name.starts_with("rushes_"), "{line}");
            assert_eq!(help.take().as_deref(), Some(name), "help comes before its type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(families.insert(name.to_owned()), "twice: {line}");
            family = (name.to_owned(), kind.to_owned());
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
            let (name, label) = match series.split_once('{') {
                None => (series, None),
                Some((name, rest)) => {
                    let (label, value) =
                        rest.strip_suffix("\"}").unwrap().split_once("=\"").unwrap();
                    assert!(is_name(label) && !value.contains(['"', '\\', '\n']), "{line}");
                    (name, Some((label.to_owned(), value.to_owned())))
                }
            };
            let suffixes: &[&str] =
                if family.1 == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            let suffix = name.strip_prefix(&family.0).unwrap_or_else(|| panic!("astray: {line}"));
            assert!(suffixes.contains(&suffix), "{line}");
            let value: f64 = value.parse().unwrap();
            assert!(value.is_finite() && value >= 0.0, "{line}");
            assert!(samples.insert((name.to_owned(), label), value).is_none(), "twice: {line}");
        }
    }
    for name in &families {
        let buckets: Vec<(f64, f64)> = samples
            .iter()
            .filter(|((sample, _), _)| *sample == format!("{name}_bucket"))
            .map(|((_, label), count)| (label.as_ref().unwrap().1.parse().unwrap(), *count))
            .collect();
        let mut sorted = buckets.clone();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(sorted.windows(2).all(|two| two[0].1 <= two[1].1), "{name}: {sorted:?}");
        if let Some((most, count)) = sorted.last() {
            assert!(most.is_infinite());
            assert!(is(samples[&(format!("{name}_count"), None)], *count), "{name}");
            assert!(samples.contains_key(&(format!("{name}_sum"), None)));
        }
    }
    samples
}

/// Whether two figures are the same, as text is.
pub fn is(found: f64, expected: f64) -> bool {
    found.total_cmp(&expected).is_eq()
}

/// The value of a sample with a label.
pub fn value(samples: &Samples, name: &str, label: Option<(&str, &str)>) -> f64 {
    let label = label.map(|(label, value)| (label.to_owned(), value.to_owned()));
    samples[&(name.to_owned(), label)]
}

#[test]
fn figures_are_the_runs_own() {
    let rig = Rig::new(&shots(1));
    rig.progress.send_modify(|progress| {
        (progress.delivered, progress.stalled, progress.paused) = (4, 1, true);
        progress.balance.spent = "1.266".parse().unwrap();
    });
    let answer = rig.site.get("metrics");
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(kind));
    let samples = parse(&answer.text());
    assert!(is(value(&samples, "rushes_shots", Some(("state", "delivered"))), 4.0));
    assert!(is(value(&samples, "rushes_shots", Some(("state", "stalled"))), 1.0));
    assert!(is(value(&samples, "rushes_paused", None), 1.0));
    assert!(is(value(&samples, "rushes_spent_dollars", None), 1.266));
    assert!(!answer.text().contains("rushes_cap_dollars"), "no cap is no figure");
}

#[test]
fn figures_read_as_prometheus_reads_them() {
    let usd = |text: &str| text.parse().unwrap();
    let balance = Balance { spent: usd("1.266"), ..Balance::default() };
    let budget = Budget { cap: Some(usd("25")), strict: false };
    let progress = Progress {
        delivered: 4,
        rendering: 2,
        paused: true,
        balance,
        budget,
        ..Progress::default()
    };
    let text = text(&progress, &Metrics::default());
    for line in [
        "rushes_shots{state=\"delivered\"} 4",
        "# TYPE rushes_attempts_total counter",
        "rushes_attempts_total{outcome=\"bought\"} 0",
        "rushes_spent_dollars 1.2660",
        "rushes_reserved_dollars 0",
        "rushes_cap_dollars 25.00",
        "rushes_in_flight 2",
        "rushes_paused 1",
        "rushes_submit_seconds_bucket{le=\"0.05\"} 0",
        "rushes_rendering_seconds_bucket{le=\"7200\"} 0",
        "rushes_download_seconds_bucket{le=\"+Inf\"} 0",
        "rushes_download_seconds_sum 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.ends_with('\n'));
}
