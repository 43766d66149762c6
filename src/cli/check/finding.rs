//! What a check found, and how it is shown. Pure.

use serde::Serialize;

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
/// A narrower screen breaks the lines itself.
const NARROWEST: usize = 40;

/// The findings for a screen of so many columns: a line each, longer ones broken between words.
#[must_use]
pub fn text(findings: &[Finding], columns: usize) -> String {
    let room = columns.max(NARROWEST) - INDENT;
    let mut out = String::new();
    for Finding { name, verdict, what, help } in findings {
        let mut lines = wrapped(what, room);
        if let Some(help) = help {
            lines.extend(wrapped(&format!("→ {help}"), room));
        }
        for (row, line) in lines.iter().enumerate() {
            let (verdict, name) = if row == 0 { (verdict.word(), *name) } else { ("", "") };
            out.push_str(format!("{verdict:<4}  {name:<8}  {line}").trim_end());
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

/// A text in lines of at most `room` characters; a longer word has a line of its own.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    lines
}
