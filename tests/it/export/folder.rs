//! Clips in a folder of their own: links or copies that never take the place of anything else.

use std::fs;
use std::path::Path;

use super::rehearsed;
use crate::sandbox::Sandbox;

const FOLDER: [&str; 5] = ["export", "shots.yaml", "--sim", "--format", "folder"];

/// What lies in a folder, by name; `takes/` as one.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

fn export(sandbox: &Sandbox, more: &[&str]) -> crate::sandbox::Done {
    sandbox.run_words(&[&FOLDER[..], more].concat())
}

#[cfg(unix)]
#[test]
fn links_stand_in_their_order_and_move_with_the_campaign() {
    let sandbox = rehearsed();
    let done = export(&sandbox, &[]).exits(0).warns_of_nothing();
    assert_eq!(
        done.stdout(),
        "3 clips and 2 other takes in takes/ (links) in renders/summer.sim/selects\n"
    );
    let selects = sandbox.path("renders/summer.sim/selects");
    assert_eq!(names(&selects), ["001-beach.mp4", "002-market.mp4", "003-tower.mp4", "takes"]);
    assert_eq!(names(&selects.join("takes")), ["001-beach-t2.mp4", "001-beach-t3.mp4"]);
    let link = fs::read_link(selects.join("takes/001-beach-t2.mp4")).unwrap();
    assert_eq!(link, Path::new("../../clips/beach-t2.mp4"));
    fs::rename(sandbox.path("renders"), sandbox.path("moved")).unwrap();
    let moved = sandbox.path("moved/summer.sim/selects/takes/001-beach-t3.mp4");
    assert!(fs::metadata(moved).unwrap().len() > 1000, "the link still leads to the clip");
}

#[cfg(unix)]
#[test]
fn another_export_takes_the_place_of_its_own_and_of_nothing_else() {
    let sandbox = rehearsed().file("picks.txt", "tower\nbeach-t2\n");
    let selects = sandbox.path("renders/summer.sim/selects");
    export(&sandbox, &[]).exits(0);
    // The user's own beside it, and one in the place of a link.
    fs::write(selects.join("notes.txt"), "mine").unwrap();
    fs::remove_file(selects.join("002-market.mp4")).unwrap();
    fs::write(selects.join("002-market.mp4"), "mine").unwrap();
    fs::write(selects.join("takes/mine.mp4"), "mine").unwrap();
    let done = export(&sandbox, &["--picks", "picks.txt"]).exits(0);
    done.says("2 clips (links)");
    assert_eq!(
        names(&selects),
        ["001-tower.mp4", "002-beach-t2.mp4", "002-market.mp4", "notes.txt", "takes"]
    );
    assert_eq!(names(&selects.join("takes")), ["mine.mp4"]);
    let before = names(&selects);
    // All clips would need the name that is the user's now: nothing is changed.
    export(&sandbox, &[]).exits(2).warns("002-market.mp4 is there, and no export put it there");
    assert_eq!(names(&selects), before);
    assert_eq!(fs::read_to_string(selects.join("002-market.mp4")).unwrap(), "mine");
}

#[test]
fn copies_are_whole_and_one_that_was_changed_is_kept() {
    let sandbox = rehearsed();
    let to = ["--copy", "--to", "out/of/here"];
    export(&sandbox, &to).exits(0).says("(copies)");
    let folder = sandbox.path("out/of/here");
    let clip = fs::read(sandbox.path("renders/summer.sim/clips/market.mp4")).unwrap();
    assert!(fs::symlink_metadata(folder.join("002-market.mp4")).unwrap().is_file());
    assert_eq!(fs::read(folder.join("002-market.mp4")).unwrap(), clip);
    export(&sandbox, &to).exits(0);
    fs::write(folder.join("002-market.mp4"), "graded").unwrap();
    export(&sandbox, &to).exits(2).warns("002-market.mp4");
    assert_eq!(fs::read_to_string(folder.join("002-market.mp4")).unwrap(), "graded");
    let market = sandbox.path("renders/summer.sim/clips/market.mp4");
    assert_eq!(fs::read(market).unwrap(), clip, "the paid clip is as it was");
}

#[test]
fn a_folder_of_others_and_a_file_are_left_alone() {
    let sandbox = rehearsed().file("theirs/film.mp4", "theirs").file("file", "theirs");
    export(&sandbox, &["--to", "theirs"]).exits(2).warns("theirs holds other things");
    export(&sandbox, &["--to", "file"]).exits(2).warns("file cannot be filled");
    export(&sandbox, &["--to", "renders/summer.sim"]).exits(2).warns("holds other things");
    export(&sandbox, &["--to", "renders/summer.sim/clips"]).exits(2).warns("holds other things");
    assert_eq!(names(&sandbox.path("theirs")), ["film.mp4"]);
}

#[cfg(unix)]
#[test]
fn a_list_that_was_edited_leads_nowhere_else() {
    let sandbox = rehearsed().file("mine.mp4", "mine");
    let selects = sandbox.path("renders/summer.sim/selects");
    export(&sandbox, &[]).exits(0);
    let list = selects.join(".rushes-export.json");
    let sha256 = "b3e5f6c6d3a3e9d5ce0b8f6fb9c4bd1b"; // of nothing
    let text = format!("{{\"files\": {{\"../../../mine.mp4\": {{\"copy\": \"{sha256}\"}}}}}}");
    fs::write(&list, text).unwrap();
    export(&sandbox, &[]).exits(2).warns("001-beach.mp4 is there");
    fs::write(&list, "no json").unwrap();
    export(&sandbox, &[]).exits(2).warns("cannot be filled");
    assert_eq!(fs::read_to_string(sandbox.path("mine.mp4")).unwrap(), "mine");
}
