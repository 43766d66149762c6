//! Holds the house: imports go one way, and files stay small enough to be one room.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the ground up; rooms on one floor do not import each other, but for the ground.
const FLOORS: [&[&str]; 7] = [
    &["blocking", "domain", "failpoint", "listener"],
    &["catalog", "policy"],
    &["clips", "ledger", "manifest", "notify", "provider"],
    &["callback", "plan"],
    &["report", "scheduler", "simulator"],
    &["server"],
    &["cli"],
];

const MAX_LINES: usize = 500;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The room a file of `src` belongs to: `scheduler` for both `src/scheduler.rs` and `src/scheduler/life.rs`.
fn room_of(file: &Path) -> String {
    let within = file.strip_prefix(src()).unwrap();
    let first = within.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn floor_of(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("src has a room without a floor: {room}"))
}

/// The rooms a line of code names after `crate::`.
fn rooms_named(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => group.split(',').map(first_word).collect::<Vec<_>>(),
            None => vec![first_word(rest)],
        })
        .filter(|room| !room.is_empty())
        .collect()
}

fn first_word(text: &str) -> String {
    text.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for file in rust_files(&src()) {
        let room = room_of(&file);
        if room == "lib" || room == "main" {
            continue;
        }
        let floor = floor_of(&room);
        for (number, line) in (1..).zip(fs::read_to_string(&file).unwrap().lines()) {
            for named in rooms_named(line) {
                let allowed = named == room
                    || floor_of(&named) < floor
                    || (floor == 0 && floor_of(&named) == 0);
                if !allowed {
                    wrong.push(format!("{}:{number}: {room} imports {named}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rule_sees_what_it_must() {
    assert_eq!(rooms_named("use crate::plan::{Scope};"), ["plan"]);
    assert_eq!(rooms_named("use crate::{plan::Scope, ledger};"), ["plan", "ledger"]);
    assert_eq!(
        rooms_named("    let x = crate::domain::money::Usd::ZERO; // crate::ledger"),
        ["domain"]
    );
    assert!(floor_of("scheduler") > floor_of("ledger"));
}

#[test]
fn files_are_small_enough_to_be_one_room() {
    let long: Vec<String> = rust_files(&src())
        .into_iter()
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            (lines > MAX_LINES).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
