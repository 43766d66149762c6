//! Where a campaign stands and how long the rest takes.

use rushes::domain::outcome::TaskId;
use rushes::domain::state::{AttemptId, State, Unanswered};
use rushes::ledger::Row;
use rushes::plan::USUAL_RENDER;
use rushes::report::eta::{EtaBasis, Outlook};

use super::sample::{Sample, at, row};

const ATTEMPT: AttemptId = AttemptId(1);

fn delivered(id: &str, from: i64, to: i64) -> Row {
    let mut row = row(id, State::Delivered { attempt: ATTEMPT });
    row.submitted_at = Some(at(from));
    (row.completed_at, row.delivered_at) = (Some(at(to)), Some(at(to)));
    row
}

fn rendering(id: &str, since: i64) -> Row {
    let (task, silence, stalled) = (TaskId::new("t").unwrap(), Unanswered::default(), None);
    let since = at(since);
    row(id, State::Rendering { attempt: ATTEMPT, task, since, silence, stalled })
}

fn queued(id: &str) -> Row {
    let mut row = row(id, State::Queued { why: None });
    row.submitted_at = None;
    row
}

fn outlook(rows: Vec<Row>, now: i64) -> Outlook {
    let sample = Sample { rows, ..Sample::mixed() };
    Outlook::of(&sample, &sample.summary, at(now)).unwrap()
}

fn left(rows: Vec<Row>, now: i64) -> (u64, bool) {
    let left = outlook(rows, now).left.unwrap();
    (left.span.as_secs(), left.basis != EtaBasis::Known)
}

#[test]
fn an_outlook_finds_what_needs_a_look() {
    let sample = Sample::mixed();
    let outlook = Outlook::of(&sample, &sample.summary, at(3600)).unwrap();
    assert_eq!(outlook.counts.all(), 7);
    assert_eq!((outlook.stalled, outlook.not_fetched, outlook.others), (1, 1, 1));
    let oldest = outlook.oldest.unwrap();
    assert_eq!((oldest.shot.as_str(), oldest.since, oldest.is_stalled), ("alley", at(10), true));
    assert_eq!(outlook.models.len(), 1);
}

#[test]
fn the_rest_takes_as_long_as_the_same_took_before_at_as_many_at_once() {
    // Two at once, 100 s each; eight are left, so four rounds.
    let mut rows: Vec<_> =
        (0..6).map(|n| delivered(&format!("d{n}"), 100 * (n / 2), 100 * (n / 2) + 100)).collect();
    rows.extend((0..8).map(|n| queued(&format!("q{n}"))));
    assert_eq!(left(rows, 300), (400, false));
}

#[test]
fn what_renders_has_part_of_it_behind_it() {
    let mut rows: Vec<_> = (0..3).map(|n| delivered(&format!("d{n}"), 0, 100)).collect();
    rows.push(rendering("r", 110));
    assert_eq!(left(rows.clone(), 140), (70, false));
    assert_eq!(left(rows, 410), (150, true), "it takes longer than the others did");
}

#[test]
fn each_kind_has_its_own_time_and_without_one_it_is_a_guess() {
    let of = |mut row: Row, model: &str, request: &str| {
        (row.model, row.request) = (model.to_owned(), request.to_owned());
        row
    };
    let (short, long) = (r#"{"duration": 5}"#, r#"{"duration": "10", "mode": "pro"}"#);
    let known = vec![
        of(delivered("a", 0, 60), "kling-v3", short),
        of(delivered("b", 0, 300), "kling-v3", long),
    ];
    let with = |row: Row| [known.clone(), vec![row]].concat();
    assert_eq!(left(with(of(queued("q"), "kling-v3", short)), 300), (60, false));
    assert_eq!(left(with(of(queued("q"), "kling-v3", long)), 300), (300, false));
    assert_eq!(left(with(of(queued("q"), "kling-v3", "{}")), 300), (60, true), "its model's");
    assert_eq!(left(with(of(queued("q"), "other", "{}")), 300), (60, true), "any");
    assert_eq!(left(vec![queued("q")], 0), (USUAL_RENDER.as_secs(), true));
    let outlook = outlook(vec![of(queued("q"), "kling-v3", long)], 0);
    let EtaBasis::Unknown(kind) = outlook.left.unwrap().basis else { panic!("it is known") };
    assert_eq!((&*kind.model, &*kind.mode, &*kind.duration), ("kling-v3", "pro", "10"));
}

/// Trial 9: the end is not promised in two seconds, over and over, while one request hangs.
#[test]
fn a_request_without_an_answer_puts_the_end_off() {
    let submitting = |since: i64| {
        let mut row = row("s", State::Submitting { attempt: ATTEMPT, doubt: None });
        row.submitted_at = Some(at(since));
        row
    };
    let rows = |sent: i64| {
        let mut rows: Vec<_> = (0..3).map(|n| delivered(&format!("d{n}"), 0, 2)).collect();
        rows.push(submitting(sent));
        rows
    };
    assert_eq!(left(rows(10), 12), (2, false), "answers take a moment");
    assert_eq!(left(rows(10), 50), (22, true));
    assert_eq!(left(rows(10), 70), (32, true));
    let shown = outlook(rows(10), 70);
    let silence = std::time::Duration::from_secs(60);
    assert_eq!(shown.left.unwrap().basis, EtaBasis::Unanswered(silence));
    let oldest = shown.unanswered.unwrap();
    assert_eq!((oldest.shot.as_str(), oldest.since), ("s", at(10)));
}

#[test]
fn slow_clips_are_counted() {
    let mut rows: Vec<_> = (0..3).map(|n| delivered(&format!("d{n}"), 0, 100)).collect();
    rows.extend([rendering("r", 110), rendering("s", 120), rendering("t", 400)]);
    let basis = outlook(rows, 410).left.unwrap().basis;
    assert_eq!(basis, EtaBasis::Overdue(2));
}

#[test]
fn what_the_cap_holds_back_takes_no_time() {
    let dear = |id: &str, price: &str| Row { price: price.parse().ok(), ..queued(id) };
    // $23.4175 are left.
    let rows = vec![dear("a", "20"), dear("b", "10"), dear("c", "3"), dear("d", "3")];
    let outlook = outlook(rows, 0);
    assert_eq!((outlook.held_by_cap, outlook.counts.queued), (2, 4));
    let nothing = self::outlook(vec![dear("a", "24")], 0);
    assert_eq!((nothing.held_by_cap, nothing.left), (1, None));
}

#[test]
fn a_pace_is_of_the_last_half_hour_and_of_more_than_two() {
    let rows: Vec<_> = (0..12).map(|n| delivered(&format!("d{n}"), 0, 60 * (n + 1))).collect();
    let outlook = outlook(rows.clone(), 720);
    assert_eq!(outlook.delivered_an_hour, Some(66), "12 in 11 minutes");
    assert_eq!(self::outlook(rows.clone(), 9000).delivered_an_hour, None, "long ago");
    assert_eq!(self::outlook(rows[..3].to_vec(), 100).delivered_an_hour, None, "just now");
    assert_eq!(self::outlook(rows[..2].to_vec(), 720).delivered_an_hour, None);
}

#[test]
fn clocks_that_were_set_and_nothing_at_all_are_no_trouble() {
    assert!(outlook(vec![], 0).left.is_none());
    let rows = vec![delivered("d", 100, 50), rendering("r", 900), queued("q")];
    assert!(left(rows, 0).0 > 0);
}

#[test]
fn half_are_no_longer_than_the_median() {
    let median = |seconds: &[i64]| {
        let mut rows: Vec<_> = seconds.iter().map(|to| delivered("d", 0, *to)).collect();
        rows.push(queued("q"));
        outlook(rows, 100).models["kling-v3"].median.map(|median| median.as_secs())
    };
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[9, 1, 5]), Some(5));
    assert_eq!(median(&[9, 1]), Some(1));
}
