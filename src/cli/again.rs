//! Command lines to type. They repeat every flag whose absence would buy other shots, spend more, or go
//! to another place; secrets are never in them.

use std::path::Path;

use super::args;
use super::only::Only;
use super::values::BudgetFlag;

/// The flags of `run` that a command to go on repeats, with their values as they are typed.
///
/// Left out are those that the ledger keeps (`--separate`, `--adopt`, `--same-gateway`, a given
/// `--yes`) and those that only change what is shown (`--serve`, `-v`, `--log-format`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFlags {
    flags: Vec<(&'static str, Option<String>)>,
    /// Whether `fetch` was typed, and repeats them too.
    are_of_fetch: bool,
}

/// Those of them that `plan` has as well.
const OF_PLAN: [&str; 7] =
    ["--budget", "--whole", "--rate", "--in-flight", "--catalog", "--only", "--retry-failed"];

/// Those that the folder keeps for commands which are printed later: without them other shots would be
/// bought, or faster.
const LASTING: [&str; 3] = ["--only", "--rate", "--in-flight"];

impl RunFlags {
    /// Those that `run` and `plan` share.
    pub fn of(work: &args::Work) -> Self {
        let mut flags = Self::default();
        flags.only(&work.only);
        flags.switch("--retry-failed", work.retry_failed);
        flags.value(
            "--budget",
            work.budget.map(|BudgetFlag(cap)| cap.map_or("none".to_owned(), |cap| cap.to_string())),
        );
        flags.switch("--whole", work.whole);
        flags.value("--rate", work.rate.map(|rate| rate.to_string()));
        flags.value("--in-flight", work.in_flight.map(|most| most.to_string()));
        flags.value("--catalog", work.catalog.as_ref().map(|file| file.display().to_string()));
        flags
    }

    /// All of `run`.
    pub fn of_run(run: &args::Run) -> Self {
        let mut flags = Self::of(&run.work);
        flags.value("--max-failures", run.max_failures.map(|most| most.to_string()));
        flags.value("--deadline", run.deadline.map(|deadline| deadline.to_string()));
        flags.switch("--no-download", run.no_download);
        flags
    }

    /// The one of `fetch`, which a run after it keeps to.
    pub fn of_fetch(only: &[Only]) -> Self {
        let mut flags = Self { are_of_fetch: true, ..Self::default() };
        flags.only(only);
        flags
    }

    fn only(&mut self, typed: &[Only]) {
        for only in typed {
            self.value("--only", Some(only.to_string()));
        }
    }

    /// Those that the folder keeps, each followed by its value.
    pub fn lasting(&self) -> Vec<String> {
        let lasting = self.flags.iter().filter(|(name, _)| LASTING.contains(name));
        lasting
            .filter_map(|(name, value)| Some([(*name).to_owned(), value.clone()?]))
            .flatten()
            .collect()
    }

    /// The same read again; what is not known is left out.
    pub fn of_lasting(words: &[String]) -> Self {
        let mut flags = Self::default();
        for pair in words.chunks_exact(2) {
            let known = LASTING.iter().find(|name| **name == pair[0]);
            if let Some(name) = known {
                flags.value(name, Some(pair[1].clone()));
            }
        }
        flags
    }

    /// The same without one of them.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.flags.retain(|(one, _)| *one != name);
        self
    }

    /// What a command with this verb repeats, beside `rest`, which is typed already and wins.
    pub fn words(&self, verb: &str, rest: &str) -> Vec<String> {
        let takes = |name: &str| match verb {
            "run" => true,
            "plan" => OF_PLAN.contains(&name),
            "fetch" => self.are_of_fetch,
            _ => false,
        };
        let is_typed = |name: &str| rest.split_whitespace().any(|word| word == name);
        let repeated = self.flags.iter().filter(|(name, _)| takes(name) && !is_typed(name));
        let words = repeated.map(|(name, value)| match value {
            Some(value) => format!("{name} {}", quoted(Path::new(value))),
            None => (*name).to_owned(),
        });
        words.collect()
    }

    fn value(&mut self, name: &'static str, value: Option<String>) {
        self.flags.extend(value.map(|value| (name, Some(value))));
    }

    fn switch(&mut self, name: &'static str, is_on: bool) {
        self.flags.extend(is_on.then_some((name, None)));
    }
}

/// A path, or another word, as a shell takes it.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',');
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
