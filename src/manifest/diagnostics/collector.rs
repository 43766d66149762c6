//! Collects mistakes and warnings in bounded memory, and makes findings of them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Severity, Topic};
use super::excerpt::{self, Lines, Source};
use super::finding::{Finding, Level, Mistakes, Related, Spot};
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
    kept: Vec<Diagnostic>,
    seen: HashMap<(Place, String), usize>,
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
            let way_out = "run with `--budget none` for no cap, or with `--catalog FILE` for a \
                           price list that has it";
            (Severity::Error, way_out)
        } else {
            self.warnings += self.unpriced;
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
        let findings = self.findings(Severity::Error, color);
        let mut rendered: Vec<&str> = findings.iter().map(|found| &*found.rendered).collect();
        let more = match (self.errors - findings.len(), self.errors) {
            (0, 0 | 1) => String::new(),
            (0, all) => format!("{all} mistakes; nothing was sent"),
            (left, all) => format!("and {left} more mistakes, {all} in all; nothing was sent"),
        };
        rendered.extend(Some(&*more).filter(|more| !more.is_empty()));
        Mistakes { rendered: rendered.join("\n\n"), count: self.errors, findings }
    }

    /// Every warning in the order of its place, and how many more there are.
    pub(crate) fn warnings(&self, color: bool) -> (Vec<Finding>, usize) {
        let findings = self.findings(Severity::Warning, color);
        let more = self.warnings - findings.len();
        (findings, more)
    }

    fn findings(&self, severity: Severity, color: bool) -> Vec<Finding> {
        let mut chosen: Vec<&Diagnostic> =
            self.kept.iter().filter(|one| one.severity == severity).collect();
        chosen.sort_by_key(|one| one.place);
        chosen.truncate(MAX_SHOWN);
        let places = chosen.iter().flat_map(|one| {
            std::iter::once(one.place).chain(one.related.iter().map(|(place, _)| *place))
        });
        let lines = excerpt::lines(&self.sources, places, &self.hidden);
        chosen.iter().map(|one| self.finding(one, &lines, color)).collect()
    }

    fn finding(&self, diagnostic: &Diagnostic, lines: &Lines, color: bool) -> Finding {
        let Diagnostic { place, what, fix, related, shot, repeats, severity, .. } = diagnostic;
        let position = |place| self.spot(place).to_string();
        let rendered = excerpt::render(diagnostic, &position, lines, color);
        Finding {
            level: if *severity == Severity::Warning { Level::Warning } else { Level::Error },
            spot: self.spot(*place),
            message: what.clone(),
            fix: fix.clone(),
            shot: shot.as_ref().map(ToString::to_string),
            more_shots: *repeats,
            related: (related.iter())
                .map(|(place, label)| Related { spot: self.spot(*place), message: label.clone() })
                .collect(),
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
