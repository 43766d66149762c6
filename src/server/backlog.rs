//! What is sent to a client that may be slow: in memory while it is small, in a temporary file
//! otherwise, so that the ledger is read in one go and no reader of it waits for a network.

use std::io::{self, Write};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;

/// How much is held in memory, in bytes.
const MAX_HELD: usize = 4 << 20;
/// How much of a file is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// Being written.
#[derive(Default)]
pub(super) struct Spool {
    held: Vec<u8>,
    file: Option<NamedTempFile>,
}

/// Written.
pub(super) enum Spooled {
    Held(Bytes),
    File(NamedTempFile),
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() > MAX_HELD {
            self.spill()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spool {
    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(NamedTempFile::new()?),
        };
        file.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }

    /// No more is written.
    pub(super) fn finish(mut self) -> io::Result<Spooled> {
        if self.file.is_some() {
            self.spill()?;
        }
        Ok(self.file.map_or_else(|| Spooled::Held(self.held.into()), Spooled::File))
    }
}

impl Spooled {
    /// All of it, from the beginning, in pieces.
    pub(super) fn pieces(&self) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        match self {
            Self::Held(bytes) => Ok(stream::iter([Ok(bytes.clone())]).boxed()),
            Self::File(file) => {
                let file = tokio::fs::File::from_std(file.reopen()?);
                Ok(ReaderStream::with_capacity(file, PIECE).boxed())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_comes_out_whole_as_often_as_it_is_asked_for() {
        for pieces in [0, 1, 1000] {
            let mut spool = Spool::default();
            for n in 0..pieces {
                writeln!(spool, "{n:9999}").unwrap();
            }
            let spooled = spool.finish().unwrap();
            assert_eq!(matches!(spooled, Spooled::File(_)), pieces == 1000);
            for _ in 0..2 {
                let read: Vec<_> = spooled.pieces().unwrap().collect().await;
                let length: usize = read.iter().map(|piece| piece.as_ref().unwrap().len()).sum();
                assert_eq!(length, pieces * 10_000);
            }
        }
    }
}
