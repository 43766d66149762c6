//! What the user sees while it runs: a bar on a terminal, otherwise a line now and then. Makes no
//! decisions; looks at the progress and draws.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::report::text::{listed, money, plural, span};
use crate::scheduler::Progress;

use super::terminal::Terminal;

/// How often the bar moves.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// How often a line is written where no bar can move, if anything changed.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How long after its beginning the first line is written.
const FIRST_LINE: Duration = Duration::from_secs(1);
/// The bar's width in characters.
const BAR_WIDTH: usize = 40;

/// Follows a run until its progress's sender is gone.
pub async fn follow(mut progress: watch::Receiver<Progress>, terminal: Terminal) {
    if terminal.shows_bars() {
        draw(&mut progress, &terminal).await;
    } else {
        log(&mut progress).await;
    }
}

async fn draw(progress: &mut watch::Receiver<Progress>, terminal: &Terminal) {
    let bar = terminal.bars.add(ProgressBar::no_length());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    let mut pace = Pace::new();
    let mut ticks = interval(DRAW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while progress.has_changed().is_ok() {
        ticks.tick().await;
        let now = progress.borrow_and_update().clone();
        bar.set_message(picture(&now, pace.left(&now)));
    }
    bar.finish_and_clear();
}

async fn log(progress: &mut watch::Receiver<Progress>) {
    let mut pace = Pace::new();
    let mut last = None;
    // The first line waits until the shots are counted.
    pause(progress, FIRST_LINE).await;
    loop {
        let ended = progress.changed().await.is_err() || progress.has_changed().is_err();
        let now = progress.borrow_and_update().clone();
        if last.as_ref() != Some(&now) {
            let left = pace.left(&now).filter(|_| !ended);
            tracing::info!("{}{}", line(&now), left.map_or_else(String::new, time_left));
            last = Some(now);
        }
        if ended {
            return;
        }
        pause(progress, LINE_EVERY).await;
    }
}

/// Waits for the next line's turn, or for the end.
async fn pause(progress: &watch::Receiver<Progress>, span: Duration) {
    let mut end = progress.clone();
    let ended = async { while end.changed().await.is_ok() {} };
    tokio::select! {
        () = tokio::time::sleep(span) => {}
        () = ended => {}
    }
}

/// How fast shots come to their end in this run.
struct Pace {
    started: Instant,
    settled: Option<usize>,
}

impl Pace {
    fn new() -> Self {
        Self { started: Instant::now(), settled: None }
    }

    /// About how long the rest takes, once a few shots have come to their end.
    fn left(&mut self, now: &Progress) -> Option<Duration> {
        let settled = settled(now);
        // The first progress with shots in it is where this run began.
        if self.settled.is_none() && now.total() > 0 {
            self.settled = Some(settled);
        }
        let done = settled.saturating_sub(self.settled?);
        estimate(done, now.total() - settled, self.started.elapsed())
    }
}

/// How long the rest takes at the pace so far; `None` when that says too little.
#[must_use]
pub fn estimate(done: usize, rest: usize, passed: Duration) -> Option<Duration> {
    let (done, rest) = (u32::try_from(done).ok()?, u32::try_from(rest).ok()?);
    (done >= 3 && rest > 0).then(|| passed.saturating_mul(rest) / done)
}

const fn settled(progress: &Progress) -> usize {
    progress.delivered + progress.failed + progress.in_doubt + progress.stalled
}

/// Two lines: the bar with the shots, and the money.
#[must_use]
pub fn picture(progress: &Progress, left: Option<Duration>) -> String {
    let held = held(progress);
    let time = left.map_or_else(String::new, time_left);
    let funds = money(&progress.budget, &progress.balance);
    format!("{} {}{time}{held}\n{funds}", bar(progress, BAR_WIDTH), shots(progress))
}

/// Why nothing more is submitted.
const fn held(progress: &Progress) -> &'static str {
    match progress {
        Progress { stopping: Some(_), .. } => " · stopping",
        Progress { paused: true, .. } => " · paused",
        _ => "",
    }
}

/// One line.
#[must_use]
pub fn line(progress: &Progress) -> String {
    let funds = money(&progress.budget, &progress.balance).replace('\n', "; ");
    format!("{} · {funds}{}", shots(progress), held(progress))
}

fn time_left(left: Duration) -> String {
    if left.as_secs() < 60 {
        " · less than a minute left".to_owned()
    } else {
        format!(" · about {} left", span(left))
    }
}

/// `12 of 400 shots delivered, 14 rendering, 2 failed`.
#[must_use]
pub fn shots(progress: &Progress) -> String {
    let rest = listed(&[
        (progress.submitting, "submitting"),
        (progress.rendering, "rendering"),
        (progress.rendered, "to be fetched"),
        (progress.queued, "queued"),
        (progress.failed, "failed"),
        (progress.in_doubt, "in doubt"),
        (progress.stalled, "stalled"),
    ]);
    let comma = if rest.is_empty() { "" } else { ", " };
    format!("{} of {} delivered{comma}{rest}", progress.delivered, plural(progress.total(), "shot"))
}

/// The shots by state, in their proportions: `█` delivered, `▓` to be fetched, `▒` on its way,
/// `!` needs a look, `░` queued.
#[must_use]
pub fn bar(progress: &Progress, width: usize) -> String {
    let parts = [
        ('█', progress.delivered),
        ('▓', progress.rendered),
        ('▒', progress.rendering + progress.submitting),
        ('!', progress.failed + progress.in_doubt + progress.stalled),
        ('░', progress.queued),
    ];
    let all = progress.total().max(1);
    let mut text = String::new();
    let (mut count, mut drawn) = (0, 0);
    for (mark, part) in parts {
        count += part;
        let end = width * count / all;
        text.extend(std::iter::repeat_n(mark, end - drawn));
        drawn = end;
    }
    text.extend(std::iter::repeat_n('░', width - drawn));
    text
}
