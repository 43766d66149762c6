//! Where a text stops being YAML: what people usually got wrong there, in plain words instead of
//! the library's.

use serde_yaml::granit_parser::ScanError;

use super::diagnostic::{Log, Mistake, Place};
use super::excerpt;

/// Reports the place at which a document breaks off.
pub(super) fn report(file: u16, error: &ScanError, log: &mut Log) {
    let at = error.marker();
    let fits = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let place = Place { file, line: fits(at.line()), column: fits(at.col() + 1), length: 1 };
    let lines = excerpt::two_lines(place, log);
    let mistake = Mistake::new(place, format!("this is not YAML: {}", error.info()));
    log.add(mistake.fix(advice(&lines)));
}

/// What people usually got wrong where a text stops being YAML.
fn advice(lines: &[String]) -> Option<String> {
    if lines.iter().any(|line| line.trim_start_matches([' ', '-']).starts_with('\t')) {
        return Some("indent with spaces, not with tabs".into());
    }
    let line = lines.first()?;
    if line.contains("{{") || line.contains("{%") {
        return Some("put a text that holds `{{` or `{%` into quotes".into());
    }
    line.contains(": ").then(|| "put a text that holds `: ` or ` #` into quotes".into())
}
