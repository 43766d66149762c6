//! Whether a bucket can be written to, and whether it keeps what is there: asked of a small object,
//! before anything is bought.

use object_store::{Attributes, PutPayload};

use crate::clips::ClipError;

use super::answer::Meaning;
use super::objects::Bucket;

/// The object's name below the prefix.
const NAME: &str = ".rushes-probe";
/// What it holds.
const TEXT: &str = "rushes writes this to find out whether it may write here and whether what is \
                    there is kept. It can be deleted.\n";

impl Bucket {
    /// Writes the probe object. Whether the store keeps what has a name already when a PUT asks for
    /// that: most kinds of S3 do.
    ///
    /// # Errors
    /// When the bucket cannot be reached or written to.
    pub async fn probe(&self) -> Result<bool, ClipError> {
        let key = self.key(NAME)?;
        let payload = || PutPayload::from_static(TEXT.as_bytes());
        // The first may make the object; one more must be refused then.
        let (mut made, mut tries) = (false, 0);
        loop {
            match self.create(&key, payload(), Attributes::new()).await {
                Ok(()) if made => return Ok(false),
                Ok(()) => made = true,
                Err(error) => match error.meaning {
                    Meaning::Taken => return Ok(true),
                    Meaning::Unsupported => break,
                    Meaning::Passing if tries + 1 < self.tries() => {
                        tries += 1;
                        self.pause(tries).await;
                    }
                    _ => return Err(self.at(error, NAME)),
                },
            }
        }
        let written = self.replace(&key, payload(), Attributes::new()).await;
        written.map(|()| false).map_err(|error| self.at(error, NAME))
    }
}
