//! What a reader has read and may want to look at again: the bytes of the current row, so that the
//! place of a cell can be told without keeping the file.

use std::io::{self, Read};

/// The longest row, in bytes. A longer one is a quote that is never closed.
pub(crate) const MAX_ROW: usize = 64 << 20;

/// Hands bytes through and keeps them until they are forgotten.
#[derive(Debug)]
pub(crate) struct RecordingReader<R> {
    from: R,
    kept: Vec<u8>,
    /// The offset of the first byte that is still wanted.
    start: usize,
    /// The offset of the first byte that is kept.
    base: usize,
    ended: bool,
}

impl<R: Read> RecordingReader<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, kept: Vec::new(), start: 0, base: 0, ended: false }
    }

    /// The bytes between two offsets.
    pub(crate) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        let at = |offset: usize| offset.saturating_sub(self.base).min(self.kept.len());
        self.kept.get(at(from)..at(to)).unwrap_or_default()
    }

    /// Bytes before this offset are not wanted any more.
    pub(crate) fn forget(&mut self, before: usize) {
        self.start = before;
    }

    /// Whether everything was read.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

impl<R: Read> Read for RecordingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Moving what is still wanted only now keeps it to once a buffer.
        let unwanted = self.start.saturating_sub(self.base).min(self.kept.len());
        self.kept.drain(..unwanted);
        self.base += unwanted;
        if self.kept.len() > MAX_ROW {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 64 MB"));
        }
        let count = self.from.read(buffer)?;
        self.ended = count == 0;
        self.kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
