//! The shots made so far; keeps their ids and clip names unique.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::place::{Place, saturating_u32};
use crate::shot::{Shot, ShotId};

/// Shots of one campaign. More are a typing mistake (`takes: 100000000`), not a plan.
pub(crate) const MAX_SHOTS: usize = 5_000_000;

/// The shots of a campaign and what they are called.
#[derive(Default)]
pub(crate) struct ShotSet {
    /// Finished shots; emptied at the first diagnostic, from when on only mistakes matter.
    pub shots: Vec<Shot>,
    /// How many shots there would be, wrong ones counted too.
    pub count: usize,
    /// Bytes of all their requests.
    pub bytes: usize,
    /// Ids without regard to case, with the index of their place. With a million shots this is a
    /// tenth of all memory, so hashes are short, and neither they nor places have padding.
    ids: HashMap<IdHash, [u8; 4], BuildHasherDefault<FirstBytes>>,
    places: Vec<IdPlace>,
    /// Clip names that are not the shot's id, in lower case, with their shot.
    clips: HashMap<Box<str>, (Place, Box<str>)>,
    /// The models' names, each once.
    models: Vec<Arc<str>>,
}

/// Where an id stands, in fewer bytes: it is shorter than 65,536 characters.
struct IdPlace {
    file: u16,
    length: u16,
    line: u32,
    column: u32,
}

impl IdPlace {
    fn place(&self) -> Place {
        let Self { file, length, line, column } = *self;
        Place { file, line, column, length: length.into() }
    }
}

/// Stands for an id without regard to case: the first 64 bits of its SHA-256. Among five million
/// ids, two share them with a probability of one in a million.
#[derive(Clone, Copy, PartialEq, Eq)]
struct IdHash([u8; 8]);

impl Hash for IdHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Without the length that an array would write first.
        state.write(&self.0);
    }
}

impl IdHash {
    fn of(folded: &str) -> Self {
        let mut first = [0; 8];
        first.iter_mut().zip(Sha256::digest(folded)).for_each(|(to, from)| *to = from);
        Self(first)
    }
}

/// An [`IdHash`] needs no hashing again.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }
}

impl ShotSet {
    /// Takes an id for the shot at a place.
    ///
    /// # Errors
    /// Where it is taken already, without regard to case.
    pub(crate) fn take_id(&mut self, id: &ShotId, place: Place) -> Result<(), Place> {
        let next = saturating_u32(self.places.len());
        let index = self.ids.entry(IdHash::of(&id.folded())).or_insert(next.to_ne_bytes());
        if let Some(first) = self.places.get(u32::from_ne_bytes(*index) as usize) {
            return Err(first.place());
        }
        let Place { file, line, column, length } = place;
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        self.places.push(IdPlace { file, length, line, column });
        Ok(())
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

    /// Frees the shots after a diagnostic.
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
            let first = self.ids.get(&IdHash::of(name)).filter(|_| !custom.contains(&**name));
            let index = first.map(|index| u32::from_ne_bytes(*index) as usize);
            let Some(first) = index.and_then(|index| self.places.get(index)) else { continue };
            let what = format!("the clip of `{id}` would be called like that of the shot `{name}`");
            let diagnostic = Diagnostic::new(*place, what).fix("choose another `clip_name`");
            diags.add(diagnostic.related(first.place(), "that shot"));
        }
    }
}
