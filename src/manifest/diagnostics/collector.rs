//! Collects mistakes and warnings in bounded memory, and makes findings of them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::by_column::grouped;
use super::diagnostic::{Diagnostic, Severity, Topic};
use super::excerpt::{self, Lines, Source};
use super::finding::{Finding, Level, Mistakes, Related, Spot};
use super::sheets::Sheets;
use crate::manifest::source::place::Place;

/// How many are printed; the rest are counted.
const MAX_SHOWN: usize = 100;
/// How many are kept to be sorted by place before the first are printed.
const MAX_KEPT: usize = 10_000;
/// Further places that a warning of a topic names.
const MAX_PLACES: usize = 2;
/// Files that one manifest may read.
const MAX_FILES: usize = 10_000;

/// All mistakes and warnings so far, and the files they point into.
#[derive(Debug, Default)]
pub struct Diagnostics {
    sources: Vec<Source>,
    files: HashMap<PathBuf, u16>,
    sheets: Sheets,
    kept: Vec<Diagnostic>,
    seen: HashMap<(Place, String), usize>,
    /// The first of those that say the same of a column's cells, by file and column.
    columns: HashMap<(u16, u16, String), usize>,
    /// How many more errors, and how many more unknown prices, say the same of another row.
    same_errors: usize,
    same_unpriced: usize,
    /// The one warning of each topic.
    topics: HashMap<Topic, usize>,
    /// What excerpts show as stars.
    hidden: Vec<Place>,
    /// Values about which further diagnostics are dropped.
    closed: HashSet<Place>,
    errors: usize,
    warnings: usize,
    unpriced: usize,
}

impl Diagnostics {
    /// The number of a file; `None` when there are too many of them.
    pub(crate) fn source(&mut self, path: &Path) -> Option<u16> {
        if let Some(known) = self.files.get(path) {
            return Some(*known);
        }
        let file = u16::try_from(self.sources.len()).ok()?;
        if self.sources.len() >= MAX_FILES {
            return None;
        }
        let name = path.display().to_string();
        self.sources.push(Source { name, path: path.to_owned(), is_text: true });
        self.files.insert(path.to_owned(), file);
        Some(file)
    }

    /// Shows no excerpt of a file, which is no text.
    pub(crate) fn set_no_text(&mut self, file: u16) {
        if let Some(source) = self.sources.get_mut(usize::from(file)) {
            source.is_text = false;
        }
    }

    /// A file is a table. `headers` are by the column's number counted from 1; of its first lines a
    /// spreadsheet hides so many.
    pub(crate) fn add_table(&mut self, file: u16, hidden: u32, headers: HashMap<u16, String>) {
        self.sheets.add(file, hidden, headers);
    }

    /// A row of a table that begins in `line` holds line breaks.
    pub(crate) fn add_tall_row(&mut self, file: u16, line: u32, breaks: u32) {
        self.sheets.add_tall_row(file, line, breaks);
    }

    /// A file's path.
    pub(crate) fn path(&self, file: u16) -> Option<&Path> {
        self.sources.get(usize::from(file)).map(|source| &*source.path)
    }

    /// What stands at a place is a secret: excerpts show stars.
    pub(crate) fn hide(&mut self, place: Place) {
        self.hidden.push(place);
    }

    /// Adds an error with its fix.
    pub(crate) fn error(&mut self, place: Place, what: impl Into<String>, fix: impl Into<String>) {
        self.add(Diagnostic::new(place, what).fix(fix));
    }

    /// Adds a diagnostic and drops all later ones of its place.
    pub(crate) fn add_last(&mut self, diagnostic: Diagnostic) {
        let place = diagnostic.place;
        self.add(diagnostic);
        self.closed.insert(place);
    }

    /// Adds a diagnostic; one that is known already is counted.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        if self.closed.contains(&diagnostic.place) {
            return;
        }
        let key = (diagnostic.place, diagnostic.what.clone());
        if let Some(first) = self.seen.get(&key).and_then(|at| self.kept.get_mut(*at)) {
            first.repeats += 1;
            return;
        }
        if self.is_of_column(&diagnostic) {
            return;
        }
        match diagnostic.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Unpriced => self.unpriced += 1,
        }
        if self.kept.len() < MAX_KEPT {
            self.seen.insert(key, self.kept.len());
            self.kept.push(diagnostic);
        }
    }

    /// Whether the same was said of another cell of its column: then it is counted there.
    fn is_of_column(&mut self, diagnostic: &Diagnostic) -> bool {
        let Diagnostic { place, what, severity, .. } = diagnostic;
        if place.cell == 0 || *severity == Severity::Warning {
            return false;
        }
        let key = (place.file, place.cell, what.clone());
        let Some(first) = self.columns.get(&key).and_then(|at| self.kept.get_mut(*at)) else {
            if self.kept.len() < MAX_KEPT {
                self.columns.insert(key, self.kept.len());
            }
            return false;
        };
        if first.severity != *severity {
            return false;
        }
        match first.lines.last() {
            // A further shot of the row that was counted last.
            Some(last) if *last == place.line => {}
            None if first.place.line == place.line => return false,
            _ => {
                first.lines.push(place.line);
                if *severity == Severity::Unpriced {
                    self.unpriced += 1;
                    self.same_unpriced += 1;
                } else {
                    self.errors += 1;
                    self.same_errors += 1;
                }
            }
        }
        first.repeats += usize::from(diagnostic.shot.is_some());
        true
    }

    /// Warns of something that many shots may share: the first is told, further ones are counted
    /// and the first of their places shown. `make` is called only for what is shown.
    pub(crate) fn warn(&mut self, topic: Topic, make: impl FnOnce() -> Diagnostic) {
        let Some(at) = self.topics.get(&topic).copied() else {
            self.topics.insert(topic, self.kept.len());
            return self.add(make().warning());
        };
        let Some(first) = self.kept.get_mut(at) else { return };
        first.repeats += 1;
        if first.further < MAX_PLACES {
            let place = make().place;
            let known = first.related.len();
            *first = first.clone().related(place, "also here");
            first.further += first.related.len() - known;
        }
    }

    /// Whether there is a diagnostic of a place's line.
    pub(crate) fn mentions_line(&self, place: Place) -> bool {
        let line = |other: Place| (other.file, other.line);
        self.kept.iter().any(|diagnostic| line(diagnostic.place) == line(place))
    }

    /// How many different errors there are; unknown prices count once [`Self::settle`] decided.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Decides whether shots without a known price are errors or warnings.
    pub(crate) fn settle(&mut self, capped: bool) {
        let (severity, way_out) = if capped {
            self.errors += self.unpriced;
            self.same_errors += self.same_unpriced;
            let way_out = "run with `--budget none` for no cap, or with `--catalog FILE` for a \
                           price list that has it";
            (Severity::Error, way_out)
        } else {
            self.warnings += self.unpriced - self.same_unpriced;
            (Severity::Warning, "what it costs shows in no total")
        };
        self.unpriced = 0;
        for unpriced in self.kept.iter_mut().filter(|one| one.severity == Severity::Unpriced) {
            unpriced.severity = severity;
            if capped {
                unpriced.what.push_str(", so the budget could not hold");
            }
            let other = unpriced.fix.take().map_or_else(String::new, |fix| format!("{fix}; or "));
            unpriced.fix = Some(format!("{other}{way_out}"));
        }
    }

    /// Every error in the order of its place.
    pub(crate) fn into_mistakes(self, color: bool) -> Mistakes {
        let (findings, count) =
            self.findings(Severity::Error, self.errors - self.same_errors, color);
        let mut rendered: Vec<&str> = findings.iter().map(|found| &*found.rendered).collect();
        let more = match (count - findings.len(), count) {
            (0, 0 | 1) => String::new(),
            (0, all) => format!("{all} mistakes; nothing was sent"),
            (left, all) => format!("and {left} more mistakes, {all} in all; nothing was sent"),
        };
        rendered.extend(Some(&*more).filter(|more| !more.is_empty()));
        Mistakes { rendered: rendered.join("\n\n"), count, findings }
    }

    /// Every warning in the order of its place, and how many more there are.
    pub(crate) fn warnings(&self, color: bool) -> (Vec<Finding>, usize) {
        let (findings, count) = self.findings(Severity::Warning, self.warnings, color);
        let more = count - findings.len();
        (findings, more)
    }

    /// The first of a severity in the order of their places, and how many there are. The same in many
    /// rows of a table is one; `all` counts those that differ.
    fn findings(&self, severity: Severity, all: usize, color: bool) -> (Vec<Finding>, usize) {
        let kept = self.kept.iter().filter(|one| one.severity == severity);
        let mut kept: Vec<Diagnostic> = kept.cloned().collect();
        kept.sort_by_key(|one| one.place);
        let rows = kept.len();
        let mut chosen = grouped(kept, &self.sources, &self.sheets);
        let count = all - (rows - chosen.len());
        chosen.truncate(MAX_SHOWN);
        let places = chosen.iter().flat_map(|one| {
            std::iter::once(one.place).chain(one.related.iter().map(|(place, _)| *place))
        });
        let lines = excerpt::lines(&self.sources, places, &self.hidden);
        (chosen.iter().map(|one| self.finding(one, &lines, color)).collect(), count)
    }

    fn finding(&self, diagnostic: &Diagnostic, lines: &Lines, color: bool) -> Finding {
        let Diagnostic { place, what, fix, sample, related, shot, repeats, severity, .. } =
            diagnostic;
        let position = |place| self.spot(place).to_string();
        let rendered = excerpt::render(diagnostic, &position, lines, color);
        let fix = match (fix, sample) {
            (Some(fix), Some(sample)) => Some(format!("{fix}\n{sample}")),
            (fix, _) => fix.clone(),
        };
        Finding {
            level: if *severity == Severity::Warning { Level::Warning } else { Level::Error },
            spot: self.spot(*place),
            message: what.clone(),
            fix,
            shot: shot.as_ref().map(ToString::to_string),
            more_shots: *repeats,
            related: (related.iter())
                .map(|(place, label)| Related { spot: self.spot(*place), message: label.clone() })
                .collect(),
            cell: diagnostic.cell.clone(),
            rows: diagnostic.rows.clone(),
            rendered,
        }
    }

    fn spot(&self, place: Place) -> Spot {
        let (line, column) = (place.line.max(1), place.column.max(1));
        let source = self.sources.get(usize::from(place.file));
        let file = source.map_or("manifest", |source| &source.name).to_owned();
        Spot { file, line, column, end_column: column.saturating_add(place.length) }
    }
}
