//! Whose a campaign folder is, and what lies in it: looked at before anything is bought or changed,
//! so that no ledger buys what another one bought.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};

use crate::blocking::Threads;
use crate::clips::{Bucket, BucketStore, Stored, Sweep, clip_path, clips_in, is_whole, look};
use crate::domain::money::Usd;
use crate::domain::origin::Origin;
use crate::domain::secret::Secret;
use crate::domain::shot::Shot;
use crate::domain::state::ShotEvent;
use crate::domain::time::{Clock, SystemClock};
use crate::failpoint;
use crate::ledger::{
    AttemptSpec, Change, ClipFile, Commit, Entry, Ledger, LedgerError, Note, Owner, Snapshot,
    Verdict, is_database,
};
use crate::policy::limits::Limits;
use crate::provider::canonical_wire;
use crate::report::text::{dollars, plural, safe, safe_path};
use crate::scheduler::RunOptions;

use super::again::quoted;
use super::args;
use super::bucket;
use super::error::CliError;
use super::holdings::Holdings;
use super::settings::{CampaignPaths, LoadedCampaign};
use super::siblings;

/// So many clips in a bucket are looked at at once.
const LOOKS: usize = 16;

/// What the checks before a run came to.
#[derive(Debug, Default)]
pub struct Opening {
    /// Whether the ledger is the manifest's under an earlier name.
    pub is_renamed: bool,
    /// Whether other campaigns' purchases of the same shots do not matter.
    separate: bool,
    /// Shots, by index, whose clips are taken as bought, and their files' paths.
    adopted: Vec<(usize, Vec<String>)>,
    /// What of these lie in a bucket, by their paths.
    in_bucket: HashMap<String, Stored>,
    /// The campaign folder.
    folder: PathBuf,
}

/// Looks whether a run at `gateway`, where that is known, may buy these shots into this folder;
/// changes nothing.
pub fn before_buying(
    loaded: &LoadedCampaign,
    work: &args::Work,
    gateway: Option<&str>,
) -> Result<Opening, CliError> {
    let (paths, shots) = (&loaded.paths, &loaded.campaign.shots);
    Owner::of(&paths.folder)?;
    bucket::one_place(paths)?;
    // Without a gateway nothing is asked over the network.
    let bucket = if gateway.is_some() { bucket::connect(paths)? } else { None };
    let there = match &bucket {
        Some(bucket) => bucket::wait(Holdings::in_bucket(bucket))?,
        None => Holdings::in_folder(paths),
    };
    if let Some(error) = lost_ledger(paths, &there).filter(|_| !work.adopt) {
        return Err(error);
    }
    check(paths)?;
    failpoint::point("folder looked at");
    let (adopted, in_bucket) = match &bucket {
        Some(bucket) => {
            if let Some(owner) = there.owner.clone() {
                admit(owner, paths)?;
            }
            unknown_in_bucket(shots, paths, bucket, &there)?
        }
        None => (unknown_clips(shots, paths)?, HashMap::new()),
    };
    match adopted.first().and_then(|(first, _)| shots.get(*first)) {
        Some(first) if !work.adopt => {
            return Err(refuse_clips(adopted.len(), first, paths, &there));
        }
        _ => {}
    }
    let mut unpriced = adopted.iter().filter_map(|(index, _)| shots.get(*index));
    if loaded.budget.cap.is_some()
        && let Some(shot) = unpriced.find(|shot| shot.price.is_none())
    {
        let what = format!(
            "--adopt cannot book the clip of {}: its price is not known, and there is a cap",
            shot.id
        );
        return Err(CliError::new(what).help(
            "name a catalog with its price (--catalog FILE), or lift the cap: --budget none",
        ));
    }
    let is_renamed = is_renamed(loaded, paths.reader()?.as_deref())?;
    if !work.separate && begins(loaded) {
        siblings::check(paths, shots, gateway)?;
    }
    let (separate, folder) = (work.separate, paths.folder.clone());
    Ok(Opening { is_renamed, separate, adopted, in_bucket, folder })
}

/// Whether the ledger is another campaign's by name, and knows half or more of these shots.
pub fn is_renamed(
    loaded: &LoadedCampaign,
    reader: Option<&dyn Snapshot>,
) -> Result<bool, CliError> {
    let (paths, shots) = (&loaded.paths, &loaded.campaign.shots);
    let theirs = loaded
        .kept
        .as_ref()
        .is_some_and(|kept| kept.campaign != paths.header.campaign && kept.kind == paths.kind);
    match reader {
        Some(reader) if theirs => Ok(siblings::knows_half(reader, shots, &paths.identity)?),
        _ => Ok(false),
    }
}

/// Whether nothing was sent for the campaign yet, and the user said nothing about others like it.
pub fn begins(loaded: &LoadedCampaign) -> bool {
    let kept = loaded.kept.as_ref().map(|kept| &kept.home);
    kept.is_none_or(|home| !home.has_attempts && !home.separate)
}

/// Refuses whole clips that the ledger knows no purchase of.
pub fn check_clips(paths: &CampaignPaths, shots: &[Shot]) -> Result<(), CliError> {
    let unknown = unknown_clips(shots, paths)?;
    match unknown.first().and_then(|(first, _)| shots.get(*first)) {
        Some(first) => Err(refuse_clips(unknown.len(), first, paths, &Holdings::in_folder(paths))),
        None => Ok(()),
    }
}

/// The same for clips in a bucket.
pub fn check_bucket(
    paths: &CampaignPaths,
    shots: &[Shot],
    bucket: &Bucket,
    there: &Holdings,
) -> Result<(), CliError> {
    let (unknown, _) = unknown_in_bucket(shots, paths, bucket, there)?;
    match unknown.first().and_then(|(first, _)| shots.get(*first)) {
        Some(first) => Err(refuse_clips(unknown.len(), first, paths, there)),
        None => Ok(()),
    }
}

/// Refuses a ledger that is not the folder's.
pub fn check(paths: &CampaignPaths) -> Result<(), CliError> {
    Owner::check(&paths.folder, &paths.ledger).map_err(|error| with_ways_out(error, paths))
}

/// Refuses a ledger that is not the one its bucket names.
pub fn admit(owner: Owner, paths: &CampaignPaths) -> Result<(), CliError> {
    let admitted = owner.admit(&paths.place(), &paths.ledger);
    admitted.map_err(|error| with_ways_out(error, paths))
}

/// An error of opening a campaign, for another ledger's folder with the commands that help.
pub fn with_ways_out(error: LedgerError, paths: &CampaignPaths) -> CliError {
    let LedgerError::OtherLedger { owner, folder, .. } = &error else { return error.into() };
    let (place, mark) = (owner.clone(), folder.join(Owner::FILE));
    let own_folder = if paths.bucket.is_some() {
        let elsewhere = paths.again("run", "--out s3://BUCKET/PREFIX");
        format!("to give it a prefix of its own: {elsewhere}")
    } else {
        format!("to give it a folder of its own: {}", paths.again("run", "--out DIR"))
    };
    let refused: CliError = error.into();
    if place.exists() || is_database(&place) {
        let there = paths.clone().with_ledger(&place);
        refused.help(format!("to go on: {}", there.again("run", ""))).help(own_folder)
    } else {
        refused.help(own_folder).help(format!(
            "if it is lost, look up in the gateway's console what was bought, then remove {} and \
             run again",
            quoted(&mark)
        ))
    }
}

/// Clips without a ledger were bought by one that is gone: a new one would buy them all again. None
/// where the folder names its ledger, and that is there.
pub fn lost_ledger(paths: &CampaignPaths, there: &Holdings) -> Option<CliError> {
    let is_there = there.owner.as_ref().is_some_and(Owner::may_be_there);
    if paths.ledger.is_known() || is_there {
        return None;
    }
    let clips = there.clips.len();
    if clips == 0 {
        return None;
    }
    let error = CliError::new(format!(
        "there is no ledger {}, but {} in {}: without the ledger that bought them, every shot \
         would be bought again",
        paths.ledger,
        if clips == 1 { "a clip lies".to_owned() } else { format!("{clips} clips lie") },
        safe_path(&paths.place().join("clips"))
    ));
    Some(ways_out(error, paths, there))
}

fn ways_out(error: CliError, paths: &CampaignPaths, there: &Holdings) -> CliError {
    if let Some(url) = &paths.bucket {
        let first = if paths.ledger.is_known() || there.owner.is_none() {
            String::new()
        } else {
            format!("delete {}, then ", url.join(Owner::FILE))
        };
        return error
            .help("put the ledger back, with its -wal, or name it with --ledger")
            .help(format!(
                "to take them as bought and paid: {first}{}",
                paths.again("run", "--adopt")
            ))
            .help(format!(
                "to buy everything anew, choose an empty prefix: {}",
                paths.again("run", "--out s3://BUCKET/PREFIX")
            ));
    }
    let owner = paths.folder.join(Owner::FILE);
    let first = if paths.ledger.is_known() || !owner.exists() {
        String::new()
    } else {
        format!("rm {} && ", quoted(&owner))
    };
    error
        .help("put the ledger back, with its -wal, or name it with --ledger")
        .help(format!("to take them as bought and paid: {first}{}", paths.again("run", "--adopt")))
        .help(format!(
            "to buy everything anew, move them away first: {first}mv {} {}",
            quoted(&paths.folder.join("clips")),
            quoted(&paths.folder.join("clips.old"))
        ))
}

/// Shots, by index, and the paths of their clips.
type Unknown = Vec<(usize, Vec<String>)>;

/// The shots without an attempt, by index, at whose name a whole clip lies, with its files.
fn unknown_clips(shots: &[Shot], paths: &CampaignPaths) -> Result<Unknown, CliError> {
    let lie: HashSet<String> = clips_in(&paths.folder).into_iter().collect();
    let candidates = candidates(shots, paths, &lie)?;
    let whole = |path: &String| is_whole(&paths.folder.join(path));
    Ok(only_whole(candidates, whole))
}

/// The same for clips in a bucket, and what each of them is.
fn unknown_in_bucket(
    shots: &[Shot],
    paths: &CampaignPaths,
    bucket: &Bucket,
    there: &Holdings,
) -> Result<(Unknown, HashMap<String, Stored>), CliError> {
    let candidates = candidates(shots, paths, &there.clips)?;
    if candidates.is_empty() {
        return Ok((Vec::new(), HashMap::new()));
    }
    let at = |error| bucket::refused(&error, bucket.url());
    // What its metadata does not describe is read, which needs a place that is no campaign's.
    let place = tempfile::tempdir()
        .map_err(|error| CliError::new(format!("no temporary folder can be made: {error}")))?;
    let store = BucketStore::open(bucket.clone(), place.path(), true, Threads::InPlace, Sweep::All);
    let store = store.map_err(at)?;
    let paths: Vec<&String> = candidates.iter().flat_map(|(_, paths)| paths).collect();
    let looked = futures::stream::iter(paths)
        .map(|path| store.look(path))
        .buffered(LOOKS)
        .try_filter_map(async |stored| Ok(stored.map(|stored| (stored.path.clone(), stored))))
        .try_collect::<HashMap<_, _>>();
    let found = bucket::wait(async { looked.await.map_err(at) })?;
    Ok((only_whole(candidates, |path| found.contains_key(path)), found))
}

/// The shots without an attempt, by index, at whose name something lies, with the paths of its parts.
/// The ledger is read after the clips were listed: another worker may have bought and stored meanwhile.
fn candidates(
    shots: &[Shot],
    paths: &CampaignPaths,
    lie: &HashSet<String>,
) -> Result<Unknown, CliError> {
    let mut found = Vec::new();
    if lie.is_empty() {
        return Ok(found);
    }
    let reader = paths.reader()?;
    for (index, shot) in shots.iter().enumerate() {
        let path = |part| clip_path(&shot.clip_name, 1, part);
        if !lie.contains(&path(1)) {
            continue;
        }
        if let Some(reader) = &reader
            && (reader.has_attempts(&shot.id)? || reader.lists(&path(1))?)
        {
            continue;
        }
        found.push((
            index,
            (1..=lie.len()).map(path).take_while(|path| lie.contains(path)).collect(),
        ));
    }
    Ok(found)
}

/// Those whose first part is whole, with the parts that are.
fn only_whole(candidates: Unknown, is_whole: impl Fn(&String) -> bool) -> Unknown {
    let whole = candidates.into_iter().map(|(index, paths)| {
        let paths: Vec<String> = paths.into_iter().take_while(&is_whole).collect();
        (index, paths)
    });
    whole.filter(|(_, paths)| !paths.is_empty()).collect()
}

fn refuse_clips(count: usize, first: &Shot, paths: &CampaignPaths, there: &Holdings) -> CliError {
    let first = clip_path(&first.clip_name, 1, 1);
    let (clips, of_them) = match count {
        1 => (format!("{} is a whole clip", safe(&first)), "it"),
        count => (format!("{} and {} more are whole clips", safe(&first), count - 1), "them"),
    };
    let error = CliError::new(format!(
        "{clips}, but the ledger {} knows no purchase of {of_them}: {} would be bought again",
        paths.ledger,
        plural(count, "shot"),
    ));
    ways_out(error, paths, there)
}

impl Opening {
    /// Writes what the user decided, before anything is bought.
    pub async fn write(&self, ledger: &dyn Ledger, shots: &Arc<[Shot]>) -> Result<(), CliError> {
        if self.separate {
            ledger.note(Note::Separate).await?;
        }
        if self.adopted.is_empty() {
            return Ok(());
        }
        let entries = ledger.record(Arc::clone(shots), SystemClock.now()).await?;
        let taken = self
            .adopted
            .iter()
            .filter_map(|(index, files)| Some((entries.get(*index)?, shots.get(*index)?, files)));
        let spent: Usd = taken.clone().filter_map(|(_, shot, _)| shot.price).sum();
        let batch = taken
            .map(|(entry, shot, files)| self.adoption(entry, shot, files))
            .collect::<Result<Vec<_>, _>>()?;
        let count = batch.len();
        for verdict in ledger.commit(Arc::new(batch)).await?.verdicts {
            if let Verdict::Refused(error) = verdict {
                return Err(error.into());
            }
        }
        let clips = plural(count, "clip");
        tracing::warn!("{clips} taken as bought; {} booked as spent", dollars(spent));
        Ok(())
    }

    /// The commit by which a shot is delivered with clips that were there before.
    fn adoption(&self, entry: &Entry, shot: &Shot, files: &[String]) -> Result<Commit, CliError> {
        let at = SystemClock.now();
        let rules = RunOptions::new(Limits::default()).rules;
        let adopted = entry.status.after(ShotEvent::Adopted, at, &rules);
        let transition = adopted.map_err(CliError::new)?;
        let files = files.iter().map(|path| self.file(path)).collect::<Result<Vec<_>, _>>()?;
        let (revision, attempt) = (entry.revision, Some(Box::new(standing_for(shot))));
        Ok(Commit { at, change: Change::Transition { revision, transition, attempt, files } })
    }

    /// A clip's length, hash and what it is.
    fn file(&self, path: &str) -> Result<ClipFile, CliError> {
        let place = self.folder.join(path);
        let unreadable =
            |error| CliError::new(format!("{} cannot be read: {error}", safe_path(&place)));
        let stored = match self.in_bucket.get(path) {
            Some(stored) => stored.clone(),
            None => look(&place, path).map_err(unreadable)?,
        };
        Ok(ClipFile {
            path: stored.path,
            bytes: stored.bytes,
            sha256: stored.sha256,
            clip_info: stored.clip_info,
            unread: stored.unread,
        })
    }
}

/// What stands in the ledger for the purchase of an adopted clip.
fn standing_for(shot: &Shot) -> AttemptSpec {
    AttemptSpec {
        price: shot.price,
        charged_if_failed: false,
        key: Secret::from_bytes([0; 16]),
        key_on_wire: false,
        origin: Origin::default(),
        wire: canonical_wire(&shot.request),
    }
}
