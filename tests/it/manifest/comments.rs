//! Comments that were probably meant as text.

use rushes::manifest::comments::Comments;

#[test]
fn a_hash_counts_behind_a_space_and_before_a_character() {
    for (text, end, found) in [
        ("a: Shot #3", 8, Some(9)),
        ("a: Shot   #3", 8, Some(11)),
        ("a: Shot # 3", 8, None),
        ("a: Shot#3", 8, None),
        ("a: b ## c", 5, None),
        ("a: b, c: 'd #1'", 5, None),
        ("\r\na: b", 5, None),
    ] {
        let mut comments = Comments::default();
        text.chars().for_each(|c| comments.observe(c));
        assert_eq!(comments.behind(1, end), found, "{text}");
    }
    let mut comments = Comments::default();
    "x #1\r\ny #2\rz #3".chars().for_each(|c| comments.observe(c));
    assert_eq!([1, 2, 3].map(|line| comments.behind(line, 2)), [Some(3); 3]);
}
