//! A YAML tree as text, in any of the ways that YAML has for it: block or flow, every kind of quotes,
//! anchors and aliases, comments, blank lines, any indentation and line ends.

use std::fmt::Write as _;

use super::tree::{Kind, Style, Yaml};

/// The text of a manifest.
pub fn text(tree: &Yaml, style: &mut Style) -> String {
    let mut writer = Writer { out: String::new(), anchors: Vec::new(), style };
    if writer.style.odd(6) {
        writer.out.push_str(writer.style.of(&["---\n", "%YAML 1.2\n---\n", "--- # manifest\n"]));
    }
    writer.collection(tree, 0);
    if writer.style.odd(6) {
        writer.out.push_str("...\n");
    }
    let mut out = writer.out;
    if style.odd(3) {
        out = out.replace('\n', "\r\n");
    }
    if style.odd(4) {
        out.insert(0, '\u{feff}');
    }
    out
}

struct Writer<'s> {
    out: String,
    anchors: Vec<Yaml>,
    style: &'s mut Style,
}

impl Writer<'_> {
    fn pad(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// A blank line, a comment, nothing.
    fn air(&mut self, indent: usize) {
        if self.style.odd(8) {
            let at = self.style.rng.usize(0..=indent);
            self.pad(at);
            self.out.push_str(self.style.of(&["# a: comment", "#", "", "# ' \" {{ - ä"]));
            self.out.push('\n');
        }
        if self.style.odd(8) {
            self.out.push('\n');
        }
    }

    /// The items of a block, each on a line of its own.
    fn collection(&mut self, value: &Yaml, indent: usize) {
        match value {
            Yaml::Map(pairs) => {
                for (at, (key, value)) in pairs.iter().enumerate() {
                    // The first of them may stand behind a `- `.
                    if at > 0 || self.out.is_empty() || self.out.ends_with('\n') {
                        self.air(indent);
                        self.pad(indent);
                    }
                    if self.style.odd(12) {
                        let key = self.key(key);
                        let _ = writeln!(self.out, "? {key}");
                        self.pad(indent);
                    } else {
                        let key = self.key(key);
                        self.out.push_str(&key);
                    }
                    self.out.push(':');
                    self.value(value, indent, true);
                }
            }
            Yaml::List(items) => {
                for item in items {
                    self.air(indent);
                    self.pad(indent);
                    self.out.push('-');
                    self.value(item, indent, false);
                }
            }
            Yaml::Scalar(..) => unreachable!("it holds no items"),
        }
    }

    /// What stands behind `key:` or `-`, to the end of its last line.
    fn value(&mut self, value: &Yaml, indent: usize, in_map: bool) {
        match self.mark(value) {
            Mark::Alias(name) => {
                let _ = write!(self.out, " *{name}");
                return self.end();
            }
            Mark::Anchor(name) => {
                let _ = write!(self.out, " &{name}");
            }
            Mark::None => {}
        }
        let anchored = !self.out.ends_with([':', '-']);
        match value {
            Yaml::Scalar(text, kind) => {
                if self.block_scalar(text, *kind, indent) {
                    return;
                }
                let scalar = self.scalar(text, *kind, Some(indent));
                if !scalar.is_empty() {
                    self.out.push_str(self.style.of(&[" ", " ", "  "]));
                    self.out.push_str(&scalar);
                }
                self.end();
            }
            Yaml::List(items) if items.is_empty() || self.style.odd(2) => {
                let flow = self.flow(value, indent);
                self.out.push(' ');
                self.out.push_str(&flow);
                self.end();
            }
            Yaml::Map(pairs) if pairs.is_empty() || self.style.odd(4) => {
                let flow = self.flow(value, indent);
                self.out.push(' ');
                self.out.push_str(&flow);
                self.end();
            }
            Yaml::Map(_) if !in_map && !anchored && !self.style.odd(4) => {
                let spaces = self.style.of(&[1, 1, 2, 3]);
                self.pad(spaces);
                self.collection(value, indent + 1 + spaces);
            }
            Yaml::List(_) if in_map && self.style.odd(3) => {
                self.end();
                self.collection(value, indent);
            }
            _ => {
                self.end();
                let step = self.style.of(&[2, 2, 1, 3, 4]);
                self.collection(value, indent + step);
            }
        }
    }

    /// The end of a line.
    fn end(&mut self) {
        self.out.push_str(if self.style.odd(10) { "  # comment" } else { "" });
        self.out.push_str(if self.style.odd(20) { "  " } else { "" });
        self.out.push('\n');
    }

    /// An alias for what stood here before, or an anchor for later.
    fn mark(&mut self, value: &Yaml) -> Mark {
        let worth = match value {
            Yaml::Scalar(text, _) => text.len() > 3,
            Yaml::List(items) => !items.is_empty(),
            Yaml::Map(pairs) => !pairs.is_empty(),
        };
        if let Some(at) = self.anchors.iter().position(|known| known == value) {
            return if self.style.odd(2) { Mark::Alias(name(at)) } else { Mark::None };
        }
        if worth && self.style.odd(4) {
            self.anchors.push(value.clone());
            return Mark::Anchor(name(self.anchors.len() - 1));
        }
        Mark::None
    }

    fn key(&mut self, key: &str) -> String {
        match key {
            "<<" => key.to_owned(),
            _ if self.style.odd(10) => format!("\"{key}\""),
            _ if self.style.odd(10) => format!("'{key}'"),
            _ => key.to_owned(),
        }
    }

    /// `[…]` and `{…}`, perhaps over several lines.
    fn flow(&mut self, value: &Yaml, indent: usize) -> String {
        match value {
            Yaml::Scalar(text, kind) => self.scalar(text, *kind, None),
            Yaml::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.flow_item(item, indent)).collect();
                self.between("[", items, "]", indent)
            }
            Yaml::Map(pairs) => {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(key, value)| {
                        let key = self.key(key);
                        let value = self.flow_item(value, indent);
                        format!("{key}: {value}")
                    })
                    .collect();
                self.between("{", pairs, "}", indent)
            }
        }
    }

    fn flow_item(&mut self, value: &Yaml, indent: usize) -> String {
        match self.mark(value) {
            Mark::Alias(name) => format!("*{name} "),
            Mark::Anchor(name) => format!("&{name} {}", self.flow(value, indent)),
            Mark::None => self.flow(value, indent),
        }
    }

    fn between(&mut self, open: &str, items: Vec<String>, close: &str, indent: usize) -> String {
        let mut out = open.to_owned();
        let count = items.len();
        for (at, item) in items.into_iter().enumerate() {
            out.push_str(&item);
            if at + 1 < count || self.style.odd(8) {
                out.push_str(if self.style.odd(10) { " ," } else { "," });
                if self.style.odd(8) {
                    out.push_str(self.style.of(&["\n", " # comment\n", "\n\n"]));
                    out.extend(std::iter::repeat_n(' ', indent + 2));
                } else {
                    out.push_str(self.style.of(&[" ", " ", "  "]));
                }
            }
        }
        out + close
    }

    /// `|` or `>`, where the text can be written so.
    fn block_scalar(&mut self, text: &str, kind: Kind, indent: usize) -> bool {
        let body = text.trim_end_matches('\n');
        let ends = text.len() - body.len();
        let fits =
            kind != Kind::Bare && ends < 2 && !body.is_empty() && !body.contains(['\t', '\r']);
        let fits = fits && !body.starts_with([' ', '\n']) && !body.ends_with(' ');
        if !fits || !self.style.odd(if body.contains('\n') { 2 } else { 8 }) {
            return false;
        }
        let chomp = if ends == 0 { "-" } else { "" };
        let inner = indent + self.style.of(&[2, 1, 4]);
        let folded = !body.contains('\n') && !body.contains("  ") && self.style.odd(2);
        self.out.push_str(if folded { " >" } else { " |" });
        self.out.push_str(chomp);
        self.end();
        for line in body.split('\n') {
            if !line.is_empty() {
                self.pad(inner);
                for c in line.chars() {
                    if folded && c == ' ' && self.style.odd(4) {
                        self.out.push('\n');
                        self.pad(inner);
                    } else {
                        self.out.push(c);
                    }
                }
            }
            self.out.push('\n');
        }
        true
    }

    /// A scalar within its line, or, in a block at `indent`, over several.
    fn scalar(&mut self, text: &str, kind: Kind, indent: Option<usize>) -> String {
        if kind == Kind::Bare {
            // In a flow an empty value would be no value.
            return if text.is_empty() && indent.is_none() { "~".into() } else { text.to_owned() };
        }
        let plain = is_plain(text) && (kind == Kind::Typed || is_only_text(text));
        let single = !text.contains(|c: char| c.is_control());
        match self.style.of(&[0, 0, 1, 2]) {
            0 if plain => self.folded(text, indent),
            0 | 1 if single => {
                let quoted = text.replace('\'', "''");
                format!("'{}'", self.folded(&quoted, indent))
            }
            _ => {
                let mut quoted = String::new();
                for c in text.chars() {
                    match c {
                        '"' | '\\' => quoted.extend(['\\', c]),
                        '\n' => quoted.push_str("\\n"),
                        '\t' => quoted.push_str("\\t"),
                        c if c.is_control() => {
                            let _ = write!(quoted, "\\x{:02x}", u32::from(c));
                        }
                        c if c != ' ' && self.style.odd(16) => {
                            let _ = write!(quoted, "\\U{:08X}", u32::from(c));
                        }
                        c => quoted.push(c),
                    }
                }
                format!("\"{}\"", self.folded(&quoted, indent))
            }
        }
    }

    /// Breaks lines between words, which YAML reads as the blanks that stood there.
    fn folded(&mut self, text: &str, indent: Option<usize>) -> String {
        let Some(indent) = indent else { return text.to_owned() };
        let words: Vec<&str> = text.split(' ').collect();
        let easy = |word: &&str| word.starts_with(char::is_alphanumeric);
        let mut out = words[0].to_owned();
        for pair in words.windows(2) {
            if pair.iter().all(easy) && self.style.odd(10) {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent + 2));
            } else {
                out.push(' ');
            }
            out.push_str(pair[1]);
        }
        out
    }
}

enum Mark {
    None,
    Alias(String),
    Anchor(String),
}

fn name(at: usize) -> String {
    format!("a{at}")
}

/// Whether a text can stand without quotes.
fn is_plain(text: &str) -> bool {
    let null = matches!(text.to_ascii_lowercase().as_str(), "" | "~" | "null");
    let safe = |c: char| c.is_alphanumeric() || " _-./%'\"!?".contains(c);
    let colons = text.split(':').skip(1).all(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    !null
        && colons
        && text.starts_with(char::is_alphanumeric)
        && !text.ends_with(' ')
        && text.chars().all(|c| safe(c) || c == ':')
}

/// Whether it is a text even where its kind is not known.
fn is_only_text(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    text.starts_with(char::is_alphabetic) && !["true", "false", "null"].contains(&word.as_str())
}
