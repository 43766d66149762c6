//! Clips on a real disk.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rushes::clips::{ClipError, Clips, Stored};
use rushes::domain::time::{Clock, SystemClock, Timestamp};
use tempfile::TempDir;

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

fn folder() -> (TempDir, Clips) {
    let folder = tempfile::tempdir().unwrap();
    let clips = Clips::open(folder.path()).unwrap();
    (folder, clips)
}

async fn store(clips: &Clips, path: &str, bytes: &Bytes) -> Result<Stored, ClipError> {
    let mut partial = clips.begin(path).await?;
    for chunk in bytes.chunks(10_000) {
        partial.write(Bytes::copy_from_slice(chunk)).await?;
    }
    assert_eq!(partial.len(), bytes.len() as u64);
    partial.finish(Some(bytes.len() as u64)).await
}

/// Every file below a folder, relative to it, sorted.
fn files(folder: &Path) -> Vec<String> {
    fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                collect(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort();
    found
}

#[tokio::test]
async fn a_clip_lies_under_its_name_with_its_length_and_hash() {
    let (folder, clips) = folder();
    let bytes = clip(1_000_000);
    let stored = store(&clips, "clips/day 1/beach.mp4", &bytes).await.unwrap();
    assert_eq!(fs::read(folder.path().join(&stored.path)).unwrap(), bytes);
    let sha256: [u8; 32] = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        &bytes,
    ))
    .into();
    let (path, length) = ("clips/day 1/beach.mp4".to_owned(), bytes.len() as u64);
    let unread = Some("it has no picture".into());
    let (clip_info, moved_aside) = (None, None);
    assert_eq!(stored, Stored { path, bytes: length, sha256, clip_info, unread, moved_aside });
    assert_eq!(files(folder.path()), ["clips/day 1/beach.mp4"]);
}

#[tokio::test]
async fn what_is_no_whole_clip_never_gets_a_name() {
    let (folder, clips) = folder();
    let whole = clip(1000);
    for bytes in [&b""[..], b"<html><title>Expired</title>", &whole[..whole.len() - 1]] {
        let mut partial = clips.begin("clips/beach.mp4").await.unwrap();
        partial.write(Bytes::copy_from_slice(bytes)).await.unwrap();
        let said = partial.finish(None).await;
        assert!(matches!(said, Err(ClipError::NotAClip(_))), "{said:?}");
    }
    let mut partial = clips.begin("clips/beach.mp4").await.unwrap();
    partial.write(whole.clone()).await.unwrap();
    let said = partial.finish(Some(whole.len() as u64 + 1)).await;
    assert!(matches!(said, Err(ClipError::NotAClip(_))), "{said:?}");
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn what_is_being_received_never_looks_like_a_clip() {
    let (folder, clips) = folder();
    let mut partial = clips.begin("clips/beach.mp4").await.unwrap();
    partial.write(clip(600_000)).await.unwrap();
    let [file] = &files(folder.path())[..] else { panic!() };
    assert!(file.starts_with("clips/.rushes-"), "{file}");
    assert_eq!(Path::new(file).extension().unwrap(), "part");
    drop(partial);
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn a_restart_forgets_what_came_before() {
    let (folder, clips) = folder();
    let mut partial = clips.begin("clips/beach.mp4").await.unwrap();
    partial.write(clip(600_000)).await.unwrap();
    partial.write(Bytes::from_static(b"not written yet")).await.unwrap();
    partial.restart().await.unwrap();
    assert!(partial.is_empty());
    let bytes = clip(5000);
    partial.write(bytes.clone()).await.unwrap();
    let stored = partial.finish(Some(bytes.len() as u64)).await.unwrap();
    assert_eq!(fs::read(folder.path().join(&stored.path)).unwrap(), bytes);
    assert_eq!(stored, store(&clips, "clips/beach.mp4", &bytes).await.unwrap());
}

#[tokio::test]
async fn the_same_file_already_there_is_kept() {
    let (folder, clips) = folder();
    let bytes = clip(1000);
    let first = store(&clips, "clips/beach.mp4", &bytes).await.unwrap();
    assert_eq!(store(&clips, "clips/beach.mp4", &bytes).await.unwrap(), first);
    assert_eq!(files(folder.path()), ["clips/beach.mp4"]);
}

#[tokio::test]
async fn another_file_already_there_is_moved_aside_and_none_is_lost() {
    let (folder, clips) = folder();
    let clips_below = |name: &str| folder.path().join("clips").join(name);
    fs::write(clips_below("beach.mp4"), "mine").unwrap();
    fs::write(clips_below("beach~aside-1.mp4"), "older").unwrap();
    let stored = store(&clips, "clips/beach.mp4", &clip(1000)).await.unwrap();
    assert_eq!(stored.moved_aside.as_deref(), Some("clips/beach~aside-2.mp4"));
    assert_eq!(fs::read(clips_below("beach.mp4")).unwrap(), clip(1000));
    assert_eq!(fs::read(clips_below("beach~aside-1.mp4")).unwrap(), b"older");
    assert_eq!(fs::read(clips_below("beach~aside-2.mp4")).unwrap(), b"mine");
    // The same length, other bytes.
    let mut other = clip(1000).to_vec();
    *other.last_mut().unwrap() ^= 1;
    let stored = store(&clips, "clips/beach.mp4", &other.into()).await.unwrap();
    assert_eq!(stored.moved_aside.as_deref(), Some("clips/beach~aside-3.mp4"));
    assert_eq!(files(folder.path()).len(), 4);
    // A folder of that name moves as well.
    fs::create_dir(clips_below("dune.mp4")).unwrap();
    let stored = store(&clips, "clips/dune.mp4", &clip(1000)).await.unwrap();
    assert_eq!(stored.moved_aside.as_deref(), Some("clips/dune~aside-1.mp4"));
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_clips() {
    let (folder, clips) = folder();
    for path in ["beach.mp4", "clips", "clips/../beach.mp4", "/tmp/beach.mp4", "", "other/b.mp4"] {
        let said = clips.begin(path).await.map(|_| ());
        assert!(matches!(said, Err(ClipError::Disk { .. })), "{path}: {said:?}");
    }
    assert!(files(folder.path()).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_neither_followed_nor_lost() {
    let (folder, clips) = folder();
    let outside = tempfile::tempdir().unwrap();
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, folder.path().join("clips").join(name)).unwrap();
    };
    link(outside.path(), "away");
    let said = clips.begin("clips/away/beach.mp4").await.map(|_| ());
    assert!(matches!(said, Err(ClipError::Disk { .. })), "{said:?}");
    let target = outside.path().join("theirs.mp4");
    fs::write(&target, clip(1000)).unwrap();
    link(&target, "beach.mp4");
    assert_eq!(clips.adopt("clips/beach.mp4", Timestamp::from_millis(0)).await.unwrap(), None);
    let stored = store(&clips, "clips/beach.mp4", &clip(1000)).await.unwrap();
    assert_eq!(stored.moved_aside.as_deref(), Some("clips/beach~aside-1.mp4"));
    assert!(!folder.path().join("clips/beach.mp4").is_symlink());
    assert!(folder.path().join("clips/beach~aside-1.mp4").is_symlink());
    assert_eq!(fs::read(&target).unwrap(), clip(1000));
}

#[tokio::test]
async fn opening_sweeps_what_a_killed_run_left_and_nothing_else() {
    let (folder, _) = folder();
    let clips = folder.path().join("clips");
    fs::create_dir_all(clips.join("a/b")).unwrap();
    for name in [".rushes-x1.part", "a/b/.rushes-y2.part", "mine.part", ".rushes-z.mp4", "a/c.mp4"]
    {
        fs::write(clips.join(name), "").unwrap();
    }
    Clips::open(folder.path()).unwrap();
    assert_eq!(files(&clips), [".rushes-z.mp4", "a/c.mp4", "mine.part"]);
}

#[tokio::test]
async fn a_clip_left_by_an_earlier_run_is_adopted_and_nothing_older_or_broken() {
    let (folder, clips) = folder();
    let now = SystemClock.now();
    let adopt = |at: Timestamp| clips.adopt("clips/beach.mp4", at);
    assert_eq!(adopt(now).await.unwrap(), None);
    let stored = store(&clips, "clips/beach.mp4", &clip(1000)).await.unwrap();
    assert_eq!(adopt(now).await.unwrap(), Some(stored));
    let later = now.plus(std::time::Duration::from_secs(3600));
    assert_eq!(adopt(later).await.unwrap(), None);
    let whole = clip(1000);
    fs::write(folder.path().join("clips/beach.mp4"), &whole[..whole.len() - 1]).unwrap();
    assert_eq!(adopt(now).await.unwrap(), None);
    assert_eq!(clips.adopt("clips/none/at/all.mp4", now).await.unwrap(), None);
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_told_with_its_path() {
    let (folder, clips) = folder();
    fs::write(folder.path().join("clips/day1"), "a file, no folder").unwrap();
    let Err(said) = clips.begin("clips/day1/beach.mp4").await else { panic!() };
    assert!(matches!(&said, ClipError::Disk { .. }), "{said:?}");
    assert!(said.to_string().contains("clips/day1"), "{said}");
    let file = folder.path().join("clips/day1");
    assert!(matches!(Clips::open(&file), Err(ClipError::Disk { .. })));
}
