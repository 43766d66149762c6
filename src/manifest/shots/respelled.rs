//! Rows without an id whose cells an editor, a spreadsheet or a file system spelled otherwise: CRLF for
//! LF, `é` as two characters, `09:16` for `9:16`. Their ids are of the cells' bytes, and a released id
//! never changes its rule: where the ledger knows a row by another spelling, it keeps that id.

use std::borrow::Cow;
use std::collections::HashSet;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use super::identity::row_part;
use crate::catalog::{Catalog, Form, ratio_sides};

const NFC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
const NFD: DecomposingNormalizerBorrowed<'_> = DecomposingNormalizerBorrowed::new_nfd();

/// The filled cells of a row, by column name.
type Cells<'r> = [(&'r str, Cow<'r, str>)];

/// How a cell may be spelled.
type Spelling = fn(&str) -> String;

const LINE_ENDS: [Spelling; 4] = [
    str::to_owned,
    with_line_feeds,
    |text| with_line_feeds(text).replace('\n', "\r\n"),
    |text| with_line_feeds(text).replace('\n', "\r"),
];
const UNICODE: [Spelling; 3] =
    [str::to_owned, |text| NFC.normalize(text).into(), |text| NFD.normalize(text).into()];
const RATIOS: [Spelling; 3] = [
    str::to_owned,
    |text| ratio_sides(text).map_or_else(|| text.to_owned(), |(w, h)| format!("{w}:{h}")),
    |text| ratio_sides(text).map_or_else(|| text.to_owned(), |(w, h)| format!("{w:02}:{h:02}")),
];

fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A cell whose line ends, spaces and spelling of `é` do not matter.
pub(crate) fn tidied(cell: &str) -> String {
    NFC.normalize(&cell.split_whitespace().collect::<Vec<_>>().join(" ")).into()
}

/// The ids of a ledger, and those of them that the manifest as it is written has no shot for.
#[derive(Clone, Debug, Default)]
pub struct KnownIds {
    known: HashSet<String>,
    vanished: HashSet<String>,
}

impl KnownIds {
    /// `known`: the ledger's; `written`: the manifest's.
    pub fn new<'a>(known: HashSet<String>, written: impl Iterator<Item = &'a str>) -> Self {
        let written: HashSet<&str> = written.collect();
        let vanished = known.iter().filter(|id| !written.contains(id.as_str())).cloned().collect();
        Self { known, vanished }
    }

    /// Whether no row can be one that the ledger knows by another id.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.vanished.is_empty()
    }

    /// The id that the ledger knows a shot by, which comes out as `id`: one of `others`, if that is no
    /// shot's of its own. Each is taken once.
    pub(crate) fn take(
        &mut self,
        id: &str,
        others: impl Iterator<Item = String>,
    ) -> Option<String> {
        if self.known.contains(id) {
            return None;
        }
        let mut others = others;
        others.find(|other| self.vanished.remove(other))
    }
}

/// The parts of an id that the same cells make in their other spellings, all of a row in one.
pub(crate) fn other_parts(cells: &Cells<'_>, catalog: &Catalog) -> Vec<String> {
    let own = row_part(cells);
    let mut parts = Vec::new();
    for ends in LINE_ENDS {
        for form in UNICODE {
            for ratio in RATIOS {
                let spelled = |(name, cell): &(&'_ str, Cow<'_, str>)| {
                    let param = catalog.param(name);
                    let is_ratio = param.is_some_and(|param| param.form == Some(Form::Ratio));
                    let cell = if is_ratio { ratio(cell) } else { form(&ends(cell)) };
                    (name.to_string(), cell)
                };
                let spelled: Vec<(String, String)> = cells.iter().map(spelled).collect();
                let spelled: Vec<(&str, Cow<'_, str>)> =
                    spelled.iter().map(|(name, cell)| (&**name, cell.as_str().into())).collect();
                let part = row_part(&spelled);
                if part != own && !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
    }
    parts
}
