//! `rushes export`: the chosen clips for an editing program. Reads the ledger and the clips; changes
//! neither.

mod folder;
mod picks;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::clips::clip_info;
use crate::domain::frame_rate::{FrameRate, Timing};
use crate::ledger::{ClipFile, Snapshot};
use crate::report::ReportError;
use crate::report::export::choose::{Chosen, choose};
use crate::report::export::{ExportError, Location, Timeline, concat, edl, otio, table};
use crate::report::text::{first_of, plural, safe, safe_path};
use crate::review;

use super::args::{self, ExportFormat};
use super::artifacts::{self, Links};
use super::error::CliError;
use super::settings::CampaignPaths;
use super::terminal::{CYAN, Terminal, YELLOW};
use super::{bucket, logging, only};

/// The folder's name, unless another is typed.
const SELECTS: &str = "selects";
/// Names that are told; more are counted.
const MAX_NAMED: usize = 5;
/// How long a clip is taken to be that does not say it, in milliseconds.
const USUAL_LENGTH: u64 = 5000;

/// Writes an export.
pub fn export(
    args: &args::Export,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    logging::start(args.campaign.logs, terminal);
    let paths = CampaignPaths::find(&args.campaign, terminal.color)?;
    check(args, &paths)?;
    let reader = paths.existing()?;
    let wanted = picks::wanted(args.picks.as_deref(), args.order)?;
    let mut places = Places::of(args, &paths, &*reader)?;
    let only = only::of_ledger(&args.only, &*reader, &paths.again("report", ""))?;
    let allowed = |id: &str| only.as_ref().is_none_or(|only| only.is_match(id));
    let chosen = choose(&*reader, &wanted, &allowed, &mut |file| places.locate(file))?;
    say_what_lacks(&chosen, &places, terminal);
    if !chosen.unknown.is_empty() {
        let what = format!("the campaign has no shot {}", named(&chosen.unknown));
        return Err(CliError::new(what).help(format!("its shots: {}", paths.again("report", ""))));
    }
    let timeline = chosen.timeline;
    if timeline.events.is_empty() {
        let what = "there is no delivered clip to export";
        return Err(CliError::new(what)
            .help(format!("what became of its shots: {}", paths.again("report", ""))));
    }
    if args.picks.is_none() && paths.folder.join(review::FILE).is_file() {
        let file = paths.folder.join(review::FILE);
        let what = format!("all clips are taken; --picks {} takes your picks", safe_path(&file));
        terminal.say(CYAN, "note", &what);
    }
    write(args, &paths, &timeline, terminal, out)
}

/// Refuses flags that do not go together.
fn check(args: &args::Export, paths: &CampaignPaths) -> Result<(), CliError> {
    if args.copy && args.format != ExportFormat::Folder {
        return Err(CliError::new("--copy is for a folder").help("add --format folder"));
    }
    if args.links.is_some() && paths.bucket.is_none() {
        let what = "--links is for a campaign whose clips are in a bucket";
        return Err(CliError::new(what).help("leave it out: these clips are files"));
    }
    if args.format == ExportFormat::Folder && paths.bucket.is_some() {
        return Err(no_files(ExportError::NoFiles("a folder of clips")));
    }
    Ok(())
}

fn no_files(error: ExportError) -> CliError {
    CliError::new(error)
        .help("--format otio, edl and csv name them by their addresses")
        .help("or copy them here with the cloud's own tool, such as `aws s3 sync`")
}

/// What keeps a format from holding the clips, with the way out.
fn refused(error: ExportError) -> CliError {
    match error {
        ExportError::NoFiles(_) => no_files(error)
            .help("--links 12h makes links that ffmpeg reads (add -protocol_whitelist file,https,tls,tcp)"),
        ExportError::LineBreak(_) => {
            CliError::new(error).help("move the campaign to a folder with a plain name")
        }
        ExportError::MixedRates(_) => CliError::new(error)
            .help("--format otio keeps each clip's own rate")
            .help("or choose clips of one rate, with --picks or --only"),
        ExportError::TooMany(_) | ExportError::TooLong => CliError::new(error)
            .help("--format otio holds them all")
            .help("or choose fewer, with --picks or --only"),
    }
}

fn write(
    args: &args::Export,
    paths: &CampaignPaths,
    timeline: &Timeline,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let text = match args.format {
        ExportFormat::Otio => otio::write(timeline).into_bytes(),
        ExportFormat::Edl => edl::write(timeline).map_err(refused)?.into_bytes(),
        ExportFormat::Concat => {
            if !concat::are_alike(timeline) {
                let what = "the clips differ in size, frame rate or sound, and ffmpeg joins only like \
                            ones with `-c copy`";
                terminal.say(YELLOW, "warning", what);
            }
            concat::write(timeline).map_err(refused)?.into_bytes()
        }
        ExportFormat::Csv => {
            let mut text = Vec::new();
            table::write(timeline, &mut text)?;
            text
        }
        ExportFormat::Folder => {
            let target = args.to.clone().unwrap_or_else(|| paths.folder.join(SELECTS));
            let written = folder::write(&target, timeline, &paths.folder, args.copy)?;
            writeln!(out, "{written} in {}", safe_path(&target))?;
            return Ok(());
        }
    };
    let Some(file) = &args.to else { return Ok(out.write_all(&text)?) };
    replace(file, is_ours(args.format), &text)?;
    writeln!(out, "{} in {}", counted(timeline), safe_path(file))?;
    Ok(())
}

/// `12 clips and 3 other takes`.
fn counted(timeline: &Timeline) -> String {
    let clips = plural(timeline.events.len(), "clip");
    match timeline.takes() {
        0 => clips,
        takes => format!("{clips} and {}", plural(takes, "other take")),
    }
}

/// Whether a file that begins so is an export in this format.
fn is_ours(format: ExportFormat) -> fn(&[u8]) -> bool {
    match format {
        ExportFormat::Otio => |head| head.starts_with(otio::HEAD.as_bytes()),
        ExportFormat::Edl => edl::is_ours,
        ExportFormat::Concat => |head| head.starts_with(concat::HEAD.as_bytes()),
        ExportFormat::Csv | ExportFormat::Folder => |head| head.starts_with(&table::head()),
    }
}

/// Writes a file whole; one of another kind that has its name is left alone.
fn replace(file: &Path, is_ours: fn(&[u8]) -> bool, text: &[u8]) -> Result<(), CliError> {
    let cannot = |why: String| {
        CliError::new(format!("{} cannot be written: {why}", safe_path(file)))
            .help("choose another name with --to")
    };
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let name = file.file_name().ok_or_else(|| cannot("it is a folder".to_owned()))?;
    let name = name.to_str().ok_or_else(|| cannot("its name is no text".to_owned()))?;
    let folder = parent.unwrap_or(Path::new("."));
    artifacts::write(folder, name, is_ours, &mut |out| Ok(out.write_all(text)?)).map(drop).map_err(
        |error| match error {
            ReportError::Output(error) => cannot(error.to_string()),
            ReportError::Ledger(error) => error.into(),
        },
    )
}

/// Where clips lie, and how long they are.
struct Places {
    /// The campaign folder, as a whole path.
    folder: PathBuf,
    bucket: Option<crate::clips::BucketUrl>,
    links: Links,
    rate: FrameRate,
    /// Clips that did not say their frame rate.
    guessed: usize,
}

impl Places {
    fn of(
        args: &args::Export,
        paths: &CampaignPaths,
        reader: &dyn Snapshot,
    ) -> Result<Self, CliError> {
        let lasts = args.links.map(|lasts| Ok::<_, CliError>((lasts, bucket::connect(paths)?)));
        let links = match lasts.transpose()? {
            Some((lasts, Some(bucket))) => bucket::wait(bucket::links(&bucket, reader, lasts))?,
            _ => Links::new(),
        };
        let folder = std::fs::canonicalize(&paths.folder);
        let folder = folder.or_else(|_| std::path::absolute(&paths.folder));
        Ok(Self {
            folder: folder.unwrap_or_else(|_| paths.folder.clone()),
            bucket: paths.bucket.clone(),
            links,
            rate: args.fps.unwrap_or(FrameRate::FILM),
            guessed: 0,
        })
    }

    fn locate(&mut self, file: &ClipFile) -> Option<(Location, Timing)> {
        let millis = file.clip_info.map_or(USUAL_LENGTH, |info| info.millis);
        let (location, timing) = if let Some(bucket) = &self.bucket {
            let link = self.links.get(&file.path).cloned();
            (Location::Url(link.unwrap_or_else(|| bucket.join(&file.path))), None)
        } else {
            let path = self.folder.join(&file.path);
            let mut clip = crate::disk::open_file(&path).ok()?;
            let length = clip.metadata().ok()?.len();
            (Location::File(path), clip_info::timing(&mut clip, length).ok())
        };
        self.guessed += usize::from(timing.is_none());
        Some((location, timing.unwrap_or_else(|| Timing::guessed(millis, self.rate))))
    }
}

fn say_what_lacks(chosen: &Chosen, places: &Places, terminal: &Terminal) {
    if !chosen.missing.is_empty() {
        let what = format!("picked, and no clip is here: {}", named(&chosen.missing));
        terminal.say(YELLOW, "warning", &what);
    }
    if places.guessed > 0 {
        let what = format!(
            "{} taken for {} fps, because the files do not say it here (--fps)",
            plural(places.guessed, "clip"),
            places.rate
        );
        terminal.say(CYAN, "note", &what);
    }
}

/// The first of many names.
fn named(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| safe(name)).collect();
    first_of(&names, MAX_NAMED)
}
