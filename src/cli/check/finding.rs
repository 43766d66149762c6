//! What a check found, and how it is shown. Pure.

use serde::Serialize;

use crate::report::text::{Hue, Screen, padded};

/// What a finding means for the night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// A run would begin, and something may go wrong.
    Warning,
    /// A run would not begin, or not come to its end.
    Failed,
    /// It could not be looked at; the finding says why.
    NotChecked,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warn",
            Self::Failed => "FAIL",
            Self::NotChecked => "-",
        }
    }

    const fn hue(self) -> Hue {
        match self {
            Self::Ok => Hue::Good,
            Self::Warning => Hue::Warn,
            Self::Failed => Hue::Bad,
            Self::NotChecked => Hue::Dim,
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in one word of at most eight letters.
    pub name: &'static str,
    /// What it means.
    pub verdict: Verdict,
    /// What was found.
    pub what: String,
    /// What to do about it, where there is something to do.
    pub help: Option<String>,
}

impl Finding {
    /// A finding without help.
    #[must_use]
    pub fn new(name: &'static str, verdict: Verdict, what: impl Into<String>) -> Self {
        Self { name, verdict, what: what.into(), help: None }
    }

    /// As it should be.
    #[must_use]
    pub fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, what)
    }

    /// Something may go wrong.
    #[must_use]
    pub fn warning(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warning, what)
    }

    /// A run would not work.
    #[must_use]
    pub fn failed(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Verdict::Failed, what)
    }

    /// It could not be looked at, because of `why`.
    #[must_use]
    pub fn not_checked(name: &'static str, why: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::NotChecked, format!("not checked: {}", why.as_ref()))
    }

    /// The same with what to do.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Whether nothing that was found keeps a run from working.
#[must_use]
pub fn is_ready(findings: &[Finding]) -> bool {
    count(findings, Verdict::Failed) == 0
}

fn count(findings: &[Finding], verdict: Verdict) -> usize {
    findings.iter().filter(|finding| finding.verdict == verdict).count()
}

/// Columns before a finding's text.
const INDENT: usize = 16;

/// The findings for a screen: a line each, longer ones broken between words.
#[must_use]
pub fn text(findings: &[Finding], screen: Screen) -> String {
    let mut out = String::new();
    for Finding { name, verdict, what, help } in findings {
        let word = screen.paint(verdict.hue(), &format!("{:<4}", verdict.word()));
        let what = screen.wrapped(what, INDENT, INDENT);
        out += format!("{word}  {name:<8}  {what}").trim_end();
        out.push('\n');
        if let Some(help) = help {
            let help = screen.wrapped(&format!("→ {help}"), INDENT, INDENT);
            out += &padded("", INDENT);
            out += &help;
            out.push('\n');
        }
    }
    out.push('\n');
    out.push_str(&end(findings));
    out.push('\n');
    out
}

/// The last line: `ready; 1 warning, 2 not checked`.
fn end(findings: &[Finding]) -> String {
    let [failed, warned, skipped] =
        [Verdict::Failed, Verdict::Warning, Verdict::NotChecked].map(|it| count(findings, it));
    let head =
        if failed == 0 { "ready".to_owned() } else { format!("not ready: {failed} to mend") };
    let parts =
        [(warned, if warned == 1 { "warning" } else { "warnings" }), (skipped, "not checked")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let rest: Vec<_> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    if rest.is_empty() { head } else { format!("{head}; {}", rest.join(", ")) }
}
