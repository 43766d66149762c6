//! The parts of an id that tell an entry's shots apart.

use rushes::domain::shot::ShotId;
use rushes::manifest::identity::{join, part, row_part};

#[test]
fn parts_stay_readable_and_never_change_with_their_siblings() {
    for (value, part_is) in [
        ("pro", "pro"),
        ("10", "10"),
        ("0.5", "0.5"),
        ("16:9", "16-9"),
        ("New York", "New-York"),
        ("a/b", "a-b-c14cddc0"),
    ] {
        assert_eq!(part(value), part_is);
    }
    // These values are frozen: another hash would make every such shot new work.
    let cells = [("prompt", "A kettle; steam".into()), ("seconds", "5".into())];
    assert_eq!(row_part(&cells), "A-kettle-steam-bb3b5c5a09191924");
    assert_eq!(row_part(&[("a", "x".into()), ("b", "5".into())]), "x-5");
    assert_eq!(join(["a", "", "b", "t2"]), "a-b-t2");
    let long = join([&"x".repeat(100), &"y".repeat(100)] as [&str; 2]);
    assert!(ShotId::new(&long).is_ok(), "{long}");
    assert_ne!(long, join([&"x".repeat(100), &"y".repeat(101)] as [&str; 2]));
}
