//! The CSV of an entry's rows, as any spreadsheet might have saved it.

use super::model::{Entry, Table, written};
use super::tree::Style;

/// The text of a table.
pub fn text(entry: &Entry, table: &Table, style: &mut Style) -> String {
    let mut columns: Vec<Option<&str>> =
        table.columns.iter().map(|column| Some(column.as_str())).collect();
    let mut added = Vec::new();
    if entry.named && style.odd(3) {
        added.push(("unused", ["whatever", "1;2,3", "\"\"", "two\nlines"].as_slice()));
    }
    if style.odd(4) {
        added.push(("priority", ["1", "-3", "2.0"].as_slice()));
    }
    if style.odd(4) {
        added.push(("tags", ["x", "x;y", "{{ id }}"].as_slice()));
    }
    columns.extend(added.iter().map(|(name, _)| Some(*name)));
    // Columns without a name and without a cell.
    columns.extend(style.odd(4).then_some(None));
    style.shuffle(&mut columns);
    let mut rows: Vec<_> = table.rows.iter().collect();
    style.shuffle(&mut rows);

    let separator = style.of(&[',', ';', '\t']);
    let end = style.of(&["\n", "\r\n"]);
    let mut out = String::new();
    out.push_str(if style.odd(4) { "\u{feff}" } else { "" });
    let mut line = |cells: Vec<String>, style: &mut Style| {
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell, style)).collect();
        out.push_str(&cells.join(&separator.to_string()));
        out.push_str(end);
        if style.odd(10) {
            out.extend(std::iter::repeat_n(separator, cells.len() - 1));
            out.push_str(end);
        }
    };
    line(columns.iter().map(|name| name.unwrap_or("").to_owned()).collect(), style);
    for row in rows {
        // Where an id tells the row apart, its other cells may be dressed up too.
        let told = row.cells.contains_key("id");
        let cells = columns.iter().map(|name| {
            let Some(name) = name else { return String::new() };
            if let Some((_, ways)) = added.iter().find(|(added, _)| added == name) {
                return style.of(ways).to_owned();
            }
            let cell = row.cells.get(*name).map(written).unwrap_or_default();
            let seconds = *name == "duration" && told;
            if (seconds || *name == "takes") && !cell.is_empty() && style.odd(2) {
                return cell + ".0";
            }
            cell
        });
        let cells = cells.collect();
        line(cells, style);
    }
    if style.odd(4) && out.ends_with(end) {
        out.truncate(out.len() - end.len());
    }
    out
}

fn quoted(cell: &str, style: &mut Style) -> String {
    let must = cell.contains(['"', ',', ';', '\t', '\n', '\r']);
    if must || style.odd(4) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    if style.odd(8) { format!(" {cell}  ") } else { cell.to_owned() }
}
