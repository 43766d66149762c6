//! What a template may say, checked before the engine sees it: `if` and `for`, filters that there
//! are, and nothing that the engine's fuel does not count. Looks at words only; what they come to
//! is for the engine.

use std::ops::Range;

use super::super::yaml_words::in_quotes;
use crate::catalog::closest;

/// The longest `{{ … }}`, in bytes: the engine goes through operators by recursion.
const MAX_CODE: usize = 1_000;
/// The most `{% … %}` of a text: the engine goes through branches by recursion, too.
const MAX_STATEMENTS: usize = 200;
/// The longest text with a template in it, in bytes.
const MAX_TEXT: usize = 256 * 1024;

const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

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
    fn at(what: impl Into<String>, range: Range<usize>) -> Self {
        Self { what: what.into(), fix: None, range: Some(range) }
    }
}

impl From<String> for TemplateError {
    fn from(what: String) -> Self {
        Self { what, fix: None, range: None }
    }
}

/// Checks a text's templates against the filters there are; returns their words, and the names among
/// them with what stands behind their dots.
pub(super) fn check<'t>(
    text: &'t str,
    filters: &[&str],
) -> Result<(Vec<Use<'t>>, Vec<PathUse>), TemplateError> {
    if text.len() > MAX_TEXT {
        let what = format!("a text with names in it has at most {} KB", MAX_TEXT / 1024);
        return Err(what.into());
    }
    let mut uses = Vec::new();
    let mut paths = Vec::new();
    let mut at = 0;
    let mut statements = 0;
    while let Some((kind, start)) = next(text, at) {
        let inside = start + 2;
        statements += usize::from(kind == '%');
        if statements > MAX_STATEMENTS {
            let what = format!("a text has at most {MAX_STATEMENTS} of `{{% if %}}` and the like");
            return Err(TemplateError::at(what, start..inside));
        }
        if kind == '#' {
            let length = text.get(inside..).and_then(|rest| rest.find("#}"));
            at = inside + length.ok_or_else(|| unclosed(start, "{#", "#}"))? + 2;
            continue;
        }
        let (words, close) = words(text, inside, if kind == '%' { "%}" } else { "}}" })?;
        if close - inside > MAX_CODE {
            let what =
                format!("what stands in one pair of braces has at most {MAX_CODE} characters");
            return Err(TemplateError::at(what, start..inside));
        }
        if kind == '{'
            && let Some(header) = as_header(text, &words)
        {
            return Err(header);
        }
        check_code(&words, kind == '%', filters)?;
        paths.extend(paths_of(&words));
        let word = |at: usize| words.get(at).map_or("", |word| word.text);
        uses.extend((0..words.len()).map(|at| Use {
            word: word(at),
            before: at.checked_sub(1).map_or("", word),
            behind: [1, 2, 3].map(|more| word(at + more)),
        }));
        at = close + 2;
    }
    Ok((uses, paths))
}

/// A name with what stands behind its dots: `characters.mia`.
pub(crate) struct PathUse {
    pub path: String,
    /// Whether it is the whole path: no `[` follows.
    pub is_whole: bool,
    /// Whether it stands alone as a condition.
    pub is_condition: bool,
    /// Whether its items are gone through: `for name in it`.
    pub is_list: bool,
}

/// The paths among the words of one pair of braces.
fn paths_of(words: &[Word<'_>]) -> Vec<PathUse> {
    let word = |at: usize| words.get(at).map_or("", |word| word.text);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (start, before) = (at, at.checked_sub(1).map_or("", word));
        at += 1;
        if !is_name(word(start)) || matches!(before, "." | "|") {
            continue;
        }
        let mut path = word(start).to_owned();
        while word(at) == "." && is_name(word(at + 1)) {
            path.push('.');
            path.push_str(word(at + 1));
            at += 2;
        }
        let alone = Use { word: "", before, behind: [word(at), "", ""] };
        paths.push(PathUse {
            path,
            is_whole: word(at) != "[",
            is_condition: alone.is_condition(),
            is_list: before == "in",
        });
    }
    paths
}

/// A word of a template with the one before it and the three behind.
pub(super) struct Use<'t> {
    pub word: &'t str,
    before: &'t str,
    behind: [&'t str; 3],
}

impl Use<'_> {
    /// Whether it may have no value: `{{ name | default("calm") }}`, `{% if name is defined %}`.
    pub(super) fn forgives(&self) -> bool {
        matches!(
            self.behind,
            ["|", "default" | "d", _]
                | ["is", "defined" | "undefined", _]
                | ["is", "not", "defined"]
        )
    }

    /// Whether it stands alone as a condition: `{% if name %}`, `{{ a if name else b }}`.
    pub(super) fn is_condition(&self) -> bool {
        matches!(self.before, "if" | "elif" | "and" | "or" | "not" | "(")
            && matches!(self.behind[0], "" | "else" | "and" | "or" | ")")
    }
}

/// The kind and the start of the next `{{`, `{%` or `{#`.
fn next(text: &str, from: usize) -> Option<(char, usize)> {
    let rest = text.get(from..)?;
    rest.match_indices('{').find_map(|(at, _)| {
        let kind = rest.get(at + 1..)?.chars().next()?;
        matches!(kind, '{' | '%' | '#').then_some((kind, from + at))
    })
}

fn unclosed(start: usize, open: &str, close: &str) -> TemplateError {
    let what = format!("`{open}` is never closed by `{close}`");
    TemplateError::at(what, start..start + 2)
}

/// A piece of code that is looked at.
#[derive(Clone, Debug)]
struct Word<'t> {
    text: &'t str,
    range: Range<usize>,
}

/// Words that are no names.
const KEYWORDS: [&str; 12] =
    ["if", "else", "and", "or", "not", "in", "is", "true", "false", "none", "True", "False"];

/// What stands in braces as a spreadsheet calls a column, such as `Prompt (EN)` or `Shot #`, and is no
/// name there.
fn as_header(text: &str, words: &[Word<'_>]) -> Option<TemplateError> {
    let is_name = |word: &Word<'_>| is_name(word.text) && !KEYWORDS.contains(&word.text);
    let first = words.first().filter(|first| is_name(first))?;
    let called = |pair: &[Word<'_>]| {
        let [name, next] = pair else { return false };
        is_name(name) && (is_name(next) || next.text == "(")
    };
    // Nothing can be called here, whatever it is.
    let is_empty_call = words.windows(2).any(|pair| (pair[0].text, pair[1].text) == ("(", ")"));
    // What stands behind `|` or `is` may be called.
    let is_filtered = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).map_or("", |word| word.text);
        matches!(before, "|" | "is" | "not" | ".")
    };
    let calls =
        (0..words.len()).any(|at| words.get(at..at + 2).is_some_and(called) && !is_filtered(at));
    let odd = |word: &Word<'_>| {
        is_name(word) && !word.text.is_ascii()
            || matches!(word.text, "#" | "?" | "№" | "&" | "\u{ba}" | "°" | "$")
    };
    if is_empty_call || (!calls && !words.iter().any(odd)) {
        return None;
    }
    let last = words.last().unwrap_or(first);
    let range = first.range.start..last.range.end;
    let header = text.get(range.clone())?;
    let name = name_for(header);
    Some(TemplateError {
        what: format!("`{header}` cannot stand in braces: a name is letters, digits and `_`"),
        fix: Some(format!(
            "write {{{{ {name} }}}}, a name of `vars`; or of a column, by \
             `columns: {{{name}: {}}}` beside `from:`",
            in_quotes(header)
        )),
        range: Some(range),
    })
}

/// A name for templates that resembles a header.
pub(crate) fn name_for(header: &str) -> String {
    let mut name = String::new();
    for c in header.chars().flat_map(char::to_lowercase) {
        match c.is_ascii_alphanumeric() {
            true => name.push(c),
            false if name.is_empty() || name.ends_with('_') => {}
            false => name.push('_'),
        }
    }
    let name = name.trim_end_matches('_');
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name.to_owned(),
        Some(_) => format!("my_{name}"),
        None => "text".to_owned(),
    }
}

/// Checks what stands in one pair of braces.
fn check_code(
    words: &[Word<'_>],
    is_statement: bool,
    filters: &[&str],
) -> Result<(), TemplateError> {
    if is_statement
        && let Some(word) = words.iter().find(|word| is_name(word.text))
        && !STATEMENTS.contains(&word.text)
    {
        return Err(TemplateError {
            what: format!("a template may use `if` and `for`; `{}` is not known here", word.text),
            fix: Some(match closest(word.text, STATEMENTS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    "a name stands in {{ … }}; {{ \"{%\" }} is for the characters themselves".into()
                }
            }),
            range: Some(word.range.clone()),
        });
    }
    for pair in words.windows(2) {
        let [bar, name] = pair else { continue };
        if bar.text == "|" && is_name(name.text) && !filters.contains(&name.text) {
            return Err(TemplateError {
                what: format!("there is no filter `{}`", name.text),
                fix: Some(match closest(name.text, filters.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the filters are {}", filters.join(", ")),
                }),
                range: Some(name.range.clone()),
            });
        }
    }
    // The engine repeats lists without counting what that costs, and takes powers of any size.
    let repeats = |word: &&Word<'_>| word.text == "*";
    if let Some(word) = words.iter().find(repeats)
        && words.iter().any(|word| ["[", "tags", "split", "list"].contains(&word.text))
    {
        let what = "`*` is for numbers, not for lists".to_owned();
        return Err(TemplateError::at(what, word.range.clone()));
    }
    // The engine does not tell which names a slice uses, and divides by nothing in `cycle`.
    let mut depth = 0;
    if let Some(word) = words.iter().find(|word| {
        depth += i32::from(word.text == "[") - i32::from(word.text == "]");
        depth > 0 && word.text == ":"
    }) {
        let what = "`[…]` takes one number; slices are not known here".to_owned();
        return Err(TemplateError::at(what, word.range.clone()));
    }
    let unknown = |word: &&Word<'_>| matches!(word.text, "**" | "cycle");
    if let Some(word) = words.iter().find(unknown) {
        let what = format!("`{}` is not known here", word.text);
        return Err(TemplateError::at(what, word.range.clone()));
    }
    Ok(())
}

/// The words and signs of the code from `start`, and where it is closed. Quoted texts are left out.
fn words<'t>(
    text: &'t str,
    start: usize,
    end: &str,
) -> Result<(Vec<Word<'t>>, usize), TemplateError> {
    let (open, slip) = if end == "}}" { ("{{", "}") } else { ("{%", "}") };
    let mut words = Vec::new();
    let mut at = start;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(end) {
            return Ok((words, at));
        }
        if rest.starts_with("{{") || rest.starts_with("{%") {
            break;
        }
        let length = match c {
            '"' | '\'' => quoted(rest, c).ok_or_else(|| TemplateError {
                what: "this quote is never closed".to_owned(),
                fix: Some(format!("close it with `{c}`")),
                range: Some(at..at + 1),
            })?,
            c if c.is_alphanumeric() || c == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                rest.find(|c: char| !is_part(c)).unwrap_or(rest.len())
            }
            '*' if rest.starts_with("**") => 2,
            c => c.len_utf8(),
        };
        if let Some(word) = rest.get(..length).filter(|_| !c.is_whitespace()) {
            words.push(Word { text: word, range: at..at + length });
        }
        at += length;
    }
    let mut wrong = unclosed(start - 2, open, end);
    if words.iter().any(|word| word.text == slip) {
        wrong.fix = Some(format!("close it with `{end}`: write {{{{ name }}}}"));
    }
    Err(wrong)
}

/// The length of a quoted text, quotes and all.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at + 1)
    })
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
