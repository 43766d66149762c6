//! Mistakes and warnings: where they stand, what is wrong, what to write instead. Collects all of
//! them, in bounded memory, and makes findings of them. Knows nothing of manifests.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::excerpt::{self, Lines};
use super::finding::{Finding, Level, Mistakes, Related, Spot};
use crate::catalog::closest;

/// How many mistakes are printed; the rest are counted.
const MOST_SHOWN: usize = 100;
/// How many are kept to be sorted by place before the first are printed.
const MOST_KEPT: usize = 10_000;
/// Files that one manifest may read.
const MOST_FILES: usize = 10_000;

/// A stretch of a line in a source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::manifest) struct Place {
    /// Which source, as [`Log::source`] numbered it.
    pub file: u16,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// In characters; 0 marks only the position.
    pub length: u32,
}

impl Place {
    /// The start of a file.
    pub(in crate::manifest) const fn start(file: u16) -> Self {
        Self { file, line: 1, column: 1, length: 0 }
    }
}

/// A file that mistakes can point into. Its text is not kept: the few lines that are shown are read
/// again.
#[derive(Debug)]
pub(in crate::manifest) struct Source {
    /// As it is printed.
    pub name: String,
    pub path: PathBuf,
    /// Whether its lines can be shown.
    pub is_text: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Mistake,
    Warning,
    /// A price nobody knows: a mistake under a cap, a warning without.
    Unpriced,
}

/// Something wrong, or odd, at a place.
#[derive(Clone, Debug)]
pub(in crate::manifest) struct Mistake {
    place: Place,
    what: String,
    fix: Option<String>,
    others: Vec<(Place, String)>,
    shot: Option<Box<str>>,
    repeats: usize,
    kind: Kind,
}

impl Mistake {
    /// What is wrong, at its place.
    pub(in crate::manifest) fn new(place: Place, what: impl Into<String>) -> Self {
        Self {
            place,
            what: what.into(),
            fix: None,
            others: Vec::new(),
            shot: None,
            repeats: 0,
            kind: Kind::Mistake,
        }
    }

    /// A sentence that says what is wrong and, behind its last `; `, what to write instead.
    pub(in crate::manifest) fn said(place: Place, sentence: &str) -> Self {
        match sentence.rsplit_once("; ") {
            Some((what, fix)) => Self::new(place, what).fix(fix.to_owned()),
            None => Self::new(place, sentence),
        }
    }

    /// What to write instead.
    pub(in crate::manifest) fn fix(mut self, fix: impl Into<Option<String>>) -> Self {
        self.fix = fix.into().or(self.fix);
        self
    }

    /// Another place that has to do with it.
    pub(in crate::manifest) fn other(mut self, place: Place, label: &str) -> Self {
        let known = self.others.iter().any(|(other, _)| *other == place);
        if place != self.place && !known {
            self.others.push((place, label.to_owned()));
        }
        self
    }

    /// Other places that have to do with it.
    pub(in crate::manifest) fn others(self, others: &[(Place, &str)]) -> Self {
        others.iter().fold(self, |mistake, (place, label)| mistake.other(*place, label))
    }

    /// The shot it was found in. The same mistake in further shots is counted, not repeated.
    pub(in crate::manifest) fn shot(mut self, id: &str) -> Self {
        self.shot = Some(id.into());
        self
    }

    /// Odd, but not wrong.
    pub(in crate::manifest) fn warning(mut self) -> Self {
        self.kind = Kind::Warning;
        self
    }

    /// A mistake under a cap, odd without one.
    pub(in crate::manifest) fn unpriced(mut self) -> Self {
        self.kind = Kind::Unpriced;
        self
    }
}

/// All mistakes and warnings so far, and the files they point into.
#[derive(Debug, Default)]
pub(in crate::manifest) struct Log {
    sources: Vec<Source>,
    paths: HashMap<PathBuf, u16>,
    kept: Vec<Mistake>,
    seen: HashMap<(Place, String), usize>,
    /// What no excerpt shows.
    hidden: Vec<Place>,
    /// Values of which all was said.
    spoilt: HashSet<Place>,
    mistakes: usize,
    warnings: usize,
    unpriced: usize,
}

impl Log {
    /// The number of a file; `None` when there are too many of them.
    pub(in crate::manifest) fn source(&mut self, path: &Path) -> Option<u16> {
        if let Some(known) = self.paths.get(path) {
            return Some(*known);
        }
        let file = u16::try_from(self.sources.len()).ok()?;
        if self.sources.len() >= MOST_FILES {
            return None;
        }
        let name = path.display().to_string();
        self.sources.push(Source { name, path: path.to_owned(), is_text: true });
        self.paths.insert(path.to_owned(), file);
        Some(file)
    }

    /// A file turned out to hold no lines that could be shown.
    pub(in crate::manifest) fn is_no_text(&mut self, file: u16) {
        if let Some(source) = self.sources.get_mut(usize::from(file)) {
            source.is_text = false;
        }
    }

    /// A file's path.
    pub(in crate::manifest) fn path(&self, file: u16) -> Option<&Path> {
        self.sources.get(usize::from(file)).map(|source| &*source.path)
    }

    /// What stands at a place is a secret: excerpts show stars.
    pub(in crate::manifest) fn hide(&mut self, place: Place) {
        self.hidden.push(place);
    }

    /// Takes a mistake in and nothing more about the value at its place.
    pub(in crate::manifest) fn spoil(&mut self, mistake: Mistake) {
        let place = mistake.place;
        self.add(mistake);
        self.spoilt.insert(place);
    }

    /// Takes a mistake or a warning in.
    pub(in crate::manifest) fn add(&mut self, mistake: Mistake) {
        if self.spoilt.contains(&mistake.place) {
            return;
        }
        let key = (mistake.place, mistake.what.clone());
        if let Some(first) = self.seen.get(&key).and_then(|at| self.kept.get_mut(*at)) {
            first.repeats += 1;
            return;
        }
        match mistake.kind {
            Kind::Mistake => self.mistakes += 1,
            Kind::Warning => self.warnings += 1,
            Kind::Unpriced => self.unpriced += 1,
        }
        if self.kept.len() < MOST_KEPT {
            self.seen.insert(key, self.kept.len());
            self.kept.push(mistake);
        }
    }

    /// Whether something was said about a place's line.
    pub(in crate::manifest) fn mentions_line(&self, place: Place) -> bool {
        let line = |other: Place| (other.file, other.line);
        self.kept.iter().any(|mistake| line(mistake.place) == line(place))
    }

    /// How many different mistakes there are, whatever the cap.
    pub(in crate::manifest) fn mistakes(&self) -> usize {
        self.mistakes
    }

    /// Decides what shots without a known price are.
    pub(in crate::manifest) fn settle(&mut self, capped: bool) {
        let (kind, way_out) = if capped {
            self.mistakes += self.unpriced;
            let way_out = "run with `--budget none` for no cap, or with `--catalog FILE` for a \
                           price list that has it";
            (Kind::Mistake, way_out)
        } else {
            self.warnings += self.unpriced;
            (Kind::Warning, "what it costs shows in no total")
        };
        self.unpriced = 0;
        for mistake in self.kept.iter_mut().filter(|mistake| mistake.kind == Kind::Unpriced) {
            mistake.kind = kind;
            if capped {
                mistake.what.push_str(", so the budget could not hold");
            }
            let other = mistake.fix.take().map_or_else(String::new, |fix| format!("{fix}; or "));
            mistake.fix = Some(format!("{other}{way_out}"));
        }
    }

    /// Every mistake in the order of its place.
    pub(in crate::manifest) fn into_mistakes(self, color: bool) -> Mistakes {
        let findings = self.findings(Kind::Mistake, color);
        let mut rendered: Vec<&str> = findings.iter().map(|found| &*found.rendered).collect();
        let left = self.mistakes - findings.len();
        let more = match (left, self.mistakes) {
            (0, 0 | 1) => String::new(),
            (0, all) => format!("{all} mistakes; nothing was sent"),
            (left, all) => format!("and {left} more mistakes, {all} in all; nothing was sent"),
        };
        rendered.extend(Some(&*more).filter(|more| !more.is_empty()));
        Mistakes { rendered: rendered.join("\n\n"), count: self.mistakes, findings }
    }

    /// Every warning in the order of its place, and how many more there are.
    pub(in crate::manifest) fn warnings(&self, color: bool) -> (Vec<Finding>, usize) {
        let findings = self.findings(Kind::Warning, color);
        let more = self.warnings - findings.len();
        (findings, more)
    }

    fn findings(&self, kind: Kind, color: bool) -> Vec<Finding> {
        let mut chosen: Vec<&Mistake> =
            self.kept.iter().filter(|mistake| mistake.kind == kind).collect();
        chosen.sort_by_key(|mistake| mistake.place);
        chosen.truncate(MOST_SHOWN);
        let places = chosen.iter().flat_map(|mistake| {
            std::iter::once(mistake.place).chain(mistake.others.iter().map(|(place, _)| *place))
        });
        let lines = excerpt::lines(&self.sources, places, &self.hidden);
        chosen.iter().map(|mistake| self.finding(mistake, &lines, color)).collect()
    }

    fn finding(&self, mistake: &Mistake, lines: &Lines, color: bool) -> Finding {
        let others = match mistake.repeats {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let note = mistake.shot.as_ref().map(|id| format!("in shot `{id}`{others}"));
        let named: Vec<(Place, String)> = mistake
            .others
            .iter()
            .map(|(place, label)| (*place, format!("{label} ({})", self.position(*place))))
            .collect();
        let is_warning = mistake.kind == Kind::Warning;
        let rendered = excerpt::render(
            &excerpt::Report {
                warning: is_warning,
                title: format!("{}: {}", self.position(mistake.place), mistake.what),
                place: mistake.place,
                others: &named,
                note: note.as_deref(),
                help: mistake.fix.as_deref(),
            },
            lines,
            color,
        );
        let related = mistake
            .others
            .iter()
            .map(|(place, label)| Related { spot: self.spot(*place), message: label.clone() });
        Finding {
            level: if is_warning { Level::Warning } else { Level::Error },
            spot: self.spot(mistake.place),
            message: mistake.what.clone(),
            fix: mistake.fix.clone(),
            shot: mistake.shot.as_ref().map(ToString::to_string),
            more_shots: mistake.repeats,
            related: related.collect(),
            rendered,
        }
    }

    fn spot(&self, place: Place) -> Spot {
        let (line, column) = (place.line.max(1), place.column.max(1));
        let file = self.name(place.file).to_owned();
        Spot { file, line, column, end_column: column.saturating_add(place.length) }
    }

    fn name(&self, file: u16) -> &str {
        self.sources.get(usize::from(file)).map_or("manifest", |source| &source.name)
    }

    /// `FILE:LINE:COLUMN`.
    fn position(&self, place: Place) -> String {
        format!("{}:{}:{}", self.name(place.file), place.line.max(1), place.column.max(1))
    }
}

/// The known word that was probably meant.
pub(in crate::manifest) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    closest(word, known).map(|known| format!("did you mean `{known}`?"))
}
