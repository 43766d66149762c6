//! A shot: what is to be rendered, under which name, at what price. Plain data, made by the manifest.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use thin_vec::ThinVec;

use crate::domain::money::Usd;

/// A shot's name: a safe file name, unique in its campaign without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShotId(Arc<str>);

/// Why a text cannot be a shot's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadShotId {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// Longer than [`ShotId::MAX_BYTES`].
    #[error("it is too long; it has at most {} letters", ShotId::MAX_BYTES)]
    TooLong,
    /// A character that is not safe in a file name everywhere.
    #[error("it holds {}; use letters, digits, `-`, `_` and `.`", named(*.0))]
    Character(char),
    /// Starts or ends with a dot, or starts with a dash.
    #[error("it cannot begin with `.` or `-`, nor end with `.`")]
    Edge,
    /// A name that Windows keeps for itself, such as `con` or `nul`.
    #[error("Windows keeps this name for itself")]
    Reserved,
}

/// A character as people call it.
fn named(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        '\t' => "a tab".to_owned(),
        '\r' | '\n' => "a line break".to_owned(),
        c => format!("`{c}`"),
    }
}

impl ShotId {
    /// The longest id, in bytes: room is left for `~r2~2`, a suffix and a temporary name.
    pub const MAX_BYTES: usize = 150;

    /// Checks and takes an id.
    ///
    /// # Errors
    /// When the text is not a safe file name on every system; `~` is kept for clip names.
    pub fn new(text: &str) -> Result<Self, BadShotId> {
        if text.is_empty() {
            return Err(BadShotId::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(BadShotId::TooLong);
        }
        let safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if let Some(c) = text.chars().find(|c| !safe(*c)) {
            return Err(BadShotId::Character(c));
        }
        if text.starts_with(['.', '-']) || text.ends_with('.') {
            return Err(BadShotId::Edge);
        }
        let stem = text.split('.').next().unwrap_or(text).to_ascii_lowercase();
        let numbered = |port: &str| {
            stem.strip_prefix(port)
                .is_some_and(|n| n.len() == 1 && n != "0" && n.bytes().all(|b| b.is_ascii_digit()))
        };
        if matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
            || numbered("com")
            || numbered("lpt")
        {
            return Err(BadShotId::Reserved);
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a text that can be shared.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// What two ids that differ only in case share.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for ShotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A hash of what a request means; see DESIGN's word list in the crate documentation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// From its bytes (the first 16 of a SHA-256).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// 32 lower-case hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a local file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A still picture. A request carries it as base64, unless it is too big for that.
    Picture,
    /// A video. It is sent to the gateway first, and a request carries its URL.
    Video,
}

/// A local file that a request needs. Only its hash is held; the bytes are read when the shot is
/// submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// The request parameter it fills: `image`, `image_tail` or `motion_video`.
    pub param: Box<str>,
    /// What it shows.
    pub kind: FileKind,
    /// Where it lies.
    pub path: PathBuf,
    /// Its path as the manifest wrote it.
    pub written: Box<str>,
    /// SHA-256 of its bytes when the manifest was read.
    pub sha256: [u8; 32],
    /// Its length in bytes when the manifest was read.
    pub bytes: u64,
}

/// The JSON body that buys a shot, without the bytes of local files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// A JSON object, ready to send but for `files`.
    pub json: Box<str>,
    /// Parameters that are still to be filled with a local file's base64 or its URL.
    pub files: ThinVec<LocalFile>,
}

/// One clip to be rendered. There may be millions, and most of their lists are empty, so that these
/// take one word each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Its name in the manifest, the ledger and on disk.
    pub id: ShotId,
    /// What its request means, by the newest rule.
    pub fingerprint: Fingerprint,
    /// The same by earlier released rules, newest first, where they say something else: what was
    /// bought under them is found by these.
    pub former: ThinVec<Fingerprint>,
    /// What to send.
    pub request: Request,
    /// The model's API name, as in `request`; shared by all its shots.
    pub model: Arc<str>,
    /// What it costs by the catalog; `None` when the catalog does not say.
    pub price: Option<Usd>,
    /// Higher is submitted first; 0 unless the manifest says otherwise.
    pub priority: i32,
    /// Words to sort and filter by.
    pub tags: ThinVec<Box<str>>,
    /// The clip's path below `clips/`, without revision, part and `.mp4`; the id unless the
    /// manifest says otherwise.
    pub clip_name: Arc<str>,
    /// The id of the manifest's entry that it comes from, as written there, shared by all its
    /// shots; of a row that is an entry of its own, the row's.
    pub entry: Arc<str>,
    /// What tells it from the entry's other shots, as people would say it: names and values of the
    /// row, the matrix and the take (`take`, `2`), long values cut. Empty when it is the only one.
    pub variant: ThinVec<(Box<str>, Box<str>)>,
}

impl Shot {
    /// Its fingerprints by every released rule, newest first.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        std::iter::once(self.fingerprint).chain(self.former.iter().copied())
    }
}
