//! Trial 13: tables that were made for people, read as they are.

use super::{ids, load_files};

/// What a client sends: semicolons, a byte-order mark, odd headers, headings, empty rows, rows that are
/// not to be rendered, Chinese.
const CLIENT: &str = "\u{feff}Shot #;Scene;Prompt (EN);提示词;Ref #;Length (s);Status;Owner;Notes\r\n\
    SC 01;1;\"A kettle; steam\r\nrising\";一个水壶;;5;approved;Ann;\r\n\
    ;;;;;;;;\r\n\
    ACT TWO;;;;;;;;\r\n\
    SC 02;2;A mug;杯子;;10;DO NOT RENDER;Ben;too dark\r\n\
    SC 03a;2;A spoon;勺子;;5;  Approved ;Ben;\r\n\
    SC 04;3;A fork;叉子;;5;on hold (see mail);Ben;\r\n";

const HEAD: &str = "campaign: c\ndefaults: {model: kling-v2-6}\nshots:\n";

fn load(entry: &str, table: &str) -> rushes::manifest::Campaign {
    let manifest = format!("{HEAD}{entry}");
    let files = [("shots.yaml", manifest.as_bytes()), ("client.csv", table.as_bytes())];
    load_files(&files).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn prompts(campaign: &rushes::manifest::Campaign) -> Vec<String> {
    let request = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
    let prompt = |shot: &rushes::domain::shot::Shot| request(&shot.request.json)["prompt"].clone();
    campaign.shots.iter().map(|shot| prompt(shot).as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_clients_sheet_is_read_as_it_is() {
    let campaign = load(
        "  - from: client.csv\n    columns: {id: \"Shot #\", prompt: \"Prompt (EN)\", duration: length (S), zh: 提示词}\n    \
         where: {Prompt (EN): '*'}\n    skip: {Status: [do not render, \"on hold*\"]}\n    \
         ignore: [\"Ref #\", Status, Owner, Notes, Scene]\n    negative_prompt: '{{ zh }}'\n",
        CLIENT,
    );
    assert_eq!(ids(&campaign), ["SC-01", "SC-03a"]);
    assert_eq!(campaign.warnings, []);
    let chosen = &campaign.chosen_rows[0];
    assert_eq!((&*chosen.table, chosen.rows, chosen.taken), ("client.csv", 5, 2));
    assert_eq!(prompts(&campaign), ["A kettle; steam\r\nrising", "A spoon"]);
    assert!(campaign.shots[1].request.json.contains("勺子"));
}

#[test]
fn a_shot_is_the_same_whether_the_sheet_or_the_manifest_gives_the_names() {
    let renamed =
        load("  - {id: s, from: client.csv}\n", "prompt,duration\nA kettle,5\nA mug,10\n");
    let mapped = load(
        "  - {id: s, from: client.csv, columns: {duration: Length, prompt: 'Prompt (EN)'}, ignore: [Owner]}\n",
        "Owner,Prompt (EN),Length\nAnn,A kettle,5\nAnn,A mug,10\n",
    );
    let of = |campaign: &rushes::manifest::Campaign| {
        let one = |shot: &rushes::domain::shot::Shot| (shot.id.to_string(), shot.fingerprint);
        campaign.shots.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(of(&renamed), of(&mapped));
}

#[test]
fn rows_count_by_their_cells() {
    let table = "id,Status,prompt,Rating\na,OK,x,***\nb,ok  now,x,*\nc,,x,\nd,hold,x,\n";
    let left =
        |choice: &str| ids(&load(&format!("  - {{id: s, from: client.csv, {choice}}}\n"), table));
    for (choice, expected) in [
        ("where: {Status: ok}", vec!["s-a"]),
        ("where: {status: 'ok*'}", vec!["s-a", "s-b"]),
        ("where: {Status: ''}", vec!["s-c"]),
        ("where: {Status: [~, hold]}", vec!["s-c", "s-d"]),
        ("where: {Status: '*'}", vec!["s-a", "s-b", "s-d"]),
        ("where: {Status: '*o*'}", vec!["s-a", "s-b", "s-d"]),
        ("where: {Rating: '***'}", vec!["s-a"]),
        ("skip: {Status: [ok, '']}", vec!["s-b", "s-d"]),
        ("skip: {Status: ok, Rating: '*'}", vec!["s-c", "s-d"]),
        ("where: {Status: '*'}, skip: {Status: hold}", vec!["s-a", "s-b"]),
        ("where: {Status: 'ok*', Rating: '***'}", vec!["s-a"]),
        ("where: {column B: hold}", vec!["s-d"]),
    ] {
        assert_eq!(left(choice), expected, "{choice}");
    }
}

#[test]
fn what_is_wrong_in_a_row_that_does_not_count_is_not_told() {
    let campaign = load(
        "  - {id: s, from: client.csv, skip: {Status: hold}}\n",
        "id,Status,prompt,duration,\na,ok,x,5,\nb,hold,#REF!,99,stray\nc,hold,Loading...,,\n",
    );
    assert_eq!(ids(&campaign), ["s-a"]);
}

#[test]
fn a_column_without_a_name_is_known_by_its_letter() {
    let table = "id,,prompt,\na,5,x,note\n";
    let campaign = load(
        "  - {id: s, from: client.csv, columns: {duration: column B}, ignore: column D}\n",
        table,
    );
    assert!(campaign.shots[0].request.json.contains("\"duration\":\"5\""));
}

#[test]
fn rows_are_counted_as_a_spreadsheet_counts_them() {
    let table =
        "sep=;\nid;prompt;duration\na;\"two\nlines\";5\n\nb;\"three\r\n\r\nlines\";5\n\"c\";x;99\n";
    let manifest = format!("{HEAD}  - {{id: s, from: client.csv}}\n");
    let files = [("shots.yaml", manifest.as_bytes()), ("client.csv", table.as_bytes())];
    let mistakes = load_files(&files).unwrap_err();
    let found = &mistakes.findings[0];
    let cell = found.cell.as_ref().unwrap();
    // The header is row 1: `sep=;` is not shown; the empty line is row 3.
    assert_eq!(cell.to_string(), "row 5, column C \"duration\"");
    assert_eq!(found.spot.line, 9);
}

#[test]
fn eighty_rows_with_the_same_mistake_are_one_mistake() {
    use std::fmt::Write as _;
    let mut table = "id,prompt,Ref #\n".to_owned();
    for row in 1..=80 {
        let _ = writeln!(table, "s{row},A kettle {row},refs/{row:03}.png");
    }
    let manifest = format!("{HEAD}  - {{id: s, from: client.csv, columns: {{image: 'Ref #'}}}}\n");
    let files = [("shots.yaml", manifest.as_bytes()), ("client.csv", table.as_bytes())];
    let mistakes = load_files(&files).unwrap_err();
    assert_eq!(mistakes.count, 1, "{mistakes}");
    assert!(mistakes.rendered.contains("the same in 80 rows: 2-81"), "{mistakes}");
    assert!(mistakes.rendered.contains("row 2, column C \"Ref #\""), "{mistakes}");
    assert!(mistakes.rendered.lines().count() < 20, "{mistakes}");
    assert_eq!(mistakes.findings[0].rows.len(), 80);
}

#[test]
fn one_mistake_of_a_column_is_one_however_many_shots_a_row_is() {
    let table = "id,prompt,duration\na,x,7x\nb,y,7x\nc,z,7x\n";
    for more in ["takes: 2", "matrix: {mode: [std, pro]}"] {
        let manifest = format!("{HEAD}  - {{from: client.csv, {more}}}\n");
        let files = [("shots.yaml", manifest.as_bytes()), ("client.csv", table.as_bytes())];
        let mistakes = load_files(&files).unwrap_err();
        let of_length = |found: &&rushes::manifest::Finding| found.message.contains("7x");
        let found: Vec<_> = mistakes.findings.iter().filter(of_length).collect();
        assert_eq!(found.len(), 1, "{mistakes}");
        assert_eq!((&*found[0].rows, found[0].more_shots), (&[2, 3, 4][..], 5), "{mistakes}");
        assert_eq!(mistakes.count, mistakes.findings.len(), "{mistakes}");
    }
}

#[test]
fn titles_above_the_header_are_passed_over() {
    let entry = "  - {id: s, from: client.csv}\n";
    let table = "Autumn campaign;;\n;;\nprepared by Ann;;\nid;prompt;duration\na;x;5,0\nb;y;99\n";
    let manifest = format!("{HEAD}{entry}");
    let files = [("shots.yaml", manifest.as_bytes()), ("client.csv", table.as_bytes())];
    let mistakes = load_files(&files).unwrap_err();
    assert_eq!(mistakes.count, 1, "{mistakes}");
    let found = &mistakes.findings[0];
    assert_eq!((found.spot.line, found.rows.as_slice()), (6, &[6][..]));
    assert_eq!(ids(&load(entry, &table.replace("99", "10 sec"))), ["s-a", "s-b"]);
    // One named column among others is a header.
    assert_eq!(ids(&load(entry, "prompt,,\nx,,\ny,,\n")), ["s-x", "s-y"]);
}

/// An id that changed would be bought again.
#[test]
fn an_id_stays_however_a_spreadsheet_spells_its_cell() {
    let of = |id: &str| {
        let table = format!("Shot,Text\n\"{id}\",x\n");
        let entry = "  - {from: client.csv, columns: {id: Shot, prompt: Text}}\n";
        ids(&load(entry, &table)).remove(0)
    };
    assert_eq!(of("Caf\u{e9} 1"), of("Cafe\u{301} 1"));
    assert_eq!(of("SC\r\n 01 "), of("SC 01"));
    assert_eq!(of("7.0"), of("7"));
    assert_eq!(of("1/2"), "1-2-d939926f", "what cannot stand in a file name gets a hash");
    assert_ne!(of("1/2"), of("1?2"));
}
