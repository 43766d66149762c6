//! Files of chosen clips.

use std::path::PathBuf;

use insta::assert_snapshot;
use rushes::review::{Review, Reviews, read_picks};

use super::{at, clip, pick, rate, reject};

/// Its picks as `ID REVISION RATING`, or the error.
fn picks_of(text: &str) -> Result<Vec<String>, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let shown = |error: String| error.replace(&file.path().display().to_string(), "FILE");
    let picks = read_picks(file.path()).map_err(|error| shown(error.to_string()))?;
    Ok(picks
        .iter()
        .map(|it| format!("{} {:?} {}", it.id, it.revision, it.verdict.rating))
        .collect())
}

/// Trial 21: the list that the sheet saves, and the file that it keeps, are both picks.
#[test]
fn picks_are_read_from_a_review_and_from_a_list_of_ids() {
    let folder = tempfile::tempdir().unwrap();
    let reviews = Reviews::open(folder.path(), "summer").unwrap();
    reviews.change(&clip("quay", 2), &pick(true), at(0)).unwrap();
    reviews.change(&clip("quay", 2), &rate(5), at(0)).unwrap();
    reviews.change(&clip("alley", 1), &reject(true), at(0)).unwrap();
    reviews.change(&clip("beach", 1), &rate(5), at(0)).unwrap();
    reviews.change(&clip("beach", 3), &pick(true), at(0)).unwrap();
    let kept = std::fs::read_to_string(Review::path(folder.path())).unwrap();
    assert_eq!(picks_of(&kept).unwrap(), ["quay Some(2) 5", "beach Some(3) 0"]);
    let listed = "\u{feff}# mine\r\nbeach-t2\r\n\r\n  quay~r1 \nbeach-t2\nétude.2\n";
    assert_eq!(picks_of(listed).unwrap(), ["beach-t2 None 0", "quay Some(1) 0", "étude.2 None 0"]);
    assert_eq!(picks_of("").unwrap(), [""; 0]);
}

#[test]
fn what_is_no_list_of_picks_is_refused_with_its_line() {
    let wrong = ["a\nb c\n", "quay~r0", "quay~rx", "id,pick\nbeach,1", "[\"beach\"]", "{}"];
    let told: Vec<String> = wrong.iter().map(|text| picks_of(text).unwrap_err()).collect();
    assert_snapshot!(told.join("\n"), @r#"
    FILE does not hold picks: line 2: "b c" is no shot's id: it holds a space; use letters, digits, `-`, `_` and `.`
    FILE does not hold picks: line 1: `~r` wants a revision's number
    FILE does not hold picks: line 1: `~r` wants a revision's number
    FILE does not hold picks: line 1: "id,pick" is no shot's id: it holds `,`; use letters, digits, `-`, `_` and `.`
    FILE does not hold picks: it is JSON, but not an object
    FILE does not hold picks: the key `rushes_review` is missing
    "#);
    let missing = read_picks(&PathBuf::from("no/such/file")).unwrap_err();
    assert!(missing.to_string().starts_with("no/such/file cannot be read"), "{missing}");
    assert_eq!(missing.help(), "see to it that you may read no/such/file");
}
