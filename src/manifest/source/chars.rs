//! A file as a stream of characters, so that memory does not grow with its length.

use std::io::{self, Read};

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// Why a stream of characters ends before its file does.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// This byte begins no character.
    NotUtf8(u8),
    Unreadable(io::Error),
}

/// The characters of a file, one after the other. Ends after the first error.
pub(crate) struct Chars<R> {
    from: R,
    /// Bytes that are no whole character yet.
    rest: Vec<u8>,
    text: String,
    at: usize,
    ended: bool,
    /// Why it ended, until that was returned.
    broken: Option<DecodeError>,
}

impl<R: Read> Chars<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, rest: Vec::new(), text: String::new(), at: 0, ended: false, broken: None }
    }

    /// Reads more text; at the end there is none.
    fn fill(&mut self) {
        self.text.clear();
        self.at = 0;
        while self.text.is_empty() && !self.ended {
            let limit = u64::try_from(CHUNK).unwrap_or(0);
            match self.from.by_ref().take(limit).read_to_end(&mut self.rest) {
                Ok(0) => self.end(self.rest.first().map(|byte| DecodeError::NotUtf8(*byte))),
                Ok(_) => self.decode(),
                Err(error) => self.end(Some(DecodeError::Unreadable(error))),
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
            self.end(self.rest.first().map(|byte| DecodeError::NotUtf8(*byte)));
        }
    }

    fn end(&mut self, broken: Option<DecodeError>) {
        (self.ended, self.broken) = (true, broken);
    }
}

impl<R: Read> Iterator for Chars<R> {
    type Item = Result<char, DecodeError>;

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
            assert!(matches!(chars.next(), Some(Err(DecodeError::NotUtf8(byte))) if byte == bad));
            assert!(chars.next().is_none());
        }
    }
}
