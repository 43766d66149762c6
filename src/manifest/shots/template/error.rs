//! Why a text is no template.

use std::ops::Range;

/// Why a text is no template, or cannot be rendered.
#[derive(Clone, Debug)]
pub struct TemplateError {
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub fix: Option<String>,
    /// The bytes of the text that cause it, where they are known.
    pub range: Option<Range<usize>>,
}

impl TemplateError {
    /// An error at some bytes of the text.
    pub(super) fn at(what: impl Into<String>, range: Range<usize>) -> Self {
        Self { what: what.into(), fix: None, range: Some(range) }
    }
}

impl From<String> for TemplateError {
    fn from(what: String) -> Self {
        Self { what, fix: None, range: None }
    }
}
