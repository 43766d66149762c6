//! Trial 6: one command for all shots in doubt.

use super::*;

/// Trial 6: many doubts are told with one command for all of them, which reaches no others.
#[test]
fn trial_6_many_shots_in_doubt_are_told_with_one_command_for_all() {
    let sandbox = campaign(&ids(&["a1", "a2", "a3", "b1"]));
    let server = Script::new().always_post(Reply::cut()).serve();
    let told = run(&sandbox, &server, &["--only", "a*"]).exits(1).stdout();
    let line = "  if none of these 3 was:\n  $ rushes resolve shots.yaml 'a*' --not-bought\n";
    assert!(told.contains(line), "{told}");
    let told = run(&sandbox, &server, &[]).exits(1).stdout();
    let line = "  if none of these 4 was:\n  $ rushes resolve shots.yaml --all --not-bought\n";
    assert!(told.contains(line), "{told}");
    // A list as the contact sheet saves it.
    std::fs::write(sandbox.path("summer-favourites.txt"), "a1\nb1\n").unwrap();
    resolve(&sandbox, &["--file", "summer-favourites.txt", "--abandon"]).exits(0);
    let told = run(&sandbox, &server, &["--only", "a2"]).exits(1).stdout();
    assert!(!told.contains("none of these"), "one needs no other command: {told}");
    resolve(&sandbox, &["a*", "--not-bought"]).exits(0).says("a3: not bought");
    assert_eq!(counts(&sandbox, ["queued", "in_doubt", "failed"]), [2, 0, 2]);
}
