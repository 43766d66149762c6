//! The manifest language as people and other programs meet it: what is printed, what is read in which
//! order, what spreadsheets and shared files bring along.

use std::fmt::Write as _;

use rushes::catalog::Catalog;
use rushes::manifest::{Campaign, Finding, Level, Manifest, Mistakes, Reading, load};
use serde_json::Value;

use crate::sandbox::Sandbox;

/// Loads files written to a folder; the first is the manifest.
fn load_files(files: &[(&str, &str)], color: bool) -> Result<Campaign, Mistakes> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let catalog = Catalog::builtin();
    load(&folder.path().join(files[0].0), &Reading { catalog: &catalog, capped: None, color })
}

fn yaml(text: &str) -> Result<Campaign, Mistakes> {
    load_files(&[("shots.yaml", text)], false)
}

/// Every shot's id, request and price.
fn shots(campaign: &Campaign) -> Vec<(String, String, String)> {
    let shot = |shot: &rushes::domain::shot::Shot| {
        (shot.id.to_string(), shot.request.json.to_string(), format!("{:?}", shot.price))
    };
    campaign.shots.iter().map(shot).collect()
}

/// The shots of a plan by their ids.
fn planned(plan: &Value) -> Vec<Value> {
    let mut shots = plan["shots"].as_array().unwrap().clone();
    shots.sort_by_key(|shot| shot["id"].as_str().unwrap().to_owned());
    shots
}

#[test]
fn a_plan_is_the_same_after_its_entries_were_shuffled() {
    let entries: Vec<String> = (0..40)
        .map(|n| match n % 4 {
            0 => format!("  - {{id: s{n}, prompt: 'shot {n}', takes: 2}}\n"),
            1 => {
                format!("  - {{id: s{n}, prompt: 'in {{{{ w }}}}', matrix: {{w: [rain, fog]}}}}\n")
            }
            2 => format!("  - {{id: s{n}, from: rows.csv, prompt: '{{{{ name }}}}', mode: pro}}\n"),
            _ => format!("  - id: s{n}\n    prompt: |\n      two\n      lines {n}\n"),
        })
        .collect();
    let rows = "name,duration\nkettle,5\nmug,7\n";
    let plan = |entries: &[String]| {
        let text =
            format!("campaign: c\ndefaults: {{model: kling-v3}}\nshots:\n{}", entries.concat());
        let sandbox = Sandbox::new().manifest(&text).file("rows.csv", rows);
        sandbox.run(["plan", "shots.yaml", "--format", "json"]).exits(0).stdout_json()
    };
    let before = plan(&entries);
    assert_eq!(planned(&before).len(), 70);
    let mut shuffled = entries;
    for seed in 1..4_u64 {
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        let after = plan(&shuffled);
        assert_eq!(planned(&before), planned(&after));
        assert_eq!((&before["campaign"], &before["total"]), (&after["campaign"], &after["total"]));
    }
}

#[test]
fn editors_get_mistakes_as_data_and_people_as_text() {
    let text = "campaign: c\ndefaults: {duration: 12}\nshots:\n  - {id: a, model: kling-v2-6, prompt: x}\n  - {id: a, model: kling-v3, prompt: y, mod: pro}\n";
    let sandbox = Sandbox::new().manifest(text);
    let done = sandbox.run(["plan", "shots.yaml", "--format", "json"]).exits(2);
    let done = done.warns("error: shots.yaml:2:22: kling-v2-6 takes duration 5 or 10, not 12");
    let said = done.stdout_json();
    assert_eq!(said["count"], 3);
    let mistakes = said["mistakes"].as_array().unwrap();
    let first = &mistakes[0];
    assert_eq!(first["level"], "error");
    assert_eq!((&first["file"], &first["line"]), (&"shots.yaml".into(), &2.into()));
    assert_eq!((&first["column"], &first["end_column"]), (&22.into(), &24.into()));
    assert_eq!(first["shot"], "a");
    assert!(first["fix"].as_str().unwrap().starts_with("write 5 or 10"), "{first}");
    let related: Vec<_> =
        first["related"].as_array().unwrap().iter().map(|it| &it["line"]).collect();
    assert_eq!(related, [4, 4]);
    let places: Vec<_> = mistakes.iter().map(|it| it["line"].as_u64().unwrap()).collect();
    assert_eq!(places, [2, 5, 5]);
    // What is only odd is beside the plan.
    let odd = "campaign: c\nshots:\n  - {id: a, model: kling-v2-6, sound: on, prompt: x}\n";
    let plan = Sandbox::new().manifest(odd);
    let plan = plan.run(["plan", "shots.yaml", "--format", "json"]).exits(0).stdout_json();
    assert_eq!(plan["warnings"][0]["level"], "warning");
    assert_eq!(plan["total"], Value::Null);
}

#[test]
fn colours_change_nothing_that_is_said() {
    let text = "campaign: c\nshots:\n  - {id: a, model: kling-v9, prompt: x}\n";
    let plain = load_files(&[("shots.yaml", text)], false).unwrap_err().rendered;
    let colored = load_files(&[("shots.yaml", text)], true).unwrap_err().rendered;
    assert!(!plain.contains('\u{1b}') && colored.contains('\u{1b}'));
    let bare = anstream::adapter::strip_str(&colored).to_string();
    let after_folder = |text: &str| text.split_once("shots.yaml").unwrap().1.to_owned();
    assert_eq!(after_folder(&bare), after_folder(&plain));
}

#[test]
fn ten_thousand_mistakes_end_in_a_bounded_list_and_a_count() {
    let mut text = String::from("shots:\n");
    for row in 0..20_000 {
        let _ = writeln!(text, "- {{id: s{row}, model: kling-v2-6, prompt: x, duration: 12}}");
    }
    let mistakes = load_files(&[("shots.yaml", &text)], false).unwrap_err();
    assert_eq!(mistakes.count, 20_000);
    assert_eq!(mistakes.findings.len(), 100);
    let places: Vec<u32> = mistakes.findings.iter().map(|found| found.spot.line).collect();
    assert_eq!(places, (2..102).collect::<Vec<u32>>());
    let last = mistakes.rendered.lines().last().unwrap();
    assert_eq!(last, "and 19900 more mistakes, 20000 in all; nothing was sent");
}

/// Trial 13: the same mistake in every row of a sheet is one.
#[test]
fn twenty_thousand_rows_with_one_mistake_have_one_mistake() {
    let mut text = String::from("id,model,prompt,duration\n");
    for row in 0..20_000 {
        let _ = writeln!(text, "shot-{row},kling-v2-6,x,12");
    }
    let mistakes = load_files(&[("shots.csv", &text)], false).unwrap_err();
    assert_eq!(mistakes.count, 1);
    assert_eq!(mistakes.findings[0].rows, (2..20_002).collect::<Vec<u32>>());
    assert_eq!(mistakes.findings[0].more_shots, 19_999);
}

#[test]
fn a_line_as_long_as_a_file_is_shown_in_part() {
    let prompt = "é".repeat(200_000);
    let text =
        format!("campaign: c\nshots: [{{id: a, model: kling-v3, prompt: '{prompt}', mod: x}}]\n");
    let mistakes = yaml(&text).unwrap_err();
    assert_eq!(mistakes.count, 2);
    assert!(mistakes.rendered.len() < 3_000, "{} bytes", mistakes.rendered.len());
    let column = text.lines().nth(1).unwrap().find("mod:").unwrap() - prompt.len() / 2 + 1;
    assert_eq!(mistakes.findings[1].spot.column as usize, column);
}

#[test]
fn settings_may_stand_below_the_shots() {
    let settings = "campaign: c\nvars: {look: warm}\ndefaults: {model: kling-v3, duration: 7}\n";
    let entries = "shots:\n  - {id: a, prompt: 'a {{ look }} beach'}\n  - {id: b, prompt: b}\n";
    let above = yaml(&format!("{settings}{entries}")).unwrap();
    let below = yaml(&format!("{entries}{settings}")).unwrap();
    assert_eq!(shots(&above), shots(&below));
    let both = "vars: {look: warm}\nshots:\n  - {id: a, prompt: 'a {{ look }} beach'}\n  - {id: b, prompt: b}\ndefaults: {model: kling-v3, duration: 7}\n";
    assert_eq!(shots(&above), shots(&yaml(both).unwrap()));
    // By an alias or a merge key, too.
    let alias = format!("x: &list\n{}{settings}shots: *list\n", &entries["shots:\n".len()..]);
    let mistakes = yaml(&alias).unwrap_err();
    assert_eq!(mistakes.count, 1, "`x` is no setting, all else is right: {mistakes}");
    // What breaks off before its defaults is not blamed for lacking them.
    let mistakes = yaml(&format!("{entries}defaults: {{model: kling-v3\n")).unwrap_err();
    assert_eq!(mistakes.count, 1, "{mistakes}");
}

#[test]
fn included_files_share_their_defaults_and_names() {
    let own = "campaign: c\nvars: {look: warm, place: beach}\ndefaults: {model: kling-v3, mode: pro, duration: 7}\nshots:\n  - {id: a, prompt: '{{ look }} {{ place }}'}\n";
    let shared = "vars: {look: cold, place: beach}\ndefaults: {model: kling-v2-6, mode: pro}\n";
    let main = "campaign: c\ninclude: [shared/base.yaml, shared/later.yaml]\nvars: {look: warm}\ndefaults: {duration: 7}\nshots:\n  - {id: a, prompt: '{{ look }} {{ place }}'}\n";
    let campaign = load_files(
        &[
            ("shots.yaml", main),
            ("shared/base.yaml", shared),
            // Included paths begin at the file they stand in; what comes later wins.
            ("shared/later.yaml", "include: more/last.yaml\n"),
            ("shared/more/last.yaml", "defaults: {model: kling-v3}\n"),
        ],
        false,
    )
    .unwrap();
    let expected = yaml(own).unwrap();
    assert_eq!(shots(&campaign), shots(&expected));
    assert_eq!(campaign.shots[0].fingerprint, expected.shots[0].fingerprint);
    // The same file by two ways is no cycle.
    let twice = "campaign: c\ninclude: [a.yaml, b.yaml]\nshots: [{id: a, prompt: x}]\n";
    let c = ("c.yaml", "defaults: {model: kling-v3}\n");
    let by = "include: c.yaml\n";
    load_files(&[("shots.yaml", twice), ("a.yaml", by), ("b.yaml", by), c], false).unwrap();
}

#[test]
fn a_cap_from_anywhere_makes_an_unknown_price_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shots.yaml");
    let text =
        "campaign: c\nbudget: 5\nshots:\n  - {id: a, model: kling-v2-6, sound: on, prompt: x}\n";
    std::fs::write(&path, text).unwrap();
    let catalog = Catalog::builtin();
    let read = |capped| Manifest::read(&path, &catalog).campaign(capped, false);
    assert_eq!(read(None).unwrap_err().count, 1);
    assert_eq!(read(Some(true)).unwrap_err().count, 1);
    let warnings = read(Some(false)).unwrap().warnings;
    let [Finding { level: Level::Warning, fix: Some(fix), .. }] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    assert!(fix.contains("with `mode: pro` $0.0531"), "{fix}");
}

#[test]
fn tables_are_read_whatever_parts_their_cells() {
    let expected = [("a", "one, two; three\tfour", "0.5"), ("b", "x", "0.25")];
    for (name, text) in [
        (
            "t.csv",
            "id,model,prompt,cfg_scale\na,kling-v3,\"one, two; three\tfour\",0.5\nb,kling-v3,x,0.25\n",
        ),
        (
            "t.csv",
            "sep=;\r\nid;model;prompt;cfg_scale\r\na;kling-v3;\"one, two; three\tfour\";0,5\r\nb;kling-v3;x;0,25\r\n",
        ),
        (
            "t.tsv",
            "\u{feff}id\tmodel\tprompt\tcfg_scale\t\na\tkling-v3\t\"one, two; three\tfour\"\t0.50\t\nb\tkling-v3\tx\t2.5e-1\t\n\t\t\t\t\n",
        ),
        (
            "t.CSV",
            "id,model,prompt,cfg_scale\ra,kling-v3,\"one, two; three\tfour\",.5\rb,kling-v3,x,0.25\r",
        ),
    ] {
        let campaign = load_files(&[(name, text)], false).unwrap();
        let found: Vec<(String, Value)> = campaign
            .shots
            .iter()
            .map(|shot| (shot.id.to_string(), serde_json::from_str(&shot.request.json).unwrap()))
            .collect();
        for ((id, request), (expected_id, prompt, scale)) in found.iter().zip(expected) {
            assert_eq!(id, expected_id, "{text}");
            assert_eq!(request["prompt"], prompt, "{text}");
            assert_eq!(request["cfg_scale"].to_string(), scale, "{text}");
        }
        assert_eq!(found.len(), 2, "{text}");
    }
}

#[test]
fn a_filled_cell_wins_over_the_shot_and_an_empty_one_does_not() {
    let rows = "id,mode,duration\na,pro,\nb,,9\n";
    let manifest = "campaign: c\nshots:\n  - {id: s, from: rows.csv, model: kling-v3, mode: std, duration: 7, prompt: x}\n";
    let campaign = load_files(&[("shots.yaml", manifest), ("rows.csv", rows)], false).unwrap();
    let said: Vec<Value> = campaign
        .shots
        .iter()
        .map(|shot| serde_json::from_str(&shot.request.json).unwrap())
        .collect();
    assert_eq!((&said[0]["mode"], &said[0]["duration"]), (&"pro".into(), &"7".into()));
    assert_eq!((&said[1]["mode"], &said[1]["duration"]), (&"std".into(), &"9".into()));
}

#[test]
fn ids_tell_rows_apart_by_what_their_cells_mean() {
    let ids = |rows: &str| {
        let manifest = "campaign: c\nshots:\n  - {id: s, from: rows.csv, model: kling-v3, prompt: '{{ name }}'}\n";
        let campaign = load_files(&[("shots.yaml", manifest), ("rows.csv", rows)], false).unwrap();
        campaign.shots.iter().map(|shot| shot.id.to_string()).collect::<Vec<_>>()
    };
    let before = ids("name,duration,multi_shot\nkettle,5,true\nmug,7,no\n");
    assert_eq!(before, ids("name,duration,multi_shot\nkettle,5.0,TRUE\nmug,7s,FALSE\n"));
    // A new column changes no row that leaves it empty.
    let more = ids("name,cfg_scale,duration,multi_shot\nkettle,,5,true\nmug,,7,no\npan,0.5,5,no\n");
    assert_eq!(before, more[..2]);
    let matrix = |values: &str| {
        let text = format!(
            "campaign: c\nshots:\n  - {{id: s, model: kling-v3, prompt: x, matrix: {{duration: [{values}]}}}}\n"
        );
        yaml(&text).map(|campaign| shots(&campaign))
    };
    assert_eq!(matrix("5, 7").unwrap(), matrix("5.0, '7s'").unwrap());
    assert_eq!(matrix("5, 5.0").unwrap_err().count, 1);
}

#[test]
fn a_shot_s_tags_may_name_its_clip_s_folder() {
    let campaign = yaml("campaign: c\nshots:\n  - {id: a, model: kling-v3, prompt: x, tags: [night, rain], clip_name: '{{ tags[0] }}/{{ tags | join(\"-\") | upper }}-{{ id }}'}\n").unwrap();
    assert_eq!(&*campaign.shots[0].clip_name, "night/NIGHT-RAIN-a");
    let escape = yaml(
        "campaign: c\nshots:\n  - {id: a, model: kling-v3, prompt: x, tags: ['..'], clip_name: '{{ tags[0] }}/{{ id }}'}\n",
    );
    assert_eq!(escape.unwrap_err().count, 1);
    let none = yaml(
        "campaign: c\nshots:\n  - {id: a, model: kling-v3, prompt: x, clip_name: '{{ tags[0] }}/{{ id }}'}\n",
    );
    assert!(none.unwrap_err().rendered.contains("has no value"));
}

#[test]
fn a_big_image_is_odd_but_not_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let image = crate::support::pictures::drawn("png 1920x1080 megabytes 11");
    std::fs::write(folder.path().join("a.png"), image).unwrap();
    let path = folder.path().join("shots.yaml");
    std::fs::write(&path, "shots:\n  - {id: a, model: kling-v3, image: a.png, takes: 3}\n")
        .unwrap();
    let catalog = Catalog::builtin();
    let campaign = load(&path, &Reading { catalog: &catalog, capped: None, color: false }).unwrap();
    assert_eq!(campaign.warnings.len(), 1, "{:?}", campaign.warnings);
    assert!(campaign.warnings[0].message.contains("is big: 11 MB"));
}

#[test]
fn a_default_stands_for_what_is_missing_or_empty() {
    let rows = "id,mood\na,wild\nb,\n";
    let manifest = "campaign: c\nvars: {mode_of_day: dawn}\nshots:\n  - {id: s, from: rows.csv, model: kling-v3, prompt: \"{{ mood | default('calm') }} {{ light | default('soft') | upper }}\"}\n";
    let campaign = load_files(&[("shots.yaml", manifest), ("rows.csv", rows)], false).unwrap();
    let prompts: Vec<bool> = ["wild SOFT", "calm SOFT"]
        .iter()
        .zip(&campaign.shots)
        .map(|(prompt, shot)| shot.request.json.contains(prompt))
        .collect();
    assert_eq!(prompts, [true, true]);
    // A slip is not something that may be missing.
    let slip = manifest.replace("{{ mood |", "{{ modd |");
    let mistakes = load_files(&[("shots.yaml", &slip), ("rows.csv", rows)], false);
    assert!(mistakes.is_ok(), "`modd` is two letters from `mood` of four: it may mean something");
    let slip = manifest.replace("{{ light |", "{{ mode_ofday |");
    let mistakes = load_files(&[("shots.yaml", &slip), ("rows.csv", rows)], false).unwrap_err();
    assert!(mistakes.rendered.contains("did you mean `mode_of_day`?"), "{mistakes}");
}

/// Manifests that would load and buy what was not meant, and words of what is said instead.
#[test]
fn what_would_silently_buy_something_else_is_a_mistake() {
    let shots = |text: &str| format!("defaults: {{model: kling-v3}}\nshots:\n{text}");
    for (manifest, rows, words) in [
        // Names are put in once.
        (
            "vars: {mood: calm, look: '{{ mood }} film'}\n".to_owned()
                + shots("  - {id: a, prompt: 'x {{ look }}'}\n").as_str(),
            "",
            "`look` holds a template",
        ),
        (
            shots("  - {id: a, prompt: 'x {{ w }}', matrix: {w: ['{{ take }}', b]}}\n"),
            "",
            "`w` holds a template",
        ),
        (
            shots("  - {id: a, from: r.csv, prompt: 'x {{ note }}'}\n"),
            "id,note\n1,{{ id }}\n",
            "`note` holds a template",
        ),
        // A comment that cuts a text short.
        (
            "vars:\n  look: film #3\n".to_owned()
                + shots("  - {id: a, prompt: '{{ look }}'}\n").as_str(),
            "",
            "begins a comment",
        ),
        (shots("  - id: shot #1\n    prompt: x\n"), "", "begins a comment"),
        (
            shots(
                "  - id: a\n    prompt: '{{ w }}'\n    matrix:\n      w:\n        - rain #1\n        - fog\n",
            ),
            "",
            "begins a comment",
        ),
        (
            shots("  - {id: a, from: r.csv, prompt: x}\n"),
            "camera_control.type,camera_control.config.zoom\nsimple,\"1,5\"\n",
            "write 1.5",
        ),
        (
            shots("  - {id: a, from: r.csv, prompt: x}\n"),
            "camera_control.type,camera_control.config,camera_control.config.zoom\nsimple,{},1\n",
            "is a part of the column",
        ),
        // Several voices in one item.
        (
            shots("  - {id: a, prompt: x, sound: on, voice_list: ['v1, v2, v3']}\n"),
            "",
            "are several",
        ),
        // A clip in the way of another's folder.
        (
            shots(
                "  - {id: a, prompt: x, clip_name: g}\n  - {id: b, prompt: x, clip_name: g.mp4/b}\n",
            ),
            "",
            "cannot be called like a clip",
        ),
        (shots("  - {id: a, prompt: x, seconds: 10}\n"), "", "did you mean `duration`?"),
    ] {
        let mistakes = load_files(&[("shots.yaml", &manifest), ("r.csv", rows)], false);
        let Err(mistakes) = mistakes else { panic!("it loads: {manifest}{rows}") };
        assert!(mistakes.rendered.contains(words), "{manifest}{rows}{mistakes}");
        assert_eq!(mistakes.count, 1, "{manifest}{rows}{mistakes}");
    }
    let head = "id,model,prompt,duration\n";
    for (rows, place, words) in [
        (
            "a,kling-v3,\"A kettle,5\nb,kling-v3,\"A pot\",5\nc,kling-v3,A pan,5\n",
            ":3:12:",
            "closes it",
        ),
        ("a,kling-v3,\"say \\\"hi\\\" now\",5\n", ":2:18:", "closes it"),
        ("a,kling-v3, \"x y\",5\n", ":2:12:", "remove the space"),
    ] {
        let mistakes = load_files(&[("shots.csv", &format!("{head}{rows}"))], false).unwrap_err();
        let first = mistakes.rendered.lines().next().unwrap();
        assert!(first.contains(place) && mistakes.rendered.contains(words), "{mistakes}");
    }
}

#[test]
fn switches_are_switches_in_an_if_and_words_elsewhere() {
    let prompt = |vars: &str, prompt: &str| {
        let text = format!(
            "vars: {{{vars}}}\nshots: [{{id: a, model: kling-v3, prompt: \"{prompt}\"}}]\n"
        );
        let campaign = yaml(&text).unwrap();
        let request: Value = serde_json::from_str(&campaign.shots[0].request.json).unwrap();
        request["prompt"].as_str().unwrap().to_owned()
    };
    for off in ["no", "off", "false", "False"] {
        let vars = format!("night: {off}");
        assert_eq!(prompt(&vars, "x{% if night %} at night{% endif %}"), "x", "{off}");
        assert_eq!(
            prompt(&vars, "{{ 'a' if not night else 'b' }} {{ night }}"),
            format!("a {off}")
        );
        assert_eq!(
            prompt(&vars, &format!("{{{{ night }}}} {{{{ night == '{off}' }}}}")),
            format!("{off} True")
        );
    }
    assert_eq!(prompt("night: on", "x{% if night and night %} at night{% endif %}"), "x at night");
}

#[test]
fn white_space_around_a_text_is_no_other_shot() {
    let fingerprint = |prompt: &str| {
        let text = format!("shots:\n  - id: a\n    model: kling-v3\n    prompt: {prompt}");
        yaml(&text).unwrap().shots[0].fingerprint
    };
    let plain = fingerprint("A kettle\n");
    for other in [
        "\"A kettle \"\n",
        "|\n      A kettle\n",
        ">\n      A\n      kettle\n\n",
        "A kettle\n    negative_prompt: ''\n",
    ] {
        assert_eq!(fingerprint(other), plain, "{other}");
    }
    assert_ne!(fingerprint("A  kettle\n"), plain);
}

#[test]
fn a_cell_that_beats_the_shot_s_own_template_is_odd() {
    let manifest =
        "shots:\n  - {id: a, from: r.csv, model: kling-v3, prompt: '{{ product }}, film'}\n";
    let rows = "product,prompt\nmug,x\n";
    let campaign = load_files(&[("shots.yaml", manifest), ("r.csv", rows)], false).unwrap();
    assert!(campaign.warnings[0].message.contains("set here and by the table's column"));
    assert!(campaign.shots[0].request.json.contains(r#""prompt":"x""#));
}

#[test]
fn nothing_that_is_printed_can_steer_a_terminal() {
    let odd = "\u{9b}31m \u{202e} \u{2028} \u{7f} é 🎬";
    let text = format!("campaign: c\nshots:\n  - {{id: a, model: kling-v3, prompt: \"x{odd}\"}}\n");
    let escaped = text.replace('\u{9b}', "\\x9b").replace('\u{7f}', "\\x7f");
    let sandbox = Sandbox::new().manifest(&escaped);
    let plan = sandbox.run(["plan", "shots.yaml", "--format", "json"]).exits(0);
    let steers = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{2028}".contains(c);
    assert!(!plan.stdout().contains(steers), "{:?}", plan.stdout());
    assert_eq!(plan.stdout_json()["shots"][0]["request"]["prompt"], format!("x{odd}"));
    let broken = Sandbox::new().manifest(&escaped.replace("kling-v3", "kling-\\x9b31m\u{202e}"));
    let said = broken.run(["plan", "shots.yaml", "--format", "json"]).exits(2);
    assert!(
        !said.stdout().contains(steers) && !said.stderr().contains(steers),
        "{}",
        said.stderr()
    );
}
