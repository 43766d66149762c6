//! The report as text.

use std::time::Duration;

use rushes::domain::charge::Charge;
use rushes::domain::clip_info::ClipInfo;
use rushes::domain::money::Usd;
use rushes::domain::state::{AttemptId, State};
use rushes::policy::budget::{Balance, Budget};
use rushes::report::remedy::Remedy;
use rushes::report::text::{Screen, money, span, write};

use super::sample::{self, Sample};

fn again(verb: &str, rest: &str) -> String {
    format!("rushes {verb} summer.yaml {rest}")
}

#[test]
fn the_table_shows_money_counts_and_reasons_and_cannot_steer_the_terminal() {
    let mut out = Vec::new();
    write(&Sample::mixed(), &mut out, &again, Screen::PLAIN).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains('\u{1b}'));
    insta::assert_snapshot!(text, @r"
    summer: 7 shots: 1 delivered, 1 to be fetched, 1 rendering, 1 stalled, 1 queued, 1 failed, 1 in doubt
    $0.6330 spent, $0.9495 reserved; cap $25.00, $23.4175 left

    SHOT      STATE            PRICE  CLIP OR REASON
    beach     delivered      $0.3165  clips/beach.mp4
    alley     stalled        $0.3165  not done 2h after it was submitted
    cliff     rendering      $0.3165
    dunes     to be fetched  $0.3165  the host answered 403
    fog       failed         $0.3165  =cmd|' /C calc'!A0 Content policy
    forest    queued         unknown
    beach~r2  in doubt       $0.3165  cut after 3 s

    Reserved until you say that it was not charged:
      alley: $0.3165
      $ rushes resolve summer.yaml alley --not-bought
      beach~r2: $0.3165
      $ rushes resolve summer.yaml beach~r2 --not-bought
    ");
}

#[test]
fn field_36_a_doubts_answer_is_shown_in_short_with_the_way_to_read_all_of_it() {
    let text = |why: &str, answer: &str| {
        let mut sample = Sample::mixed();
        let doubt = State::InDoubt { attempt: AttemptId(1), why: why.into() };
        sample.rows = vec![sample::row("beach", doubt)];
        sample.rows[0].answer = Some(answer.to_owned());
        let mut out = Vec::new();
        write(&sample, &mut out, &again, Screen::PLAIN).unwrap();
        String::from_utf8(out).unwrap()
    };
    let long =
        format!("{{\"job\": \"task-in-here\",\n\u{1b}[31m \"pad\": \"{}\"}}", "x".repeat(900));
    let shown = text("answered 200 without a task id", &long);
    let line = shown.lines().find(|line| line.contains("it was answered: ")).unwrap();
    assert!(line.contains(r#"{"job": "task-in-here", "pad": "xxx"#), "{line}");
    assert!(line.ends_with('…') && line.chars().count() < 230, "{line}");
    assert!(!shown.contains('\u{1b}'));
    let whole = "The answers as a whole:\n  $ rushes report summer.yaml --format json\n";
    assert!(shown.contains(whole), "{shown}");
    // What the reason holds already is not said twice.
    let begun =
        format!("answered 200: {}", &long.replace(['\n', '\u{1b}'], "").replace("[31m", "")[..300]);
    let shown = text(&begun, &long);
    assert!(shown.contains("the answer is longer: ") && shown.contains(whole), "{shown}");
    let shown = text(r#"answered 200 without a task id: {"data":null}"#, r#"{"data":null}"#);
    assert!(!shown.contains("answered: ") && !shown.contains("as a whole"), "{shown}");
}

#[test]
fn a_stalled_shot_can_be_asked_for_again_freed_or_given_up() {
    let commands = Remedy::Stalled.help(&again, "alley");
    let said: Vec<_> = commands.iter().map(|one| (&*one.line, one.when)).collect();
    assert_eq!(
        said,
        [
            ("rushes run summer.yaml ", "to ask again"),
            (
                "rushes resolve summer.yaml alley --not-bought",
                "if it was not charged: its price is free, and the next run buys it again"
            ),
            (
                "rushes resolve summer.yaml alley --abandon",
                "to give it up; its price stays reserved"
            ),
        ]
    );
}

/// Trial 15.
#[test]
fn below_an_id_that_is_too_long_stands_what_people_call_the_shot() {
    let state = || State::Delivered { attempt: AttemptId(1) };
    let mut long = sample::row("dancer-refs-dancer.png-33eaa47d-moves-spin.mp4-b71cf1ea", state());
    long.entry_id = Some("dancer".to_owned());
    long.variant =
        [("image", "refs/dancer.png"), ("move", "https://a.example/moves/spin.mp4"), ("take", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    let rows = vec![long, sample::row(&"the-users-own-".repeat(4), state())];
    let sample = Sample { rows, ..Sample::mixed() };
    let mut out = Vec::new();
    write(&sample, &mut out, &again, Screen { width: Some(80), ..Screen::PLAIN }).unwrap();
    let text = String::from_utf8(out).unwrap();
    let table = text.lines().skip_while(|line| !line.starts_with("SHOT"));
    let table: Vec<&str> = table.take_while(|line| !line.is_empty()).collect();
    let table = table.join("\n");
    insta::assert_snapshot!(table, @r"
    SHOT                              STATE          PRICE  CLIP OR REASON
    dancer-refs-dancer.png-33eaa47d-moves-spin.mp4-b71cf1ea
    dancer.png · spin.mp4 · take 1    ✓ delivered  $0.3165
    the-users-own-the-users-own-the-users-own-the-users-own-
                                      ✓ delivered  $0.3165
    ");
}

#[test]
fn a_charge_that_is_not_the_price_is_named() {
    let mut sample = Sample::mixed();
    sample.rows.truncate(1);
    let line = |sample: &Sample| {
        let mut out = Vec::new();
        write(sample, &mut out, &again, Screen::PLAIN).unwrap();
        String::from_utf8(out).unwrap().lines().last().unwrap().to_owned()
    };
    sample.rows[0].charge = Charge::new("0.3165", "USD");
    assert!(line(&sample).ends_with("$0.3165  clips/beach.mp4"));
    sample.rows[0].charge = Charge::new("0.35", "USD");
    assert!(line(&sample).ends_with("clips/beach.mp4; the gateway charged 0.35 USD"));
}

#[test]
fn a_clip_that_is_not_what_was_asked_for_is_named() {
    let mut sample = Sample::mixed();
    sample.rows.truncate(1);
    sample.rows[0].request = r#"{"duration":5}"#.to_owned();
    sample.rows[0].files[0].clip_info = Some(ClipInfo { millis: 10_000, ..sample::FOOTAGE });
    let mut out = Vec::new();
    write(&sample, &mut out, &again, Screen::PLAIN).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with("  clips/beach.mp4; asked for 5 s, got 10.0 s\n"), "{text}");
}

#[test]
fn money_that_is_uncertain_says_so() {
    let usd = |text: &str| text.parse().unwrap();
    let balance = Balance { spent: usd("1"), reserved: Usd::ZERO, unconfirmed: usd("0.5") };
    let budget = Budget { cap: Some(usd("2")), strict: true };
    insta::assert_snapshot!(money(&budget, &balance), @r"
    $1.00 spent; cap $2.00, $0.50 left
    $0.50 unconfirmed: what the gateway's 5xx answers could have cost at worst (counted against the cap)
    ");
    assert_eq!(money(&Budget::default(), &Balance::default()), "$0 spent; no cap");
}

#[test]
fn spans_read_at_a_glance() {
    let shown: Vec<_> = [5, 150, 720, 7200, 12_000, 86_400, 187_200]
        .map(|secs| span(Duration::from_secs(secs)))
        .into();
    assert_eq!(shown, ["5s", "2m 30s", "12m", "2h", "3h 20m", "1d", "2d 4h"]);
}
