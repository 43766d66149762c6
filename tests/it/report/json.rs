//! The report as JSON.

use rushes::domain::charge::Charge;
use rushes::domain::clip_info::ClipInfo;
use rushes::report::json::{write, write_lines};
use serde_json::{Value, json};

use super::sample::{self, Sample};

/// More than is held in memory, in bytes.
const SPOOL_BYTES: usize = 8 << 20;

fn written(sample: &Sample) -> String {
    let mut out = Vec::new();
    write(sample, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_shape_is_the_one_scripts_rely_on() {
    let mut sample = Sample::mixed();
    sample.rows.truncate(1);
    insta::assert_snapshot!(written(&sample), @r#"
    {"campaign": "summer",
     "money": {"cap":"25.00","spent":"0.6330","reserved":"0.9495","unconfirmed":"0"},
     "counts": {"queued":0,"submitting":0,"rendering":0,"rendered":0,"delivered":1,"failed":0,"in_doubt":0},
     "shots": [
      {"id":"beach","revision":1,"current":true,"state":"delivered","model":"kling-v3","task_id":"task-1","price":"0.3165","attempts":1,"urls":["https://cdn.example/beach.mp4"],"files":["clips/beach.mp4"],"reason":null,"submitted_at":"2026-11-22T21:30:00.000Z","completed_at":"2026-11-22T21:32:20.000Z","delivered_at":"2026-11-22T21:32:30.000Z"}]}
    "#);
}

#[test]
fn a_charge_stands_there_only_where_it_is_known() {
    let mut sample = Sample::mixed();
    sample.rows.truncate(2);
    sample.rows[1].charge = Charge::new("0.31650001", "USD");
    let json: Value = serde_json::from_str(&written(&sample)).unwrap();
    assert!(json["shots"][0].get("charge").is_none());
    let charge = json!({"amount": "0.31650001", "currency": "USD"});
    assert_eq!(json["shots"][1]["charge"], charge);
}

#[test]
fn footage_and_what_is_wrong_with_it_stand_there_only_where_they_are_known() {
    let mut sample = Sample::mixed();
    sample.rows.truncate(2);
    sample.rows[0].request = r#"{"duration":5,"sound":"on"}"#.to_owned();
    sample.rows[0].files[0].clip_info =
        Some(ClipInfo { millis: 5041, width: 1280, height: 720, sound: false });
    let json: Value = serde_json::from_str(&written(&sample)).unwrap();
    let clip_info = json!({"seconds": 5.041, "width": 1280, "height": 720, "sound": false});
    assert_eq!(json["shots"][0]["footage"], clip_info);
    assert_eq!(json["shots"][0]["mismatch"], json!(["asked for sound, got none"]));
    for absent in ["footage", "mismatch"] {
        assert!(json["shots"][1].get(absent).is_none());
    }
}

#[test]
fn it_is_json_whatever_a_reason_holds_and_counts_its_own_rows() {
    let json: Value = serde_json::from_str(&written(&Sample::mixed())).unwrap();
    assert_eq!(json["counts"]["rendering"], 2);
    assert_eq!(json["counts"]["in_doubt"], 1);
    assert_eq!(json["shots"].as_array().unwrap().len(), 7);
    assert_eq!(json["shots"][1]["reason"], "not done 2h after it was submitted");
    assert_eq!(json["shots"][5]["price"], Value::Null);
    assert_eq!(json["shots"][6]["current"], false);
}

#[test]
fn lines_are_the_same_shots_each_with_its_campaign() {
    let mut sample = Sample::mixed();
    sample.rows[0].files[0].clip_info = Some(sample::FOOTAGE);
    sample.rows[1].charge = Charge::new("0.4", "USD");
    let mut out = Vec::new();
    write_lines(&sample, &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    let whole: Value = serde_json::from_str(&written(&sample)).unwrap();
    let mut shots = whole["shots"].as_array().unwrap().clone();
    for shot in &mut shots {
        shot["campaign"] = "summer".into();
    }
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(lines.collect::<Vec<Value>>(), shots);
}

#[test]
fn a_campaign_without_rows_is_json_too() {
    let mut sample = Sample::mixed();
    sample.rows.clear();
    sample.summary.budget.cap = None;
    let json: Value = serde_json::from_str(&written(&sample)).unwrap();
    assert_eq!(json["shots"], json!([]));
    assert_eq!(json["money"]["cap"], Value::Null);
}

#[test]
fn more_rows_than_memory_is_given_come_out_whole() {
    let mut sample = Sample::mixed();
    sample.rows = (0..40_000).map(|_| sample.rows[0].clone()).collect();
    let text = written(&sample);
    assert!(text.len() > SPOOL_BYTES);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["shots"].as_array().unwrap().len(), 40_000);
}
