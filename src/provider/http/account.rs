//! Free questions about the account and the gateway itself: the balance, the models, and whether the
//! key is taken at this address.

use reqwest::Url;

use crate::domain::account::{Access, AccessVerdict, BalanceOutcome, Clocks, ModelsOutcome};

use super::wire::{Answer, account};
use super::{HttpProvider, address};

/// A task that no gateway ever made.
const NO_TASK: &str = "rushes-check-no-such-task";

impl HttpProvider {
    pub(super) async fn balance_once(&self) -> BalanceOutcome {
        match self.ask_beside("/balance").await {
            Ok(answer) => account::balance(&answer),
            Err(why) => BalanceOutcome::Unknown { why },
        }
    }

    pub(super) async fn models_once(&self) -> ModelsOutcome {
        match self.ask_beside("/models").await {
            Ok(answer) => account::models(&answer),
            Err(why) => ModelsOutcome::Unknown { why },
        }
    }

    pub(super) async fn access_once(&self) -> Access {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().append_pair("task_id", NO_TASK);
        match self.ask_free(url).await {
            Ok((answer, clocks)) => Access { verdict: account::access(&answer), clocks },
            Err(why) => Access { verdict: AccessVerdict::Unreached { why }, clocks: None },
        }
    }

    /// Asks at a path beside that of the videos.
    async fn ask_beside(&self, path: &str) -> Result<Answer, String> {
        Ok(self.ask_free(address::beside(&self.endpoint, path)).await?.0)
    }

    /// Asks, and reads both clocks off the answer; without the key in what it says.
    async fn ask_free(&self, url: Url) -> Result<(Answer, Option<Clocks>), String> {
        let asked = self.ask(self.question(url), self.poll_timeout, None).await;
        let answer = asked.map_err(|no_answer| no_answer.why)?;
        let clocks = answer.date.map(|theirs| Clocks { theirs, ours: self.clock.now() });
        Ok((self.hiding_the_key(&answer).unwrap_or(answer), clocks))
    }
}
