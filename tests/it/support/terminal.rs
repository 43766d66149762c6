//! A program in a terminal of its own: what a user types, and what they see. By `script` of util-linux,
//! which makes the terminal; what comes out of it is drawn here as a terminal draws it.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use unicode_width::UnicodeWidthChar;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running program; killed when dropped.
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    seen: Arc<Mutex<Picture>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts what `command` says in a terminal of so many columns and 40 rows.
    pub fn open(command: &Command, columns: usize) -> Self {
        let quoted =
            |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''"));
        let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted);
        let words: Vec<_> = words.collect();
        let line = format!("stty cols {columns} rows 40; exec {}", words.join(" "));
        let mut script = Command::new("script");
        script.args(["-qefc", &line, "/dev/null"]).env_clear();
        script.env("SHELL", "/bin/sh").env("TERM", "xterm-256color");
        script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.current_dir(command.get_current_dir().unwrap());
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = script.spawn().expect("`script` of util-linux makes the terminal");
        let seen = Arc::new(Mutex::new(Picture::new(columns)));
        let mut output = child.stdout.take().unwrap();
        let drawn = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                bytes.extend(&buffer[..count]);
                let valid = match std::str::from_utf8(&bytes) {
                    Ok(text) => text.len(),
                    Err(error) => error.valid_up_to(),
                };
                let rest = bytes.split_off(valid);
                drawn.lock().unwrap().draw(std::str::from_utf8(&bytes).unwrap());
                bytes = rest;
            }
        });
        let keys = child.stdin.take().unwrap();
        Self { child, keys, seen, reader: Some(reader) }
    }

    /// Types these keys.
    pub fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until `text` was written at some time, colours and line ends aside.
    pub fn waits_for(&self, text: &str) {
        for _ in 0..PATIENCE.as_millis() / 5 {
            if self.seen.lock().unwrap().plain.contains(text) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{text:?} does not come\n{}", self.seen.lock().unwrap().plain);
    }

    /// Waits for the end: the exit code, and everything that is on the screen then.
    pub fn ends(mut self) -> (Option<i32>, Picture) {
        let code = self.child.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        let picture = std::mem::take(&mut *self.seen.lock().unwrap());
        (code, picture)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal shows.
#[derive(Default)]
pub struct Picture {
    columns: usize,
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// The usual screen while the other one is shown.
    usual: Option<(Vec<Vec<char>>, usize, usize)>,
    /// Everything that was written, without what moves and colours.
    pub plain: String,
    /// Everything that was written.
    pub raw: String,
    /// A terminal sequence that is not whole yet.
    sequence: Option<String>,
}

impl Picture {
    fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// The rows, without blanks at their ends and empty rows at the end.
    pub fn text(&self) -> String {
        let row = |row: &Vec<char>| {
            let row: String = row.iter().filter(|c| **c != '\0').collect();
            row.trim_end().to_owned()
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// Whether the other screen is shown.
    pub fn is_other(&self) -> bool {
        self.usual.is_some()
    }

    fn draw(&mut self, text: &str) {
        self.raw.push_str(text);
        for c in text.chars() {
            if let Some(mut sequence) = self.sequence.take() {
                sequence.push(c);
                if sequence.len() > 1 && ('\u{40}'..='\u{7e}').contains(&c) {
                    self.obey(&sequence);
                } else {
                    self.sequence = Some(sequence);
                }
            } else {
                self.put(c);
            }
        }
    }

    fn put(&mut self, c: char) {
        match c {
            '\u{1b}' => self.sequence = Some(String::new()),
            '\r' => self.column = 0,
            '\n' => {
                self.plain.push('\n');
                self.row += 1;
            }
            c if c.is_control() => {}
            c => {
                self.plain.push(c);
                let width = c.width().unwrap_or(0);
                if self.column + width > self.columns {
                    (self.row, self.column) = (self.row + 1, 0);
                }
                while self.rows.len() <= self.row {
                    self.rows.push(Vec::new());
                }
                let row = &mut self.rows[self.row];
                while row.len() < self.column + width {
                    row.push(' ');
                }
                if width > 0 {
                    row[self.column] = c;
                }
                if width == 2 {
                    row[self.column + 1] = '\0';
                }
                self.column += width;
            }
        }
    }

    /// Moves, clears, or changes the screen.
    fn obey(&mut self, sequence: &str) {
        let last = sequence.chars().last().unwrap();
        let number = sequence[1..sequence.len() - 1].parse::<usize>().unwrap_or(0);
        match (sequence, last) {
            ("[?1049h", _) => {
                let usual = (std::mem::take(&mut self.rows), self.row, self.column);
                self.usual = Some(usual);
                (self.row, self.column) = (0, 0);
            }
            ("[?1049l", _) => {
                (self.rows, self.row, self.column) = self.usual.take().unwrap();
            }
            (_, 'A') => self.row = self.row.saturating_sub(number.max(1)),
            (_, 'B') => self.row += number.max(1),
            (_, 'H') => (self.row, self.column) = (0, 0),
            (_, 'K') => {
                let from = if number == 2 { 0 } else { self.column };
                if let Some(row) = self.rows.get_mut(self.row) {
                    row.truncate(from);
                }
            }
            (_, 'J') => {
                if let Some(row) = self.rows.get_mut(self.row) {
                    row.truncate(self.column);
                }
                self.rows.truncate(self.row + 1);
            }
            _ => {}
        }
    }
}
