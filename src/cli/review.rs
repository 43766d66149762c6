//! `rushes review`: the contact sheet of a finished or running campaign in a browser, where clips are
//! picked, rated, rejected and noted on. Buys nothing, asks no gateway.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::blocking::Threads;
use crate::clips::{BucketStore, ClipStore, Sweep};
use crate::report::text::{plural, safe_path};
use crate::review::{Review, ReviewError, Reviews};
use crate::server::{CampaignView, LivePage, RunView, Wish};

use super::again::quoted;
use super::error::CliError;
use super::settings::CampaignPaths;
use super::terminal::{CYAN, Terminal, YELLOW};
use super::{args, artifacts, bucket, logging, runtime, serve, signals};

/// What everyone with the address of a run's page may do.
pub const MAY_IN_A_RUN: &str = "watch, pause and stop the run and decide about its clips";

/// Serves the sheet until Ctrl-C.
pub fn review(
    args: &args::Review,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    logging::start(args.campaign.logs, terminal);
    let paths = CampaignPaths::find(&args.campaign, terminal.color)?.by_any_name();
    drop(paths.existing()?);
    let reviews = open(&paths).map_err(|error| CliError::new(&error).help(error.help()))?;
    runtime()?.block_on(serve(args, &paths, &reviews, terminal))?;
    summarize(&paths, &reviews, out)
}

/// What was decided about a campaign's clips, to be changed.
pub fn open(paths: &CampaignPaths) -> Result<Arc<Reviews>, ReviewError> {
    Reviews::open(&paths.folder, &paths.header.campaign).map(Arc::new)
}

/// What a page shows of a campaign that no run serves. `store`: its clips, where they are in a bucket.
pub fn view(
    paths: &CampaignPaths,
    reviews: Option<Arc<Reviews>>,
    store: Option<Arc<dyn ClipStore>>,
) -> CampaignView {
    let typed = paths.clone();
    CampaignView {
        ledger: paths.ledger.clone(),
        again: Arc::new(move |verb, rest| typed.again(verb, rest)),
        folder: paths.folder.clone(),
        bucket: store,
        reviews,
        picks: Review::path(&paths.folder).display().to_string(),
        sheet: artifacts::place(paths),
        run: None,
    }
}

/// What the page of a run shows. That picks cannot be kept is told, and keeps no run from its work.
pub fn view_of_run(
    paths: &CampaignPaths,
    run: RunView,
    store: Option<Arc<dyn ClipStore>>,
    terminal: &Terminal,
) -> CampaignView {
    let reviews = open(paths).inspect_err(|error| {
        let what = format!("what is picked on the live page is not kept: {error}");
        terminal.say(YELLOW, "warning", &what);
        terminal.say(CYAN, "help", &error.help());
    });
    CampaignView { run: Some(run), ..view(paths, reviews.ok(), store) }
}

async fn serve(
    args: &args::Review,
    paths: &CampaignPaths,
    reviews: &Arc<Reviews>,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let mut signals = signals::catch()?;
    let port = serve::bind(args.serve.unwrap_or(Wish::Usual)).await?;
    let store = store(paths)?;
    let may = "watch and decide";
    let kept = safe_path(&Review::path(&paths.folder));
    serve::announce(&port, "review", may, terminal);
    terminal.say(CYAN, "kept in", &format!("{kept}; Ctrl-C ends it"));
    let page = LivePage::open(port, view(paths, Some(Arc::clone(reviews)), store));
    signals.next().await;
    page.close(None).await;
    Ok(())
}

/// The campaign's clips, where they are in a bucket.
fn store(paths: &CampaignPaths) -> Result<Option<Arc<dyn ClipStore>>, CliError> {
    let (Some(bucket), Some(url)) = (bucket::connect(paths)?, &paths.bucket) else {
        return Ok(None);
    };
    let store = BucketStore::open(bucket, &paths.folder, true, Threads::Pool, Sweep::Old);
    let store = store.map_err(|error| bucket::refused(&error, url))?;
    Ok(Some(Arc::new(store) as Arc<dyn ClipStore>))
}

/// Says what was decided in all, and what to do with it.
fn summarize(
    paths: &CampaignPaths,
    reviews: &Reviews,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    // What others wrote last, if it can be read.
    let _ = reviews.refresh();
    let (all, _) = reviews.since(0);
    let count = |is: fn(&crate::review::Verdict) -> bool| {
        all.iter().filter(|reviewed| is(&reviewed.verdict)).count()
    };
    let picks = count(|verdict| verdict.pick);
    let (rejected, noted) = (count(|it| it.rejected), count(|it| !it.note.is_empty()));
    let path = Review::path(&paths.folder);
    let (picked, notes) = (plural(picks, "pick"), plural(noted, "note"));
    writeln!(out, "{picked}, {rejected} rejected, {notes}: {}", safe_path(&path))?;
    if picks > 0 {
        let to = PathBuf::from(format!("{}.otio", paths.header.campaign));
        let rest = format!("--picks {} --format otio --to {}", quoted(&path), quoted(&to));
        writeln!(out, "for an editor: {}", paths.again("export", &rest))?;
    }
    Ok(())
}
