//! When requests are rejected alike: a retired model id or a closed account rejects them all, and
//! asking for the rest would only fail them too. Pure.

use std::collections::HashSet;

/// So many first shots of a run, with different prompts, rejected alike stop it.
const FIRST: usize = 8;
/// So many in a row, at any time, do too.
const IN_A_ROW: u32 = 20;

/// What a rejection says, ids and numbers aside: two rejections with the same gist are the same.
#[must_use]
pub fn gist(why: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let words = why.split(|c: char| !is_word(c)).map(|word| word.trim_matches('.'));
    let words = words.filter(|word| !word.is_empty()).map(|word| {
        if word.chars().any(|c| c.is_ascii_digit()) { "#".to_owned() } else { word.to_lowercase() }
    });
    let mut gist: Vec<String> = words.collect();
    gist.dedup_by(|a, b| a == "#" && b == "#");
    gist.join(" ")
}

/// The rejections of a run, as far as they say something about all of its shots.
#[derive(Clone, Debug)]
pub struct Rejections {
    /// What the last ones said.
    gist: String,
    /// How many of them there were with nothing accepted in between.
    in_a_row: u32,
    /// Whether nothing else was answered to any shot of the run.
    are_first: bool,
    /// The prompts of as many of them as are told apart.
    prompts: HashSet<String>,
}

impl Default for Rejections {
    fn default() -> Self {
        Self { gist: String::new(), in_a_row: 0, are_first: true, prompts: HashSet::new() }
    }
}

impl Rejections {
    /// One was accepted.
    pub fn accepted(&mut self) {
        (self.in_a_row, self.are_first) = (0, false);
        self.prompts.clear();
    }

    /// One more was rejected; whether that is one too many.
    pub fn rejected(&mut self, gist: &str, prompt: &str) -> bool {
        if self.gist != gist {
            self.are_first &= self.gist.is_empty();
            gist.clone_into(&mut self.gist);
            self.in_a_row = 0;
            self.prompts.clear();
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.prompts.len() < FIRST {
            self.prompts.insert(prompt.to_owned());
        }
        self.in_a_row >= IN_A_ROW || self.are_first && self.prompts.len() >= FIRST
    }

    /// Whether they are about one text alone, such as the takes of one shot.
    #[must_use]
    pub fn are_of_one_text(&self) -> bool {
        self.prompts.len() <= 1
    }

    /// How many were rejected alike, with nothing accepted in between.
    #[must_use]
    pub const fn in_a_row(&self) -> u32 {
        self.in_a_row
    }
}
