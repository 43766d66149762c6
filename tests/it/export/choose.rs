//! Which clips are on a timeline, and in which order.

use rushes::domain::frame_rate::{FrameRate, Timing};
use rushes::domain::state::{AttemptId, Failure, State};
use rushes::ledger::Row;
use rushes::report::export::Location;
use rushes::report::export::choose::{Chosen, choose};
use rushes::report::export::wanted::{Mark, Order, Wanted};

use crate::report::sample::{Sample, clip_file, row};

fn delivered(id: &str, entry: &str, variant: &[(&str, &str)]) -> Row {
    let mut row = row(id, State::Delivered { attempt: AttemptId(1) });
    row.files = vec![clip_file(&format!("clips/{id}.mp4"))];
    row.entry_id = Some(entry.to_owned());
    row.variant =
        variant.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    row
}

/// Three shots; the first with takes and two hours, the last failed.
fn sample() -> Sample {
    let mut sample = Sample::mixed();
    let failed = State::Failed { attempt: None, failure: Failure::Rejected, why: "no".into() };
    sample.rows = vec![
        delivered("beach-dawn", "beach", &[("hour", "dawn"), ("take", "1")]),
        delivered("beach-dawn-t2", "beach", &[("hour", "dawn"), ("take", "2")]),
        delivered("beach-noon", "beach", &[("hour", "noon"), ("take", "1")]),
        delivered("market", "market", &[]),
        row("fog", failed),
    ];
    sample
}

fn chosen(sample: &Sample, wanted: &Wanted, gone: &str) -> Chosen {
    let timing = Timing { frames: 120, rate: FrameRate::FILM };
    choose(sample, wanted, &|_| true, &mut |file| {
        let is_there = file.path != gone;
        is_there.then(|| (Location::Url(format!("https://x/{}", file.path)), timing))
    })
    .unwrap()
}

/// `beach(beach-t2)` for each event.
fn told(chosen: &Chosen) -> Vec<String> {
    let events = chosen.timeline.events.iter();
    let told = events.map(|event| {
        let takes: Vec<_> = event.takes.iter().map(super::Clip::file_name).collect();
        format!("{}({})", event.clip.name, takes.join(" "))
    });
    told.collect()
}

fn picked(ids: &[&str], order: Order) -> Wanted {
    let mark = |id: &&str| Mark { shot: (*id).to_owned(), picked: true, ..Mark::default() };
    Wanted { marks: ids.iter().map(mark).collect(), order }
}

#[test]
fn without_picks_each_shot_has_its_takes() {
    let all = chosen(&sample(), &Wanted::default(), "");
    assert_eq!(
        told(&all),
        ["beach-dawn(beach-dawn-t2.mp4)", "beach-noon()", "market()"],
        "an hour is no take"
    );
    assert!(all.unknown.is_empty() && all.missing.is_empty());
}

#[test]
fn where_a_first_take_is_gone_the_next_one_takes_its_place() {
    let all = chosen(&sample(), &Wanted::default(), "clips/beach-dawn.mp4");
    assert_eq!(told(&all), ["beach-dawn-t2()", "beach-noon()", "market()"]);
}

#[test]
fn picks_stand_in_the_manifests_order_or_in_their_own() {
    let ids = ["market", "beach-dawn-t2", "beach-dawn"];
    let in_manifest = chosen(&sample(), &picked(&ids, Order::Manifest), "");
    assert_eq!(told(&in_manifest), ["beach-dawn()", "beach-dawn-t2()", "market()"]);
    let in_file = chosen(&sample(), &picked(&ids, Order::Picks), "");
    assert_eq!(told(&in_file), ["market()", "beach-dawn-t2()", "beach-dawn()"]);
}

#[test]
fn picks_that_are_unknown_or_have_no_clip_are_named() {
    let wanted = picked(&["market", "fog", "zebra", "beach-noon"], Order::Picks);
    let chosen = chosen(&sample(), &wanted, "clips/beach-noon.mp4");
    assert_eq!(told(&chosen), ["market()"]);
    assert_eq!(
        (chosen.unknown, chosen.missing),
        (vec!["zebra".to_owned()], vec!["fog".to_owned(), "beach-noon".to_owned()])
    );
}

#[test]
fn further_parts_of_a_clip_are_beside_it() {
    let mut sample = sample();
    sample.rows[3].files.push(clip_file("clips/market~1001.mp4"));
    assert_eq!(told(&chosen(&sample, &Wanted::default(), ""))[2], "market(market~1001.mp4)");
    let wanted = picked(&["market"], Order::Picks);
    assert_eq!(told(&chosen(&sample, &wanted, "")), ["market(market~1001.mp4)"]);
}

#[test]
fn an_older_text_is_there_only_if_it_was_picked_by_its_revision() {
    let mut sample = sample();
    let mut old = delivered("market", "market", &[]);
    (old.entry.current, old.entry.number) = (false, 1);
    sample.rows[3].entry.number = 2;
    sample.rows.push(old);
    assert_eq!(told(&chosen(&sample, &Wanted::default(), "")).len(), 3);
    assert_eq!(told(&chosen(&sample, &picked(&["market"], Order::Picks), "")), ["market()"]);
    let mut wanted = picked(&["market"], Order::Picks);
    wanted.marks[0].revision = Some(1);
    assert_eq!(told(&chosen(&sample, &wanted, "")), ["market~r1()"]);
    wanted.marks[0].revision = Some(3);
    assert_eq!(chosen(&sample, &wanted, "").missing, ["market"]);
}

#[test]
fn what_was_noted_goes_along() {
    let mut wanted = picked(&["market"], Order::Picks);
    (wanted.marks[0].note, wanted.marks[0].rating) = (" good ".to_owned(), 9);
    let chosen = chosen(&sample(), &wanted, "");
    let clip = &chosen.timeline.events[0].clip;
    assert_eq!((&*clip.note, clip.rating), ("good", 5));
}
