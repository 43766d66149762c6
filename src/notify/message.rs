//! What is told, as JSON that chats understand: `text` is for Slack, Mattermost and their kin,
//! `content` for Discord, the other fields are for programs.

use serde_json::{Map, Value, json};

use crate::domain::sanitize::json_text;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Occasion;
use crate::policy::budget::Money;

/// A message.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// What it is about.
    pub occasion: Occasion,
    /// Whose run.
    pub campaign: &'a str,
    /// `rushes run` or `rushes fetch`.
    pub command: &'a str,
    /// Now.
    pub at: Timestamp,
    /// How long the run has lasted.
    pub seconds: u64,
    /// For people; safe to print.
    pub text: String,
    /// The shots by state.
    pub counts: Vec<(&'static str, usize)>,
    /// The money.
    pub money: Money,
    /// How the run ended, if it has: `done`, `stopped` or `interrupted`, and the exit code.
    pub ended: Option<(&'static str, u8)>,
    /// The reason, where there is one; safe to print.
    pub why: Option<String>,
}

impl Message<'_> {
    /// What is posted.
    #[must_use]
    pub fn json(&self) -> String {
        let counts: Map<String, Value> =
            self.counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
        let text = harmless(&self.text);
        let body = json!({
            "text": text,
            "content": text,
            "allowed_mentions": {"parse": []},
            "event": self.occasion.name(),
            "campaign": self.campaign,
            "command": self.command,
            "at": self.at,
            "seconds": self.seconds,
            "ended": self.ended.map(|(how, _)| how),
            "exit_code": self.ended.map(|(_, code)| code),
            "why": self.why,
            "counts": counts,
            "money": self.money,
        });
        // It holds nothing that cannot be written.
        json_text(&body).unwrap_or_default()
    }
}

/// Words of others in it mention no member of a chat, link nowhere and look like themselves.
fn harmless(text: &str) -> String {
    let look_alike = |c| match c {
        '<' => '‹',
        '>' => '›',
        '@' => '＠',
        '&' => '＆',
        c => c,
    };
    text.chars().map(look_alike).collect()
}
