//! The file of the campaign's log.

use std::path::Path;

use rushes::cli::{BATCH, LogFile, Urgency};

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn a_log_that_grew_too_large_makes_room_for_a_new_one_and_no_more_than_two_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LogFile::open_with(LogFile::path_in(folder.path()), 10).unwrap();
    for line in ["first\n", "second\n", "third\n"] {
        log.write(line, Urgency::Synced).unwrap();
    }
    assert_eq!(read(folder.path(), "log.jsonl"), "third\n");
    assert_eq!(read(folder.path(), "log.1.jsonl"), "second\n");
    drop(log);
    let mut log = LogFile::open_with(LogFile::path_in(folder.path()), 10).unwrap();
    log.write("5th\n", Urgency::Synced).unwrap();
    assert_eq!(read(folder.path(), "log.jsonl"), "third\n5th\n", "what was there counts");
}

#[test]
fn a_line_that_broke_off_does_not_spoil_the_next() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log.jsonl"), "{\"at\": \"20").unwrap();
    LogFile::open(folder.path()).unwrap().write("{}\n", Urgency::Synced).unwrap();
    assert_eq!(read(folder.path(), "log.jsonl"), "{\"at\": \"20\n{}\n");
}

#[test]
fn lines_are_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LogFile::open(folder.path()).unwrap();
    log.write("first\n", Urgency::Batched).unwrap();
    assert_eq!(read(folder.path(), "log.jsonl"), "");
    log.flush().unwrap();
    assert_eq!(read(folder.path(), "log.jsonl"), "first\n");
    let rest = "x".repeat(BATCH);
    log.write(&rest, Urgency::Batched).unwrap();
    assert_eq!(read(folder.path(), "log.jsonl").len(), 6 + BATCH);
}

#[test]
fn two_do_not_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = LogFile::open(folder.path()).unwrap();
    assert!(LogFile::open(folder.path()).is_err());
    drop(first);
    assert!(LogFile::open(folder.path()).is_ok());
}
