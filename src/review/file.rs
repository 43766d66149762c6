//! `review.json`: read, looked up, changed, written. What other programs wrote into it stays.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::disk::{open_file, replace};
use crate::domain::sanitize::json_text;
use crate::domain::shot::ShotId;
use crate::domain::time::Timestamp;

use super::{Change, ClipKey, MAX_RATING, ReviewError, Reviewed, Verdict};

/// Its name in the campaign folder.
pub const FILE: &str = "review.json";

/// The longest such file that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// The key that says what the file is; its value is the version of the format.
const MARK: &str = "rushes_review";
/// The newest version that is understood.
const VERSION: u64 = 1;
/// The keys of a verdict that are ours.
const OWN: [&str; 7] = ["id", "revision", "pick", "rating", "rejected", "note", "at"];

/// What was decided about the clips of a campaign.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Review {
    entries: Vec<Entry>,
    places: HashMap<ClipKey, usize>,
    /// Other programs' keys beside the list.
    others: Map<String, Value>,
}

/// A verdict as it stands in the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Entry {
    #[serde(flatten)]
    reviewed: Reviewed,
    /// Other programs' keys.
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Review {
    /// Where a campaign folder keeps it.
    #[must_use]
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// The verdicts of a campaign folder; none where nothing was decided yet. Blocking.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or holds something else.
    pub fn read(folder: &Path) -> Result<Self, ReviewError> {
        let path = Self::path(folder);
        match text_of(&path) {
            Err(ReviewError::Unreadable { cause, .. })
                if cause.kind() == io::ErrorKind::NotFound =>
            {
                Ok(Self::default())
            }
            text => Self::parse(&path, &text?),
        }
    }

    /// The verdicts in a file's text; `path` is for errors.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ReviewError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let broken = |what: &str| ReviewError::broken(path, what);
        let read = serde_json::from_str(text);
        let read: Value = read.map_err(|error| broken(&error.to_string()))?;
        let Value::Object(mut others) = read else {
            return Err(broken("it is JSON, but not an object"));
        };
        match others.shift_remove(MARK).as_ref().map(Value::as_u64) {
            Some(Some(1..=VERSION)) => {}
            Some(_) => return Err(broken("a newer version of rushes wrote it; use that")),
            None => return Err(broken(&format!("the key `{MARK}` is missing"))),
        }
        let Some(Value::Array(shots)) = others.shift_remove("shots") else {
            return Err(broken("`shots` must be a list"));
        };
        let mut review = Self { others, ..Self::default() };
        for (index, shot) in shots.into_iter().enumerate() {
            let entry = Entry::parse(shot)
                .map_err(|what| broken(&format!("entry {} of `shots`: {what}", index + 1)))?;
            let Reviewed { clip, .. } = &entry.reviewed;
            if review.places.contains_key(clip) {
                let ClipKey { id, revision } = clip;
                return Err(broken(&format!("{id}, revision {revision}, stands there twice")));
            }
            review.push(entry);
        }
        Ok(review)
    }

    /// All verdicts, the first decided first.
    pub fn all(&self) -> impl Iterator<Item = &Reviewed> {
        self.entries.iter().map(|entry| &entry.reviewed)
    }

    /// What was decided about a clip; `None` when nothing was.
    #[must_use]
    pub fn get(&self, clip: &ClipKey) -> Option<&Verdict> {
        let place = *self.places.get(clip)?;
        self.entries.get(place).map(|entry| &entry.reviewed.verdict)
    }

    /// Changes the verdict about a clip; what it is then.
    pub fn change(&mut self, clip: &ClipKey, change: &Change, now: Timestamp) -> Verdict {
        let verdict = self.get(clip).cloned().unwrap_or_default().after(change, now);
        match self.places.get(clip).and_then(|place| self.entries.get_mut(*place)) {
            Some(entry) => entry.reviewed.verdict.clone_from(&verdict),
            None => self.push(Entry {
                reviewed: Reviewed { clip: clip.clone(), verdict: verdict.clone() },
                others: Map::new(),
            }),
        }
        verdict
    }

    /// Writes it into a campaign folder, whole or not at all. Blocking. Two that write at once are
    /// kept apart by [`Reviews`](super::Reviews).
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path, campaign: &str) -> Result<(), ReviewError> {
        let path = Self::path(folder);
        let text = self.text(campaign);
        text.and_then(|text| replace(&path, &text))
            .map_err(|cause| ReviewError::Unwritten { path, cause })
    }

    /// The file's text: a line for each verdict.
    ///
    /// # Errors
    /// Never in practice: everything in it can be written as JSON.
    pub fn text(&self, campaign: &str) -> io::Result<String> {
        let mut head = Map::new();
        head.insert(MARK.to_owned(), json!(VERSION));
        head.insert("campaign".to_owned(), json!(campaign));
        for (key, value) in &self.others {
            head.entry(key).or_insert_with(|| value.clone());
        }
        let head = json_text(&head)?;
        let entries: Vec<String> = self.entries.iter().map(json_text).collect::<Result<_, _>>()?;
        let open = head.strip_suffix('}').unwrap_or(&head);
        Ok(format!("{open},\"shots\":[\n{}\n]}}\n", entries.join(",\n")))
    }

    fn push(&mut self, entry: Entry) {
        self.places.insert(entry.reviewed.clip.clone(), self.entries.len());
        self.entries.push(entry);
    }
}

impl Entry {
    fn parse(value: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = value else { return Err("it is not an object".to_owned()) };
        let id = fields.get("id").and_then(Value::as_str).ok_or("`id` must be a text")?;
        let id = ShotId::new(id).map_err(|why| format!("{id:?} is no shot's id: {why}"))?;
        let revision = fields.get("revision").map_or(Some(1), Value::as_u64);
        let revision = revision.and_then(|number| u32::try_from(number).ok());
        let revision = revision.filter(|number| *number > 0);
        let revision = revision.ok_or(format!("{id}: `revision` must be a number from 1"))?;
        let verdict = Verdict::parse(&fields).map_err(|why| format!("{id}: {why}"))?;
        fields.retain(|key, _| !OWN.contains(&&**key));
        let reviewed = Reviewed { clip: ClipKey { id, revision }, verdict };
        Ok(Self { reviewed, others: fields })
    }
}

impl Verdict {
    fn parse(fields: &Map<String, Value>) -> Result<Self, String> {
        let given = |key: &str| fields.get(key).filter(|value| !value.is_null());
        let switch = |key: &str| match given(key) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or(format!("`{key}` must be true or false")),
        };
        let (pick, rejected) = (switch("pick")?, switch("rejected")?);
        if pick && rejected {
            return Err("it is picked and rejected".to_owned());
        }
        let rating = given("rating").map_or(Some(0), Value::as_u64);
        let rating = rating.and_then(|number| u8::try_from(number).ok());
        let rating = rating.filter(|number| *number <= MAX_RATING);
        let rating = rating.ok_or(format!("`rating` must be a number from 0 to {MAX_RATING}"))?;
        let note = given("note").map_or(Some(""), Value::as_str).ok_or("`note` must be a text")?;
        let at = given("at").map(|at| {
            let moment = at.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            moment.ok_or("`at` must be a moment such as 2026-11-28T07:12:00Z")
        });
        let at = at.transpose()?.map(|at| Timestamp::from_millis(at.as_millisecond()));
        Ok(Self { pick, rating, rejected, note: note.to_owned(), at })
    }
}

/// A file's text.
///
/// # Errors
/// When it cannot be read, is no file, is too long or no text.
pub(super) fn text_of(path: &Path) -> Result<String, ReviewError> {
    let mut text = String::new();
    let read = open_file(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text).map(drop));
    read.map_err(|cause| ReviewError::Unreadable { path: path.to_owned(), cause })?;
    if text.len() as u64 > MAX_BYTES {
        let most = MAX_BYTES >> 20;
        return Err(ReviewError::broken(path, format!("it is bigger than {most} MB")));
    }
    Ok(text)
}
