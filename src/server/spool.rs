//! What is sent to a client that may be slow: in memory while it is small, in a temporary file
//! otherwise, so that the ledger is read in one go and no reader of it waits for a network.

use std::io::{self, BufWriter, IntoInnerError, Seek};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tempfile::{SpooledData, SpooledTempFile};
use tokio_util::io::ReaderStream;

/// How much is held in memory, in bytes.
const MAX_HELD: usize = 4 << 20;
/// How much of a file is read at once, in bytes.
const PIECE: usize = 64 << 10;

pub(super) type Spool = BufWriter<SpooledTempFile>;

/// Something to write into.
pub(super) fn spool() -> Spool {
    BufWriter::new(SpooledTempFile::new(MAX_HELD))
}

/// All that was written, in pieces.
pub(super) fn pieces(spool: Spool) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
    let mut written = spool.into_inner().map_err(IntoInnerError::into_error)?;
    written.rewind()?;
    Ok(match written.into_inner() {
        SpooledData::InMemory(bytes) => stream::iter([Ok(bytes.into_inner().into())]).boxed(),
        SpooledData::OnDisk(file) => {
            ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE).boxed()
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn what_is_written_comes_out_whole() {
        for count in [0, 1, 1000] {
            let mut spool = spool();
            for n in 0..count {
                writeln!(spool, "{n:9999}").unwrap();
            }
            assert_eq!(spool.get_ref().is_rolled(), count == 1000);
            let read: Vec<_> = pieces(spool).unwrap().collect().await;
            let length: usize = read.iter().map(|piece| piece.as_ref().unwrap().len()).sum();
            assert_eq!(length, count * 10_000);
        }
    }
}
