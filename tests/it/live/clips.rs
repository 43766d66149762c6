//! Clips for the page: what the ledger lists, whole or in ranges, and nothing else.

use std::path::PathBuf;

use super::rig::Rig;
use crate::scheduler::stage::{clip, shots};

#[test]
fn a_clip_is_served_whole_and_in_ranges() {
    let rig = Rig::new(&shots(1));
    let whole = rig.site.get("clips/s000.mp4");
    assert_eq!((whole.status, &whole.body[..]), (200, &clip()[..]));
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let length = clip().len();
    for (range, from, to) in [("4-7", 4, 8), ("4-", 4, length), ("-6", length - 6, length)] {
        let part = rig.site.ask("GET", "clips/s000.mp4", &[("Range", &format!("bytes={range}"))]);
        assert_eq!((part.status, &part.body[..]), (206, &clip()[from..to]), "{range}");
        let says = format!("bytes {from}-{}/{length}", to - 1);
        assert_eq!(part.header("content-range"), Some(says.as_str()));
    }
    for range in ["bytes=1000-", "bytes=7-4", "lines=1-2"] {
        let answer = rig.site.ask("GET", "clips/s000.mp4", &[("Range", range)]);
        assert_eq!(answer.status, 416, "{range}");
        assert_eq!(answer.header("content-range"), Some(&*format!("bytes */{length}")));
    }
    let head = rig.site.ask("HEAD", "clips/s000.mp4", &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(&*length.to_string()));
}

#[test]
fn a_clip_in_a_bucket_is_served_through_the_page_whole_and_in_ranges() {
    let rig = Rig::in_store(&shots(1));
    let length = clip().len();
    let whole = rig.site.get("clips/s000.mp4");
    assert_eq!((whole.status, &whole.body[..]), (200, &clip()[..]));
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let ranges =
        [("4-7", 4, 8), ("4-", 4, length), ("-6", length - 6, length), ("4-9999", 4, length)];
    for (range, from, to) in ranges {
        let part = rig.site.ask("GET", "clips/s000.mp4", &[("Range", &format!("bytes={range}"))]);
        assert_eq!((part.status, &part.body[..]), (206, &clip()[from..to]), "{range}");
        let says = format!("bytes {from}-{}/{length}", to - 1);
        assert_eq!(part.header("content-range"), Some(says.as_str()));
    }
    let beyond = rig.site.ask("GET", "clips/s000.mp4", &[("Range", "bytes=1000-")]);
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), Some(&*format!("bytes */{length}")));
    let head = rig.site.ask("HEAD", "clips/s000.mp4", &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(&*length.to_string()));
    for path in ["clips/stranger.mp4", "clips/../s000.mp4", "ledger.sqlite"] {
        assert_eq!(rig.site.get(path).status, 404, "{path}");
    }
}

#[test]
fn nothing_but_listed_clips_is_served() {
    let rig = Rig::new(&shots(1));
    let file = |path: &str| -> PathBuf { rig.folder.join(path) };
    std::fs::write(file("clips/stranger.mp4"), "not ours").unwrap();
    std::fs::write(file("clips/.rushes-x.part"), "half").unwrap();
    std::fs::write(file("clips/.hidden.mp4"), "hidden").unwrap();
    std::fs::write(file("secret.mp4"), "outside").unwrap();
    for path in [
        "clips/stranger.mp4",
        "clips/.rushes-x.part",
        "clips/.hidden.mp4",
        "clips/",
        "clips",
        "clips/../secret.mp4",
        "clips/..%2fsecret.mp4",
        "clips/%2e%2e/secret.mp4",
        "clips/..%5csecret.mp4",
        "clips//s000.mp4",
        "clips/./s000.mp4",
        "clips/%2e/s000.mp4",
        "clips/s000.mp4/",
        "clips/s000.mp4%00",
        "clips/s000.mp4%20",
        "clips/%2fetc%2fpasswd",
        "clips//etc/passwd",
        "clips/../ledger.sqlite",
        "ledger.sqlite",
        "ledger.sqlite-wal",
        "secret.mp4",
        "/clips/s000.mp4",
        "../clips/s000.mp4",
    ] {
        let answer = rig.site.get(path);
        assert_eq!((answer.status, answer.body.len()), (404, answer.text().len()), "{path}");
        assert!(!answer.text().contains("SQLite") && !answer.text().contains("outside"), "{path}");
    }
    assert_eq!(rig.site.get("clips/s000.mp4").status, 200, "after all of that");
    assert_eq!(rig.site.get("clips/s%3000.mp4").status, 200, "the same name");
}

#[cfg(unix)]
#[test]
fn a_link_in_a_clips_place_is_not_followed_but_the_folder_may_be_one() {
    use std::os::unix::fs::symlink;
    let rig = Rig::new(&shots(2));
    let clip = rig.folder.join("clips/s000.mp4");
    std::fs::write(rig.folder.join("diary.mp4"), "dear diary").unwrap();
    std::fs::remove_file(&clip).unwrap();
    symlink(rig.folder.join("diary.mp4"), &clip).unwrap();
    assert_eq!(rig.site.get("clips/s000.mp4").status, 404);
    std::fs::rename(rig.folder.join("clips"), rig.folder.join("elsewhere")).unwrap();
    symlink(rig.folder.join("elsewhere"), rig.folder.join("clips")).unwrap();
    assert_eq!(rig.site.get("clips/s001.mp4").status, 200);
    std::fs::remove_file(rig.folder.join("clips/s001.mp4")).unwrap();
    std::fs::create_dir(rig.folder.join("clips/s001.mp4")).unwrap();
    assert_eq!(rig.site.get("clips/s001.mp4").status, 404, "a folder is no clip");
}
