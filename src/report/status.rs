//! `rushes status` as text: where a campaign stands, in a table that fits a narrow terminal.

use std::time::Duration;

use crate::domain::money::Usd;
use crate::domain::time::Timestamp;
use crate::ledger::{Summary, without_since};
use crate::policy::budget::Budget;

use super::eta::{Eta, EtaBasis, Kind, Model, Oldest, Outlook, SLOW_ANSWER};
use super::text::{
    Hue, Screen, by_state, columns, cut, dollars, in_words, padded, plural, safe, span,
};

/// Where the second column begins.
const INDENT: usize = 13;
/// A longer model's name is cut, in columns.
const WIDEST_MODEL: usize = 20;
/// A worker that is heard of less often than that, in seconds, is called silent.
const SILENT: u64 = 5;
/// The columns of the models' table.
const HEAD: [&str; 6] = ["MODEL", "QUEUED", "FLIGHT", "DONE", "OTHER", "AVG TIME"];

/// What goes around the figures.
pub struct Frame<'a> {
    /// Where it is shown.
    pub screen: Screen,
    /// A moment as this user's clock shows it.
    pub clock: &'a dyn Fn(Timestamp) -> String,
    /// The command that lists every shot.
    pub report: &'a str,
}

/// The table, each line with its end.
#[must_use]
pub fn glance(summary: &Summary, outlook: &Outlook, now: Timestamp, frame: &Frame<'_>) -> String {
    let mut page = Page { text: String::new(), screen: frame.screen };
    let campaign = frame.screen.paint(Hue::Strong, &safe(&summary.campaign));
    let shots = in_words(&outlook.counts, outlook.stalled, frame.screen);
    page.paragraph(&format!("{campaign}: {shots}"));
    money(&mut page, summary, outlook);
    buying(&mut page, summary, outlook);
    let rates =
        [(outlook.delivered_an_hour, "delivered"), (outlook.submitted_an_hour, "submitted")];
    let rates =
        rates.into_iter().filter_map(|(rate, what)| Some(format!("{} {what}", pace(rate?))));
    let rates: Vec<_> = rates.collect();
    if !rates.is_empty() {
        page.line("rate", &rates.join(", "));
    }
    in_flight(&mut page, outlook, now);
    for (count, label, what) in [
        (outlook.late, "late", "far longer than others like it; polled on, its price reserved"),
        (outlook.not_fetched, "not fetched", "the download failed so far"),
        (outlook.others, "others", "of an older text or removed from the manifest"),
    ] {
        if count > 0 {
            page.line(label, &format!("{}: {what}", plural(count, "shot")));
        }
    }
    end(&mut page, summary, outlook, now, frame);
    running(&mut page, summary, now, frame);
    models(&mut page, outlook);
    let counts = &outlook.counts;
    if counts.failed + counts.in_doubt + outlook.stalled + outlook.not_fetched > 0 {
        page.text.push('\n');
        let said = format!("every shot with its reason: {}", frame.report);
        page.text.push_str(&frame.screen.with_command(&said, 0, 2));
        page.text.push('\n');
    }
    page.text
}

fn money(page: &mut Page, summary: &Summary, outlook: &Outlook) {
    let (budget, balance) = (&summary.budget, &summary.balance);
    page.line("spent", &dollars(balance.spent));
    if balance.reserved > Usd::ZERO {
        page.line("reserved", &dollars(balance.reserved));
    }
    if balance.unconfirmed > Usd::ZERO {
        let counted = if budget.strict { ", counted against the cap" } else { "" };
        let worst = dollars(balance.unconfirmed);
        let what = "the most that refused requests (5xx) could have cost";
        page.line("unconfirmed", &format!("{worst}: {what}{counted}"));
    }
    page.line("cap", &cap(budget, summary, outlook.held_by_cap));
}

fn cap(budget: &Budget, summary: &Summary, held: usize) -> String {
    match (budget.cap, budget.left(&summary.balance)) {
        (Some(cap), Some(left)) => {
            let verb = if held == 1 { "does" } else { "do" };
            let held = match held {
                0 => String::new(),
                held => format!("; {} {verb} not fit", plural(held, "queued shot")),
            };
            format!("{}, {} left{held}", dollars(cap), dollars(left))
        }
        _ => "none".to_owned(),
    }
}

/// Why nothing more is bought while a run is at work, if that is so.
fn buying(page: &mut Page, summary: &Summary, outlook: &Outlook) {
    if summary.held_by.is_none() {
        return;
    }
    let queued = outlook.counts.queued;
    let said = match &summary.note.stopping {
        Some(why) => format!("stopped: {}", safe(why)),
        None if summary.note.paused => "paused by the user".to_owned(),
        None if queued > 0 && outlook.held_by_cap == queued => {
            "stopped: no queued shot fits under the cap".to_owned()
        }
        None => return,
    };
    let counts = &outlook.counts;
    let is_busy = counts.rendering > outlook.stalled || counts.submitting + counts.rendered > 0;
    let rest = if is_busy { "; what is in flight goes on" } else { "" };
    page.painted("buying", &format!("{said}{rest}"), Hue::Warn);
}

/// `47/min`, or `40/h` where that is less than one a minute.
fn pace(an_hour: u64) -> String {
    if an_hour >= 60 { format!("{}/min", (an_hour + 30) / 60) } else { format!("{an_hour}/h") }
}

fn in_flight(page: &mut Page, outlook: &Outlook, now: Timestamp) {
    let counts = &outlook.counts;
    let rendering = counts.rendering.saturating_sub(outlook.stalled + outlook.waiting);
    let parts = [
        by_state(&[("rendering", rendering)], page.screen),
        match outlook.waiting {
            0 => String::new(),
            waiting => format!("{waiting} not begun by the gateway"),
        },
        by_state(&[("submitting", counts.submitting), ("rendered", counts.rendered)], page.screen),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if !parts.is_empty() {
        page.line("in flight", &parts.join(", "));
    }
    if let Some(Oldest { shot, model, since, is_stalled }) = &outlook.oldest {
        let stalled = if *is_stalled { ", stalled" } else { "" };
        let age = span(now.since(*since));
        page.line("longest", &format!("{age}: {}, {}{stalled}", safe(shot), safe(model)));
    }
    if let Some(Oldest { shot, since, .. }) = &outlook.unanswered {
        let age = now.since(*since);
        if age >= SLOW_ANSWER {
            let said = format!("for {}: the request for {}", span(age), safe(shot));
            page.painted("no answer", &said, Hue::Warn);
        }
    }
}

/// When it ends, or how long a run would take.
fn end(page: &mut Page, summary: &Summary, outlook: &Outlook, now: Timestamp, frame: &Frame<'_>) {
    let Some(Eta { span: left, basis }) = &outlook.left else { return };
    if let (Some(_), Some(refused)) = (&summary.held_by, &outlook.refused) {
        let refused = safe(refused);
        page.line("end", &format!("not known: nothing renders, and the last try got: {refused}"));
        return;
    }
    let basis = basis_in_words(basis);
    let about = span(*left);
    let text = match &summary.held_by {
        Some(_) => format!("about {}, in {about} ({basis})", (frame.clock)(now.plus(*left))),
        None => format!("a run would take about {about} ({basis})"),
    };
    page.line("end", &text);
}

/// What an estimate is concluded from.
fn basis_in_words(basis: &EtaBasis) -> String {
    match basis {
        EtaBasis::Known => "by how long its clips took so far".to_owned(),
        EtaBasis::Overdue(slow) => format!("estimate; {}", plural(*slow, "slow clip")),
        EtaBasis::Unanswered(silence) => {
            format!("estimate; a request has no answer for {}", span(*silence))
        }
        EtaBasis::Unknown(kind) => format!("estimate; no clip yet of {}", kind_in_words(kind)),
    }
}

fn kind_in_words(kind: &Kind) -> String {
    let seconds = |text: &String| format!("{text} s");
    let duration = Some(&kind.duration).filter(|text| !text.is_empty()).map(seconds);
    let parts = [Some(kind.model.clone()), Some(kind.mode.clone()), duration];
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    safe(&parts.join(" "))
}

/// What works on it: the run, or each of several workers.
fn running(page: &mut Page, summary: &Summary, now: Timestamp, frame: &Frame<'_>) {
    let Some(holder) = &summary.held_by else { return page.line("run", "not running") };
    let since = summary.running_since();
    let lasts = since.map(|since| format!("{}: ", lasted(now.since(since))));
    let lasts = lasts.unwrap_or_default();
    if summary.workers.len() < 2 {
        let who = without_since(holder);
        let began = since.map(|since| format!(", since {}", (frame.clock)(since)));
        return page.line("run", &format!("{lasts}{}{}", safe(who), began.unwrap_or_default()));
    }
    page.line("run", &format!("{lasts}{}", plural(summary.workers.len(), "worker")));
    for worker in &summary.workers {
        let since = (frame.clock)(worker.since);
        let silent = match worker.silent_s {
            0..SILENT => String::new(),
            seconds => format!(", silent for {seconds} s"),
        };
        page.line("", &format!("{}, since {since}{silent}", safe(&worker.who)));
    }
}

/// How long a run has lasted.
fn lasted(passed: Duration) -> String {
    format!("for {}", span(passed))
}

/// Where several models are at work, each with its counts.
fn models(page: &mut Page, outlook: &Outlook) {
    if outlook.models.len() < 2 {
        return;
    }
    let names: Vec<_> = outlook.models.keys().map(|name| cut(&safe(name), WIDEST_MODEL)).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or(0).max(HEAD[0].len());
    // The figures take 38 columns more.
    let room = page.screen.room().map_or(width, |room| room.saturating_sub(38));
    let width = width.min(room.max(HEAD[0].len()));
    let row = |name: &str, cells: [&str; 5]| {
        let [queued, flight, done, other, clip] = cells;
        let name = padded(&cut(name, width), width);
        format!("{name}  {queued:>6}  {flight:>6}  {done:>5}  {other:>5}  {clip:>8}\n")
    };
    let [name, cells @ ..] = HEAD;
    let head = row(name, cells);
    page.text.push('\n');
    page.text += &(page.screen.paint(Hue::Dim, head.trim_end()) + "\n");
    for (name, Model { counts, median }) in names.iter().zip(outlook.models.values()) {
        let figures = [
            counts.queued,
            counts.submitting + counts.rendering + counts.rendered,
            counts.delivered,
            counts.failed + counts.in_doubt,
        ];
        let [queued, flight, done, other] = figures.map(|count| count.to_string());
        let clip = median.map_or_else(|| "-".to_owned(), span);
        page.text += &row(name, [&queued, &flight, &done, &other, &clip]);
    }
}

/// Text that is wrapped at words where it is shown on a terminal.
struct Page {
    text: String,
    screen: Screen,
}

impl Page {
    /// What is said under a label.
    fn line(&mut self, label: &str, said: &str) {
        let said = self.screen.wrapped(said, INDENT, INDENT);
        self.labelled(label, &said);
    }

    /// The same in a colour.
    fn painted(&mut self, label: &str, said: &str, hue: Hue) {
        let said = self.screen.wrapped(said, INDENT, INDENT);
        let said = self.screen.paint(hue, &said);
        self.labelled(label, &said);
    }

    fn labelled(&mut self, label: &str, said: &str) {
        self.text += &self.screen.paint(Hue::Dim, &padded(label, INDENT));
        self.text += said;
        self.text.push('\n');
    }

    /// A line without a label.
    fn paragraph(&mut self, said: &str) {
        self.text += &self.screen.wrapped(said, 0, 2);
        self.text.push('\n');
    }
}
