//! A file as a stream of characters with their places.

use std::io::{self, Read};

use rushes::manifest::chars::{Chars, DecodeError};
use rushes::manifest::place::Position;

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
        assert!(matches!(chars.next(), Some(Err(DecodeError::NotUtf8(byte))) if byte == bad));
        assert!(chars.next().is_none());
    }
}

#[test]
fn every_kind_of_line_end_is_one() {
    let mut position = Position::START;
    let places: Vec<_> =
        "\u{feff}a\nb\r\nc\r\rd".chars().filter_map(|c| position.advance(c)).collect();
    assert_eq!(places, [(1, 1), (2, 1), (3, 1), (5, 1)]);
}
