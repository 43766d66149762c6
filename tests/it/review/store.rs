//! Several that decide at once.

use std::fs;
use std::sync::Barrier;

use rushes::review::{Change, FILE, Review, Reviews};

use super::{at, clip, note, pick, rate};

/// Trial 21: two browser windows, and two programs, agree on what was picked.
#[test]
fn two_programs_that_decide_at_once_both_keep_their_word() {
    let folder = tempfile::tempdir().unwrap();
    let both = Barrier::new(2);
    std::thread::scope(|scope| {
        for name in ["a", "b"] {
            let (folder, both) = (folder.path(), &both);
            scope.spawn(move || {
                let reviews = Reviews::open(folder, "summer").unwrap();
                both.wait();
                for n in 0..20 {
                    let change =
                        Change { rating: Some(n % 6), pick: Some(true), ..Change::default() };
                    reviews.change(&clip(&format!("{name}-{n}"), 1), &change, at(0)).unwrap();
                    reviews.change(&clip("both", 1), &note(name), at(0)).unwrap();
                }
            });
        }
    });
    let review = Review::read(folder.path()).unwrap();
    assert_eq!(review.all().count(), 41);
    assert_eq!(review.get(&clip("b-19", 1)).unwrap().rating, 1);
}

#[test]
fn what_others_change_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        Reviews::open(folder.path(), "summer").unwrap(),
        Reviews::open(folder.path(), "summer").unwrap(),
    );
    let (all, seen) = one.since(0);
    assert!(all.is_empty());
    two.change(&clip("beach", 1), &rate(3), at(0)).unwrap();
    two.change(&clip("alley", 1), &pick(true), at(0)).unwrap();
    assert!(one.since(seen).0.is_empty(), "it has not looked");
    one.refresh().unwrap();
    let (news, seen) = one.since(seen);
    assert_eq!(news.len(), 2);
    one.refresh().unwrap();
    assert!(one.since(seen).0.is_empty());
    // Its own change, on top of theirs.
    let verdict = one.change(&clip("beach", 1), &pick(true), at(1)).unwrap();
    assert!(verdict.pick && verdict.rating == 3);
    assert_eq!(one.since(seen).0.len(), 1);
    // A person who edits the file takes one away.
    let text = r#"{"rushes_review": 1, "shots": [{"id": "beach", "pick": true, "rating": 3}]}"#;
    fs::write(folder.path().join(FILE), text).unwrap();
    let (_, seen) = two.since(0);
    two.refresh().unwrap();
    let (news, _) = two.since(seen);
    let alley = news.iter().find(|it| it.clip == clip("alley", 1)).unwrap();
    assert!(!alley.verdict.pick);
}

#[test]
fn a_file_that_is_broken_meanwhile_is_not_written_over_and_one_that_is_gone_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let reviews = Reviews::open(folder.path(), "summer").unwrap();
    reviews.change(&clip("beach", 1), &pick(true), at(0)).unwrap();
    let path = folder.path().join(FILE);
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = reviews.change(&clip("alley", 1), &pick(true), at(1)).unwrap_err();
    assert!(error.to_string().contains("does not hold picks"), "{error}");
    assert!(error.help().contains("it is never written over"), "{}", error.help());
    assert_eq!(fs::read_to_string(&path).unwrap(), whole[..whole.len() / 2]);
    assert!(reviews.refresh().is_err());
    // Mended, it goes on; removed, nothing that was decided is lost.
    fs::write(&path, &whole).unwrap();
    reviews.change(&clip("alley", 1), &pick(true), at(1)).unwrap();
    fs::remove_file(&path).unwrap();
    reviews.refresh().unwrap();
    reviews.change(&clip("quay", 1), &pick(true), at(1)).unwrap();
    assert_eq!(Review::read(folder.path()).unwrap().all().count(), 3);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_changes_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let reviews = Reviews::open(folder.path(), "summer").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let refused = reviews.change(&clip("beach", 1), &pick(true), at(0));
    // Root may write anywhere.
    if let Err(error) = refused {
        assert!(error.to_string().contains("cannot be written"), "{error}");
        assert!(reviews.since(0).0.is_empty());
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
}
