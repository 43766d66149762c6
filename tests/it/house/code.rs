//! The words of a Rust file and the paths among them: as much of the language as imports need.

/// A word or a mark of a file, without comments and literals; `::` is one mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// A path that a file writes: what it imports, re-exports, or names within its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub segments: Vec<String>,
    pub line: usize,
    pub written: Written,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// `use a::b as name`; a glob's name is `*`.
    Use { name: String, public: bool },
    /// `a::b` in the code.
    Inline,
}

pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&c) = chars.get(at) {
        let end = match c {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => comment_end(&chars, at),
            '"' => string_end(&chars, at),
            '\'' => quote_end(&chars, at),
            c if is_word(c) => word_end(&chars, at),
            ':' if chars.get(at + 1) == Some(&':') => at + 2,
            _ => at + 1,
        };
        let end = end.min(chars.len());
        let text: String = chars[at..end].iter().collect();
        let code = !c.is_whitespace() && c != '"' && c != '\'' && !text.starts_with("//");
        if code && !text.starts_with("/*") && !text.ends_with(['"', '#']) || text == "#" {
            tokens.push(Token { text: text.trim_start_matches("r#").to_owned(), line });
        }
        line += text.matches('\n').count();
        at = end;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)
}

fn comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of a character (`'a'`, `'\''`) or a lifetime (`'a`).
fn quote_end(chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&'\\') {
        let rest = chars.get(at + 3..).unwrap_or_default();
        return rest.iter().position(|c| *c == '\'').map_or(chars.len(), |length| at + length + 4);
    }
    if chars.get(at + 2) == Some(&'\'') { at + 3 } else { at + 1 }
}

/// The end of a word, or of a literal that begins like one (`r#"…"#`, `b"…"`).
fn word_end(chars: &[char], at: usize) -> usize {
    let length = chars[at..].iter().take_while(|c| is_word(**c)).count();
    let word: String = chars[at..at + length].iter().collect();
    let end = at + length;
    let hashes = chars[end..].iter().take_while(|c| **c == '#').count();
    match (word.as_str(), chars.get(end + hashes)) {
        ("r" | "br" | "cr", Some('"')) => {
            let close: Vec<char> = format!("\"{}", "#".repeat(hashes)).chars().collect();
            let inside = &chars[end + hashes + 1..];
            let found = inside.windows(close.len()).position(|window| window == close);
            found.map_or(chars.len(), |found| end + hashes + 1 + found + close.len())
        }
        ("b" | "c", Some('"')) if hashes == 0 => string_end(chars, end),
        ("b", Some('\'')) => quote_end(chars, end),
        ("r", Some(c)) if hashes == 1 && is_word(*c) => {
            end + 1 + chars[end + 1..].iter().take_while(|c| is_word(**c)).count()
        }
        _ => end,
    }
}

/// The same code without what only tests see: each item after `#[cfg(test)]`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        if starts_with(rest, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            rest = &rest[7 + item_length(&rest[7..])..];
        } else {
            kept.push(first.clone());
            rest = &rest[1..];
        }
    }
    kept
}

fn starts_with(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.text == *word)
}

/// How long the item is that begins here: up to its `;`, or to the end of its braces.
fn item_length(tokens: &[Token]) -> usize {
    let is_use = tokens.iter().find(|token| token.text == "use" || token.text == "{");
    let ends_at_brace = is_use.is_none_or(|token| token.text != "use");
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let closed = token.text == ";" || (token.text == "}" && ends_at_brace);
        if depth == 0 && closed {
            return index + 1;
        }
    }
    tokens.len()
}

/// The modules a file declares.
pub fn modules(tokens: &[Token]) -> Vec<String> {
    let declares = |window: &&[Token]| window[0].text == "mod" && window[2].text == ";";
    tokens.windows(3).filter(declares).map(|window| window[1].text.clone()).collect()
}

/// Whether the file's own code (not its imports) has this word.
pub fn says(tokens: &[Token], word: &str) -> bool {
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].text == "use" {
            at += item_length(&tokens[at..]);
        } else if tokens[at].text == word {
            return true;
        } else {
            at += 1;
        }
    }
    false
}

pub fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].text == "use" {
            let public = at > 0 && matches!(tokens[at - 1].text.as_str(), "pub" | ")");
            let length = item_length(&tokens[at..]);
            let tree = &tokens[at + 1..at + length];
            imports(tree, &mut Vec::new(), public, &mut paths);
            at += length;
        } else {
            let length = path_length(&tokens[at..]);
            let goes_on = at > 0 && matches!(tokens[at - 1].text.as_str(), "::" | ".");
            if length > 1 && !goes_on {
                let words = tokens[at..at + length].iter().step_by(2);
                let segments = words.map(|token| token.text.clone()).collect();
                paths.push(Path { segments, line: tokens[at].line, written: Written::Inline });
            }
            at += length.max(1);
        }
    }
    paths
}

/// The number of tokens of `a::b::c`; without a word at its start, none.
fn path_length(tokens: &[Token]) -> usize {
    let is_word_at = |at: usize| tokens.get(at).is_some_and(|it| it.text.starts_with(is_word));
    if !is_word_at(0) {
        return 0;
    }
    let mut length = 1;
    while tokens.get(length).is_some_and(|it| it.text == "::") && is_word_at(length + 1) {
        length += 2;
    }
    length
}

/// Reads `a::{b, c as d, e::*}` up to the end of its group or statement; answers what it took.
fn imports(tree: &[Token], above: &mut Vec<String>, public: bool, paths: &mut Vec<Path>) -> usize {
    let depth = above.len();
    let mut at = 0;
    let mut ended = false;
    while let Some(Token { text, line }) = tree.get(at) {
        at += 1;
        match text.as_str() {
            "::" => {}
            "," | ";" | "}" => {
                if !ended && above.len() > depth {
                    paths.push(import(above, above.last().unwrap(), public, *line));
                }
                above.truncate(depth);
                ended = false;
                if text != "," {
                    return at;
                }
            }
            "{" => {
                at += imports(&tree[at..], above, public, paths);
                ended = true;
            }
            "*" => {
                paths.push(import(above, "*", public, *line));
                ended = true;
            }
            "as" => {
                paths.push(import(above, &tree[at].text, public, *line));
                at += 1;
                ended = true;
            }
            "self" if !above.is_empty() => {
                paths.push(import(above, above.last().unwrap(), public, *line));
                ended = true;
            }
            word => above.push(word.to_owned()),
        }
    }
    at
}

fn import(segments: &[String], name: &str, public: bool, line: usize) -> Path {
    let written = Written::Use { name: name.to_owned(), public };
    Path { segments: segments.to_vec(), line, written }
}
