//! Draws the lines of a source that a mistake points at. Only those lines are looked at, and only
//! a stretch of a long one, so that a mistake in a huge file costs no more than in a small one.

use std::collections::{BTreeMap, BTreeSet};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Place, Source};

/// The most characters of a line that are drawn, and how many of them before the mistake.
const MOST_WIDE: usize = 140;
const BEFORE: usize = 60;

/// The text of the lines that are pointed at, by file and number.
pub(super) type Lines<'a> = BTreeMap<(u16, u32), &'a str>;

/// What is drawn.
pub(super) struct Report<'a> {
    pub warning: bool,
    pub title: String,
    pub place: Place,
    pub other: Option<(Place, &'a str)>,
    pub note: Option<&'a str>,
    pub help: Option<&'a str>,
}

/// Finds the lines of some places, reading each source once.
pub(super) fn lines(sources: &[Source], places: impl Iterator<Item = Place>) -> Lines<'_> {
    let wanted: BTreeSet<(u16, u32)> = places.map(|place| (place.file, place.line)).collect();
    let mut found = Lines::new();
    for (file, source) in (0..=u16::MAX).zip(sources) {
        let Some(last) = wanted.range((file, 0)..=(file, u32::MAX)).next_back() else { continue };
        for (number, line) in (1..=last.1).zip(source.text.split('\n')) {
            if wanted.contains(&(file, number)) {
                found.insert((file, number), line.strip_suffix('\r').unwrap_or(line));
            }
        }
    }
    found
}

/// The mistake as rustc would draw it; its first line holds the title.
pub(super) fn render(report: &Report<'_>, lines: &Lines<'_>, color: bool) -> String {
    let level = if report.warning { Level::WARNING } else { Level::ERROR };
    let mut group = Group::with_title(level.primary_title(visible(&report.title)));
    let same_line = report
        .other
        .filter(|(place, _)| (place.file, place.line) == (report.place.file, report.place.line));
    if let Some(window) = Window::of(report.place, lines) {
        let mut snippet = Snippet::source(window.text.clone())
            .line_start(report.place.line as usize)
            .annotation(AnnotationKind::Primary.span(window.span(report.place)));
        if let Some((place, label)) = same_line {
            snippet = snippet
                .annotation(AnnotationKind::Context.span(window.span(place)).label(visible(label)));
        }
        group = group.element(snippet);
    }
    if let Some(note) = report.note {
        group = group.element(Level::NOTE.message(visible(note)));
    }
    if let Some(help) = report.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut groups = vec![group];
    if let (Some((place, label)), None) = (report.other, same_line) {
        let title = Level::NOTE.secondary_title(visible(label));
        groups.push(match Window::of(place, lines) {
            Some(window) => title.element(
                Snippet::source(window.text.clone())
                    .line_start(place.line as usize)
                    .annotation(AnnotationKind::Primary.span(window.span(place))),
            ),
            None => Group::with_title(title),
        });
    }
    renderer.decor_style(DecorStyle::Ascii).render(&groups)
}

/// A stretch of a line around a place.
struct Window {
    text: String,
    /// Characters of the line left out at its start, less those put in for them.
    skipped: usize,
    dots: usize,
}

impl Window {
    fn of(place: Place, lines: &Lines<'_>) -> Option<Self> {
        let line = lines.get(&(place.file, place.line))?;
        let column = (place.column as usize).saturating_sub(1);
        let skipped = if line.len() > MOST_WIDE { column.saturating_sub(BEFORE) } else { 0 };
        let dots = if skipped > 0 { 3 } else { 0 };
        let mut rest = line.chars().skip(skipped);
        let mut text = ".".repeat(dots);
        text.extend(rest.by_ref().take(MOST_WIDE).map(shown));
        if rest.next().is_some() {
            text.push_str("...");
        }
        Some(Self { text, skipped, dots })
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
        // Characters that turn the reading direction could make a line read as something else.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        c => c,
    }
}
