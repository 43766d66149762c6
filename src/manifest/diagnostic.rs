//! Mistakes and warnings: where they stand, what is wrong, what to write instead. Collects all of
//! them, in bounded memory, and renders them for the terminal. Knows nothing of manifests.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::excerpt;
use crate::catalog::closest;

/// How many mistakes are printed; the rest are counted.
const MOST_SHOWN: usize = 100;
/// How many are kept to be sorted by place before the first are printed.
const MOST_KEPT: usize = 10_000;

/// A stretch of a line in a source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// Which source, as [`Log::add_source`] numbered it.
    pub file: u16,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// In characters; 0 marks only the position.
    pub length: u32,
}

/// A file that mistakes can point into.
#[derive(Debug)]
pub(super) struct Source {
    /// As it is printed.
    pub name: String,
    /// All of it.
    pub text: Rc<str>,
}

/// Something wrong, or odd, at a place.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    place: Place,
    what: String,
    fix: Option<String>,
    other: Option<(Place, String)>,
    shot: Option<Box<str>>,
    repeats: usize,
    warning: bool,
}

impl Mistake {
    /// What is wrong, at its place.
    pub(super) fn new(place: Place, what: impl Into<String>) -> Self {
        Self {
            place,
            what: what.into(),
            fix: None,
            other: None,
            shot: None,
            repeats: 0,
            warning: false,
        }
    }

    /// What to write instead.
    pub(super) fn fix(mut self, fix: impl Into<Option<String>>) -> Self {
        self.fix = fix.into().or(self.fix);
        self
    }

    /// Another place that has to do with it.
    pub(super) fn other(mut self, place: Place, label: &str) -> Self {
        self.other = Some((place, label.to_owned()));
        self
    }

    /// The shot it was found in. The same mistake in further shots is counted, not repeated.
    pub(super) fn shot(mut self, id: &str) -> Self {
        self.shot = Some(id.into());
        self
    }

    /// Odd, but not wrong.
    pub(super) fn warning(mut self) -> Self {
        self.warning = true;
        self
    }
}

/// All mistakes and warnings so far, and the files they point into.
#[derive(Debug, Default)]
pub(super) struct Log {
    sources: Vec<Source>,
    paths: HashMap<PathBuf, u16>,
    kept: Vec<Mistake>,
    seen: HashMap<(Place, String), usize>,
    mistakes: usize,
}

impl Log {
    /// Takes a file in; `None` when there are too many of them.
    pub(super) fn add_source(&mut self, path: PathBuf, name: String, text: Rc<str>) -> Option<u16> {
        let file = u16::try_from(self.sources.len()).ok()?;
        self.sources.push(Source { name, text });
        self.paths.insert(path, file);
        Some(file)
    }

    /// A file that was taken in before.
    pub(super) fn source(&self, path: &std::path::Path) -> Option<(u16, Rc<str>)> {
        let file = *self.paths.get(path)?;
        self.sources.get(usize::from(file)).map(|source| (file, Rc::clone(&source.text)))
    }

    /// Takes a mistake or a warning in.
    pub(super) fn add(&mut self, mistake: Mistake) {
        let key = (mistake.place, mistake.what.clone());
        if let Some(first) = self.seen.get(&key).and_then(|at| self.kept.get_mut(*at)) {
            first.repeats += 1;
            return;
        }
        if !mistake.warning {
            self.mistakes += 1;
        }
        if self.kept.len() < MOST_KEPT {
            self.seen.insert(key, self.kept.len());
            self.kept.push(mistake);
        }
    }

    /// How many different mistakes there are, warnings not counted.
    pub(super) fn mistakes(&self) -> usize {
        self.mistakes
    }

    /// Every mistake in the order of its place, as text for the terminal.
    pub(super) fn render_mistakes(&self, color: bool) -> String {
        let mut shown = self.rendered(false, color);
        let left = self.mistakes - shown.len();
        if left > 0 {
            shown.push(format!("and {left} more mistakes"));
        }
        shown.join("\n\n")
    }

    /// Every warning in the order of its place.
    pub(super) fn render_warnings(&self, color: bool) -> Vec<String> {
        self.rendered(true, color)
    }

    fn rendered(&self, warnings: bool, color: bool) -> Vec<String> {
        let mut chosen: Vec<&Mistake> =
            self.kept.iter().filter(|mistake| mistake.warning == warnings).collect();
        chosen.sort_by_key(|mistake| mistake.place);
        chosen.truncate(MOST_SHOWN);
        let places = chosen.iter().flat_map(|mistake| {
            [Some(mistake.place), mistake.other.as_ref().map(|(place, _)| *place)]
        });
        let lines = excerpt::lines(&self.sources, places.flatten());
        chosen.iter().map(|mistake| self.render(mistake, &lines, color)).collect()
    }

    fn render(&self, mistake: &Mistake, lines: &excerpt::Lines<'_>, color: bool) -> String {
        let others = match mistake.repeats {
            0 => String::new(),
            1 => " and 1 more".to_owned(),
            n => format!(" and {n} more"),
        };
        let shot = mistake.shot.as_ref().map(|id| format!("in shot `{id}`{others}"));
        let other = mistake
            .other
            .as_ref()
            .map(|(place, label)| (*place, format!("{label} ({})", self.position(*place))));
        excerpt::render(
            &excerpt::Report {
                warning: mistake.warning,
                title: format!("{}: {}", self.position(mistake.place), mistake.what),
                place: mistake.place,
                other: other.as_ref().map(|(place, label)| (*place, label.as_str())),
                note: shot.as_deref(),
                help: mistake.fix.as_deref(),
            },
            lines,
            color,
        )
    }

    /// `FILE:LINE:COLUMN`.
    fn position(&self, place: Place) -> String {
        let name = self.sources.get(usize::from(place.file)).map_or("manifest", |s| &s.name);
        format!("{name}:{}:{}", place.line.max(1), place.column.max(1))
    }
}

/// The known word that was probably meant.
pub(super) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    closest(word, known).map(|known| format!("did you mean `{known}`?"))
}
