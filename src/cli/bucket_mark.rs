//! `ledger.id` in a bucket: the ledger that knows what was bought for it, as a campaign folder names
//! its own.

use std::path::Path;

use bytes::Bytes;

use crate::clips::Bucket;
use crate::ledger::Owner;

use super::bucket::refused;
use super::error::CliError;
use super::holdings::owner;
use super::ownership::admit;
use super::settings::CampaignPaths;

/// Names the campaign's ledger in its bucket, before anything is bought; refuses the bucket of another
/// ledger. Call it under the run lock.
pub async fn take(bucket: &Bucket, paths: &CampaignPaths) -> Result<(), CliError> {
    let id = paths.ledger.snapshot().and_then(|reader| reader.summary())?.home.id;
    let Some(id) = id else { return Ok(()) };
    let text = Owner::text(Path::new(""), &id, paths.ledger.path());
    let ours = Owner::parse(&text, Path::new(""));
    let text = Bytes::from(text);
    let at = |error| refused(&error, bucket.url());
    let mut kept = owner(bucket).await?;
    if kept.is_none() {
        if bucket.add(Owner::FILE, text.clone()).await.map_err(at)? {
            return Ok(());
        }
        // Another run was faster, or the answer to this one's first try was lost.
        kept = owner(bucket).await?;
    }
    let is_ours = kept == ours;
    if let Some(kept) = kept {
        admit(kept, paths)?;
    }
    if is_ours {
        return Ok(());
    }
    // The ledger was moved.
    bucket.write(Owner::FILE, text, "text/plain").await.map_err(at)
}
