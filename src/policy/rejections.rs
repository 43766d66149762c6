//! When requests are rejected alike: a retired model id or a closed account rejects them all, and
//! asking for the rest would only fail them too. Pure.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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

/// The rejections in a row that one worker met, as it tells the others of its campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlikeRejections {
    /// What they say.
    pub gist: String,
    /// How many there were with nothing accepted in between.
    pub in_a_row: u32,
    /// Whether nothing else was answered to any shot of the worker in this run.
    pub are_first: bool,
    /// What tells their prompts apart, of as many as matter.
    pub prompts: Vec<u64>,
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
    /// Hashes of the prompts of as many of them as are told apart.
    prompts: HashSet<u64>,
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

    /// One more was rejected.
    pub fn rejected(&mut self, gist: &str, prompt: &str) {
        if self.gist != gist {
            self.are_first &= self.gist.is_empty();
            gist.clone_into(&mut self.gist);
            self.in_a_row = 0;
            self.prompts.clear();
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.prompts.len() < FIRST {
            self.prompts.insert(hash(prompt));
        }
    }

    /// Whether they are too many, together with those that other workers met.
    #[must_use]
    pub fn are_too_many(&self, others: &[AlikeRejections]) -> bool {
        let is_first = |other: &AlikeRejections| other.are_first && other.gist == self.gist;
        let are_first = self.are_first && others.iter().all(is_first);
        let in_a_row = self.in_a_row(others);
        in_a_row >= IN_A_ROW || are_first && self.prompts(others).len() >= FIRST
    }

    /// Whether they, and those that other workers met, are about one text alone, such as the takes of
    /// one shot.
    #[must_use]
    pub fn are_of_one_text(&self, others: &[AlikeRejections]) -> bool {
        self.prompts(others).len() <= 1
    }

    /// How many were rejected alike over all workers, with nothing accepted in between; none before this
    /// one met one.
    #[must_use]
    pub fn in_a_row(&self, others: &[AlikeRejections]) -> u32 {
        let theirs = self.alike(others).map(|other| other.in_a_row);
        theirs.fold(self.in_a_row, u32::saturating_add)
    }

    /// What is told to other workers; `None`: nothing was rejected since something was accepted.
    #[must_use]
    pub fn told(&self) -> Option<AlikeRejections> {
        let (gist, in_a_row, are_first) = (self.gist.clone(), self.in_a_row, self.are_first);
        let mut prompts: Vec<u64> = self.prompts.iter().copied().collect();
        prompts.sort_unstable();
        (in_a_row > 0).then_some(AlikeRejections { gist, in_a_row, are_first, prompts })
    }

    /// Those of other workers that say the same.
    fn alike<'o>(
        &self,
        others: &'o [AlikeRejections],
    ) -> impl Iterator<Item = &'o AlikeRejections> + use<'o, '_> {
        let counts = self.in_a_row > 0;
        others.iter().filter(move |other| counts && other.gist == self.gist)
    }

    fn prompts(&self, others: &[AlikeRejections]) -> HashSet<u64> {
        let theirs = self.alike(others).flat_map(|other| other.prompts.iter());
        self.prompts.iter().chain(theirs).copied().collect()
    }
}

/// What tells a prompt from others.
fn hash(prompt: &str) -> u64 {
    let hash = Sha256::digest(prompt.as_bytes());
    hash.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}
