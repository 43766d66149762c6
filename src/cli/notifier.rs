//! Sends messages about a run to the web address that the manifest's `notify` or the environment names:
//! follows the progress and words the messages. The run never waits for one but at its end, and there
//! for a bounded time.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::domain::time::{Clock, SystemClock};
use crate::domain::webhook::{Hook, Occasion};
use crate::manifest::Header;
use crate::notify::{Message, Seen, Watch, WebhookClient};
use crate::policy::budget::Money;
use crate::report::text::{dollars, money, plural, safe, span};
use crate::scheduler::{Progress, RunOutcome, StopReason};

use super::error::CliError;
use super::exit::Exit;
use super::progress::shots;
use super::signals::Signals;
use super::terminal::var;

/// The variable that names the address.
pub const NOTIFY_URL: &str = "RUSHES_NOTIFY_URL";
/// How long a run that has ended waits for messages on their way.
const AT_THE_END: Duration = Duration::from_secs(20);

/// Sends the messages about one run.
pub struct Notifier {
    client: Arc<WebhookClient>,
    watch: Watch,
    campaign: String,
    command: &'static str,
    began: Instant,
    /// Messages on their way.
    posts: JoinSet<()>,
    progress: Progress,
}

impl Notifier {
    /// For the address that the environment or else the manifest names; `None` without one. An address
    /// that cannot be used is a warning, and the run goes on; only one in the environment that is no
    /// address at all is an error.
    pub fn of(header: &Header, command: &'static str) -> Result<Option<Self>, CliError> {
        let written = header.notify.clone().unwrap_or_default();
        let Some(hook) = hook(Some(header))? else {
            if header.notify.is_some() {
                tracing::warn!(
                    "no message is sent: `notify` names no url and {NOTIFY_URL} is not set"
                );
            }
            return Ok(None);
        };
        let shown = hook.to_string();
        let client = match WebhookClient::new(hook) {
            Ok(client) => Arc::new(client),
            Err(why) => {
                tracing::warn!("no message can be sent to {shown}: {why}");
                return Ok(None);
            }
        };
        Ok(Some(Self {
            client,
            watch: Watch::new(written.on, written.failures),
            campaign: header.campaign.clone(),
            command,
            began: Instant::now(),
            posts: JoinSet::new(),
            progress: Progress::default(),
        }))
    }

    /// Follows a run until its progress's sender is gone.
    pub async fn follow(mut self, mut progress: watch::Receiver<Progress>) -> Self {
        loop {
            let ended = progress.changed().await.is_err();
            self.progress = progress.borrow_and_update().clone();
            for occasion in self.watch.news(&seen(&self.progress)) {
                let (what, why) = news(occasion, &self.progress);
                self.post(occasion, &what, why, None);
            }
            if ended {
                return self;
            }
        }
    }

    /// Tells how the run ended, and waits until every message has arrived: for a bounded time, and
    /// until the user asks a second time to leave.
    pub async fn end(mut self, ended: &RunOutcome, exit: Exit, leave: Option<Signals>) {
        // What stopped it at its very end is in the same message.
        if self.watch.takes(Occasion::End) {
            let (how, why) = ended.in_words();
            let why = why.map(|why| safe(&why));
            let what = match (ended, &why) {
                (RunOutcome::Stopped(_), Some(why)) => format!("stopped early: {why}"),
                (RunOutcome::Interrupted, _) => "interrupted".to_owned(),
                _ => "at its end".to_owned(),
            };
            let (code, lasted) = (exit.code(), span(self.began.elapsed()));
            let what = format!("{what} (exit code {code}, after {lasted})");
            self.post(Occasion::End, &what, why, Some((how, code)));
        }
        let told = async { while self.posts.join_next().await.is_some() {} };
        let enough = async {
            match leave {
                Some(mut signals) => signals.insisted().await,
                None => std::future::pending().await,
            }
        };
        let in_time = tokio::select! {
            told = tokio::time::timeout(AT_THE_END, told) => told.is_ok(),
            () = enough => true,
        };
        if !in_time {
            let seconds = AT_THE_END.as_secs();
            tracing::warn!("the run's end could not be told within {seconds} s");
        }
    }

    /// Begins to send a message.
    fn post(
        &mut self,
        occasion: Occasion,
        what: &str,
        why: Option<String>,
        ended: Option<(&'static str, u8)>,
    ) {
        let (client, campaign) = (Arc::clone(&self.client), self.campaign.clone());
        let (command, progress) = (self.command, self.progress.clone());
        let funds = money(&progress.budget, &progress.balance).replace('\n', "; ");
        let text = format!("{}: {what}\n{} · {funds}", safe(&campaign), shots(&progress));
        let seconds = self.began.elapsed().as_secs();
        self.posts.spawn(async move {
            let message = Message {
                occasion,
                campaign: &campaign,
                command,
                at: SystemClock.now(),
                seconds,
                text,
                counts: progress.by_state().to_vec(),
                money: Money { cap: progress.budget.cap, balance: progress.balance },
                ended,
                why,
            };
            match client.tell(&message).await {
                Ok(()) => tracing::debug!("told: {}", occasion.name()),
                Err(why) => {
                    tracing::warn!("a message could not be sent ({}): {why}", occasion.name());
                }
            }
        });
    }
}

/// The address that the environment or else the manifest names.
pub fn hook(header: Option<&Header>) -> Result<Option<Hook>, CliError> {
    let hook = |text: OsString| Hook::new(text.to_str().unwrap_or_default());
    let from_environment = var(NOTIFY_URL).map(hook).transpose().map_err(|why| {
        CliError::new(format!("no message can be sent to the address in {NOTIFY_URL}: {why}"))
            .help(format!("export {NOTIFY_URL}=https://… or unset it"))
    })?;
    let written = header.and_then(|header| header.notify.clone()).and_then(|written| written.url);
    Ok(from_environment.or(written))
}

/// What is told of a run that goes on: for people, and the reason alone.
fn news(occasion: Occasion, progress: &Progress) -> (String, Option<String>) {
    match occasion {
        Occasion::Cap => {
            let cap =
                progress.budget.cap.map_or_else(String::new, |cap| format!(" {}", dollars(cap)));
            let held = plural(progress.held_by_cap, "shot");
            (format!("the cap{cap} holds back {held}; what was bought goes on"), None)
        }
        Occasion::Credit => {
            let why = stopped(progress).map(|why| safe(&why.to_string()));
            let what = why.clone().unwrap_or_default();
            (format!("{what}; nothing more is bought, what was bought goes on"), why)
        }
        Occasion::Failures | Occasion::End | Occasion::Test => {
            let failed = plural(progress.ends.failed as usize, "shot");
            (format!("{failed} failed in this run"), None)
        }
    }
}

fn seen(progress: &Progress) -> Seen {
    Seen {
        held_by_cap: progress.held_by_cap,
        out_of_credit: matches!(
            stopped(progress),
            Some(StopReason::Credit(_) | StopReason::Balance(_))
        ),
        failed: progress.ends.failed,
        settled: progress.ends.settled,
        latest: progress.ends.latest,
    }
}

/// What stopped the run early, if something has.
const fn stopped(progress: &Progress) -> Option<&StopReason> {
    match &progress.stopping {
        Some(RunOutcome::Stopped(why)) => Some(why),
        _ => None,
    }
}
