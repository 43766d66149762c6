//! The contact sheet's page and the data in it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rushes::domain::shot::ShotId;
use rushes::ledger::{OrphanReservation, RevisionId, SpendGroup};
use rushes::policy::budget::Balance;
use rushes::report::contact_sheet::{self, MAX_SHOTS, Picks, Sheet};
use rushes::review::{ClipKey, Reviewed, Verdict};
use sha2::{Digest, Sha256};

use super::sample::{Sample, at};

const STYLE: &str = include_str!("../../../src/report/contact_sheet/sheet.css");
/// The first and the last part of the page's script.
const FIRST: &str = include_str!("../../../src/report/contact_sheet/data.js");
const LAST: &str = include_str!("../../../src/report/contact_sheet/main.js");

fn page(sample: &Sample, live: bool) -> String {
    page_with(sample, live, Picks::default())
}

fn page_with(sample: &Sample, live: bool, picks: Picks<'_>) -> String {
    let again = |verb: &str, rest: &str| format!("rushes {verb} summer.yaml {rest}");
    let now = at(3600);
    let sheet = Sheet { source: sample, again: &again, now, live, links: None, picks, place: None };
    let mut out = Vec::new();
    sheet.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What stands between the tags of the page's only script with that id.
fn data<'a>(page: &'a str, id: &str) -> &'a str {
    let open = format!("<script type=\"application/json\" id=\"{id}\">");
    let mut parts = page.split(&open);
    let (_, rest) = (parts.next(), parts.next().unwrap());
    assert!(parts.next().is_none());
    rest.split("</script>").next().unwrap()
}

fn json(page: &str, id: &str) -> serde_json::Value {
    serde_json::from_str(data(page, id)).unwrap()
}

#[test]
fn the_pages_parts_stand_where_they_belong() {
    let page = page(&Sample::mixed(), false);
    assert!(!page.contains("@@") && page.contains(&format!("<style>{STYLE}</style>")));
    let script = page.strip_suffix("</script>\n</body>\n</html>\n").unwrap();
    let (_, script) = script.rsplit_once("<script>").unwrap();
    assert!(script.starts_with(&format!("\"use strict\";\n{FIRST}")) && script.ends_with(LAST));
    assert!(!script.contains("</script") && !script.contains("innerHTML"));
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    assert!(page.contains(&format!("script-src 'sha256-{hash}'")));
    assert!(!page.contains("connect-src") && !page.contains("unsafe"));
}

#[test]
fn only_a_live_page_may_ask_its_run() {
    let page = page(&Sample::mixed(), true);
    assert!(page.contains("connect-src 'self'"));
    assert_eq!(json(&page, "head-data")["live"], true);
}

#[test]
fn every_row_is_a_shot_with_what_it_needs() {
    let page = page(&Sample::mixed(), false);
    let told = json(&page, "shots-data");
    let shots = told["shots"].as_array().unwrap();
    let of = |field: &str| -> Vec<_> {
        shots.iter().map(|shot| shot[field].as_str().unwrap_or("-")).collect()
    };
    assert_eq!(of("key"), ["beach", "alley", "cliff", "dunes", "fog", "forest", "beach~r2"]);
    assert_eq!(of("need"), ["-", "stalled", "-", "fetch", "retry", "-", "doubt"]);
    assert_eq!(of("state")[1], "stalled");
    assert_eq!((&shots[6]["old"], &told["left_out"]), (&true.into(), &0.into()));
    insta::assert_snapshot!(contact_sheet::shot(&Sample::mixed().rows[0]).unwrap(), @r##"{"key":"beach","id":"beach","revision":1,"state":"delivered","model":"kling-v3","prompt":"","entry":"beach","price":"0.3165","attempts":1,"task":"task-1","files":[{"path":"clips/beach.mp4","bytes":12}],"submitted":1795383000000,"completed":1795383140000,"delivered":1795383150000}"##);
}

#[test]
fn what_others_wrote_stays_text() {
    let mut sample = Sample::mixed();
    let evil =
        "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\u{1b}[31m\u{202e}&amp;";
    sample.summary.campaign = evil.to_owned();
    for row in &mut sample.rows {
        let prompt = serde_json::json!({"prompt": evil, "model": evil, evil: [evil, {evil: evil}]});
        row.request = prompt.to_string();
        row.model = evil.to_owned();
        row.tags = vec![evil.to_owned()];
        row.urls = vec![evil.to_owned()];
        row.files.clear();
    }
    sample.spending.groups = vec![SpendGroup {
        model: evil.to_owned(),
        tags: vec![evil.to_owned()],
        bought: 1,
        balance: Balance::default(),
    }];
    let page = page(&sample, false);
    assert!(!page.contains("alert(1)<") && !page.contains("<img") && !page.contains("<!--"));
    assert!(!page.contains(['\u{1b}', '\u{202e}']));
    assert_eq!(page.matches("</script").count(), 3);
    let shot = &json(&page, "shots-data")["shots"][0];
    assert_eq!(
        (&shot["prompt"], &shot["tags"][0], &shot["urls"][0]),
        (&evil.into(), &evil.into(), &evil.into())
    );
    assert_eq!(json(&page, "head-data")["campaign"], evil);
}

#[test]
fn long_values_are_cut_and_said_to_be() {
    let mut sample = Sample::mixed();
    let image = "é".repeat(1_000_000);
    sample.rows[0].request =
        serde_json::json!({"prompt": "a", "image": image, "shots": [{"image": image}]}).to_string();
    let page = page(&sample, false);
    let shot = &json(&page, "shots-data")["shots"][0];
    let cut = format!("{}… (1000000 characters)", "é".repeat(200));
    assert_eq!(shot["params"]["image"], cut);
    assert_eq!(shot["params"]["shots"][0]["image"], cut);
}

#[test]
fn more_shots_than_a_browser_takes_are_left_out_and_counted() {
    let mut sample = Sample::mixed();
    sample.rows = (0..MAX_SHOTS + 3).map(|_| sample.rows[5].clone()).collect();
    let told = json(&page(&sample, false), "shots-data");
    assert_eq!(told["shots"].as_array().unwrap().len(), MAX_SHOTS);
    assert_eq!(told["left_out"], 3);
}

#[test]
fn money_is_told_by_model_by_tag_and_where_else_it_is_reserved() {
    let mut sample = Sample::mixed();
    let usd = |text: &str| text.parse().unwrap();
    let pile = |model: &str, tags: &[&str], spent: &str| SpendGroup {
        model: model.to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        bought: 2,
        balance: Balance { spent: usd(spent), reserved: usd("0.5"), ..Balance::default() },
    };
    sample.spending.groups = vec![
        pile("kling-v2-6", &["hero"], "1"),
        pile("kling-v2-6", &["hero", "night", "hero"], "2"),
        pile("kling-v3", &[], "9"),
    ];
    sample.spending.history = vec![(at(1), Balance { spent: usd("12"), ..Balance::default() })];
    sample.spending.orphans = vec![OrphanReservation {
        shot: ShotId::new("beach").unwrap(),
        revision: RevisionId(1),
        number: 2,
        price: None,
        sent_at: at(2),
        why: Some("cut".to_owned()),
    }];
    let head = json(&page(&sample, false), "head-data");
    let of = |list: &str, field: &str| -> Vec<String> {
        let list = head[list].as_array().unwrap();
        list.iter().map(|item| item[field].to_string().replace('"', "")).collect()
    };
    assert_eq!(of("models", "name"), ["kling-v3", "kling-v2-6"], "the dearest first");
    assert_eq!(of("models", "spent"), ["9.00", "3.00"]);
    assert_eq!(
        (of("models", "bought"), of("models", "reserved")[1].as_str()),
        (vec!["2".into(), "4".into()], "1.00")
    );
    assert_eq!(
        (of("tags", "name"), of("tags", "spent")),
        (vec!["hero".into(), "night".into()], vec!["3.00".into(), "2.00".into()])
    );
    assert_eq!(head["history"].to_string(), r#"[[1795383001000,"12.00","0"]]"#);
    assert_eq!(
        (&of("strays", "shot")[0], &of("strays", "why")[0]),
        (&"beach~r2".to_owned(), &"cut".to_owned())
    );
    assert_eq!(
        head["commands"]["doubt"][0]["line"],
        "rushes resolve summer.yaml {shot} --task-id ID"
    );
    assert_eq!(head["serve"].as_str().unwrap().trim(), "rushes review summer.yaml");
}

/// Trial 21: earlier clips stand on the page, and what was decided comes with it.
#[test]
fn earlier_clips_and_what_was_decided_are_on_the_page() {
    let mut sample = Sample::mixed();
    let mut old = sample.rows[0].clone();
    (old.entry.current, old.entry.number) = (false, 1);
    sample.earlier = vec![old];
    let clip = ClipKey { id: ShotId::new("beach").unwrap(), revision: 1 };
    let note = "</script><script>alert(1)".to_owned();
    let verdict = Verdict { pick: true, note: note.clone(), ..Verdict::default() };
    let verdicts = [Reviewed { clip, verdict }];
    let picks = Picks { verdicts: &verdicts, file: "my films/review.json", saves: false };
    let page = page_with(&sample, false, picks);
    let told = json(&page, "shots-data");
    let last = told["shots"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["key"], &last["old"]), (&"beach~r1".into(), &true.into()));
    assert_eq!(told["review"][0]["id"], "beach");
    assert_eq!(told["review"][0]["note"], note);
    let head = json(&page, "head-data");
    assert_eq!((&head["review"]["saves"], &head["live"]), (&false.into(), &false.into()));
    assert_eq!(
        head["export"],
        "rushes export summer.yaml --picks 'my films/review.json' --format {format}{to}"
    );
    assert!(head["params"].as_array().unwrap().contains(&"aspect_ratio".into()));
}
