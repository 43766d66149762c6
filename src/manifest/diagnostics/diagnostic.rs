//! One mistake or warning: where it stands, what is wrong, what to write instead.

use super::sheets::CellSpot;
use crate::catalog::closest;
use crate::manifest::source::place::Place;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warning,
    /// An unknown price: an error under a cap, a warning without.
    Unpriced,
}

/// What a warning is about: of one topic there is one warning, with a count and its first places.
/// A kind, and what of that kind: the index of a parameter, the number of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Topic(pub &'static str, pub usize);

/// A mistake or a warning at a place.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub(super) place: Place,
    pub(super) what: String,
    pub(super) fix: Option<String>,
    pub(super) related: Vec<(Place, String)>,
    /// The first shot it was found in, and in how many more.
    pub(super) shot: Option<Box<str>>,
    pub(super) repeats: usize,
    pub(super) severity: Severity,
    /// How many of `related` are places of other shots.
    pub(super) further: usize,
    /// The cell it stands in, and all rows with the same mistake: known once all are collected.
    pub(super) cell: Option<CellSpot>,
    pub(super) rows: Vec<u32>,
    /// The lines of further rows of which the same was said.
    pub(super) lines: Vec<u32>,
    /// Lines to copy.
    pub(super) sample: Option<String>,
}

impl Diagnostic {
    /// An error without a fix.
    pub(crate) fn new(place: Place, what: impl Into<String>) -> Self {
        Self {
            place,
            what: what.into(),
            fix: None,
            related: Vec::new(),
            shot: None,
            repeats: 0,
            severity: Severity::Error,
            further: 0,
            cell: None,
            rows: Vec::new(),
            lines: Vec::new(),
            sample: None,
        }
    }

    /// A sentence that says what is wrong and, behind its last `; `, what to write instead.
    pub(crate) fn from_sentence(place: Place, sentence: &str) -> Self {
        match sentence.rsplit_once("; ") {
            Some((what, fix)) => Self::new(place, what).fix(fix),
            None => Self::new(place, sentence),
        }
    }

    /// What to write instead.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// What to write instead, if that is known.
    pub(crate) fn maybe_fix(mut self, fix: Option<String>) -> Self {
        self.fix = fix.or(self.fix);
        self
    }

    /// Lines to copy, shown below the fix.
    pub(crate) fn sample(mut self, lines: String) -> Self {
        self.sample = Some(lines);
        self
    }

    /// Another place that has to do with it.
    pub(crate) fn related(mut self, place: Place, label: &str) -> Self {
        let known = self.related.iter().any(|(other, _)| *other == place);
        if place != self.place && !known {
            self.related.push((place, label.to_owned()));
        }
        self
    }

    /// The shot it was found in. The same in further shots is counted, not repeated.
    pub(crate) fn shot(mut self, id: &str) -> Self {
        self.shot = Some(id.into());
        self
    }

    /// Makes a warning of it.
    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Makes it an error under a cap and a warning without one.
    pub(crate) fn unpriced(mut self) -> Self {
        self.severity = Severity::Unpriced;
        self
    }
}

/// The known word that was probably meant.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    closest(word, known).map(|known| format!("did you mean `{known}`?"))
}
