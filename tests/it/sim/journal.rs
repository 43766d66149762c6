//! The journal: damaged, torn, absent.

use rushes::simulator::accounts::{Account, Entry};
use rushes::simulator::journal::{Journal, read};
use rushes::simulator::{JOURNAL, SimError, Told};

fn unsold(told: Told) -> Entry {
    Entry::Unsold { request: "ab".into(), told }
}

#[test]
fn a_torn_last_line_is_cut_off_and_the_next_entry_follows_the_last_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(JOURNAL);
    let mut journal = Journal::open(dir.path(), &mut Account::default()).unwrap();
    journal.write(&unsold(Told::Nothing)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [whole.as_slice(), b"{\"unsold\":{\"req"].concat()).unwrap();
    assert_eq!(read(dir.path()).unwrap().counts("ab").posts, 1);
    let mut journal = Journal::open(dir.path(), &mut Account::default()).unwrap();
    journal.write(&unsold(Told::Nothing)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole.repeat(2));
}

#[test]
fn a_damaged_line_is_named_and_nothing_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(JOURNAL);
    for (text, bad) in [(&b"{}\n"[..], 1), (b"\xff\n", 1), (b"\n", 1), (b"[1]\n{", 1)] {
        std::fs::write(&path, text).unwrap();
        let error = Journal::open(dir.path(), &mut Account::default()).unwrap_err();
        assert!(matches!(error, SimError::Damaged { line, .. } if line == bad), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), text);
    }
}

#[test]
fn books_of_a_folder_without_a_journal_are_empty() {
    let dir = tempfile::tempdir().unwrap();
    let books = read(dir.path()).unwrap().books(rushes::domain::time::Timestamp::from_millis(0));
    assert!(books.purchases.is_empty());
}
