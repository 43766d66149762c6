//! The files beside a ledger: its lock, its reserve, the note of what it knew, and a rescued copy.

use std::fs::{self, File};
use std::io::Write;
use std::sync::Arc;

use rushes::ledger::RunNote;
use rushes::ledger::sqlite::RESERVE_BYTES;

use super::*;

/// The path of a file beside the ledger in a folder.
fn beside(folder: &Path, extension: &str) -> PathBuf {
    folder.join(format!("ledger.sqlite.{extension}"))
}

fn refusal(folder: &Path) -> String {
    open_in(folder).err().expect("it should not open").to_string()
}

fn held_by(folder: &Path) -> Option<String> {
    let snapshot = LedgerAddress::file(folder.join("ledger.sqlite")).snapshot().unwrap();
    snapshot.summary().unwrap().held_by
}

#[test]
fn whatever_a_lock_file_says_is_safe_to_print() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_in(folder.path()).unwrap());
    assert_eq!(held_by(folder.path()), None, "the file stays, the lock does not");
    let file = File::create(beside(folder.path(), "lock")).unwrap();
    file.lock().unwrap();
    assert_eq!(held_by(folder.path()).as_deref(), Some("another process"));
    (&file).write_all(b"\x1b[31mred\xff\n").unwrap();
    assert_eq!(held_by(folder.path()).as_deref(), Some("[31mred\u{fffd}"));
    let refused = refusal(folder.path());
    assert!(refused.contains("is in use by [31mred\u{fffd};"), "{refused}");
}

/// Trial 10: a run says how it stands, for those who read its ledger meanwhile, and only so long.
#[test]
fn what_a_run_says_of_itself_is_read_beside_it_and_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let read = || {
        let snapshot = LedgerAddress::file(folder.path().join("ledger.sqlite")).snapshot().unwrap();
        let summary = snapshot.summary().unwrap();
        (summary.held_by, summary.note)
    };
    let ledger = open_in(folder.path()).unwrap();
    let holder = read().0.unwrap();
    assert_eq!(read().1, RunNote::default());
    let why = "3 shots failed\nstopping: \u{1b}[2J too many";
    let stopping = RunNote { stopping: Some(why.to_owned()), paused: true };
    ledger.tell(&stopping);
    let told =
        RunNote { stopping: Some("3 shots failed stopping: too many".to_owned()), paused: true };
    assert_eq!(read(), (Some(holder.clone()), told));
    ledger.tell(&RunNote { stopping: None, paused: true });
    assert_eq!(read(), (Some(holder.clone()), RunNote { stopping: None, paused: true }));
    assert!(refusal(folder.path()).contains(&format!("is in use by {holder};")));
    ledger.tell(&RunNote::default());
    assert_eq!(read(), (Some(holder), RunNote::default()));
    ledger.tell(&stopping);
    drop(ledger);
    assert_eq!(read(), (None, RunNote::default()));
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_lock_or_mark_leads_to_no_file_that_is_overwritten() {
    for extension in ["lock", "mark"] {
        let folder = tempfile::tempdir().unwrap();
        let diary = folder.path().join("diary.txt");
        fs::write(&diary, "dear diary").unwrap();
        std::os::unix::fs::symlink(&diary, beside(folder.path(), extension)).unwrap();
        let refused = refusal(folder.path());
        assert!(refused.contains("it is a link to another file"), "{refused}");
        assert_eq!(fs::read_to_string(&diary).unwrap(), "dear diary");
    }
}

#[tokio::test]
async fn a_ledger_that_knows_less_than_was_noted_is_refused() {
    let (mut desk, entries) = Desk::with(&[shot("a", 1, Some(60)), shot("b", 1, None)]).await;
    desk.claim(&entries[0]).await;
    desk.claim(&entries[1]).await;
    desk.close();
    let mark = beside(desk.folder.path(), "mark");
    let note = |attempts: i64, movements: i64| {
        format!(
            "{attempts:>20} attempts, {movements:>20} movements of money: what the ledger beside \
             this knew\n"
        )
    };
    assert_eq!(fs::read_to_string(&mark).unwrap(), note(2, 1));
    for (attempts, movements) in [(3, 1), (2, 2), (9, 9)] {
        fs::write(&mark, note(attempts, movements)).unwrap();
        let refused = refusal(desk.folder.path());
        assert!(refused.contains(&format!("knows 2 of the {attempts} requests")), "{refused}");
        assert!(refused.contains("ledger.sqlite.mark"), "{refused}");
    }
    // A note that cannot be read says nothing; one that says less is brought up to date.
    for text in ["", "many attempts, some movements", "\u{fffd}", &note(0, 0)] {
        fs::write(&mark, text).unwrap();
        desk.reopen();
        desk.close();
        assert!(fs::read_to_string(&mark).unwrap().starts_with(&note(2, 1)));
    }
}

#[test]
fn half_a_reserve_is_made_whole_again() {
    let folder = tempfile::tempdir().unwrap();
    let reserve = beside(folder.path(), "reserve");
    File::create(&reserve).unwrap().set_len(5).unwrap();
    drop(open_in(folder.path()).unwrap());
    assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE_BYTES as u64);
}

#[test]
fn without_room_for_the_reserve_nothing_begins() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(beside(folder.path(), "reserve")).unwrap();
    let refused = refusal(folder.path());
    assert!(refused.contains("nothing was sent"), "{refused}");
    assert!(!folder.path().join("ledger.sqlite").exists());
}

#[test]
fn a_copy_whose_log_is_still_read_is_not_put_back_without_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_in(folder.path()).unwrap());
    let (ledger, copy) = (folder.path().join("ledger.sqlite"), beside(folder.path(), "rescued"));
    fs::rename(&ledger, &copy).unwrap();
    let reader = Connection::open(&copy).unwrap();
    let cap = |conn: &Connection| -> Option<i64> {
        conn.query_row("SELECT cap_micro FROM campaign", [], |row| row.get(0)).unwrap()
    };
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(cap(&reader), None);
    let writer = Connection::open(&copy).unwrap();
    writer.execute_batch("UPDATE campaign SET cap_micro = 5").unwrap();
    drop(writer);
    let refused = refusal(folder.path());
    assert!(refused.contains("a program that reads it"), "{refused}");
    assert!(!ledger.exists());
    drop(reader);
    let opened = open_in(folder.path()).unwrap();
    assert_eq!(opened.budget().cap, Some(usd(5)));
}

#[cfg(unix)]
#[tokio::test]
async fn a_copy_that_went_where_temporary_files_go_is_not_written_over_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut saved = Vec::new();
    for name in ["a", "b"] {
        let campaign = folder.path().join(name);
        fs::create_dir(&campaign).unwrap();
        let ledger = open_in(&campaign).unwrap();
        // Beside this ledger there is no room for anything.
        fs::rename(&campaign, campaign.with_extension("moved")).unwrap();
        File::create(&campaign).unwrap();
        let committed = ledger.commit(Arc::default()).await.unwrap();
        let Some(LedgerError::Displaced { rescued, .. }) = committed.displaced else { panic!() };
        saved.push(Saved(rescued));
    }
    assert_ne!(saved[0].0, saved[1].0);
    assert!(saved.iter().all(|copy| copy.0.is_file()));
}

/// Removes itself from where temporary files go.
struct Saved(PathBuf);

impl Drop for Saved {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut path = self.0.as_os_str().to_owned();
            path.push(end);
            drop(fs::remove_file(path));
        }
    }
}
