//! A folder, a clean environment and the real program: makes each test of the command line one
//! readable sentence.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Where a test's program runs. Gone when dropped.
pub struct Sandbox {
    dir: tempfile::TempDir,
    program: PathBuf,
    vars: Vec<(String, String)>,
}

/// Two shots at $0.3165 together with $0.0159, ready in a second or so.
pub const TWO_SHOTS: &str = "\
campaign: summer
limits: {poll_every: 100ms, poll_rate: 100/s}
shots:
  - id: beach
    model: kling-v3
    prompt: A girl dancing on the beach at sunset
  - id: alley
    model: kling-v2-6
    prompt: Rain in a neon alley
";

impl Sandbox {
    /// An empty folder and an environment without a key.
    pub fn new() -> Self {
        let program = env!("CARGO_BIN_EXE_rushes").into();
        Self { dir: tempfile::tempdir().unwrap(), program, vars: Vec::new() }
    }

    /// With a file in it.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// With this `shots.yaml`.
    #[must_use]
    pub fn manifest(self, text: &str) -> Self {
        self.file("shots.yaml", text)
    }

    /// With another build of the program than the tests' own.
    #[must_use]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    /// With an environment variable.
    #[must_use]
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// The program, ready to start in the folder.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(self.dir.path()).args(words).stdin(Stdio::null());
        command.env_clear().env("HOME", self.dir.path()).env("TZ", "UTC");
        command.envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end.
    pub fn run<const N: usize>(&self, words: [&str; N]) -> Done {
        self.run_words(&words)
    }

    /// Runs the program to its end.
    pub fn run_words(&self, words: &[&str]) -> Done {
        let output = self.command(words).output().unwrap();
        Done {
            what: words.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            dir: self.dir.path().to_owned(),
        }
    }
}

/// How a program ended and what it said.
pub struct Done {
    what: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
    dir: PathBuf,
}

impl Done {
    fn all(&self) -> String {
        let Self { what, code, stdout, stderr, .. } = self;
        format!("rushes {what}\nexit code {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }

    /// The code it ended with.
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// It ended with this code.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        self
    }

    /// Standard output holds this.
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "{text:?} is missing\n{}", self.all());
        self
    }

    /// Standard error holds this.
    pub fn warns(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is missing\n{}", self.all());
        self
    }

    /// Standard error is empty.
    pub fn warns_of_nothing(self) -> Self {
        assert_eq!(self.stderr, "", "{}", self.all());
        self
    }

    /// Standard output, the sandbox's own path shown as `DIR`.
    pub fn stdout(&self) -> String {
        self.plain(&self.stdout)
    }

    /// Standard error, the sandbox's own path shown as `DIR`.
    pub fn stderr(&self) -> String {
        self.plain(&self.stderr)
    }

    fn plain(&self, text: &str) -> String {
        let dir: &Path = &self.dir;
        text.replace(&dir.display().to_string(), "DIR")
    }

    /// Standard output as JSON.
    pub fn stdout_json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why}\n{}", self.all()))
    }
}
