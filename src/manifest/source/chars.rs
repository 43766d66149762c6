//! A file as a stream of characters, so that memory does not grow with its length.

use std::io::{self, BufReader, Read};

/// Why a stream of characters ends before its file does.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// This byte begins no character.
    NotUtf8(u8),
    Unreadable(io::Error),
}

/// The characters of a file, one after the other. Ends after the first error.
pub(crate) struct Chars<R> {
    bytes: io::Bytes<BufReader<R>>,
    broken: bool,
}

impl<R: Read> Chars<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { bytes: BufReader::with_capacity(64 * 1024, from).bytes(), broken: false }
    }

    /// The rest of a character of several bytes.
    fn long(&mut self, first: u8) -> Result<char, DecodeError> {
        let mut read = [first, 0, 0, 0];
        for at in 1..read.len() {
            match self.bytes.next() {
                Some(Ok(byte)) => read[at] = byte,
                Some(Err(error)) => return Err(DecodeError::Unreadable(error)),
                None => break,
            }
            match std::str::from_utf8(&read[..=at]) {
                Ok(text) => return text.chars().next().ok_or(DecodeError::NotUtf8(first)),
                Err(error) if error.error_len().is_some() => break,
                Err(_) => {}
            }
        }
        Err(DecodeError::NotUtf8(first))
    }
}

impl<R: Read> Iterator for Chars<R> {
    type Item = Result<char, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let c = match self.bytes.next()? {
            Ok(byte) if byte.is_ascii() => Ok(char::from(byte)),
            Ok(byte) => self.long(byte),
            Err(error) => Err(DecodeError::Unreadable(error)),
        };
        self.broken = c.is_err();
        Some(c)
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
