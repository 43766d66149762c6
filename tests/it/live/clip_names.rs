//! Which names can be a clip's.

use rushes::server::clip_files::named;

#[test]
fn only_what_can_be_a_clip_is_looked_for() {
    for (name, path) in [
        ("beach.mp4", "clips/beach.mp4"),
        ("beach~r2.mp4", "clips/beach~r2.mp4"),
        ("beach%7er2.mp4", "clips/beach~r2.mp4"),
        // What is no code is taken as it is written, as the URL standard says.
        ("x%zz.mp4", "clips/x%zz.mp4"),
        ("day%201/%E6%B5%B7.mp4", "clips/day 1/海.mp4"),
    ] {
        assert_eq!(named(name).as_deref(), Some(path));
    }
    for name in [
        "",
        "..%2fledger.sqlite",
        "../ledger.sqlite",
        "..%2Fx.mp4",
        "%2e%2e/x.mp4",
        "/etc/x.mp4",
        "%2fetc/x.mp4",
        "a//b.mp4",
        "a/./b.mp4",
        ".rushes-x.mp4",
        "a/.b/c.mp4",
        "..\\x.mp4",
        "x.mp4%00",
        "x%0a.mp4",
        "x.part",
        "x.mp4/",
        "%ff.mp4",
        "%",
    ] {
        assert_eq!(named(name), None, "{name}");
    }
}
