//! A CSV file as rows of cells that know their places.

use rushes::manifest::Diagnostics;
use rushes::manifest::place::Place;
use rushes::manifest::table::{HEAD, Table};

/// Every filled cell with its place, and how many mistakes there were.
fn cells(text: &[u8]) -> (Vec<(String, u32, u32)>, usize) {
    let mut diags = Diagnostics::default();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file.as_file(), text).unwrap();
    let (table, mut rows) = Table::open(file.path(), &mut diags).unwrap().unwrap();
    let mut cells = Vec::new();
    while let Some(row) = rows.next(&table, &mut diags) {
        for column in 0..table.columns.len() {
            if let Some(cell) = row.cell(column) {
                let Place { line, column, .. } = row.place(column);
                cells.push((cell.to_owned(), line, column));
            }
        }
    }
    (cells, diags.error_count())
}

#[test]
fn a_cell_knows_its_line_and_column() {
    for (text, expected) in [
        ("a,b\n1,2\n", vec![("1", 2, 1), ("2", 2, 3)]),
        ("a;b\r\n1;2\r\n\r\n3;4\r\n", vec![("1", 2, 1), ("2", 2, 3), ("3", 4, 1), ("4", 4, 3)]),
        (
            "\n\na\tb\n\"x\n\ny\"\t2\n3\t4",
            vec![("x\n\ny", 4, 1), ("2", 6, 4), ("3", 7, 1), ("4", 7, 3)],
        ),
        ("\"a;b\",c\nä,\"q\"\"q\"\n", vec![("ä", 2, 1), ("q\"q", 2, 3)]),
        ("a,b\n,\n  ,\n1,", vec![("1", 4, 1)]),
        // What Excel writes first so that it can read it again.
        ("sep=;\r\na;b\r\n1,5;2\r\n", vec![("1,5", 3, 1), ("2", 3, 5)]),
        ("sep=|\na|b\n1|2", vec![("1", 3, 1), ("2", 3, 3)]),
        // What old spreadsheets on a Mac write: lines end with CR alone.
        ("a,b\r1,\"x\ry\"\r3,4\r", vec![("1", 2, 1), ("x\ry", 2, 3), ("3", 4, 1), ("4", 4, 3)]),
    ] {
        let (found, mistakes) = cells(text.as_bytes());
        let found: Vec<_> = found.iter().map(|(cell, l, c)| (cell.as_str(), *l, *c)).collect();
        assert_eq!((found, mistakes), (expected, 0), "{text:?}");
    }
}

#[test]
fn places_are_right_across_the_buffer_s_edges() {
    for length in [HEAD - 3, HEAD - 2, HEAD - 1, HEAD, 3 * HEAD] {
        let long = "x".repeat(length);
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("a,b{end}{long},1{end}{end}2,3{end}\"{long}{end}\",4{end}5,6");
            let (found, mistakes) = cells(text.as_bytes());
            let places: Vec<_> = found.iter().map(|(_, line, column)| (*line, *column)).collect();
            let far = u32::try_from(length).unwrap() + 2;
            let expected = [(2, 1), (2, far), (4, 1), (4, 3), (5, 1), (6, 3), (7, 1), (7, 3)];
            assert_eq!((places.as_slice(), mistakes), (expected.as_slice(), 0), "{length} {end:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_end_the_rows_before_them() {
    let (found, mistakes) = cells(b"a,b\n1,2\ncaf\xe9,3\n4,5\n");
    assert_eq!((found.len(), mistakes), (2, 1));
}
