//! What somebody sees while it runs: a bar on a terminal, otherwise a line now and then. Makes no
//! decisions; looks at the tally and draws.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::report::text::{money, plural, span};
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

/// Follows a run until its tally's sender is gone.
pub async fn follow(mut tally: watch::Receiver<Progress>, terminal: Terminal) {
    if terminal.shows_bars() {
        draw(&mut tally, &terminal).await;
    } else {
        log(&mut tally).await;
    }
}

async fn draw(tally: &mut watch::Receiver<Progress>, terminal: &Terminal) {
    let bar = terminal.bars.add(ProgressBar::no_length());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    let mut pace = Pace::new();
    let mut ticks = interval(DRAW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while tally.has_changed().is_ok() {
        ticks.tick().await;
        let now = tally.borrow_and_update().clone();
        bar.set_message(picture(&now, pace.left(&now)));
    }
    bar.finish_and_clear();
}

async fn log(tally: &mut watch::Receiver<Progress>) {
    let mut pace = Pace::new();
    let mut last = None;
    // The first line waits until the shots are counted.
    pause(tally, FIRST_LINE).await;
    loop {
        let ended = tally.changed().await.is_err() || tally.has_changed().is_err();
        let now = tally.borrow_and_update().clone();
        if last.as_ref() != Some(&now) {
            let left = pace.left(&now).filter(|_| !ended);
            tracing::info!("{}{}", line(&now), left.map_or_else(String::new, time_left));
            last = Some(now);
        }
        if ended {
            return;
        }
        pause(tally, LINE_EVERY).await;
    }
}

/// Waits for the next line's turn, or for the end.
async fn pause(tally: &watch::Receiver<Progress>, span: Duration) {
    let mut end = tally.clone();
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
        // The first tally with shots in it is where this run began.
        if self.settled.is_none() && all(now) > 0 {
            self.settled = Some(settled);
        }
        estimate(settled - self.settled?.min(settled), all(now) - settled, self.started.elapsed())
    }
}

fn estimate(done: usize, rest: usize, passed: Duration) -> Option<Duration> {
    let (done, rest) = (u32::try_from(done).ok()?, u32::try_from(rest).ok()?);
    (done >= 3 && rest > 0).then(|| passed.saturating_mul(rest) / done)
}

const fn settled(tally: &Progress) -> usize {
    tally.delivered + tally.failed + tally.in_doubt + tally.stalled
}

const fn all(tally: &Progress) -> usize {
    settled(tally) + tally.queued + tally.submitting + tally.rendering + tally.rendered
}

/// Two lines: the bar with the shots, and the money.
fn picture(tally: &Progress, left: Option<Duration>) -> String {
    let held = held(tally);
    let time = left.map_or_else(String::new, time_left);
    let funds = money(&tally.budget, &tally.balance);
    format!("{} {}{time}{held}\n{funds}", bar(tally, BAR_WIDTH), shots(tally))
}

/// Why nothing more is submitted.
const fn held(tally: &Progress) -> &'static str {
    match tally {
        Progress { stopping: Some(_), .. } => " · stopping",
        Progress { paused: true, .. } => " · paused",
        _ => "",
    }
}

/// One line.
fn line(tally: &Progress) -> String {
    let funds = money(&tally.budget, &tally.balance).replace('\n', "; ");
    format!("{} · {funds}{}", shots(tally), held(tally))
}

fn time_left(left: Duration) -> String {
    if left.as_secs() < 60 {
        " · less than a minute left".to_owned()
    } else {
        format!(" · about {} left", span(left))
    }
}

/// `12 of 400 shots delivered, 14 rendering, 2 failed`.
pub fn shots(tally: &Progress) -> String {
    let mut text = format!("{} of {} delivered", tally.delivered, plural(all(tally), "shot"));
    for (count, word) in [
        (tally.submitting, "submitting"),
        (tally.rendering, "rendering"),
        (tally.rendered, "to be fetched"),
        (tally.queued, "queued"),
        (tally.failed, "failed"),
        (tally.in_doubt, "in doubt"),
        (tally.stalled, "stalled"),
    ] {
        if count > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {count} {word}");
        }
    }
    text
}

/// The shots by state, in their proportions: `█` delivered, `▓` to be fetched, `▒` on its way,
/// `!` needs a look, `░` queued.
fn bar(tally: &Progress, width: usize) -> String {
    let parts = [
        ('█', tally.delivered),
        ('▓', tally.rendered),
        ('▒', tally.rendering + tally.submitting),
        ('!', tally.failed + tally.in_doubt + tally.stalled),
        ('░', tally.queued),
    ];
    let all = all(tally).max(1);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Progress {
        Progress {
            queued: 10,
            rendering: 5,
            delivered: 20,
            failed: 3,
            stalled: 2,
            ..Progress::default()
        }
    }

    #[test]
    fn the_bar_shows_the_states_in_their_proportions() {
        assert_eq!(bar(&tally(), 16), "████████▒▒!!░░░░");
        assert_eq!(bar(&Progress::default(), 4), "░░░░");
        assert_eq!(bar(&Progress { delivered: 3, ..Progress::default() }, 4), "████");
    }

    #[test]
    fn the_bar_says_that_it_is_paused_or_stops() {
        let ends = |tally: &Progress| {
            let picture = picture(tally, None);
            picture.lines().next().unwrap().rsplit_once("stalled").unwrap().1.to_owned()
        };
        assert_eq!(ends(&tally()), "");
        let paused = Progress { paused: true, ..tally() };
        assert_eq!(ends(&paused), " · paused");
        let stopping = Some(crate::scheduler::RunOutcome::Interrupted);
        assert_eq!(ends(&Progress { stopping, ..paused }), " · stopping");
    }

    #[test]
    fn a_line_says_shots_and_money() {
        let said = "20 of 40 shots delivered, 5 rendering, 10 queued, 3 failed, 2 stalled \
                    · $0 spent; no cap";
        assert_eq!(line(&tally()), said);
    }

    #[test]
    fn the_rest_is_estimated_only_from_a_few_shots_on() {
        let minute = Duration::from_secs(60);
        assert_eq!(estimate(2, 10, minute), None);
        assert_eq!(estimate(6, 12, minute), Some(minute * 2));
        assert_eq!(estimate(6, 0, minute), None);
    }
}
