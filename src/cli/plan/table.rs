//! The table of a plan: what is to be done first, in columns that hold also under long ids and under
//! Chinese ones.

use std::io::{self, Write};

use crate::catalog::Catalog;
use crate::domain::shot::Shot;
use crate::plan::{Action, Because, Line, Plan};
use crate::report::text::{Screen, columns, dollars, label, padded, safe};

use super::settings;

/// The most columns of a terminal that ids take; a longer id stands on a line of its own.
const WIDEST_ID: usize = 40;
/// The fewest that are left to ids beside the rest of a line; otherwise all stand on their own lines.
const NARROWEST_ID: usize = 10;
/// What parts two columns.
const GAP: &str = "  ";

/// A line: its shot, and the cells after the id.
struct Row<'a> {
    shot: &'a Shot,
    cells: Vec<String>,
}

impl Row<'_> {
    fn id(&self) -> &str {
        self.shot.id.as_str()
    }
}

/// Writes at most `most` lines: those to be bought first, then what waits or needs a look. What is done
/// is only counted, unless all are asked for.
pub fn write(
    out: &mut dyn Write,
    plan: &Plan<'_>,
    catalog: &Catalog,
    most: usize,
    screen: Screen,
) -> io::Result<()> {
    let is_listed = |line: &&Line<'_>| line.action != Action::Done || most == usize::MAX;
    let mut lines: Vec<&Line<'_>> = plan.lines.iter().filter(is_listed).collect();
    if lines.is_empty() {
        return Ok(());
    }
    lines.sort_by_key(|line| place(line.action));
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    let (heads, rows) = laid_out(&lines, catalog);
    writeln!(out)?;
    draw(out, &heads, &rows, screen)?;
    if more > 0 {
        writeln!(out, "… and {more} more (-v shows all)")?;
    }
    Ok(())
}

/// Where a line stands: what is bought, what goes on by itself, what needs a look, what is done.
const fn place(action: Action) -> u8 {
    match action {
        Action::Render | Action::Retry => 0,
        Action::GoOn | Action::Download => 1,
        Action::InDoubt | Action::Failed => 2,
        Action::Done => 3,
    }
}

/// What a line would do, in one word.
fn word(line: &Line<'_>) -> &'static str {
    match line.because {
        Some(Because::New) if line.was().is_some() => "renamed",
        Some(Because::New) | None => line.action.word(),
        Some(because) => because.word(),
    }
}

/// The heads of the columns after the first, and the rows. Of the settings those that differ.
fn laid_out<'a>(lines: &[&Line<'a>], catalog: &Catalog) -> (Vec<&'static str>, Vec<Row<'a>>) {
    let settings: Vec<_> = lines.iter().map(|line| settings::of(line.shot, catalog)).collect();
    let differs = |nth: &usize| settings.iter().any(|one| one.get(*nth) != settings[0].get(*nth));
    let shown: Vec<usize> = (0..settings::SHOWN.len()).filter(differs).collect();
    let mut heads = vec!["ACTION", "PRICE", "MODEL"];
    heads.extend(shown.iter().map(|nth| settings::SHOWN[*nth].1));
    let rows = lines.iter().zip(&settings).map(|(line, settings)| {
        let price = line.price.map_or_else(|| "unknown".to_owned(), dollars);
        let mut cells = vec![word(line).to_owned(), price, safe(&line.shot.model)];
        let setting = |nth: &usize| settings[*nth].clone().unwrap_or_else(|| "-".to_owned());
        cells.extend(shown.iter().map(setting));
        Row { shot: line.shot, cells }
    });
    (heads, rows.collect())
}

fn draw(out: &mut dyn Write, heads: &[&str], rows: &[Row<'_>], screen: Screen) -> io::Result<()> {
    let widest = |nth: usize, head: &str| {
        let cells = rows.iter().filter_map(|row| row.cells.get(nth));
        cells.map(|cell| columns(cell)).max().unwrap_or(0).max(head.len())
    };
    let widths: Vec<usize> =
        heads.iter().enumerate().map(|(nth, head)| widest(nth, head)).collect();
    let rest: usize = widths.iter().map(|width| width + GAP.len()).sum();
    let longest = rows.iter().map(|row| columns(row.id())).max().unwrap_or(0).max("SHOT".len());
    let room = screen.room().map_or(WIDEST_ID, |room| room.saturating_sub(rest));
    if room < NARROWEST_ID.min(longest) {
        return stacked(out, rows, screen.room().unwrap_or(usize::MAX));
    }
    let wide = longest.min(WIDEST_ID).min(room);
    let text = |cells: &[&str]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(nth, (cell, wide))| match nth {
            1 => format!("{GAP}{cell:>wide$}"),
            _ => format!("{GAP}{}", padded(cell, *wide)),
        });
        cells.collect::<String>()
    };
    writeln!(out, "{}", format!("{}{}", padded("SHOT", wide), text(heads)).trim_end())?;
    for row in rows {
        let cells: Vec<&str> = row.cells.iter().map(String::as_str).collect();
        let rest = text(&cells);
        let first = if columns(row.id()) > wide {
            writeln!(out, "{}", row.id())?;
            let variant = row.shot.variant.iter().map(|(name, value)| (&**name, &**value));
            padded(&label(variant, wide), wide)
        } else {
            padded(row.id(), wide)
        };
        writeln!(out, "{}", format!("{first}{rest}").trim_end())?;
    }
    Ok(())
}

/// In a narrow terminal each id stands on its own line, and the rest below it.
fn stacked(out: &mut dyn Write, rows: &[Row<'_>], room: usize) -> io::Result<()> {
    for row in rows {
        writeln!(out, "{}", row.id())?;
        let mut line = String::new();
        for cell in row.cells.iter().filter(|cell| *cell != "-") {
            if !line.is_empty() && 2 + columns(&line) + GAP.len() + columns(cell) > room {
                writeln!(out, "{GAP}{line}")?;
                line.clear();
            }
            if !line.is_empty() {
                line.push_str(GAP);
            }
            line.push_str(cell);
        }
        writeln!(out, "{GAP}{line}")?;
    }
    Ok(())
}
