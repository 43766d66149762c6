//! Downloads, and the simulator as the scheduler's gateway.

use std::sync::Arc;
use std::time::Duration;

use crate::support::calls::Calls;
use futures::StreamExt;
use rushes::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use rushes::domain::time::{Clock, Timestamp};
use rushes::provider::{Provider, ResumePoint};
use rushes::simulator::{Clip, ClipReply, Profile, SimOptions, SimState, Simulator};

use super::{START, after, body, data, storm, task, usd, world};

fn clip(reply: ClipReply) -> Clip {
    match reply {
        ClipReply::Clip(clip) => clip,
        other => panic!("{other:?}"),
    }
}

/// Buys a request in a calm night; the paths of its clips.
fn paths(world: &mut SimState, body: &str) -> Vec<String> {
    let task = task(&world.submit(body.as_bytes(), START)).expect("a task");
    let data = data(&world.poll(&task, after(4_000))).unwrap();
    let urls = data["resultUrls"].as_array().expect("urls");
    let path = |url: &serde_json::Value| {
        url.as_str().unwrap().strip_prefix("http://simulator.invalid").unwrap().to_owned()
    };
    urls.iter().map(path).collect()
}

#[test]
fn a_clip_lasts_as_long_as_was_asked_and_sounds_only_if_asked() {
    let mut world = world(SimOptions::new(Profile::Calm));
    for (duration, sound) in [(3, "off"), (5, "on"), (15, "on")] {
        let body = format!(
            r#"{{"model":"kling-v3","prompt":"x","duration":"{duration}","sound":"{sound}","aspect_ratio":"9:16"}}"#
        );
        let path = paths(&mut world, &body).remove(0);
        let clip = clip(world.clip(&path, None, after(4_000)));
        let movie = mp4parse::read_mp4(&mut std::io::Cursor::new(&clip.bytes)).unwrap();
        let track = &movie.tracks[0];
        assert_eq!(track.duration.unwrap().0, duration * track.timescale.unwrap().0);
        assert_eq!(movie.tracks.len(), if sound == "on" { 2 } else { 1 });
        assert_eq!(clip.total, clip.bytes.len() as u64);
    }
}

#[test]
fn a_watermarked_version_is_a_second_clip_and_unlike_the_first() {
    let mut world = world(SimOptions::new(Profile::Calm));
    let marked =
        r#"{"model":"kling-v3","prompt":"x","duration":"5","watermark_info":{"enabled":true}}"#;
    let paths = paths(&mut world, marked);
    assert_eq!(paths.len(), 2);
    let [first, second] = [0, 1].map(|part| clip(world.clip(&paths[part], None, after(4_000))));
    assert_ne!(first.bytes, second.bytes);
}

#[test]
fn a_download_resumes_if_the_validator_still_holds_and_starts_over_if_not() {
    let mut world = world(SimOptions::new(Profile::Calm));
    let path = paths(&mut world, &body(1)).remove(0);
    let now = after(4_000);
    let whole = clip(world.clip(&path, None, now));
    let rest = clip(world.clip(&path, Some((100, Some(&whole.etag))), now));
    assert_eq!((rest.starts_at, rest.total), (100, whole.total));
    assert_eq!(rest.bytes, whole.bytes[100..]);
    let over = clip(world.clip(&path, Some((100, Some("\"other\""))), now));
    assert_eq!((over.starts_at, over.bytes), (0, whole.bytes));
    for beyond in [whole.total, u64::MAX] {
        let reply = world.clip(&path, Some((beyond, None)), now);
        assert!(matches!(reply, ClipReply::Answered(page) if page.status == 416));
    }
}

#[test]
fn a_clip_is_there_from_its_completion_for_seven_days() {
    let mut world = world(SimOptions::new(Profile::Calm));
    let path = paths(&mut world, &body(1)).remove(0);
    let week = Timestamp::plus(after(4_000), Duration::from_secs(7 * 24 * 3_600));
    clip(world.clip(&path, None, after(4_000)));
    for (path, now) in [
        (path.as_str(), week),
        ("/clips/clnone.mp4", after(4_000)),
        ("/clips/../simulator.jsonl", after(4_000)),
        ("", after(4_000)),
        (&path.replace(".mp4", "-watermarked.mp4"), after(4_000)),
    ] {
        let reply = world.clip(path, None, now);
        assert!(matches!(reply, ClipReply::Answered(page) if page.status == 404), "{path}");
    }
}

/// Time that moves with tokio's.
struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        START.plus(self.0.elapsed())
    }
}

fn gateway(options: SimOptions) -> Simulator {
    let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
    Simulator::new(world(options), clock, Duration::from_secs(60))
}

/// Fetches until a whole clip is there, as a patient client would.
async fn fetched(gateway: &Simulator, url: &str) -> Vec<u8> {
    let (mut file, mut validator) = (Vec::new(), None);
    for _ in 0..40 {
        let resume = validator.take().map(|validator| ResumePoint {
            at: file.len() as u64,
            validator,
            total: None,
        });
        let Ok(mut download) = gateway.fetch(url, resume.as_ref()).await else { continue };
        file.truncate(usize::try_from(download.starts_at).unwrap());
        let mut is_whole = true;
        while let Some(piece) = download.bytes.next().await {
            match piece {
                Ok(bytes) => file.extend_from_slice(&bytes),
                Err(_) => is_whole = false,
            }
        }
        if is_whole && file.starts_with(b"\0\0\0\x20ftyp") && file.ends_with(b".mp4") {
            return file;
        }
        if is_whole { file.clear() } else { validator = download.validator }
    }
    panic!("{url} never came whole");
}

#[tokio::test(start_paused = true)]
async fn shots_are_bought_polled_and_fetched_through_a_storm_under_a_paused_clock() {
    let gateway = gateway(SimOptions { purse: usd("10000"), ..storm(9) });
    let (mut delivered, mut doubtful) = (0, 0);
    for number in 0..300 {
        let task = loop {
            match gateway.buy(body(number).into()).await {
                SubmitOutcome::Bought { task } => break Some(task),
                SubmitOutcome::Doubtful { .. } => break None,
                SubmitOutcome::BadKey { why }
                | SubmitOutcome::Firewall { why }
                | SubmitOutcome::NoCredit { why }
                | SubmitOutcome::Rejected { why }
                | SubmitOutcome::WrongAddress { why } => panic!("{why}"),
                SubmitOutcome::NotSent { .. }
                | SubmitOutcome::Throttled { .. }
                | SubmitOutcome::ServerError { .. } => {}
            }
        };
        let Some(task) = task else {
            doubtful += 1;
            continue;
        };
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match gateway.ask(&task).await {
                PollOutcome::Completed { urls, completed_at } => {
                    assert!(completed_at.is_some());
                    for url in urls {
                        let file = fetched(&gateway, &url).await;
                        mp4parse::read_mp4(&mut std::io::Cursor::new(&file)).unwrap();
                        delivered += 1;
                    }
                    break;
                }
                PollOutcome::Failed { .. } => break,
                PollOutcome::BadKey { why } => panic!("{why}"),
                _ => {}
            }
        }
    }
    assert!(delivered > 200, "{delivered}");
    assert!(doubtful > 5, "{doubtful}");
    let books = gateway.books();
    assert_eq!(books.charged + books.held + books.available, usd("10000"));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_or_unknown_address_brings_no_clip() {
    let gateway = gateway(SimOptions::new(Profile::Calm));
    let foreign = gateway.fetch("http://127.0.0.1:9/clips/x.mp4", None).await;
    assert!(matches!(foreign, Err(DownloadError::Broken { .. })));
    let unknown = gateway.fetch("http://simulator.invalid/clips/x.mp4", None).await;
    assert!(matches!(unknown, Err(DownloadError::Gone { .. })));
    let task = TaskId::new("clnone").unwrap();
    assert!(matches!(gateway.ask(&task).await, PollOutcome::Missing { .. }));
}
