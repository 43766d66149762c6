//! The shots made so far; keeps their ids and clip names unique.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hashbrown::HashTable;
use sha2::{Digest, Sha256};

use crate::domain::shot::{Shot, ShotId};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::place::{Place, saturating_u32};

/// Shots of one campaign. More are a typing mistake (`takes: 100000000`), not a plan.
pub(crate) const MAX_SHOTS: usize = 5_000_000;

/// The shots of a campaign and what they are called.
#[derive(Default)]
pub(crate) struct ShotSet {
    /// Finished shots; emptied at the first mistake, from when on only mistakes matter.
    pub shots: Vec<Shot>,
    /// How many shots there would be, wrong ones counted too.
    pub count: usize,
    /// Bytes of all their requests.
    pub bytes: usize,
    /// The ids taken so far, without regard to case.
    ids: Vec<TakenId>,
    /// Indices of `ids` by their hashes.
    index: HashTable<u32>,
    /// Clip names that are not the shot's id, in lower case, with their shot.
    clips: HashMap<Box<str>, (Place, Box<str>)>,
    /// The models' names, each once.
    models: Vec<Arc<str>>,
}

/// An id by its hash, and its place in fewer bytes: with a million shots, ids take a tenth of all
/// memory.
struct TakenId {
    hash: [u8; 8],
    line: u32,
    column: u32,
    file: u16,
    length: u16,
}

impl TakenId {
    fn new(hash: [u8; 8], place: Place) -> Self {
        let Place { file, line, column, length, .. } = place;
        // Of an id it is at most `ShotId::MAX_BYTES`.
        Self { hash, line, column, file, length: u16::try_from(length).unwrap_or(u16::MAX) }
    }

    fn place(&self) -> Place {
        let Self { line, column, file, length, .. } = *self;
        Place { file, line, column, length: length.into(), cell: 0 }
    }
}

/// Stands for an id without regard to case: the first 64 bits of its SHA-256. Among five million
/// ids, two share them with a probability of one in a million.
fn id_hash(folded: &str) -> [u8; 8] {
    let mut first = [0; 8];
    first.iter_mut().zip(Sha256::digest(folded)).for_each(|(to, from)| *to = from);
    first
}

impl ShotSet {
    /// Takes an id for the shot at a place.
    ///
    /// # Errors
    /// Where it is taken already, without regard to case.
    pub(crate) fn take_id(&mut self, id: &ShotId, place: Place) -> Result<(), Place> {
        let hash = id_hash(&id.folded());
        if let Some(first) = self.taken(hash) {
            return Err(first);
        }
        let index = saturating_u32(self.ids.len());
        self.ids.push(TakenId::new(hash, place));
        let hash_of =
            |index: &u32| self.ids.get(*index as usize).map_or(0, |id| u64::from_ne_bytes(id.hash));
        self.index.insert_unique(u64::from_ne_bytes(hash), index, hash_of);
        Ok(())
    }

    /// Where an id of that hash stands.
    fn taken(&self, hash: [u8; 8]) -> Option<Place> {
        let is_it = |index: &u32| self.ids.get(*index as usize).is_some_and(|id| id.hash == hash);
        let index = self.index.find(u64::from_ne_bytes(hash), is_it)?;
        self.ids.get(*index as usize).map(TakenId::place)
    }

    /// Takes a clip name that is not its shot's id.
    ///
    /// # Errors
    /// The place and the id of the shot that has it already.
    pub(crate) fn take_clip(
        &mut self,
        name: &str,
        id: &ShotId,
        place: Place,
    ) -> Result<(), (Place, Box<str>)> {
        let name = name.to_lowercase().into_boxed_str();
        self.clips.insert(name, (place, id.as_str().into())).map_or(Ok(()), Err)
    }

    /// A model's name, shared by all its shots.
    pub(crate) fn model(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.models.iter().find(|known| ***known == *name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.models.push(Arc::clone(&name));
        name
    }

    /// Adds a finished shot.
    pub(crate) fn push(&mut self, shot: Shot) {
        self.bytes += shot.request.json.len();
        self.shots.push(shot);
    }

    /// Frees the shots after a mistake.
    pub(crate) fn discard(&mut self) {
        (self.shots, self.bytes) = (Vec::new(), 0);
    }

    /// Reports clips with a name of their own that is another shot's id, which is that shot's clip
    /// name unless it has its own, too.
    pub(crate) fn check_clips(&self, diags: &mut Diagnostics) {
        let mut named: Vec<_> = self.clips.iter().collect();
        named.sort_by_key(|(_, (place, _))| *place);
        let custom: HashSet<String> = named.iter().map(|(_, (_, id))| id.to_lowercase()).collect();
        for (name, (place, id)) in named {
            let Some(first) = self.taken(id_hash(name)).filter(|_| !custom.contains(&**name))
            else {
                continue;
            };
            let what = format!("the clip of `{id}` would be called like that of the shot `{name}`");
            let diagnostic = Diagnostic::new(*place, what).fix("choose another `clip_name`");
            diags.add(diagnostic.related(first, "that shot"));
        }
    }
}
