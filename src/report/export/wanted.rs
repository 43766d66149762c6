//! Which clips are wanted, and what the user said of them.

use std::collections::HashMap;

/// What the user said of a shot's clip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The shot's id.
    pub shot: String,
    /// The revision that was meant; `None`: the current one.
    pub revision: Option<u32>,
    /// Whether it was picked.
    pub picked: bool,
    /// Whether it was rejected.
    pub rejected: bool,
    /// Stars, from 0 to 5.
    pub rating: u8,
    /// A note; empty where there is none.
    pub note: String,
}

/// The order of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As the shots stand in the manifest.
    #[default]
    Manifest,
    /// As the picks stand in their file.
    Picks,
}

/// What is wanted of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What was said of single shots. Where any of them is picked, only those are wanted; else all
    /// that are not rejected.
    pub marks: Vec<Mark>,
    /// In which order.
    pub order: Order,
}

impl Wanted {
    /// Whether only what was picked is wanted.
    #[must_use]
    pub fn is_picked(&self) -> bool {
        self.marks.iter().any(|mark| mark.picked)
    }

    /// What was said of each shot: its marks with their numbers, in their order.
    #[must_use]
    pub fn by_shot(&self) -> MarksByShot<'_> {
        let mut by_shot = MarksByShot::new();
        for (nth, mark) in self.marks.iter().enumerate() {
            by_shot.entry(&*mark.shot).or_default().push((nth, mark));
        }
        by_shot
    }
}

/// Marks with their numbers, by their shots' ids.
pub type MarksByShot<'m> = HashMap<&'m str, Vec<(usize, &'m Mark)>>;

impl Mark {
    /// Whether it means this revision of its shot. `current`: whether that is the one of today's text.
    #[must_use]
    pub fn means(&self, revision: u32, current: bool) -> bool {
        self.revision.map_or(current, |meant| meant == revision)
    }
}
