//! Draws the lines of a source that a mistake points at. The files are read again for it, and of a
//! long line only a stretch is kept, so that a mistake in a huge file costs no more than in a small
//! one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Severity};
use super::sheets::ranges;
use crate::disk;
use crate::domain::sanitize::steers;
use crate::manifest::source::chars::Chars;
use crate::manifest::source::place::{Place, Position};

/// The most characters of a line that are drawn, and how many of them before the mistake.
const MAX_WIDE: usize = 140;
const BEFORE: usize = 60;

/// A file that mistakes can point into. Its text is not kept: the few lines that are shown are read
/// again.
#[derive(Debug)]
pub(crate) struct Source {
    /// As it is printed.
    pub name: String,
    pub path: PathBuf,
    /// Whether its lines can be shown.
    pub is_text: bool,
}

/// The stretches of lines that are pointed at, by file, line and the characters left out before.
pub(crate) type Lines = BTreeMap<(u16, u32, usize), Stretch>;

/// A stretch of a line.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    text: String,
    length: usize,
    /// Whether the line goes on after it.
    more: bool,
}

/// Reads the lines of some places, each source once. What cannot be read is left out, and of what is
/// `hidden` there are stars.
pub(crate) fn lines(
    sources: &[Source],
    places: impl Iterator<Item = Place>,
    hidden: &[Place],
) -> Lines {
    let mut lines: Lines = places
        .map(|place| ((place.file, place.line, skipped(place)), Stretch::default()))
        .collect();
    for (file, source) in (0..=u16::MAX).zip(sources) {
        let wanted = lines.range_mut((file, 0, 0)..=(file, u32::MAX, usize::MAX));
        let wanted: Vec<_> =
            wanted.map(|((_, line, skip), stretch)| (*line, *skip, stretch)).collect();
        if source.is_text && !wanted.is_empty() {
            read(source, wanted, |line, column| {
                hidden.iter().any(|place| {
                    let columns = place.column..place.column.saturating_add(place.length);
                    (place.file, place.line) == (file, line) && columns.contains(&column)
                })
            });
        }
    }
    lines.retain(|_, stretch| !stretch.text.is_empty());
    lines
}

/// Fills the wanted stretches of one source, which are sorted.
fn read(
    source: &Source,
    mut wanted: Vec<(u32, usize, &mut Stretch)>,
    is_hidden: impl Fn(u32, u32) -> bool,
) {
    let Ok(file) = disk::open_file(&source.path) else { return };
    let Some(last) = wanted.last().map(|(line, _, _)| *line) else { return };
    let mut position = Position::START;
    let mut next = 0;
    for c in Chars::new(file).map_while(Result::ok) {
        let Some((line, column)) = position.advance(c) else { continue };
        if line > last {
            return;
        }
        while wanted.get(next).is_some_and(|(wanted, _, _)| *wanted < line) {
            next += 1;
        }
        for (wanted, skip, stretch) in wanted.iter_mut().skip(next) {
            if *wanted != line || (column as usize) <= *skip {
                break;
            }
            if stretch.length < MAX_WIDE {
                stretch.text.push(if is_hidden(line, column) { '*' } else { shown(c) });
                stretch.length += 1;
            } else {
                stretch.more = true;
            }
        }
    }
}

/// How many characters of a place's line are left out at its start.
fn skipped(place: Place) -> usize {
    let column = (place.column as usize).saturating_sub(1);
    if column + 20 > MAX_WIDE { column.saturating_sub(BEFORE) } else { 0 }
}

/// The mistake as rustc would draw it; its first line holds the title. `position` writes a place
/// as `FILE:LINE:COLUMN`.
pub(crate) fn render(
    diagnostic: &Diagnostic,
    position: &dyn Fn(Place) -> String,
    lines: &Lines,
    color: bool,
) -> String {
    let Diagnostic { place, what, fix, related, severity, cell, .. } = diagnostic;
    let level = if *severity == Severity::Warning { Level::WARNING } else { Level::ERROR };
    let title = format!("{}: {what}", position(*place));
    let mut group = Group::with_title(level.primary_title(visible(&title)));
    let label = |place: Place, label: &str| visible(&format!("{label} ({})", position(place)));
    let window = Window::of(*place, lines);
    let (beside, elsewhere): (Vec<_>, Vec<_>) = related
        .iter()
        .partition(|(place, _)| window.as_ref().is_some_and(|window| window.holds(*place)));
    if let Some(window) = &window {
        let others = beside.into_iter().map(|(place, said)| {
            window.mark(AnnotationKind::Context, *place).label(label(*place, said))
        });
        let mut primary = window.mark(AnnotationKind::Primary, *place);
        if let Some(cell) = cell {
            primary = primary.label(visible(&cell.to_string()));
        }
        group = group.element(window.snippet().annotation(primary).annotations(others));
    }
    for note in notes(diagnostic, window.is_some()) {
        group = group.element(Level::NOTE.message(visible(&note)));
    }
    if let Some(fix) = fix {
        let lines = diagnostic.sample.iter().flat_map(|sample| sample.lines());
        let fix: Vec<String> = std::iter::once(&**fix).chain(lines).map(visible).collect();
        group = group.element(Level::HELP.message(fix.join("\n")));
    }
    let mut groups = vec![group];
    groups.extend(elsewhere.into_iter().map(|(place, said)| {
        let title = Level::NOTE.secondary_title(label(*place, said));
        match Window::of(*place, lines) {
            Some(window) => {
                let mark = window.mark(AnnotationKind::Primary, *place);
                title.element(window.snippet().annotation(mark))
            }
            None => Group::with_title(title),
        }
    }));
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).render(&groups)
}

/// In which rows and which shots it was found. `drawn` tells whether the cell is shown.
fn notes(diagnostic: &Diagnostic, drawn: bool) -> Vec<String> {
    let Diagnostic { shot, repeats, cell, rows, .. } = diagnostic;
    let mut notes: Vec<String> = Vec::new();
    match cell {
        Some(_) if rows.len() > 1 => {
            notes.push(format!("the same in {} rows: {}", rows.len(), ranges(rows)));
        }
        Some(cell) if !drawn => notes.push(format!("in {cell}")),
        _ => {}
    }
    if let Some(id) = shot {
        let more = if *repeats > 0 { format!(" and {repeats} more") } else { String::new() };
        notes.push(format!("in shot `{id}`{more}"));
    }
    notes
}

/// What stands at a place, as far as its line was read.
pub(super) fn text(place: Place, lines: &Lines) -> Option<String> {
    let window = Window::of(place, lines)?;
    window.text.get(window.span(place)).map(str::to_owned)
}

/// A stretch of a line around a place, ready to be drawn.
struct Window {
    place: Place,
    text: String,
    /// Characters of the line left out at its start.
    skipped: usize,
    /// Characters put in for them.
    dots: usize,
}

impl Window {
    fn of(place: Place, lines: &Lines) -> Option<Self> {
        let skipped = skipped(place);
        let stretch = lines.get(&(place.file, place.line, skipped))?;
        let dots = if skipped > 0 { 3 } else { 0 };
        let after = if stretch.more { "..." } else { "" };
        let text = format!("{}{}{after}", ".".repeat(dots), stretch.text);
        Some(Self { place, text, skipped, dots })
    }

    /// Whether another place can be marked in it.
    fn holds(&self, other: Place) -> bool {
        let column = (other.column as usize).saturating_sub(1);
        (other.file, other.line) == (self.place.file, self.place.line)
            && (self.skipped..self.skipped + MAX_WIDE).contains(&column)
    }

    fn snippet<'s>(&self) -> Snippet<'s, Annotation<'s>> {
        Snippet::source(self.text.clone()).line_start(self.place.line as usize)
    }

    fn mark<'s>(&self, kind: AnnotationKind, place: Place) -> Annotation<'s> {
        kind.span(self.span(place))
    }

    /// The bytes of the window that a place covers; at least one character.
    fn span(&self, place: Place) -> std::ops::Range<usize> {
        let first =
            (place.column as usize).saturating_sub(1 + self.skipped).saturating_add(self.dots);
        let byte = |character: usize| {
            self.text.char_indices().nth(character).map_or(self.text.len(), |(byte, _)| byte)
        };
        let start = byte(first);
        let end = byte(first.saturating_add((place.length as usize).max(1)));
        start..end.max(start)
    }
}

/// Control characters must not reach the terminal.
fn visible(text: &str) -> String {
    text.chars().map(shown).collect()
}

fn shown(c: char) -> char {
    match c {
        '\t' | '\n' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{2028}' | '\u{2029}' => '\u{fffd}',
        // They could make a line read as something else.
        c if steers(c) => '\u{fffd}',
        c => c,
    }
}
