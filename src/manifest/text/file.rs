//! Opens the text files of a manifest and reads them as a stream of characters, so that memory does
//! not grow with their length. Refuses what is no UTF-8 text with the way out of the program that
//! wrote it.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use crate::manifest::report::log::{Log, Mistake, Place};
use crate::disk;

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// Opens a text file, after its byte-order mark. `None` when it is no text, which was reported.
///
/// # Errors
/// When it cannot be opened at all, with the reason; the caller knows who named it.
pub(in crate::manifest) fn open(path: &Path, log: &mut Log) -> Result<Option<(u16, File)>, String> {
    let cannot = |error: io::Error| format!("{} cannot be read: {}", path.display(), plain(&error));
    let file = log.source(path).ok_or("the manifest names too many files")?;
    let mut opened = disk::open_file(path).map_err(cannot)?;
    let mut head = Vec::new();
    (&mut opened).take(4).read_to_end(&mut head).map_err(cannot)?;
    if let Some((what, fix)) = no_text(&head, is_table(path)) {
        log.is_no_text(file);
        log.add(Mistake::new(Place::start(file), what).fix(fix.to_owned()));
        return Ok(None);
    }
    let mark = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    opened.seek(io::SeekFrom::Start(mark)).map_err(cannot)?;
    Ok(Some((file, opened)))
}

/// Whether a file is a table by its name.
pub(in crate::manifest) fn is_table(path: &Path) -> bool {
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
pub(in crate::manifest) fn not_utf8(place: Place, byte: u8, is_csv: bool, log: &mut Log) {
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
    log.add(Mistake::new(place, what).fix(fix.to_owned()));
}

/// The character of a byte in Windows-1252, the encoding of spreadsheets' plain "CSV" in the West.
/// Table: <https://encoding.spec.whatwg.org/index-windows-1252.txt>.
fn windows_1252(byte: u8) -> Option<char> {
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

/// Why a stream of characters ends before its file does.
#[derive(Debug)]
pub(in crate::manifest) enum Broken {
    /// This byte begins no character.
    NotUtf8(u8),
    Unreadable(io::Error),
}

/// The characters of a file, one after the other. Ends after the first error.
pub(in crate::manifest) struct Chars<R> {
    from: R,
    /// Bytes that are no whole character yet.
    rest: Vec<u8>,
    text: String,
    at: usize,
    ended: bool,
    /// Why it ended, until it was told.
    broken: Option<Broken>,
}

impl<R: Read> Chars<R> {
    pub(in crate::manifest) fn new(from: R) -> Self {
        Self { from, rest: Vec::new(), text: String::new(), at: 0, ended: false, broken: None }
    }

    /// Reads more text; at the end there is none.
    fn fill(&mut self) {
        self.text.clear();
        self.at = 0;
        while self.text.is_empty() && !self.ended {
            let limit = u64::try_from(CHUNK).unwrap_or(0);
            match self.from.by_ref().take(limit).read_to_end(&mut self.rest) {
                Ok(0) => self.end(self.rest.first().map(|byte| Broken::NotUtf8(*byte))),
                Ok(_) => self.decode(),
                Err(error) => self.end(Some(Broken::Unreadable(error))),
            }
        }
    }

    /// Takes the whole characters out of the bytes that were read.
    fn decode(&mut self) {
        let error = match std::str::from_utf8(&self.rest) {
            Ok(text) => {
                self.text.push_str(text);
                self.rest.clear();
                return;
            }
            Err(error) => error,
        };
        let good = error.valid_up_to();
        if let Some(text) = self.rest.get(..good).and_then(|good| std::str::from_utf8(good).ok()) {
            self.text.push_str(text);
        }
        self.rest.drain(..good);
        if error.error_len().is_some() {
            self.end(self.rest.first().map(|byte| Broken::NotUtf8(*byte)));
        }
    }

    fn end(&mut self, broken: Option<Broken>) {
        (self.ended, self.broken) = (true, broken);
    }
}

impl<R: Read> Iterator for Chars<R> {
    type Item = Result<char, Broken>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.text.len() {
            self.fill();
        }
        match self.text.get(self.at..).and_then(|text| text.chars().next()) {
            Some(c) => {
                self.at += c.len_utf8();
                Some(Ok(c))
            }
            None => self.broken.take().map(Err),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte at a time.
    struct Drip<'b>(&'b [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(1);
            self.0.read(buffer.get_mut(..count).unwrap_or_default())
        }
    }

    #[test]
    fn characters_come_whole_however_the_bytes_do() {
        let text = "aä\u{20ac}🎬\n".repeat(20_000);
        let whole: Result<String, _> = Chars::new(text.as_bytes()).collect();
        assert_eq!(whole.unwrap(), text);
        let text = "aä\u{20ac}🎬";
        let dripped: Result<String, _> = Chars::new(Drip(text.as_bytes())).collect();
        assert_eq!(dripped.unwrap(), text);
    }

    #[test]
    fn a_byte_that_is_no_character_ends_the_stream_after_all_before_it() {
        for (bytes, good, bad) in [
            (b"ab\xe9cd".as_slice(), 2, 0xe9),
            (b"\xff", 0, 0xff),
            (b"a\xe2\x82", 1, 0xe2),
            (b"\xed\xa0\x80", 0, 0xed),
        ] {
            let mut chars = Chars::new(bytes);
            assert_eq!(chars.by_ref().take_while(Result::is_ok).count(), good);
            let mut chars = Chars::new(bytes).skip(good);
            assert!(matches!(chars.next(), Some(Err(Broken::NotUtf8(byte))) if byte == bad));
            assert!(chars.next().is_none());
        }
    }

    #[test]
    fn the_meant_character_of_a_spreadsheet_is_named() {
        assert_eq!(windows_1252(0xe9), Some('é'));
        assert_eq!(windows_1252(0x93), Some('“'));
        assert_eq!(windows_1252(0x80), Some('€'));
        assert_eq!([0x81, 0xa0, b'a'].map(windows_1252), [None; 3]);
    }
}
