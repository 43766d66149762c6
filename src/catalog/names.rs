//! What people, their spreadsheets and other programs call request parameters and a shot's keys.

use super::Catalog;
use super::similar::{closest, fold};

/// Other names, in lower case without punctuation, and what they stand for: a parameter's API name, or
/// a key of a shot. Only what a catalog or the caller knows is ever suggested.
const OTHER_NAMES: [(&str, &[&str]); 17] = [
    (
        "image",
        &[
            "firstframe",
            "firstframeimage",
            "firstframeurl",
            "firstimage",
            "startframe",
            "startimage",
            "startingframe",
            "startingimage",
            "imagestart",
            "framestart",
            "start",
            "initimage",
            "initialimage",
            "initialframe",
            "inputimage",
            "sourceimage",
            "imageurl",
            "imagepath",
            "imagefile",
            "img",
            "photo",
            "picture",
            "still",
            "frame",
            "keyframe",
            "ref",
            "refs",
            "reference",
            "references",
            "refimage",
            "bild",
            "referenz",
            "referenzbild",
            "imagen",
            "imageref",
            "referenceimage",
            "referenceframe",
        ],
    ),
    (
        "image_tail",
        &[
            "lastframe",
            "lastframeimage",
            "lastframeurl",
            "lastimage",
            "imagelast",
            "endframe",
            "endimage",
            "endingframe",
            "endingimage",
            "imageend",
            "frameend",
            "tailimage",
            "tailimageurl",
            "tail",
            "tailframe",
            "finalframe",
            "finalimage",
        ],
    ),
    (
        "motion_video",
        &[
            "video",
            "videourl",
            "videopath",
            "videofile",
            "motion",
            "motionref",
            "motionreference",
            "motionvideourl",
            "refvideo",
            "referencevideo",
            "drivingvideo",
            "drivervideo",
            "driver",
            "inputvideo",
            "sourcevideo",
            "moves",
        ],
    ),
    (
        "duration",
        &[
            "länge",
            "dauer",
            "durée",
            "duración",
            "durata",
            "seconds",
            "secs",
            "sec",
            "length",
            "lengthsec",
            "lengthseconds",
            "len",
            "time",
            "dur",
            "cliplength",
            "videolength",
            "durationsec",
            "durationsecs",
            "durationseconds",
            "runtime",
        ],
    ),
    (
        "aspect_ratio",
        &[
            "seitenverhältnis",
            "bildformat",
            "formato",
            "ratio",
            "aspect",
            "format",
            "size",
            "shape",
            "dimensions",
            "orientation",
            "framing",
        ],
    ),
    ("sound", &["audio", "withaudio", "generateaudio", "enableaudio", "withsound"]),
    ("voice_list", &["voice", "voices", "voiceid", "voiceids"]),
    ("negative_prompt", &["negative", "negatives", "negprompt", "neg", "avoid", "exclude"]),
    ("prompt", &["text", "description", "desc", "promptenglish", "prompttext"]),
    ("mode", &["quality", "resolution", "tier"]),
    ("camera_control", &["camera", "cameramove", "cameramovement", "cameramotion"]),
    ("watermark_info", &["watermark"]),
    ("cfg_scale", &["cfg", "guidance", "guidancescale", "promptstrength"]),
    ("callback_url", &["callback", "webhook", "webhookurl"]),
    (
        "takes",
        &[
            "anzahl",
            "stück",
            "cantidad",
            "quantité",
            "repeat",
            "count",
            "copies",
            "variations",
            "variants",
            "versions",
            "samples",
            "quantity",
            "qty",
            "numtakes",
            "numberoftakes",
        ],
    ),
    (
        "id",
        &[
            "name",
            "shot",
            "shotid",
            "shotno",
            "shotnr",
            "shotnumber",
            "shotname",
            "no",
            "nr",
            "number",
            "slug",
            "code",
        ],
    ),
    ("clip_name", &["filename", "outputname", "output", "outfile", "clip", "clipfile"]),
];

/// What stands in sheets and manifests for people, and is no parameter anywhere: in lower case without
/// punctuation.
const FOR_PEOPLE: [&str; 33] = [
    "kommentar",
    "kommentare",
    "bemerkung",
    "bemerkungen",
    "notiz",
    "notizen",
    "notas",
    "remarques",
    "note",
    "notes",
    "comment",
    "comments",
    "remark",
    "remarks",
    "feedback",
    "todo",
    "status",
    "state",
    "owner",
    "assignee",
    "assignedto",
    "producer",
    "client",
    "approved",
    "approval",
    "approvedby",
    "reviewer",
    "duedate",
    "deadline",
    "updated",
    "lastupdated",
    "artist",
    "internal",
];

impl Catalog {
    /// The parameter, or the one of `keys`, that a word most likely stands for.
    #[must_use]
    pub fn meant<'a>(&'a self, word: &str, keys: &[&'a str]) -> Option<&'a str> {
        let folded = fold(word);
        let known = || keys.iter().copied().chain(self.params().iter().map(|p| p.name.as_str()));
        let stands_for = OTHER_NAMES.iter().find(|(_, others)| others.contains(&&*folded));
        let stands_for = stands_for.and_then(|(name, _)| known().find(|known| known == name));
        let same = known().find(|known| fold(known) == folded);
        same.or(stands_for).or_else(|| closest(word, known()))
    }

    /// The same for the header of a spreadsheet's column: `Prompt (EN)`, `Ref #`, `Length [s]`.
    #[must_use]
    pub fn meant_by_header<'a>(&'a self, header: &str, keys: &[&'a str]) -> Option<&'a str> {
        let plain = header.split(['(', '[', '/', '\n', '\r']).next().unwrap_or(header);
        let plain = plain.trim_matches(|c: char| !c.is_alphanumeric());
        if plain.is_empty() || is_for_people(plain) {
            return None;
        }
        self.meant(plain, keys)
    }

    /// What to say to a suggested parameter that not every model takes.
    #[must_use]
    pub fn taken_by(&self, name: &str) -> Option<String> {
        let at = self.place(name)?;
        let takes = |model: &&super::Model| !model.refuses.contains(&at);
        let models: Vec<&str> =
            self.models.iter().filter(takes).map(|model| model.name.as_str()).collect();
        let all = models.len() == self.models.len() || models.is_empty();
        let verb = if models.len() == 1 { "takes" } else { "take" };
        (!all).then(|| format!("only {} {verb} it", models.join(" and ")))
    }
}

/// Whether a word names what stands in a sheet for people only, such as `Notes` or `status`.
#[must_use]
pub fn is_for_people(word: &str) -> bool {
    FOR_PEOPLE.contains(&&*fold(word))
}
