//! `clips.url` in the campaign folder: the bucket that all clips of the campaign go to.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::clips::BucketUrl;

/// The longest such file that is believed, in bytes.
const MAX_BYTES: u64 = 4 << 10;

/// The file.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("clips.url")
}

/// The bucket that a campaign folder names: its clips go there, whatever is typed.
pub fn kept(folder: &Path) -> Option<BucketUrl> {
    let mut text = String::new();
    let file = crate::disk::open_file(&file(folder)).ok()?;
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    text.lines().next()?.trim().parse().ok()
}

/// Writes down which it is, durably. Call it under the run lock.
pub fn keep(folder: &Path, url: &BucketUrl) -> io::Result<()> {
    if kept(folder).as_ref() == Some(url) {
        return Ok(());
    }
    let text = format!("{url}\nWhere the clips of this campaign go. Keep it.\n");
    crate::disk::replace(&file(folder), &text)
}
