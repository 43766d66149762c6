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
/// How long a run that has ended waits for what is still to be told.
const AT_THE_END: Duration = Duration::from_secs(20);

/// Who tells.
pub struct Notifier {
    client: Arc<WebhookClient>,
    watch: Watch,
    campaign: String,
    command: &'static str,
    began: Instant,
    /// What is being told.
    posts: JoinSet<()>,
    progress: Progress,
}

impl Notifier {
    /// Whoever the manifest or the environment names, which wins; `None` when nobody wants to know.
    /// An address that cannot be used is a warning, and the run goes on.
    pub fn of(header: &Header, command: &'static str) -> Result<Option<Self>, CliError> {
        let written = header.notify.clone();
        let told = var(NOTIFY_URL).map(|text| hook(&text)).transpose()?;
        let (is_written, written) = (written.is_some(), written.unwrap_or_default());
        let Some(hook) = told.or(written.url) else {
            if is_written {
                tracing::warn!("nobody is told: `notify` names no url and {NOTIFY_URL} is not set");
            }
            return Ok(None);
        };
        let shown = hook.to_string();
        let client = match WebhookClient::new(hook) {
            Ok(client) => Arc::new(client),
            Err(why) => {
                tracing::warn!("nobody can be told at {shown}: {why}");
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
                self.tell(occasion, None);
            }
            if ended {
                return self;
            }
        }
    }

    /// Tells how the run ended, and waits a while until everything is told, or until the user will
    /// not have it.
    pub async fn end(mut self, ended: &RunOutcome, exit: Exit, leave: Option<Signals>) {
        // What stopped it at its very end is in the same message.
        if self.watch.takes(Occasion::End) {
            self.tell(Occasion::End, Some((ended, exit)));
        }
        let told = async { while self.posts.join_next().await.is_some() {} };
        let enough = async {
            match leave {
                Some(mut signals) => signals.insisted().await,
                None => std::future::pending().await,
            }
        };
        let in_time = async {
            tokio::select! {
                told = tokio::time::timeout(AT_THE_END, told) => told.is_ok(),
                () = enough => true,
            }
        };
        if !in_time.await {
            let seconds = AT_THE_END.as_secs();
            tracing::warn!("the run's end could not be told within {seconds} s");
        }
    }

    /// Begins to tell it.
    fn tell(&mut self, occasion: Occasion, ended: Option<(&RunOutcome, Exit)>) {
        let lasted = self.began.elapsed();
        let (text, why) =
            self.words(occasion, ended.map(|(ended, exit)| (ended, exit.code())), lasted);
        let (client, campaign) = (Arc::clone(&self.client), self.campaign.clone());
        let (command, progress) = (self.command, self.progress.clone());
        let ended = ended.map(|(ended, exit)| (ended.in_words().0, exit.code()));
        self.posts.spawn(async move {
            let message = Message {
                occasion,
                campaign: &campaign,
                command,
                at: SystemClock.now(),
                seconds: lasted.as_secs(),
                text,
                counts: progress.by_state().to_vec(),
                money: Money { cap: progress.budget.cap, balance: progress.balance },
                ended,
                why,
            };
            match client.tell(&message).await {
                Ok(()) => tracing::debug!("told: {}", occasion.name()),
                Err(why) => tracing::warn!("nobody could be told ({}): {why}", occasion.name()),
            }
        });
    }

    /// For people, and the reason alone.
    fn words(
        &self,
        occasion: Occasion,
        ended: Option<(&RunOutcome, u8)>,
        lasted: Duration,
    ) -> (String, Option<String>) {
        let progress = &self.progress;
        let (what, why) = match (occasion, ended) {
            (Occasion::End, Some((ended, code))) => {
                let why = ended.in_words().1.map(|why| safe(&why));
                let what = match (ended, &why) {
                    (RunOutcome::Stopped(_), Some(why)) => format!("stopped early: {why}"),
                    (RunOutcome::Interrupted, _) => "interrupted".to_owned(),
                    _ => "at its end".to_owned(),
                };
                (format!("{what} (exit code {code}, after {})", span(lasted)), why)
            }
            (Occasion::Cap, _) => {
                let cap = progress
                    .budget
                    .cap
                    .map_or_else(String::new, |cap| format!(" {}", dollars(cap)));
                let held = plural(progress.held_by_cap, "shot");
                (format!("the cap{cap} holds back {held}; what was bought goes on"), None)
            }
            (Occasion::Credit, _) => {
                let why = stopped(progress).map(|why| safe(&why.to_string()));
                let what = why.clone().unwrap_or_default();
                (format!("{what}; nothing more is bought, what was bought goes on"), why)
            }
            (Occasion::Failures | Occasion::End, _) => {
                let failed = plural(progress.ends.failed as usize, "shot");
                (format!("{failed} failed in this run"), None)
            }
        };
        let funds = money(&progress.budget, &progress.balance).replace('\n', "; ");
        let text = format!("{}: {what}\n{} · {funds}", safe(&self.campaign), shots(progress));
        (text, why)
    }
}

fn hook(text: &OsString) -> Result<Hook, CliError> {
    Hook::new(text.to_str().unwrap_or_default()).map_err(|why| {
        CliError::new(format!("nobody can be told at the address in {NOTIFY_URL}: {why}"))
            .help(format!("export {NOTIFY_URL}=https://… or unset it"))
    })
}

fn seen(progress: &Progress) -> Seen {
    Seen {
        held_by_cap: progress.held_by_cap,
        out_of_credit: matches!(stopped(progress), Some(StopReason::Credit(_))),
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
