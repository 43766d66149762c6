//! The part of a clip that did not fit into memory: written batch by batch to a temporary file and
//! hashed on the way.

use std::io::{self, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

use crate::clips::ClipError;
use crate::failpoint;

use super::directories::{ClipPlace, Directories};
use super::temporary::Temporary;

/// What was written of a clip so far.
pub(super) struct Spilled {
    pub temporary: Temporary,
    pub hash: Sha256,
    /// In bytes.
    pub written: u64,
}

impl Spilled {
    /// Nothing yet, in a temporary file beside the clip's place.
    pub(super) fn begin(directories: &Directories, place: &ClipPlace) -> Result<Self, ClipError> {
        let directory = directories.make(&place.folder)?;
        let made = Temporary::create(directory);
        let temporary = made.map_err(directories.error_at(place))?;
        failpoint::point("temporary clip made");
        Ok(Self { temporary, hash: Sha256::new(), written: 0 })
    }

    /// Writes all of a batch or, on an error, none of it.
    pub(super) fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        if let Err(error) = self.append(batch) {
            let file = &mut self.temporary.file;
            file.set_len(self.written)?;
            file.seek(SeekFrom::Start(self.written))?;
            return Err(error);
        }
        failpoint::point("clip written in part");
        Ok(())
    }

    /// Writes the last bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.temporary.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }
}
