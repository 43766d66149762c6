//! Whether a campaign's bucket takes clips, and whose it is.

use crate::domain::shot::Shot;

use super::super::bucket;
use super::super::error::CliError;
use super::super::holdings::Holdings;
use super::super::ownership;
use super::super::settings::CampaignPaths;
use super::belonging::refused;
use super::finding::Finding;

/// What is found of a campaign's bucket; nothing where its clips go to its folder. `shots`: where the
/// manifest can be read.
pub fn findings(paths: &CampaignPaths, shots: Option<&[Shot]>) -> Vec<Finding> {
    let Some(url) = &paths.bucket else { return Vec::new() };
    let look = || {
        bucket::one_place(paths)?;
        let Some(bucket) = bucket::connect(paths)? else { return Ok(None) };
        let asked = bucket::wait(async {
            let there = Holdings::in_bucket(&bucket).await?;
            let keeps = bucket.probe().await.map_err(|error| bucket::refused(&error, url))?;
            Ok((there, keeps))
        })?;
        Ok::<_, CliError>(Some((bucket, asked)))
    };
    let (bucket, (there, keeps)) = match look() {
        Ok(Some(found)) => found,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![refused("bucket", &error)],
    };
    let reached = if keeps {
        Finding::ok("bucket", format!("{url} can be listed, read and written"))
    } else {
        let what = format!(
            "{url} can be listed, read and written, but does not refuse to replace what is there: it is \
             looked for before a clip is stored"
        );
        Finding::warning("bucket", what).help("let no other program write there meanwhile")
    };
    let belongs = || {
        if let Some(error) = ownership::lost_ledger(paths, &there) {
            return Err(error);
        }
        if let Some(owner) = there.owner.clone() {
            ownership::admit(owner, paths)?;
        }
        match shots {
            Some(shots) => ownership::check_bucket(paths, shots, &bucket, &there),
            None => Ok(()),
        }
    };
    let wrong = belongs().err().map(|error| refused("in bucket", &error));
    std::iter::once(reached).chain(wrong).collect()
}
