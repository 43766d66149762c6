//! A plan as text: what is to be done, what changed, and what it costs.

use std::io::{self, Write};

use crate::plan::{Action, Plan, USUAL_RENDER};
use crate::policy::budget::{Balance, Budget};
use crate::policy::limits::Limits;
use crate::report::text::{dollars, first_of, listed, plural, safe, span};

use super::super::error::CliError;
use super::before::Before;
use super::look::Look;
use super::{changed, table};

/// The most lines of a table, unless all are asked for.
const SCREENFUL: usize = 20;

/// The most shots that are named in a note.
const MAX_NAMED: usize = 3;

/// `5 shots: 4 to render, 1 done`.
pub fn counts(plan: &Plan<'_>) -> String {
    let to_render = changed::to_render(plan);
    let parts = [
        (Action::Render, &*to_render),
        (Action::Retry, "to retry"),
        (Action::GoOn, "rendering"),
        (Action::Download, "to download"),
        (Action::Done, "done"),
        (Action::InDoubt, "in doubt"),
        (Action::Failed, "failed"),
    ]
    .map(|(action, words)| (plan.count(action), words));
    format!("{}: {}", plural(plan.lines.len(), "shot"), listed(&parts))
}

/// What a text plan shows below its first line.
pub struct Page<'a> {
    /// The campaign's name.
    pub campaign: &'a str,
    /// The plan.
    pub plan: &'a Plan<'a>,
    /// What there is already.
    pub before: &'a Before<'a>,
    /// The budget that holds.
    pub budget: Budget,
    /// The money so far.
    pub balance: Balance,
    /// The limits that hold.
    pub limits: &'a Limits,
    /// For whom.
    pub look: Look,
}

impl Page<'_> {
    /// Writes it.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let (plan, look) = (self.plan, self.look);
        look.say(out, &format!("{}: {}", self.campaign, counts(plan)))?;
        let most = if look.all { usize::MAX } else { SCREENFUL };
        table::write(out, plan, self.before.catalog, most, look.screen)?;
        changed::changes(out, plan, self.before, look)?;
        changed::renamed(out, plan, self.before, look)?;
        writeln!(out)?;
        self.models(out)?;
        self.money(out)?;
        if plan.others.shots > 0 {
            let shots = plural(plan.others.shots, "shot");
            let what = "of older texts or removed from the manifest still open; nothing new is spent on them";
            look.say(out, &format!("{shots} {what}"))?;
        }
        self.hopeless(out)?;
        if plan.to_buy() > 0 {
            let time = span(plan.time(self.limits, USUAL_RENDER));
            let (rate, in_flight) = (self.limits.rate, self.limits.in_flight);
            let usual = span(USUAL_RENDER);
            let what = format!(
                "about {time}, at {rate} and {in_flight} in flight, if a clip takes {usual}"
            );
            look.say(out, &what)?;
        }
        Ok(())
    }

    /// Which of the failed shots will most likely fail again.
    fn hopeless(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = self.plan.lines.iter().filter(|line| line.is_hopeless);
        let names: Vec<&str> = lines.map(|line| line.shot.id.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let first = first_of(&names, MAX_NAMED);
        let (hopeless, all) = (names.len(), self.plan.count(Action::Retry));
        self.look.say(
            out,
            &format!(
                "{hopeless} of the {all} to retry will most likely fail again, for what they ask for: \
                 {first}; edit them in the manifest, or choose the others with --only"
            ),
        )
    }

    fn models(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.plan.by_model.len() > 1 {
            for share in &self.plan.by_model {
                let total = changed::sum(share.total, share.shots, share.unknown);
                let shots = plural(share.shots, "shot");
                self.look.say(out, &format!("  {}: {shots}, {total}", safe(&share.model)))?;
            }
        }
        Ok(())
    }

    fn money(&self, out: &mut dyn Write) -> io::Result<()> {
        let buys = self.plan.to_buy();
        if buys == 0 {
            return self.look.say(out, "nothing to buy: a run would spend nothing more");
        }
        let total = changed::sum(self.plan.total, buys, self.plan.unknown);
        self.look.say(out, &format!("a run would spend {total} on {}", plural(buys, "shot")))?;
        let (Some(cap), Some(left)) = (self.budget.cap, self.budget.left(&self.balance)) else {
            return self
                .look
                .say(out, "no cap; set one with --budget USD or `budget:` in the manifest");
        };
        let fitting = self.plan.fitting(&self.budget, &self.balance);
        let (cap, left) = (dollars(cap), dollars(left));
        let of = if fitting == buys { String::new() } else { format!(" for {fitting} of {buys}") };
        self.look.say(out, &format!("cap {cap}, {left} left: enough{of}"))
    }
}
