//! What every store of clips keeps, a folder's as well as a bucket's. Each function takes a storage; [`conforms`] makes tests of them
//! for one implementation.

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use futures::future::{join_all, try_join_all};
use rushes::clips::{ClipError, ClipStore};
use rushes::domain::clip_info::ClipInfo;
use rushes::domain::time::{Clock, SystemClock, Timestamp};

use super::{Storage, clip, store};

/// Makes the suite's tests for a storage.
macro_rules! conforms {
    ($name:ident, $storage:expr) => {
        mod $name {
            use super::*;
            conforms!(@ $storage =>
                a_published_clip_has_its_bytes_length_and_hash,
                a_clip_tells_how_long_and_how_large_it_is,
                nothing_has_the_final_name_before_publish_has_ended,
                what_is_no_whole_clip_is_refused_and_gets_no_name,
                the_same_clip_again_is_kept,
                a_restart_drops_what_came_before,
                paths_that_lead_elsewhere_are_refused,
                many_clips_are_published_at_once,
                the_same_clip_is_published_twice_at_once,
                a_dropped_publish_leaves_a_whole_clip_or_none,
                a_clip_of_an_earlier_run_is_adopted,
                a_clip_is_read_from_any_byte,
            );
        }
    };
    (@ $storage:expr => $($test:ident,)*) => {
        $(#[tokio::test] async fn $test() { conformance::$test(&$storage).await; })*
    };
}
pub(super) use conforms;

/// One that stays in memory, one that does not in a debug build, and one that never does.
const LENGTHS: [usize; 3] = [1000, 100_000, 1_000_000];

/// The bytes of a published clip.
async fn read(clips: &dyn ClipStore, path: &str, from: u64) -> Option<(u64, Bytes)> {
    let reader = clips.open(path, from).await.unwrap()?;
    Some((reader.len, reader.bytes.try_collect::<BytesMut>().await.unwrap().freeze()))
}

pub async fn a_published_clip_has_its_bytes_length_and_hash(storage: &dyn Storage) {
    use sha2::Digest;
    let clips = storage.open();
    for (length, path) in
        LENGTHS.iter().zip(["clips/a.mp4", "clips/day 1/海/b~2.mp4", "clips/c.mp4"])
    {
        let bytes = clip(*length);
        let stored = store(&*clips, path, &bytes).await.unwrap();
        assert_eq!((&*stored.path, stored.bytes), (path, bytes.len() as u64));
        assert_eq!(stored.sha256[..], sha2::Sha256::digest(&bytes)[..]);
        assert_eq!((stored.clip_info, stored.moved_aside), (None, None));
        assert_eq!(stored.unread.as_deref(), Some("it has no picture"));
        let expected = (bytes.len() as u64, bytes);
        assert_eq!(read(&*clips, path, 0).await, Some(expected.clone()));
        // The next run finds it as well.
        assert_eq!(read(&*storage.open(), path, 0).await, Some(expected));
    }
}

pub async fn a_clip_tells_how_long_and_how_large_it_is(storage: &dyn Storage) {
    let clips = storage.open();
    let bytes = Bytes::from_static(include_bytes!("../../../src/simulator/assets/portrait.mp4"));
    // Behind it so much free space that it does not stay in memory.
    let free = [&700_000_u32.to_be_bytes()[..], b"free", &vec![0; 699_992]].concat();
    for (path, bytes) in
        [("clips/a.mp4", bytes.clone()), ("clips/b.mp4", [&bytes[..], &free].concat().into())]
    {
        let stored = store(&*clips, path, &bytes).await.unwrap();
        let Some(ClipInfo { width: 180, height: 320, sound: false, millis: 100.. }) =
            stored.clip_info
        else {
            panic!("{stored:?}")
        };
    }
}

pub async fn nothing_has_the_final_name_before_publish_has_ended(storage: &dyn Storage) {
    let clips = storage.open();
    for length in LENGTHS {
        let path = format!("clips/{length}.mp4");
        let bytes = clip(length);
        let mut writer = clips.begin(&path).unwrap();
        assert!(writer.is_empty());
        for chunk in bytes.chunks(10_000) {
            writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
            assert_eq!(read(&*clips, &path, 0).await, None);
        }
        drop(writer);
        assert_eq!(read(&*clips, &path, 0).await, None);
        store(&*clips, &path, &bytes).await.unwrap();
        assert!(read(&*clips, &path, 0).await.is_some());
    }
}

pub async fn what_is_no_whole_clip_is_refused_and_gets_no_name(storage: &dyn Storage) {
    let clips = storage.open();
    for length in LENGTHS {
        let whole = clip(length);
        let cut = whole.slice(..whole.len() - 1);
        let html = Bytes::from_static(b"<html><title>Expired</title>");
        let (told, long) = (Some(whole.len() as u64), Some(whole.len() as u64 + 1));
        for (bytes, total) in [
            (Bytes::new(), None),
            (html.clone(), None),
            (html, Some(28)),
            (cut.clone(), None),
            (cut, told),
            (whole, long),
        ] {
            let mut writer = clips.begin("clips/beach.mp4").unwrap();
            writer.write(bytes).await.unwrap();
            let said = writer.publish(total).await;
            assert!(matches!(said, Err(ClipError::NotAClip(_))), "{said:?}");
            assert_eq!(read(&*clips, "clips/beach.mp4", 0).await, None);
        }
    }
}

pub async fn the_same_clip_again_is_kept(storage: &dyn Storage) {
    for length in LENGTHS {
        let (path, bytes) = (format!("clips/{length}.mp4"), clip(length));
        let first = store(&*storage.open(), &path, &bytes).await.unwrap();
        assert_eq!(store(&*storage.open(), &path, &bytes).await.unwrap(), first);
    }
}

pub async fn a_restart_drops_what_came_before(storage: &dyn Storage) {
    let clips = storage.open();
    for (before, after) in [(600_000, 5000), (1000, 600_000), (600_000, 700_000), (1000, 1000)] {
        let path = format!("clips/{before}/{after}.mp4");
        let mut writer = clips.begin(&path).unwrap();
        writer.write(clip(before)).await.unwrap();
        writer.write(Bytes::from_static(b"not written yet")).await.unwrap();
        writer.restart().await.unwrap();
        assert!(writer.is_empty());
        let bytes = clip(after);
        writer.write(bytes.clone()).await.unwrap();
        let stored = writer.publish(Some(bytes.len() as u64)).await.unwrap();
        assert_eq!(read(&*clips, &path, 0).await, Some((bytes.len() as u64, bytes.clone())));
        assert_eq!(stored, store(&*clips, &path, &bytes).await.unwrap());
    }
}

pub async fn paths_that_lead_elsewhere_are_refused(storage: &dyn Storage) {
    let clips = storage.open();
    for path in [
        "",
        "clips",
        "clips/",
        "clips/.",
        "clips/..",
        "clips/../beach.mp4",
        "clips/a/../../beach.mp4",
        "beach.mp4",
        "./clips/beach.mp4",
        "../clips/beach.mp4",
        "other/beach.mp4",
        "/clips/beach.mp4",
        "/tmp/beach.mp4",
    ] {
        let said = clips.begin(path).map(|_| ());
        assert!(matches!(said, Err(ClipError::Disk { .. })), "{path}: {said:?}");
        assert!(clips.open(path, 0).await.is_err(), "{path}");
        assert!(clips.adopt(path, Timestamp::from_millis(0)).await.is_err(), "{path}");
    }
    // A name that the system refuses is an error at the latest when it is used.
    let Ok(mut writer) = clips.begin("clips/a\0b.mp4") else { return };
    writer.write(clip(1000)).await.unwrap();
    assert!(writer.publish(None).await.is_err());
}

pub async fn many_clips_are_published_at_once(storage: &dyn Storage) {
    let clips = storage.open();
    // Two parts of each, some of them in folders, some large, and between them some that are none.
    let all = (0..80).map(|number| {
        let clips = &*clips;
        async move {
            let folder = ["", "day1/", "day1/late/", "day2/"][number % 4];
            let path = |part| match part {
                1 => format!("clips/{folder}{number}.mp4"),
                part => format!("clips/{folder}{number}~{part}.mp4"),
            };
            let bytes = clip(if number % 20 == 7 { 300_000 } else { 1000 + number });
            let first = store(clips, &path(1), &bytes).await.unwrap();
            let second = store(clips, &path(2), &clip(2000 + number)).await.unwrap();
            let cut = bytes.slice(..bytes.len() - 1);
            assert!(store(clips, &path(3), &cut).await.is_err());
            (path(1), path(2), path(3), bytes, first, second)
        }
    });
    for (one, two, three, bytes, first, second) in join_all(all).await {
        assert_eq!(read(&*clips, &one, 0).await, Some((first.bytes, bytes)));
        assert_eq!(read(&*clips, &two, 0).await.unwrap().0, second.bytes);
        assert_eq!(read(&*clips, &three, 0).await, None);
        assert_eq!((first.moved_aside, second.moved_aside), (None, None));
    }
}

pub async fn the_same_clip_is_published_twice_at_once(storage: &dyn Storage) {
    let clips = storage.open();
    let bytes = clip(5000);
    let both = (0..20).map(|_| store(&*clips, "clips/beach.mp4", &bytes));
    let stored = try_join_all(both).await.unwrap();
    assert!(stored.iter().all(|one| *one == stored[0] && one.moved_aside.is_none()));
    assert_eq!(read(&*clips, "clips/beach.mp4", 0).await, Some((bytes.len() as u64, bytes)));
}

pub async fn a_dropped_publish_leaves_a_whole_clip_or_none(storage: &dyn Storage) {
    let bytes = clip(300_000);
    for polls in [false, true] {
        let path = format!("clips/{polls}.mp4");
        let clips = storage.open();
        let mut writer = clips.begin(&path).unwrap();
        writer.write(bytes.clone()).await.unwrap();
        let mut publish = writer.publish(None);
        if polls {
            let _ = futures::poll!(&mut publish);
        }
        drop(publish);
        // Work that was begun is done when the store is gone.
        drop(clips);
        let found = read(&*storage.open(), &path, 0).await;
        let whole = Some((bytes.len() as u64, bytes.clone()));
        if storage.ends_when_dropped() {
            assert!(found.is_none() || found == whole);
        } else {
            assert_eq!(found, whole.filter(|_| polls));
        }
    }
}

pub async fn a_clip_of_an_earlier_run_is_adopted(storage: &dyn Storage) {
    let clips = storage.open();
    let now = SystemClock.now();
    for length in LENGTHS {
        let path = format!("clips/{length}/beach.mp4");
        assert_eq!(clips.adopt(&path, now).await.unwrap(), None, "there is none");
        let stored = store(&*clips, &path, &clip(length)).await.unwrap();
        assert_eq!(storage.open().adopt(&path, now).await.unwrap(), Some(stored));
        let later = now.plus(std::time::Duration::from_secs(3600));
        assert_eq!(clips.adopt(&path, later).await.unwrap(), None, "it is older than its task");
    }
    assert_eq!(clips.adopt("clips/1000", now).await.unwrap(), None, "a folder is no clip");
}

pub async fn a_clip_is_read_from_any_byte(storage: &dyn Storage) {
    let clips = storage.open();
    let bytes = clip(200_000);
    let length = bytes.len();
    store(&*clips, "clips/beach.mp4", &bytes).await.unwrap();
    for from in [0, 1, 65_536, length - 1, length, length + 1] {
        let rest = bytes.slice(from.min(length)..);
        let found = read(&*clips, "clips/beach.mp4", from as u64).await;
        assert_eq!(found, Some((length as u64, rest)), "from byte {from}");
    }
    for none in ["clips/dune.mp4", "clips/none/beach.mp4", "clips/beach.mp4/x.mp4"] {
        assert_eq!(read(&*clips, none, 0).await, None, "{none}");
    }
}
