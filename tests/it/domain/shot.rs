//! What may be a shot's id.

use rushes::domain::shot::{BadShotId, ShotId};

#[test]
fn ids_are_safe_file_names() {
    for good in ["beach", "Beach-2", "a.b_c", "küche", "com10", "console"] {
        assert!(ShotId::new(good).is_ok(), "{good}");
    }
    for (bad, why) in [
        ("", BadShotId::Empty),
        ("a/b", BadShotId::Character('/')),
        ("a~2", BadShotId::Character('~')),
        ("a b", BadShotId::Character(' ')),
        ("..", BadShotId::Edge),
        ("-rf", BadShotId::Edge),
        ("a.", BadShotId::Edge),
        ("NUL", BadShotId::Reserved),
        ("con.mp4", BadShotId::Reserved),
        ("lpt1", BadShotId::Reserved),
    ] {
        assert_eq!(ShotId::new(bad), Err(why), "{bad}");
    }
    assert_eq!(ShotId::new(&"x".repeat(151)), Err(BadShotId::TooLong));
}
