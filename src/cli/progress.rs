//! What the user sees while it runs: a bar on a terminal, otherwise a line now and then. Makes no
//! decisions; looks at the progress and draws.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::domain::time::{Clock, SystemClock, Timestamp};
use crate::report::eta::SLOW_ANSWER;
use crate::report::text::{Hue, Screen, by_state, columns, cut, money, plural, safe, sign, span};
use crate::scheduler::{Progress, RunOutcome, Since};

use super::terminal::Terminal;

/// How often the bar moves.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// How often a line is written where no bar can move, if anything changed.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How often one is written although nothing changed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);
/// How long after its beginning the first line is written.
const FIRST_LINE: Duration = Duration::from_secs(1);
/// The bar's width in columns, where there is room for it.
const BAR_WIDTH: usize = 40;
/// The least of it.
const NARROW_BAR: usize = 10;
/// A longer name is cut, in columns.
const WIDEST_NAME: usize = 40;

/// Follows a run until its progress's sender is gone. `timeout` is how long a request may wait for its
/// answer.
pub async fn follow(
    mut progress: watch::Receiver<Progress>,
    terminal: Terminal,
    timeout: Duration,
) {
    if terminal.shows_bars() {
        draw(&mut progress, &terminal, timeout).await;
    } else {
        log(&mut progress, timeout).await;
    }
}

async fn draw(progress: &mut watch::Receiver<Progress>, terminal: &Terminal, timeout: Duration) {
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
        let moment = pace.moment(&now, timeout);
        bar.set_message(picture(&now, &moment, room(terminal.screen())));
    }
    bar.finish_and_clear();
}

/// The screen without the room for what the terminal shows of a Ctrl-C: `^C` behind the last line.
fn room(screen: Screen) -> Screen {
    Screen { width: screen.width.map(|width| width.saturating_sub(3)), ..screen }
}

async fn log(progress: &mut watch::Receiver<Progress>, timeout: Duration) {
    let mut pace = Pace::new();
    let mut last = None;
    // The first line waits until the shots are counted.
    pause(progress, FIRST_LINE).await;
    loop {
        let changed = tokio::time::timeout(SIGN_OF_LIFE, progress.changed()).await;
        let ended = matches!(changed, Ok(Err(_))) || progress.has_changed().is_err();
        let now = progress.borrow_and_update().clone();
        if changed.is_err() || last.as_ref() != Some(&now) {
            let mut moment = pace.moment(&now, timeout);
            moment.left = moment.left.filter(|_| !ended);
            tracing::info!("{}", line(&now, &moment));
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

/// The times that go with a progress.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The wall clock.
    pub now: Timestamp,
    /// How long the run has lasted.
    pub elapsed: Duration,
    /// About how long the rest takes.
    pub left: Option<Duration>,
    /// How long a request may wait for its answer.
    pub timeout: Duration,
}

/// How fast shots come to their end in this run.
struct Pace {
    started: Instant,
    /// How many had come to their end when the run began.
    before: Option<usize>,
    /// How many have, and since when.
    settled: (usize, Instant),
}

impl Pace {
    fn new() -> Self {
        let started = Instant::now();
        Self { started, before: None, settled: (0, started) }
    }

    fn moment(&mut self, progress: &Progress, timeout: Duration) -> Moment {
        let settled = settled(progress);
        // The first progress with shots in it is where this run began.
        if self.before.is_none() && progress.total() > 0 {
            self.before = Some(settled);
        }
        if self.settled.0 != settled {
            self.settled = (settled, Instant::now());
        }
        let elapsed = self.started.elapsed();
        let is_held = progress.paused || progress.stopping.is_some();
        let done = self.before.map(|before| settled.saturating_sub(before));
        let left = done.filter(|_| !is_held).and_then(|done| {
            let left = estimate(done, progress.total() - settled, elapsed)?;
            // Where nothing ends for long, the rest takes longer than the pace says.
            Some(left.max(self.settled.1.elapsed() / 2))
        });
        Moment { now: SystemClock.now(), elapsed, left, timeout }
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

/// Some lines that fit the screen: the bar with the time, the shots, the money, and what takes longest
/// or is waited for.
#[must_use]
pub fn picture(progress: &Progress, moment: &Moment, screen: Screen) -> String {
    let all = progress.total().max(1);
    let percent = settled(progress) * 100 / all;
    let time = format!("  {percent}% · {}", times(progress, moment));
    // A terminal may begin a new line after its last column.
    let room = screen.room().map_or(BAR_WIDTH, |room| (room - 1).saturating_sub(columns(&time)));
    let bar = bar(progress, room.clamp(NARROW_BAR, BAR_WIDTH), screen);
    let mut lines = vec![shots_on(progress, screen)];
    lines.extend(money(&progress.budget, &progress.balance).lines().map(str::to_owned));
    lines.extend(waits(progress, moment));
    let mut text = format!("{bar}{time}");
    for line in &lines {
        text.push('\n');
        text += &screen.wrapped(line, 0, 2);
    }
    text
}

/// How long it lasts, how long the rest takes, and why nothing more is submitted.
fn times(progress: &Progress, moment: &Moment) -> String {
    let left = moment.left.map_or_else(String::new, time_left);
    format!("{}{left}{}", span(moment.elapsed), held(progress))
}

/// Why nothing more is submitted.
const fn held(progress: &Progress) -> &'static str {
    match progress {
        Progress { stopping: Some(_), .. } => " · stopping",
        Progress { paused: true, .. } => " · paused",
        _ => "",
    }
}

/// What is waited for: the answers to the last requests of a run that the user stops, else what takes
/// longest.
fn waits(progress: &Progress, moment: &Moment) -> Option<String> {
    let age = |of: &Since| moment.now.since(of.since);
    let name = |of: &Since| cut(&safe(of.shot.as_str()), WIDEST_NAME);
    if progress.stopping == Some(RunOutcome::Interrupted) {
        let wire = on_the_wire(progress, moment.now, moment.timeout)?;
        return Some(format!("waiting for {wire}; press Ctrl-C again to quit now"));
    }
    let silent = progress.wire.oldest.as_ref().filter(|of| age(of) >= SLOW_ANSWER);
    if let Some(of) = silent {
        return Some(format!("no answer for {}: the request for {}", span(age(of)), name(of)));
    }
    let longest = progress.longest.as_ref()?;
    Some(format!("rendering longest: {}, {}", name(longest), span(age(longest))))
}

/// `2 requests on the wire, at most 41 s`; `None` when there is none.
#[must_use]
pub fn on_the_wire(progress: &Progress, now: Timestamp, timeout: Duration) -> Option<String> {
    let wire = &progress.wire;
    let posts = Some(wire.posts).filter(|posts| *posts > 0)?;
    let left = wire.newest.map(|newest| timeout.saturating_sub(now.since(newest)));
    // The last second has begun.
    let left = left.map_or_else(String::new, |left| format!(", at most {} s", left.as_secs() + 1));
    Some(format!("{} on the wire{left}", plural(posts, "request")))
}

/// One line.
#[must_use]
pub fn line(progress: &Progress, moment: &Moment) -> String {
    let funds = money(&progress.budget, &progress.balance).replace('\n', "; ");
    let waits =
        waits(progress, moment).filter(|_| moment.left.is_none() || is_silent(progress, moment));
    let waits = waits.map_or_else(String::new, |waits| format!(" · {waits}"));
    format!("{} · {funds} · {}{waits}", shots(progress), times(progress, moment))
}

/// Whether a request waits for its answer longer than usual.
fn is_silent(progress: &Progress, moment: &Moment) -> bool {
    let oldest = progress.wire.oldest.as_ref();
    oldest.is_some_and(|oldest| moment.now.since(oldest.since) >= SLOW_ANSWER)
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
    shots_on(progress, Screen::PLAIN)
}

fn shots_on(progress: &Progress, screen: Screen) -> String {
    let rest = by_state(
        &[
            ("submitting", progress.submitting),
            ("rendering", progress.rendering),
            ("rendered", progress.rendered),
            ("queued", progress.queued),
            ("failed", progress.failed),
            ("in_doubt", progress.in_doubt),
            ("stalled", progress.stalled),
        ],
        screen,
    );
    let comma = if rest.is_empty() { "" } else { ", " };
    let done = format!("{} of {} delivered", progress.delivered, plural(progress.total(), "shot"));
    let done = match sign("delivered") {
        (mark, hue) if screen.is_looked_at() => screen.paint(hue, &format!("{mark} {done}")),
        _ => done,
    };
    format!("{done}{comma}{rest}")
}

/// The shots by state, in their proportions: `█` delivered, `▓` to be fetched, `▒` on its way, `✕`
/// failed, `?` in doubt, `‖` stalled, `░` queued. What wants a look has a place of its own from the
/// first shot on.
#[must_use]
pub fn bar(progress: &Progress, width: usize, screen: Screen) -> String {
    let parts = [
        ('█', progress.delivered, Hue::Good),
        ('▓', progress.rendered, Hue::Busy),
        ('▒', progress.rendering + progress.submitting, Hue::Busy),
        ('✕', progress.failed, Hue::Bad),
        ('?', progress.in_doubt, Hue::Warn),
        ('‖', progress.stalled, Hue::Warn),
        ('░', progress.queued, Hue::Dim),
    ];
    let cells = cells(&parts.map(|(_, count, _)| count), width);
    let drawn = parts.iter().zip(&cells).map(|((mark, _, hue), cells)| {
        screen.paint(*hue, &std::iter::repeat_n(*mark, *cells).collect::<String>())
    });
    let rest = width - cells.iter().sum::<usize>();
    drawn.chain([screen.paint(Hue::Dim, &"░".repeat(rest))]).collect()
}

/// How many of so many cells each count gets, in their proportions; one at least, where there are
/// enough.
fn cells(counts: &[usize; 7], width: usize) -> [usize; 7] {
    let all = counts.iter().sum::<usize>().max(1);
    let mut cells = [0; 7];
    let (mut count, mut drawn) = (0, 0);
    for (cell, part) in cells.iter_mut().zip(counts) {
        count += part;
        let end = width * count / all;
        *cell = end - drawn;
        drawn = end;
    }
    for index in 0..cells.len() {
        if counts[index] > 0 && cells[index] == 0 {
            let widest = (0..cells.len()).max_by_key(|at| cells[*at]).unwrap_or(index);
            if cells[widest] > 1 {
                cells[widest] -= 1;
                cells[index] = 1;
            }
        }
    }
    cells
}
