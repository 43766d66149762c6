//! `rushes status` as text.

use std::time::Duration;

use rushes::domain::time::Timestamp;
use rushes::report::eta::{Eta, EtaBasis, Kind, Model, Oldest, Outlook};
use rushes::report::status::{Frame, glance};
use rushes::report::text::{Screen, columns};

use super::sample::{Sample, at};

fn shown(sample: &Sample, outlook: &Outlook, width: usize) -> String {
    let screen = Screen { width: Some(width), color: false };
    let clock = |at: Timestamp| at.to_string()[11..16].to_owned();
    let frame = Frame { screen, clock: &clock, report: "rushes report shots.yaml" };
    glance(&sample.summary, outlook, at(3600), &frame)
}

fn running() -> (Sample, Outlook) {
    let mut sample = Sample::mixed();
    let holder = "rushes run, process 4711 on studio, since 2026-11-22T20:50:00.000Z";
    sample.summary.held_by = Some(holder.to_owned());
    let mut outlook = Outlook::of(&sample, &sample.summary, at(3600)).unwrap();
    outlook.delivered_an_hour = Some(40);
    outlook.submitted_an_hour = Some(42);
    outlook.held_by_cap = 3;
    outlook.left = Some(Eta { span: Duration::from_secs(7800), basis: EtaBasis::Known });
    let kling = Model { median: Some(Duration::from_secs(95)), ..Model::default() };
    outlook.models.insert("kling-v2-6-with-a-long-name".to_owned(), kling);
    (sample, outlook)
}

#[test]
fn a_campaign_at_work() {
    let (sample, outlook) = running();
    insta::assert_snapshot!(shown(&sample, &outlook, 100), @r"
    summer: 7 shots: ✓ 1 delivered, ↓ 1 to be fetched, ◐ 1 rendering, ‖ 1 stalled, · 1 queued,
      ✕ 1 failed, ? 1 in doubt
    spent        $0.6330
    reserved     $0.9495
    cap          $25.00, $23.4175 left; 3 queued shots do not fit
    rate         40/h delivered, 42/h submitted
    in flight    ◐ 1 rendering, ↓ 1 to be fetched
    longest      59m: alley, kling-v3, stalled
    not fetched  1 shot: the download failed so far
    others       1 shot: of an older text or removed from the manifest
    end          about 00:40, in 2h 10m (by how long its clips took so far)
    run          for 1h 40m: rushes run, process 4711 on studio, since 20:50

    MODEL                 QUEUED  FLIGHT   DONE  OTHER  AVG TIME
    kling-v2-6-with-a-l…       0       0      0      0    1m 35s
    kling-v3                   1       3      1      2    1m 40s

    every shot with its reason: rushes report shots.yaml
    ");
}

/// Trial 10: that a run buys nothing more is said, and why.
#[test]
fn a_run_that_has_stopped_buying_says_so_and_why() {
    let line = |change: &dyn Fn(&mut Sample, &mut Outlook)| {
        let (mut sample, mut outlook) = running();
        outlook.held_by_cap = 0;
        change(&mut sample, &mut outlook);
        let text = shown(&sample, &outlook, 200);
        let line = text.lines().find_map(|line| line.strip_prefix("buying       "));
        line.map(str::to_owned)
    };
    let goes_on = "what is in flight goes on";
    assert_eq!(line(&|_, _| ()), None);
    let why = "3 shots failed in this run (--max-failures)";
    let stopped = line(&|sample, _| sample.summary.note.stopping = Some(why.to_owned()));
    assert_eq!(stopped.unwrap(), format!("stopped: {why}; {goes_on}"));
    let paused = line(&|sample, _| sample.summary.note.paused = true);
    assert_eq!(paused.unwrap(), format!("paused by the user; {goes_on}"));
    let capped = line(&|_, outlook| outlook.held_by_cap = 1);
    assert_eq!(capped.unwrap(), format!("stopped: no queued shot fits under the cap; {goes_on}"));
    let over = line(&|sample, _| {
        sample.summary.note.paused = true;
        sample.summary.held_by = None;
    });
    assert_eq!(over, None, "no run is at work");
}

/// Trial 9: a request that waits for its answer is told.
#[test]
fn what_has_no_answer_is_told() {
    let (sample, mut outlook) = running();
    let asked = |seconds: i64| Oldest {
        shot: "beach".to_owned(),
        model: "kling-v3".to_owned(),
        since: at(3600 - seconds),
        is_stalled: false,
    };
    outlook.unanswered = Some(asked(41));
    let said = "no answer    for 41s: the request for beach\n";
    assert!(shown(&sample, &outlook, 80).contains(said));
    outlook.unanswered = Some(asked(2));
    assert!(!shown(&sample, &outlook, 80).contains("no answer"));
}

#[test]
fn a_narrow_terminal() {
    let (sample, outlook) = running();
    let text = shown(&sample, &outlook, 60);
    assert!(text.lines().all(|line| columns(line) <= 60), "{text}");
    insta::assert_snapshot!(text, @r"
    summer: 7 shots: ✓ 1 delivered, ↓ 1 to be fetched,
      ◐ 1 rendering, ‖ 1 stalled, · 1 queued, ✕ 1 failed,
      ? 1 in doubt
    spent        $0.6330
    reserved     $0.9495
    cap          $25.00, $23.4175 left; 3 queued shots do not
                 fit
    rate         40/h delivered, 42/h submitted
    in flight    ◐ 1 rendering, ↓ 1 to be fetched
    longest      59m: alley, kling-v3, stalled
    not fetched  1 shot: the download failed so far
    others       1 shot: of an older text or removed from the
                 manifest
    end          about 00:40, in 2h 10m (by how long its clips
                 took so far)
    run          for 1h 40m: rushes run, process 4711 on studio,
                 since 20:50

    MODEL                 QUEUED  FLIGHT   DONE  OTHER  AVG TIME
    kling-v2-6-with-a-l…       0       0      0      0    1m 35s
    kling-v3                   1       3      1      2    1m 40s

    every shot with its reason: rushes report shots.yaml
    ");
}

#[test]
fn a_campaign_at_rest_of_which_little_is_known() {
    let sample = Sample::mixed();
    let mut outlook = Outlook::of(&sample, &sample.summary, at(3600)).unwrap();
    let kind = |mode: &str| Kind {
        model: "kling-v3".to_owned(),
        mode: mode.to_owned(),
        duration: "10".to_owned(),
    };
    let span = Duration::from_secs(150);
    outlook.left = Some(Eta { span, basis: EtaBasis::Unknown(kind("pro\u{1b}[2J")) });
    let text = shown(&sample, &outlook, 80);
    assert!(!text.contains('\u{1b}'));
    insta::assert_snapshot!(text, @r"
    summer: 7 shots: ✓ 1 delivered, ↓ 1 to be fetched, ◐ 1 rendering, ‖ 1 stalled,
      · 1 queued, ✕ 1 failed, ? 1 in doubt
    spent        $0.6330
    reserved     $0.9495
    cap          $25.00, $23.4175 left
    in flight    ◐ 1 rendering, ↓ 1 to be fetched
    longest      59m: alley, kling-v3, stalled
    not fetched  1 shot: the download failed so far
    others       1 shot: of an older text or removed from the manifest
    end          a run would take about 2m 30s (estimate; no clip yet of kling-v3
                 pro 10 s)
    run          not running

    every shot with its reason: rushes report shots.yaml
    ");
}
