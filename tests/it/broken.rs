//! Broken manifests and what rushes says about them: read the snapshots as a producer would, tired
//! and late in the evening. Each is refused with as many mistakes as were made, each at its place.

use crate::cases::cases;

pub const TOPICS: [&str; 14] = [
    "settings",
    "shots",
    "ids",
    "parameters",
    "models",
    "prices",
    "matrix-and-takes",
    "templates",
    "tables",
    "csv",
    "sheets",
    "include",
    "files",
    "yaml",
];

/// All cases of a topic: what is printed on a plain terminal, as one snapshot.
fn topic(name: &str) {
    let mut shown = Vec::new();
    let mut wrong = Vec::new();
    for case in cases(&format!("broken/{name}")) {
        let (loaded, folder) = case.load();
        let expected = case.number("mistakes").unwrap_or(1);
        let mistakes = match loaded {
            Err(mistakes) => mistakes,
            Ok(_) if expected == 0 && case.number("should be").is_some() => continue,
            Ok(_) => {
                wrong.push(format!("{}: it loads", case.title));
                continue;
            }
        };
        let path = format!("{}/", folder.path().display());
        let text = mistakes.rendered.replace(&path, "");
        shown.push(format!("=== {}\n{text}\n", case.title));
        if mistakes.count != expected {
            wrong.push(format!("{}: {} mistakes, not {expected}", case.title, mistakes.count));
        }
        if case.number("should be") == Some(expected) {
            wrong.push(format!("{}: it is right now; remove `should be`", case.title));
        }
        let headings = text.lines().filter(|line| line.starts_with("error: "));
        let placed = headings.clone().filter(|line| has_place(line)).count();
        if placed != headings.count() || placed != expected.min(100) {
            wrong.push(format!("{}: {placed} mistakes have a place\n{text}", case.title));
        }
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, shown.join("\n")) });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a heading holds `FILE:LINE:COLUMN: `.
fn has_place(heading: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = heading.trim_start_matches("error: ").split(':').take(4).collect();
    matches!(parts[..], [file, line, column, _] if !file.is_empty() && number(line) && number(column))
}

/// What is not wrong but odd: the warnings, as one snapshot.
#[test]
fn manifests_that_are_odd() {
    let mut shown = Vec::new();
    for case in cases("odd") {
        let (loaded, folder) = case.load();
        let campaign = loaded.unwrap_or_else(|mistakes| panic!("{}: {mistakes}", case.title));
        let path = format!("{}/", folder.path().display());
        let warnings = campaign.warnings.iter().map(|found| found.rendered.replace(&path, ""));
        let text = warnings.collect::<Vec<_>>().join("\n\n");
        shown.push(format!("=== {}\n{text}\n", case.title));
        let expected = case.number("mistakes").unwrap_or(1);
        assert_eq!(campaign.warnings.len(), expected, "{}: {text}", case.title);
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("odd", shown.join("\n")) });
}

#[test]
fn there_are_at_least_120_broken_manifests() {
    let count: usize = TOPICS.iter().map(|topic| cases(&format!("broken/{topic}")).len()).sum();
    assert!(count >= 120, "{count}");
}

#[test]
fn settings_that_are_wrong() {
    topic("settings");
}

#[test]
fn shots_that_are_wrong() {
    topic("shots");
}

#[test]
fn ids_that_are_wrong() {
    topic("ids");
}

#[test]
fn parameters_that_are_wrong() {
    topic("parameters");
}

#[test]
fn models_that_are_wrong() {
    topic("models");
}

#[test]
fn prices_that_are_wrong() {
    topic("prices");
}

#[test]
fn matrix_and_takes_that_are_wrong() {
    topic("matrix-and-takes");
}

#[test]
fn templates_that_are_wrong() {
    topic("templates");
}

#[test]
fn tables_that_are_wrong() {
    topic("tables");
}

#[test]
fn csv_that_are_wrong() {
    topic("csv");
}

#[test]
fn files_that_are_wrong() {
    topic("files");
}

#[test]
fn yaml_that_are_wrong() {
    topic("yaml");
}

/// Trial 13: a client's spreadsheet says each of its mistakes once, with its rows.
#[test]
fn sheets_that_are_wrong() {
    topic("sheets");
}

#[test]
fn includes_that_are_wrong() {
    topic("include");
}
