//! Stores of clips: what every one of them keeps, and the folder's own rules.

#[cfg(feature = "buckets")]
mod bucket;
mod clip_info;
mod conformance;
mod folder;
mod verify;

use bytes::Bytes;
use rushes::clips::{ClipError, ClipStore, Stored, clip_path};

/// A store that a test can open, and open again as the next run does.
pub trait Storage {
    fn open(&self) -> Box<dyn ClipStore>;

    /// Whether work that was begun ends when it is no longer waited for.
    fn ends_when_dropped(&self) -> bool {
        false
    }
}

fn mp4_box(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).unwrap();
    [&size.to_be_bytes()[..], &kind, body].concat()
}

/// A whole clip whose pictures are `length` bytes.
fn clip(length: usize) -> Bytes {
    let picture: Vec<u8> = (0..=250).cycle().take(length).collect();
    let head = [mp4_box(*b"ftyp", b"isom\0\0\x02\0"), mp4_box(*b"moov", b"")].concat();
    [head, mp4_box(*b"mdat", &picture)].concat().into()
}

/// Receives a clip in pieces and publishes it.
async fn store(clips: &dyn ClipStore, path: &str, bytes: &Bytes) -> Result<Stored, ClipError> {
    let mut writer = clips.begin(path)?;
    for chunk in bytes.chunks(10_000) {
        writer.write(Bytes::copy_from_slice(chunk)).await?;
    }
    assert_eq!(writer.len(), bytes.len() as u64);
    writer.publish(Some(bytes.len() as u64)).await
}

#[test]
fn a_clips_path_tells_revision_and_part() {
    assert_eq!(clip_path("beach", 1, 1), "clips/beach.mp4");
    assert_eq!(clip_path("beach", 2, 1), "clips/beach~r2.mp4");
    assert_eq!(clip_path("beach", 1, 2), "clips/beach~2.mp4");
    assert_eq!(clip_path("day1/beach", 2, 3), "clips/day1/beach~r2~3.mp4");
}
