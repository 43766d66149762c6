//! Whether messages about a run arrive: sends one, as the user asked.

use crate::domain::time::{Clock, SystemClock};
use crate::domain::webhook::Occasion;
use crate::manifest::Header;
use crate::notify::{Message, WebhookClient};
use crate::policy::budget::{Balance, Money};
use crate::report::text::safe;

use super::super::notifier::{NOTIFY_URL, hook};
use super::super::runtime;
use super::belonging::refused;
use super::finding::Finding;

/// The finding's name.
const NAME: &str = "notify";

/// Sends a test message to where the runs of a campaign are told of, and says what came of it.
pub fn message(header: Option<&Header>) -> Finding {
    let hook = match hook(header) {
        Ok(Some(hook)) => hook,
        Ok(None) => {
            let what = "there is no address for messages";
            let help = format!("write `notify: https://…` in the manifest, or export {NOTIFY_URL}");
            return Finding::failed(NAME, what).help(help);
        }
        Err(error) => return refused(NAME, &error),
    };
    let shown = hook.to_string();
    let campaign = header.map_or("rushes", |header| header.campaign.as_str());
    let sent = WebhookClient::new(hook).and_then(|client| {
        let message = test_of(campaign);
        let runtime = runtime().map_err(|error| error.in_words().0)?;
        runtime.block_on(client.tell(&message))
    });
    match sent {
        Ok(()) => Finding::ok(NAME, format!("a test message was sent to {shown}")),
        Err(why) => Finding::failed(NAME, format!("no message arrives: {}", safe(&why))).help(
            "look whether the address is whole, and whether the chat still takes messages there",
        ),
    }
}

fn test_of(campaign: &str) -> Message<'_> {
    Message {
        occasion: Occasion::Test,
        campaign,
        command: "rushes check",
        at: SystemClock.now(),
        seconds: 0,
        text: format!("{}: a test message; runs are told of here", safe(campaign)),
        counts: Vec::new(),
        money: Money { cap: None, balance: Balance::default() },
        ended: None,
        why: None,
    }
}
