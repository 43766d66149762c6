//! What other programs read: `results.csv`, JSON lines, the ledger's views, and that the README
//! names their columns as they are.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, TWO_SHOTS};
#[cfg(target_os = "linux")]
use crate::support::server::Script;

/// Shots of every length, shape and sound there is, in the tongues that spreadsheets spoil.
const FILMS: &str = "\
campaign: films
limits: {poll_every: 100ms, poll_rate: 100/s}
defaults: {model: kling-v3, mode: pro}
shots:
  - {id: möwe, prompt: 'Äußerst schöne Möwe, \"quer\"; 海辺の少女 👩\u{200d}🚀', duration: 3, aspect_ratio: '9:16', tags: [früh, 夜]}
  - {id: kreis, prompt: '=1+1', duration: 15, aspect_ratio: '1:1', sound: on}
  - {id: kino, prompt: A cinema, aspect_ratio: '21:9'}
  - id: hafen
    prompt: A harbour at {{ time }}
    matrix: {time: [dawn, dusk]}
    takes: 2
";

const RESULTS: &str = "renders/films.sim/results.csv";

fn rehearsed(manifest: &str) -> Sandbox {
    let sandbox = Sandbox::new().manifest(manifest);
    run_quietly(&sandbox);
    sandbox
}

/// Nothing is warned of; the progress is.
fn run_quietly(sandbox: &Sandbox) {
    let stderr = sandbox.run(["run", "shots.yaml", "--sim"]).exits(0).stderr();
    assert!(!stderr.contains("warning"), "{stderr}");
}

fn report(sandbox: &Sandbox, format: &str) -> String {
    sandbox.run(["report", "shots.yaml", "--sim", "--format", format]).exits(0).stdout()
}

/// The columns of a CSV by name, a row a shot.
fn records(text: &str) -> Vec<Value> {
    let text = text.strip_prefix('\u{feff}').expect("Excel's mark");
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let names = csv.headers().unwrap().clone();
    let row = |row: csv::StringRecord| {
        let cells = names.iter().zip(&row).map(|(name, cell)| (name.to_owned(), cell.into()));
        Value::Object(cells.collect())
    };
    csv.records().map(|record| row(record.unwrap())).collect()
}

#[test]
fn a_run_leaves_its_results_and_its_clips_are_what_was_asked_for() {
    let sandbox = rehearsed(FILMS);
    let text = fs::read_to_string(sandbox.path(RESULTS)).unwrap();
    assert_eq!(text, report(&sandbox, "csv"));
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
    let rows = records(&text);
    let facts = |of: usize| {
        let row = &rows[of];
        ["id", "seconds", "width", "height", "sound", "mismatch"].map(|name| row[name].clone())
    };
    assert_eq!(facts(0), ["möwe", "3", "180", "320", "false", ""]);
    assert_eq!(facts(1), ["kreis", "15", "240", "240", "true", ""]);
    assert_eq!(facts(2), ["kino", "5", "420", "180", "false", ""]);
    assert_eq!(facts(3), ["hafen-dawn", "5", "320", "180", "false", ""]);
    assert_eq!(rows[0]["prompt"], "Äußerst schöne Möwe, \"quer\"; 海辺の少女 👩\u{200d}🚀");
    assert_eq!((&rows[0]["tags"], &rows[0]["entry"]), (&json!("früh; 夜"), &json!("möwe")));
    assert_eq!(rows[1]["prompt"], "'=1+1", "no formula");
    let variants: Vec<_> = rows.iter().map(|row| row["variant"].as_str().unwrap()).collect();
    let [dawn, dusk] = ["dawn", "dusk"]
        .map(|time| ["1", "2"].map(|take| format!(r#"{{"time":"{time}","take":"{take}"}}"#)));
    assert_eq!(variants, ["", "", "", &dawn[0], &dawn[1], &dusk[0], &dusk[1]]);
    assert!(rows[3..].iter().all(|row| row["entry"] == "hafen"));

    let ledger = Connection::open(sandbox.path("renders/films.sim/ledger.sqlite")).unwrap();
    let view = "SELECT entry, json_extract(variant, '$.take'), seconds, width, height, sound \
         FROM results WHERE shot = 'hafen-dusk-t2'";
    let row: (String, String, f64, u32, u32, bool) =
        ledger.query_row(view, [], |row| row.try_into()).unwrap();
    assert_eq!(row, ("hafen".into(), "2".into(), 5.0, 320, 180, false));
    let listed = fs::read_dir(sandbox.path("renders/films.sim")).unwrap();
    let names = listed.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.contains(".part")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_clip_that_is_not_what_was_asked_for_is_delivered_and_told_everywhere() {
    use crate::disk::{campaign, manifest, sold};
    const WIDE: &[u8] = include_bytes!("../../src/simulator/assets/landscape.mp4");
    let upright = "{id: a, prompt: a, aspect_ratio: '9:16'}";
    let sandbox = campaign(&[]).manifest(&manifest(&["a"]).replace("{id: a, prompt: a}", upright));
    let server = Script::new().on(|request| Some(sold(request, WIDE))).serve();
    let told = "asked for 9:16, got 320x180";
    sandbox
        .run(["run", "shots.yaml", "--api-base", &server.url()])
        .exits(0)
        .says("1 delivered")
        .says("The clip is not what was asked for in 1 shot:\n  $ rushes report shots.yaml");
    let report = |format| sandbox.run(["report", "shots.yaml", "--format", format]).exits(0);
    assert!(report("text").stdout().contains(&format!("clips/a.mp4; {told}\n")));
    let shot = &report("json").stdout_json()["shots"][0];
    assert_eq!((&shot["state"], &shot["mismatch"]), (&json!("delivered"), &json!([told])));
    assert_eq!(shot["footage"]["height"], 180);
    let line: Value = serde_json::from_str(&report("jsonl").stdout()).unwrap();
    assert_eq!((&line["campaign"], &line["mismatch"]), (&json!("night"), &json!([told])));
    let rows = records(&fs::read_to_string(sandbox.path("renders/night/results.csv")).unwrap());
    assert_eq!(rows[0]["mismatch"], told);
}

#[test]
fn json_lines_are_the_reports_shots() {
    let sandbox = rehearsed(TWO_SHOTS);
    let lines = report(&sandbox, "jsonl");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whole: Value = serde_json::from_str(&report(&sandbox, "json")).unwrap();
    let mut shots = whole["shots"].as_array().unwrap().clone();
    for shot in &mut shots {
        shot["campaign"] = "summer".into();
    }
    assert_eq!(lines, shots);
}

#[test]
fn results_are_written_anew_by_every_run_and_by_fetch() {
    let sandbox = Sandbox::new().manifest(TWO_SHOTS);
    let results = sandbox.path("renders/summer.sim/results.csv");
    let files = || -> Vec<Value> {
        let rows = records(&fs::read_to_string(&results).unwrap());
        rows.iter().map(|row| row["files"].clone()).collect()
    };
    sandbox.run(["run", "shots.yaml", "--sim", "--no-download"]).exits(1);
    assert_eq!(files(), ["", ""]);
    // The run that wrote the page still holds the lock, but works no more.
    let page = fs::read_to_string(sandbox.path("renders/summer.sim/contact-sheet.html")).unwrap();
    assert!(page.contains(r#""running":null"#));
    assert_eq!(page.matches(r#""need":"fetch""#).count(), 2);
    sandbox.run(["fetch", "shots.yaml", "--sim"]).exits(0);
    assert_eq!(files(), ["clips/beach.mp4", "clips/alley.mp4"]);
    fs::remove_file(&results).unwrap();
    // What a killed run left.
    let part = sandbox.path("renders/summer.sim/.results.csv.part");
    fs::write(&part, "id,rev").unwrap();
    run_quietly(&sandbox);
    assert_eq!(files().len(), 2);
    assert!(!part.exists());
}

#[cfg(unix)]
#[test]
fn results_are_for_the_user_alone_and_no_other_file_is_touched() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let sandbox = rehearsed(TWO_SHOTS);
    let results = sandbox.path("renders/summer.sim/results.csv");
    assert_eq!(fs::metadata(&results).unwrap().permissions().mode() & 0o777, 0o600);
    let again = || {
        let done = sandbox.run(["run", "shots.yaml", "--sim"]).exits(0).says("2 delivered");
        done.warns("results.csv is not up to date").warns("--format csv");
    };
    let report = fs::read_to_string(&results).unwrap();
    for mine in ["id,prompt\nmy own,table\n", "", &report.replace("prompt\r\n", "prompt,notes\r\n")]
    {
        fs::write(&results, mine).unwrap();
        again();
        assert_eq!(fs::read_to_string(&results).unwrap(), mine);
    }
    fs::remove_file(&results).unwrap();
    // Both names lead to what could be taken for ours.
    let elsewhere = sandbox.path("elsewhere.csv");
    fs::write(&elsewhere, &report).unwrap();
    symlink(&elsewhere, &results).unwrap();
    again();
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), report);
    fs::remove_file(&results).unwrap();
    fs::create_dir(&results).unwrap();
    again();
    fs::remove_dir(&results).unwrap();
    fs::write(&elsewhere, "mine").unwrap();
    symlink(&elsewhere, sandbox.path("renders/summer.sim/.results.csv.part")).unwrap();
    run_quietly(&sandbox);
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
    assert_eq!(fs::read_to_string(&results).unwrap(), report);
}

#[cfg(target_os = "linux")]
#[test]
fn a_clip_that_cannot_be_read_is_kept_delivered_and_marked() {
    let sandbox = crate::disk::campaign(&["a"]);
    let server = crate::disk::sells();
    let run = ["run", "shots.yaml", "--api-base", &server.url()];
    sandbox
        .run(run)
        .exits(0)
        .warns("clips/a.mp4 is kept, but cannot be read: it holds no movie")
        .says("The clip is not what was asked for in 1 shot:");
    let report = sandbox.run(["report", "shots.yaml", "--format=json"]).exits(0).stdout_json();
    let shot = &report["shots"][0];
    assert_eq!((&shot["state"], &shot["files"]), (&json!("delivered"), &json!(["clips/a.mp4"])));
    assert_eq!(shot["mismatch"], json!(["the clip cannot be read: it holds no movie"]));
    assert!(shot.get("footage").is_none());
    assert_eq!(fs::read(sandbox.path("renders/night/clips/a.mp4")).unwrap(), crate::disk::CLIP);
}

/// The names in the first column of the README's table whose head begins so.
fn documented(head: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let section = readme.split("\n## For other programs\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with(head));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    let first = rows.map(|line| line.split('|').nth(1).unwrap());
    first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_readme_names_every_column_as_it_is_and_in_its_order() {
    let sandbox = rehearsed(TWO_SHOTS);
    let csv = report(&sandbox, "csv");
    let header = csv.trim_start_matches('\u{feff}').lines().next().unwrap();
    assert_eq!(documented("| column | holds |"), header.split(',').collect::<Vec<_>>());

    let ledger = Connection::open(sandbox.path("renders/summer.sim/ledger.sqlite")).unwrap();
    for view in ["results", "spend"] {
        let mut columns =
            ledger.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid").unwrap();
        let columns: Vec<String> =
            columns.query_map([view], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(documented(&format!("| column of `{view}` | holds |")), columns);
    }

    let lines = report(&sandbox, "jsonl");
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let keys: Vec<String> = line.as_object().unwrap().keys().cloned().collect();
    // The simulator charges nothing it does not say, and films what was asked for.
    let rare = ["charge", "mismatch"];
    let always: Vec<String> =
        documented("| key | holds |").into_iter().filter(|key| !rare.contains(&&**key)).collect();
    assert_eq!(always, keys);
}
