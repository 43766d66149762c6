//! A folder of clips on a real disk.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rushes::blocking::Threads;
use rushes::clips::{ClipError, ClipStore, FolderStore, clips_in};
use rushes::domain::time::{Clock, SystemClock, Timestamp};
use tempfile::TempDir;

use super::conformance::{self, conforms};
use super::{Storage, clip, store};

struct Folder(TempDir, Threads);

impl Folder {
    fn new(threads: Threads) -> Self {
        Self(tempfile::tempdir().unwrap(), threads)
    }
}

impl Storage for Folder {
    fn open(&self) -> Box<dyn ClipStore> {
        Box::new(FolderStore::open(self.0.path(), self.1).unwrap())
    }
}

conforms!(on_threads, Folder::new(Threads::Pool));
conforms!(in_place, Folder::new(Threads::InPlace));

fn folder() -> (TempDir, FolderStore) {
    let folder = tempfile::tempdir().unwrap();
    let clips = FolderStore::open(folder.path(), Threads::Pool).unwrap();
    (folder, clips)
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

/// Everything that can be received is refused for a reason that has to do with the disk.
async fn refused(clips: &FolderStore, path: &str, bytes: &Bytes) -> String {
    let said = store(clips, path, bytes).await;
    let Err(error @ ClipError::Disk { .. }) = said else { panic!("{said:?}") };
    error.to_string()
}

#[tokio::test]
async fn a_small_clip_touches_the_disk_only_when_it_is_published() {
    let (folder, clips) = folder();
    let mut writer = clips.begin("clips/day1/beach.mp4").unwrap();
    writer.write(clip(1000)).await.unwrap();
    assert!(!folder.path().join("clips/day1").exists());
    writer.publish(None).await.unwrap();
    assert_eq!(files(folder.path()), ["clips/day1/beach.mp4"]);
}

#[tokio::test]
async fn a_clip_goes_below_clips_or_nowhere() {
    let (folder, clips) = folder();
    for path in ["clips/day 1/beach~r2.mp4", "clips/beach.mp4"] {
        store(&clips, path, &clip(1000)).await.unwrap();
        assert!(folder.path().join(path).is_file());
    }
    for path in [
        "",
        "clips",
        "clips/",
        "beach.mp4",
        "other/b.mp4",
        "/clips/b.mp4",
        "clips/..",
        "clips/../b.mp4",
        "clips/a/../../b.mp4",
        "../clips/b.mp4",
        "./clips/b.mp4",
    ] {
        assert!(clips.begin(path).is_err(), "{path}");
    }
}

#[tokio::test]
async fn what_is_being_received_never_looks_like_a_clip() {
    let (folder, clips) = folder();
    let mut writer = clips.begin("clips/beach.mp4").unwrap();
    writer.write(clip(600_000)).await.unwrap();
    let [file] = &files(folder.path())[..] else { panic!() };
    assert!(file.starts_with("clips/.rushes-"), "{file}");
    assert_eq!(Path::new(file).extension().unwrap(), "part");
    assert_eq!(clips_in(folder.path()).len(), 0);
    drop(writer);
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn what_is_refused_leaves_no_file() {
    let (folder, clips) = folder();
    for length in [1000, 600_000] {
        let whole = clip(length);
        let mut writer = clips.begin("clips/beach.mp4").unwrap();
        writer.write(whole.slice(..whole.len() - 1)).await.unwrap();
        writer.publish(None).await.unwrap_err();
        assert!(files(folder.path()).is_empty());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_user_can_read_a_clip() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, clips) = folder();
    for (length, path) in [(1000, "clips/a.mp4"), (600_000, "clips/b.mp4")] {
        store(&clips, path, &clip(length)).await.unwrap();
        let mode = fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
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
    fs::create_dir_all(clips_below("day/dune.mp4/inside")).unwrap();
    let stored = store(&clips, "clips/day/dune.mp4", &clip(1000)).await.unwrap();
    assert_eq!(stored.moved_aside.as_deref(), Some("clips/day/dune~aside-1.mp4"));
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
    for (path, length) in [("clips/away/beach.mp4", 1000), ("clips/away/in/beach.mp4", 600_000)] {
        let said = refused(&clips, path, &clip(length)).await;
        assert!(said.contains("clips/away") && said.contains("links"), "{said}");
    }
    let target = outside.path().join("theirs.mp4");
    fs::write(&target, clip(1000)).unwrap();
    for path in ["clips/away/theirs.mp4", "clips/beach.mp4"] {
        assert_eq!(clips.adopt(path, Timestamp::from_millis(0)).await.unwrap(), None);
        assert!(clips.open(path, 0).await.unwrap().is_none());
    }
    link(&target, "beach.mp4");
    assert_eq!(clips.adopt("clips/beach.mp4", Timestamp::from_millis(0)).await.unwrap(), None);
    assert!(clips.open("clips/beach.mp4", 0).await.unwrap().is_none());
    let stored = store(&clips, "clips/beach.mp4", &clip(1000)).await.unwrap();
    assert_eq!(stored.moved_aside.as_deref(), Some("clips/beach~aside-1.mp4"));
    assert!(!folder.path().join("clips/beach.mp4").is_symlink());
    assert!(folder.path().join("clips/beach~aside-1.mp4").is_symlink());
    assert_eq!(fs::read(&target).unwrap(), clip(1000));
    assert_eq!(files(outside.path()), ["theirs.mp4"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_takes_the_place_of_a_known_folder_is_not_followed() {
    let (folder, clips) = folder();
    let outside = tempfile::tempdir().unwrap();
    let (day, moved) = (folder.path().join("clips/day"), folder.path().join("clips/moved"));
    store(&clips, "clips/day/a.mp4", &clip(1000)).await.unwrap();
    store(&clips, "clips/day/in/a.mp4", &clip(1000)).await.unwrap();
    let mut begun = clips.begin("clips/day/b.mp4").unwrap();
    begun.write(clip(600_000)).await.unwrap();
    fs::rename(&day, &moved).unwrap();
    std::os::unix::fs::symlink(outside.path(), &day).unwrap();
    refused(&clips, "clips/day/c.mp4", &clip(1000)).await;
    refused(&clips, "clips/day/in/c.mp4", &clip(1000)).await;
    let said = begun.publish(None).await;
    assert!(matches!(said, Err(ClipError::Disk { .. })), "{said:?}");
    assert!(files(outside.path()).is_empty());
    // Nor is the old folder written to, where the clips would not be found.
    assert_eq!(files(&moved), ["a.mp4", "in/a.mp4"]);
}

#[tokio::test]
async fn a_folder_that_was_moved_or_deleted_is_made_anew() {
    let (folder, clips) = folder();
    for path in ["clips/day", "clips"] {
        for deleted in [true, false] {
            let name = format!("clips/day/in/{}-{deleted}.mp4", path.len());
            store(&clips, "clips/day/in/a.mp4", &clip(1000)).await.unwrap();
            let path = folder.path().join(path);
            if deleted {
                fs::remove_dir_all(&path).unwrap();
            } else {
                fs::rename(&path, folder.path().join(format!("moved-{}", path.iter().count())))
                    .unwrap();
            }
            if path.ends_with("clips") {
                refused(&clips, &name, &clip(1000)).await;
                fs::create_dir(&path).unwrap();
            }
            store(&clips, &name, &clip(1000)).await.unwrap();
            assert_eq!(fs::read(folder.path().join(&name)).unwrap(), clip(1000));
        }
    }
}

#[tokio::test]
async fn a_clip_whose_temporary_file_is_gone_is_not_said_to_be_stored() {
    let (folder, clips) = folder();
    let mut writer = clips.begin("clips/day/beach.mp4").unwrap();
    writer.write(clip(600_000)).await.unwrap();
    fs::remove_dir_all(folder.path().join("clips/day")).unwrap();
    let said = writer.publish(None).await;
    assert!(matches!(said, Err(ClipError::Disk { .. })), "{said:?}");
    let mut writer = clips.begin("clips/beach.mp4").unwrap();
    writer.write(clip(600_000)).await.unwrap();
    let [part] = &files(folder.path())[..] else { panic!() };
    fs::remove_file(folder.path().join(part)).unwrap();
    let said = writer.publish(None).await;
    assert!(matches!(said, Err(ClipError::Disk { .. })), "{said:?}");
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
    FolderStore::open(folder.path(), Threads::Pool).unwrap();
    assert_eq!(files(&clips), [".rushes-z.mp4", "a/c.mp4", "mine.part"]);
    assert_eq!(clips_in(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_broken_file_is_not_adopted() {
    let (folder, clips) = folder();
    let (whole, now) = (clip(1000), SystemClock.now());
    fs::write(folder.path().join("clips/beach.mp4"), &whole[..whole.len() - 1]).unwrap();
    assert_eq!(clips.adopt("clips/beach.mp4", now).await.unwrap(), None);
    fs::write(folder.path().join("clips/beach.mp4"), &whole).unwrap();
    assert!(clips.adopt("clips/beach.mp4", now).await.unwrap().is_some());
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_told_with_its_path() {
    let (folder, clips) = folder();
    fs::write(folder.path().join("clips/day1"), "a file, no folder").unwrap();
    let said = refused(&clips, "clips/day1/beach.mp4", &clip(1000)).await;
    assert!(said.contains("clips/day1"), "{said}");
    let file = folder.path().join("clips/day1");
    let said = FolderStore::open(&file, Threads::Pool).map(|_| ());
    assert!(matches!(said, Err(ClipError::Disk { .. })), "{said:?}");
}
