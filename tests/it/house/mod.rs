//! Holds the house: imports go one way between rooms, files do not need each other in a circle, and
//! they stay small. The map of the rooms is the table in `src/lib.rs`.

mod code;
mod graph;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use graph::{Graph, circles};

const MAX_LINES: usize = 500;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

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
    files.sort();
    files
}

/// A file's path below `src`, with `/`.
fn name_of(file: &Path) -> String {
    file.strip_prefix(src()).unwrap().to_string_lossy().replace('\\', "/")
}

/// The room a file of `src` belongs to: `plan` for `plan.rs`, `scheduler` for `scheduler/poll.rs`.
fn room_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// The rooms in the order of the map: the code words in the first column of the table in `lib.rs`.
fn map_of(lib: &str) -> Vec<String> {
    let row = |line: &str| {
        let (cell, _) = line.strip_prefix("//! | ")?.split_once(" |")?;
        let room = cell.trim_start_matches('[').strip_prefix('`')?;
        room.split_once('`').map(|(room, _)| room.to_owned())
    };
    lib.lines().filter_map(row).collect()
}

/// What breaks the map in one file: an import from its own line of the map or below.
fn wrong_imports(map: &[String], file: &str, text: &str) -> Vec<String> {
    let room = room_of(file);
    let place = |room: &str| map.iter().position(|it| it == room);
    let Some(own) = place(room) else {
        return vec![format!(
            "{file}: the room `{room}` is not in the map; add a row for it to the table in src/lib.rs"
        )];
    };
    let tokens = code::tokens(text);
    let product = code::without_tests(&tokens);
    // A test's `super` may lead to a module within its own file, which is no import.
    let named = code::paths(&tokens).into_iter().filter(|path| path.segments[0] == "crate");
    let above = code::paths(&product).into_iter().filter(|path| path.segments[0] == "super");
    let module = module_of(file);
    let mut wrong = Vec::new();
    for path in named.chain(above) {
        let Some(named) = room_named(&module, &path.segments) else { continue };
        if named != room && place(&named).is_none_or(|other| other > own) {
            let line = path.line;
            wrong.push(format!(
                "{file}:{line}: {room} imports {named}, which does not stand above it in the map"
            ));
        }
    }
    wrong
}

/// `["scheduler", "poll"]` for `scheduler/poll.rs`.
fn module_of(file: &str) -> Vec<String> {
    let name = file.trim_end_matches(".rs").trim_end_matches("/mod");
    name.split('/').map(str::to_owned).collect()
}

/// The room that a path leads to, if it goes through `crate`, or through `super` up to it.
fn room_named(module: &[String], segments: &[String]) -> Option<String> {
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    let room = match segments.first()?.as_str() {
        "crate" => segments.get(1)?,
        "super" if ups == module.len() => segments.get(ups)?,
        _ => return None,
    };
    (room != "*").then(|| room.clone())
}

/// The file and the text of a module below a folder, wherever it is kept.
fn read_module(folder: &Path, module: &[String]) -> Option<(String, String)> {
    let path = module.join("/");
    let names = match path.as_str() {
        "" => vec!["lib.rs".to_owned()],
        _ => vec![format!("{path}.rs"), format!("{path}/mod.rs")],
    };
    names
        .into_iter()
        .find_map(|name| Some((name.clone(), fs::read_to_string(folder.join(name)).ok()?)))
}

#[test]
fn imports_go_one_way() {
    let map = map_of(&fs::read_to_string(src().join("lib.rs")).unwrap());
    let wrong: Vec<String> = rust_files(&src())
        .iter()
        .filter(|file| !matches!(name_of(file).as_str(), "lib.rs" | "main.rs"))
        .flat_map(|file| wrong_imports(&map, &name_of(file), &fs::read_to_string(file).unwrap()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_of_the_map_exist() {
    let map = map_of(&fs::read_to_string(src().join("lib.rs")).unwrap());
    assert!(map.len() > 15, "the table in src/lib.rs was not found: {map:?}");
    for room in map {
        assert!(
            read_module(&src(), std::slice::from_ref(&room)).is_some(),
            "src has no room `{room}`"
        );
    }
}

#[test]
fn no_files_need_each_other_in_a_circle() {
    let graph = Graph::read(&|module| read_module(&src(), module));
    let circles = circles(&graph.edges());
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn files_are_small() {
    let long: Vec<String> = rust_files(&src())
        .into_iter()
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            (lines > MAX_LINES).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// The circles of a crate that is given as texts.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let read = |module: &[String]| {
        let path = module.join("/");
        let name = if path.is_empty() { "lib" } else { path.as_str() };
        files.get(name).map(|text| (name.to_owned(), (*text).to_owned()))
    };
    circles(&Graph::read(&read).edges())
}

#[test]
fn the_map_is_the_tables_first_column() {
    let lib = "//! see [`plan`]\n//! | room | holds |\n//! |---|---|\n//! | [`domain`] | types |\n\
               //! | `ledger` | truth, see [`domain`] |\nmod plan;\n";
    assert_eq!(map_of(lib), ["domain", "ledger"]);
}

#[test]
fn an_import_from_below_and_a_room_without_a_row_are_wrong() {
    let map = ["domain", "ledger", "plan"].map(str::to_owned);
    let wrong = |file: &str, text: &str| wrong_imports(&map, file, text);
    assert!(wrong("plan.rs", "use crate::{domain::Usd, ledger::{Row, Entry}};").is_empty());
    assert!(wrong("ledger/mod.rs", "use crate::ledger::Row; // crate::plan").is_empty());
    let expected = "ledger/a.rs:2: ledger imports plan, which does not stand above it in the map";
    assert_eq!(wrong("ledger/a.rs", "use crate::{\n    plan::Plan,\n};"), [expected]);
    assert_eq!(wrong("ledger/a.rs", "\nfn f() { crate::plan::f() }"), [expected]);
    assert_eq!(wrong("ledger/a.rs", "\nuse super::super::plan::Plan;"), [expected]);
    assert_eq!(
        wrong("attic.rs", ""),
        [
            "attic.rs: the room `attic` is not in the map; add a row for it to the table in src/lib.rs"
        ]
    );
}

#[test]
fn paths_are_read_from_groups_over_lines_and_not_from_literals() {
    let text = r##"
        // use crate::comment;
        pub(crate) use self::shown::Name as Other;
        use crate::{
            a::{self, B, c::*},
            d,
        };
        const TEXT: &str = "use crate::string;";
        const RAW: &str = r#"use "crate::raw";"#;
        fn quote<'a>(c: &'a str) -> bool { super::f(c) == '"' || it.method() }
    "##;
    let read = code::paths(&code::without_tests(&code::tokens(text)));
    let read: Vec<String> = read.iter().map(|path| path.segments.join("::")).collect();
    assert_eq!(
        read,
        ["self::shown::Name", "crate::a", "crate::a::B", "crate::a::c", "crate::d", "super::f"]
    );
}

#[test]
fn a_circle_is_told_with_its_names() {
    let files = [
        ("lib", "mod a; mod b; mod c;"),
        ("a", "use crate::b::{\n    Bee,\n};\npub struct Aye;"),
        ("b", "use crate::c::Sea; pub struct Bee;"),
        ("c", "pub struct Sea; fn f() { super::a::Aye; }"),
    ];
    let expected = "3 files need each other:\n  a -> b: Bee\n  b -> c: Sea\n  c -> a: Aye";
    assert_eq!(circles_of(&files), [expected]);
}

#[test]
fn a_name_is_followed_through_the_folder_that_shows_it() {
    let shown = [
        ("lib", "mod room;"),
        ("room", "mod a; mod b; pub use a::Aye; pub use b::*;"),
        ("room/a", "use super::Bee; pub struct Aye;"),
        ("room/b", "use super::Aye; pub struct Bee;"),
    ];
    let expected = "2 files need each other:\n  room/a -> room/b: Bee\n  room/b -> room/a: Aye";
    assert_eq!(circles_of(&shown), [expected]);
}

#[test]
fn a_folders_own_file_is_its_face() {
    let room = |code: &'static str| {
        [
            ("lib", "mod room;"),
            ("room", code),
            ("room/a", "use super::Shared; pub struct Aye; pub fn f() {}"),
        ]
    };
    for code in [
        "mod a; pub use a::Aye; pub struct Shared;",
        "mod a; pub use a::Aye; pub struct Shared(Aye);",
        "mod a; pub struct Shared; fn g() { a::f() }",
    ] {
        assert!(circles_of(&room(code)).is_empty(), "{code}");
    }
}

#[test]
fn what_only_tests_see_makes_no_circle() {
    let files = [
        ("lib", "mod a; mod b; #[cfg(test)] mod tests;"),
        (
            "a",
            "pub struct Aye; #[cfg(test)] use crate::b::{Bee}; #[cfg(test)] mod tests { use crate::b::Bee; }",
        ),
        ("b", "use crate::a::Aye; pub struct Bee;"),
    ];
    assert!(circles_of(&files).is_empty());
}

#[test]
fn an_imported_module_ties_to_what_is_named_of_it() {
    let files = [
        ("lib", "mod a; mod room;"),
        ("room", "mod b; pub use b::Bee; pub struct Own;"),
        ("room/b", "use crate::a; pub struct Bee; fn f() { a::g() }"),
        ("a", "use crate::room; pub fn g() { room::Bee; room::Own; }"),
    ];
    let expected = "2 files need each other:\n  a -> room/b: Bee\n  room/b -> a: g";
    assert_eq!(circles_of(&files), [expected]);
}
