//! Where a text stops being YAML: what people usually got wrong there, in their words instead of
//! the library's, with the line as it should be where that can be told.

use serde_yaml::granit_parser::{ErrorKind, ScanError};

use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::chars;
use crate::manifest::source::place::{Place, saturating_u32};

/// Reports the place at which a document breaks off, unless there is a diagnostic of its line already.
pub(crate) fn report(file: u16, error: &ScanError, diags: &mut Diagnostics) {
    let at = error.marker();
    let place = Place {
        file,
        line: saturating_u32(at.line()),
        column: saturating_u32(at.col() + 1),
        length: 1,
        cell: 0,
    };
    if diags.mentions_line(place) {
        return;
    }
    let [before, line] =
        diags.path(file).map(|path| chars::line_and_above(path, place.line)).unwrap_or_default();
    if is_oddly_spaced(&before) {
        let above = Place { line: place.line.saturating_sub(1), column: 1, ..place };
        return diags.add(odd_spaces(above));
    }
    let spot = Spot::new(&before, &line, at.col());
    let (what, fix) = spot.explain(error.kind()).unwrap_or_else(|| {
        let fix = spot.key().map(|(key, value)| quoted(key, value));
        (format!("this is not YAML: {}", error.info()), fix)
    });
    diags.add(Diagnostic::new(place, what).maybe_fix(fix));
}

/// A line that is not YAML, and where that shows.
struct Spot<'l> {
    /// The line above.
    before: &'l str,
    line: &'l str,
    /// The line up to the place, and from there on.
    head: &'l str,
    tail: &'l str,
}

/// What is wrong with a line that begins with spaces that are none, and the fix.
const ODD_SPACES: (&str, &str) = (
    "the spaces at the start of this line are not ordinary ones",
    "delete them and type spaces; copied text often brings such spaces along",
);

/// Reports a line that begins with spaces that are none.
pub(crate) fn odd_spaces(line: Place) -> Diagnostic {
    let (what, fix) = ODD_SPACES;
    Diagnostic::new(Place { length: 1, ..line }, what).fix(fix)
}

/// Whether a line begins with a space that YAML takes for a letter.
pub(crate) fn is_oddly_spaced(line: &str) -> bool {
    let first = line.trim_start_matches([' ', '-']).chars().next();
    first.is_some_and(|c| c.is_whitespace() && !c.is_ascii())
}

/// What is wrong, and what to write instead.
type Advice = (String, Option<String>);

impl<'l> Spot<'l> {
    fn new(before: &'l str, line: &'l str, column: usize) -> Self {
        let at = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        let (head, tail) = line.split_at_checked(at).unwrap_or((line, ""));
        Self { before, line, head, tail }
    }

    /// The key of the line and the text behind it.
    fn key(&self) -> Option<(&'l str, &'l str)> {
        let line = self.line.trim_start_matches(['-', ' ']);
        if line.starts_with('{') {
            // Several values on a line: which of them ends where cannot be told.
            return None;
        }
        let (key, value) = line.split_once(": ")?;
        let is_key = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let value = value.trim();
        (is_key && !key.is_empty() && !value.is_empty()).then_some((key, value))
    }

    /// What is wrong in plain words; `None` when it is none of the usual mistakes.
    fn explain(&self, kind: &ErrorKind) -> Option<Advice> {
        use ErrorKind as K;
        let first = self.tail.chars().next().unwrap_or(' ');
        if self.line.contains('\t') && self.line.trim_start_matches([' ', '-']).starts_with('\t') {
            return advice(
                "a tab stands here where only spaces may",
                "indent with spaces, not with tabs",
            );
        }
        if is_oddly_spaced(self.line) {
            return advice(ODD_SPACES.0, ODD_SPACES.1);
        }
        match kind {
            K::TabNotAllowed
            | K::TabInBlockIndentation
            | K::TabAtBlockScalarStart
            | K::TabInIndentation
            | K::TabInPlainScalar => {
                advice("a tab stands here where only spaces may", "write spaces instead of the tab")
            }
            K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => {
                let quote = if first == '\'' { "'" } else { "\"" };
                advice(
                    "this quote is never closed",
                    format!("write {quote} at the end of the text"),
                )
            }
            K::InvalidTrailingSingleQuotedScalar => advice(
                "the text goes on behind the quote that closes it",
                "put the whole text into quotes; inside of '…' write '' for an apostrophe, or use \
                 \"…\"",
            ),
            K::InvalidTrailingDoubleQuotedScalar => advice(
                "the text goes on behind the quote that closes it",
                "put the whole text into '…'; or write \\\" for a quote inside of \"…\"",
            ),
            K::UnknownQuotedScalarEscape | K::InvalidQuotedScalarHexEscape => advice(
                "a backslash in \"…\" begins a special character, and this one there is not",
                "use '…' for the text, or write \\\\ for a backslash",
            ),
            K::UnclosedFlowCollection { open } => {
                let close = if *open == '{' { '}' } else { ']' };
                if let Some((head, _)) = self.line.split_once(" #") {
                    let what = format!("this `{open}` is never closed: ` #` begins a comment");
                    let key = head.rsplit([',', '{']).next().unwrap_or("").trim();
                    let key = key.split(':').next().filter(|key| !key.is_empty());
                    let whose = key.map_or(String::new(), |key| format!(" of `{key}`"));
                    return advice(what, format!("put the text{whose} into quotes"));
                }
                let fix = format!(
                    "write `{close}` at its end, or put a text that holds `{open}` into quotes"
                );
                advice(format!("this `{open}` is never closed"), fix)
            }
            K::MisplacedFlowCollectionEnd | K::MismatchedFlowCollectionEnd { .. } => advice(
                format!("this `{first}` closes nothing"),
                "remove it, or put the text that it belongs to into quotes",
            ),
            K::ExpectedFlowMappingSeparator | K::ExpectedFlowSequenceSeparator => advice(
                "a comma is missing before this place",
                "write a comma between two values; put a text that holds `: ` into quotes",
            ),
            K::UnexpectedCharacter { character } if character.is_control() => advice(
                "this is a character that cannot be seen, and no text",
                "delete it; retyping the line does that, too",
            ),
            K::UnexpectedCharacter { character } => {
                self.must_be_quoted(&format!("begins with `{character}`"))
            }
            K::InvalidBlockScalarHeader => {
                let (mut what, fix) = self.must_be_quoted("begins with `>` or `|`")?;
                what.push_str(", or begin on the next line");
                Some((what, fix))
            }
            K::MappingValueNotAllowed | K::InvalidColonPlacement => self.colon(),
            K::ExpectedBlockMappingKey => self.no_key(),
            K::SimpleKeyExpected => self.no_colon(),
            K::ExpectedBlockSequenceEntry | K::InvalidIndentation => Some(self.indented_oddly()),
            K::BlockSequenceEntryNotAllowed => self.must_be_quoted("begins with `- `"),
            _ if self.line.starts_with('%') => advice(
                "a line cannot begin with `%`",
                "remove it, or indent it and put the text into quotes",
            ),
            K::RecursionLimitExceeded => {
                advice("lists stand inside of lists too deep here", "put the text into quotes")
            }
            _ => None,
        }
    }

    fn must_be_quoted(&self, that: &str) -> Option<Advice> {
        let fix = self.key().map_or_else(
            || "put the text into quotes".to_owned(),
            |(key, value)| quoted(key, value),
        );
        advice(format!("a text that {that} must stand in quotes"), fix)
    }

    /// A colon where there is none to be.
    fn colon(&self) -> Option<Advice> {
        let above = self.before.trim_start_matches(' ');
        if above.starts_with('-') && !above.starts_with("- ") && above.len() > 1 {
            return advice(
                "the line above begins with `-` and no space",
                "write a space after the dash, such as `- id: beach`",
            );
        }
        if self.key().is_some_and(|(key, _)| !self.head.trim_end().ends_with(key)) {
            return self.must_be_quoted("holds `: `");
        }
        let tight = above.trim_start_matches(['-', ' ']).split_once(':');
        let is_tight = |(key, value): (&str, &str)| {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !key.is_empty() && key.chars().all(is_word) && value.starts_with(is_word)
        };
        if tight.is_some_and(is_tight) {
            return advice(
                "there is no space after the colon in the line above",
                "write a space after the colon, such as `id: beach`",
            );
        }
        Some(self.indented_oddly())
    }

    /// Something stands where a key was to come.
    fn no_key(&self) -> Option<Advice> {
        if let Some((_, value)) = self.key()
            && let Some(bracket) =
                value.chars().next().filter(|c| matches!(c, '[' | '{' | '*' | '&'))
        {
            return self.must_be_quoted(&format!("begins with `{bracket}`"));
        }
        Some(self.indented_oddly())
    }

    /// A line that is neither a key nor the rest of a text.
    fn no_colon(&self) -> Option<Advice> {
        let what = "there is no colon in this line, so it is neither a key nor its value";
        if self.line.contains('=') {
            return advice(what, "write `key: value` with a colon, not with an equals sign");
        }
        advice(
            what,
            "write `key: value`; or indent the line more if it belongs to the text above it",
        )
    }

    fn indented_oddly(&self) -> Advice {
        let what = "this line's indentation fits nothing above it".to_owned();
        let fix = if self.line.trim_start().starts_with("- ") {
            "begin the dash exactly below the dash of the shot before"
        } else {
            "begin the line exactly below the first word of its shot: 4 spaces after `  - `"
        };
        (what, Some(fix.to_owned()))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every caller may also have nothing to say")]
fn advice(what: impl Into<String>, fix: impl Into<String>) -> Option<Advice> {
    Some((what.into(), Some(fix.into())))
}

/// The line with its text in quotes.
fn quoted(key: &str, value: &str) -> String {
    const MAX: usize = 60;
    if value.chars().count() > MAX || value.contains(['"', '\\', '\'']) {
        return format!("write {key}: and the text in quotes");
    }
    format!("write `{key}: \"{value}\"`")
}
