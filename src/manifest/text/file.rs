//! Opens the text files of a manifest. Refuses what is no UTF-8 text, and says how to export it from
//! the program that wrote it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;

use crate::disk;
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::source::place::Place;

/// Opens a text file, after its byte-order mark. `None` when it is no text, which was reported.
///
/// # Errors
/// When it cannot be opened at all, with the reason; the caller knows which line names it.
pub(crate) fn open(path: &Path, diags: &mut Diagnostics) -> Result<Option<(u16, File)>, String> {
    let cannot = |error: io::Error| format!("{} cannot be read: {}", path.display(), plain(&error));
    let file = diags.source(path).ok_or("the manifest names too many files")?;
    let mut opened = disk::open_file(path).map_err(cannot)?;
    let mut head = Vec::new();
    (&mut opened).take(4).read_to_end(&mut head).map_err(cannot)?;
    if let Some((what, fix)) = no_text(&head, is_table(path)) {
        diags.set_no_text(file);
        diags.error(Place::start(file), what, fix);
        return Ok(None);
    }
    let mark = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    opened.seek(io::SeekFrom::Start(mark)).map_err(cannot)?;
    Ok(Some((file, opened)))
}

/// Whether a file is a table by its name.
pub(crate) fn is_table(path: &Path) -> bool {
    let is = |known: &&str| path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case(known));
    ["csv", "tsv"].iter().any(is)
}

/// What a file is that begins like this and is no UTF-8 text, and what to do about it.
fn no_text(head: &[u8], is_table: bool) -> Option<(&'static str, &'static str)> {
    let spreadsheet = "in the spreadsheet choose Save As or Export, then \"CSV UTF-8\", and name \
                       that file";
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some((
            "this text is in UTF-16, not in UTF-8",
            if is_table {
                spreadsheet
            } else {
                "save it in UTF-8; text editors ask for it when saving"
            },
        )),
        [b'P', b'K', 3, 4] => Some(("this is a workbook or an archive, not a text", spreadsheet)),
        [0xd0, 0xcf, 0x11, 0xe0] => {
            Some(("this is an old Excel workbook, not a text", spreadsheet))
        }
        [0x89, b'P', b'N', b'G'] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8'] => {
            Some(("this is an image, not a manifest", "name the file that lists the shots"))
        }
        [b'%', b'P', b'D', b'F'] => {
            Some(("this is a PDF, not a text", "write the shots as YAML or CSV"))
        }
        _ => None,
    }
}

/// An error of the system in plain words.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "you are not allowed to read it".to_owned(),
        _ => error.to_string(),
    }
}

/// Reports bytes that are no UTF-8, with the character they were probably meant to be.
pub(crate) fn not_utf8(place: Place, byte: u8, is_csv: bool, diags: &mut Diagnostics) {
    let meant = windows_1252(byte);
    let what = match meant {
        Some(meant) => format!(
            "this is not UTF-8 text: the byte 0x{byte:02X}, which is `{meant}` in Windows-1252"
        ),
        None => format!("this is not UTF-8 text: the byte 0x{byte:02X}"),
    };
    let fix = if is_csv {
        "in the spreadsheet choose Save As or Export, then \"CSV UTF-8\""
    } else {
        "save it in UTF-8; text editors ask for the encoding when saving"
    };
    diags.error(place, what, fix);
}

/// The character of a byte in Windows-1252, the encoding of spreadsheets' plain "CSV" in the West.
/// Table: <https://encoding.spec.whatwg.org/index-windows-1252.txt>.
#[must_use]
pub fn windows_1252(byte: u8) -> Option<char> {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let meant = match byte {
        0x80..=0x9f => FROM_80.get(usize::from(byte - 0x80)).copied(),
        _ => Some(char::from(byte)),
    };
    meant.filter(|meant| !meant.is_control() && !meant.is_ascii() && *meant != '\u{a0}')
}
