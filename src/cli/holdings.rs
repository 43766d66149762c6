//! What lies where a campaign's clips go, before anything is bought: the clips, and whose they are.

use std::collections::HashSet;
use std::path::Path;

use crate::clips::{Bucket, clips_in};
use crate::ledger::Owner;

use super::bucket::refused;
use super::error::CliError;
use super::settings::CampaignPaths;

/// The longest such object that is believed, in bytes.
const MAX_BYTES: u64 = 4 << 10;

/// What lies where a campaign's clips go.
#[derive(Debug, Default)]
pub struct Holdings {
    /// The clips' paths, relative to that place.
    pub clips: HashSet<String>,
    /// The ledger that bought them, if the place names it.
    pub owner: Option<Owner>,
}

impl Holdings {
    /// What lies in the campaign folder.
    pub fn in_folder(paths: &CampaignPaths) -> Self {
        let owner = Owner::of(&paths.folder).ok().flatten();
        Self { clips: clips_in(&paths.folder).into_iter().collect(), owner }
    }

    /// What lies in a bucket.
    pub async fn in_bucket(bucket: &Bucket) -> Result<Self, CliError> {
        let clips = bucket.clips().await.map_err(|error| refused(&error, bucket.url()))?;
        Ok(Self { clips: clips.into_iter().collect(), owner: owner(bucket).await? })
    }
}

/// The ledger that a bucket's `ledger.id` names.
pub async fn owner(bucket: &Bucket) -> Result<Option<Owner>, CliError> {
    let read = bucket.read(Owner::FILE, MAX_BYTES).await;
    let Some(text) = read.map_err(|error| refused(&error, bucket.url()))? else { return Ok(None) };
    match Owner::parse(&String::from_utf8_lossy(&text), Path::new("")) {
        Some(owner) => Ok(Some(owner)),
        None => Err(CliError::new(format!(
            "{} no longer names the ledger that knows what was bought for that place",
            bucket.url().join(Owner::FILE)
        ))
        .help(
            "put it back; or, if the ledger that you use is the one that bought what lies there, \
             delete that object and run again",
        )),
    }
}
