//! A campaign whose clips go to a bucket: how that is reached, whether it takes clips, and that they all
//! go to one place.

use std::future::Future;
use std::time::Duration;

use crate::clips::{Bucket, BucketSettings, BucketUrl, ClipError, clips_in};
use crate::ledger::Snapshot;
use crate::report::text::{safe, safe_path};

use super::artifacts::Links;
use super::clips_url::{self, kept};
use super::error::CliError;
use super::runtime;
use super::settings::CampaignPaths;
use super::terminal::{Terminal, YELLOW, var, vars};
use super::values::Out;

/// The client of a campaign's bucket; `None` where its clips go to its folder.
pub fn connect(paths: &CampaignPaths) -> Result<Option<Bucket>, CliError> {
    let Some(url) = &paths.bucket else { return Ok(None) };
    let settings = BucketSettings {
        proxy: paths.proxy().map(|proxy| proxy.with_password().to_owned()),
        ..BucketSettings::new(vars(url.cloud.variables()))
    };
    Bucket::new(url, settings).map(Some).map_err(|error| refused(&error, url))
}

/// Waits for what a bucket answers, where nothing else goes on.
pub fn wait<T>(answer: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    runtime()?.block_on(answer)
}

/// An error of a bucket before anything was bought.
pub fn refused(error: &ClipError, url: &BucketUrl) -> CliError {
    let told = CliError::new(format!("clips cannot be stored there: {}", safe(&error.to_string())));
    let prefix = url.cloud.variables();
    let told = told.help(format!(
        "the credentials and the address come from the environment, from the variables {prefix}… of \
         the cloud's own tools; they must allow to list, read and write"
    ));
    let has = |name| var(name).is_some();
    let others = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let others = others.into_iter().chain(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]);
    if prefix != "AWS_" || has("AWS_ACCESS_KEY_ID") || others.into_iter().any(has) {
        return told;
    }
    if has("AWS_PROFILE") {
        return told.help(
            "profiles of ~/.aws are not read; this puts one into the environment: \
             eval \"$(aws configure export-credentials --format env)\"",
        );
    }
    told.help("AWS_ACCESS_KEY_ID is not set, so this machine was asked for a role of its own")
}

/// Refuses a second place for the clips of one campaign; changes nothing.
pub fn one_place(paths: &CampaignPaths) -> Result<(), CliError> {
    if let Some(why) = &paths.bad_out {
        return Err(CliError::new(format!("the manifest's `out` cannot be used: {why}"))
            .help("write a folder, or a bucket such as s3://films/summer"));
    }
    let Some(url) = &paths.bucket else { return Ok(()) };
    match kept(&paths.folder) {
        Some(kept) if kept == *url => Ok(()),
        Some(kept) => {
            let there = paths.clone().with_out(Out::Bucket(kept.clone()));
            Err(CliError::new(format!(
                "the clips of this campaign go to {kept}, by {}; a campaign's clips stay in one place",
                safe_path(&clips_url::file(&paths.folder))
            ))
            .help(format!("to go on: {}", there.again("run", ""))))
        }
        None if clips_in(&paths.folder).is_empty() => Ok(()),
        None => {
            let there = paths.clone().with_out(Out::Folder(paths.folder.clone()));
            Err(CliError::new(format!(
                "clips of this campaign lie in {}; a campaign's clips stay in one place",
                safe_path(&paths.folder.join("clips"))
            ))
            .help(format!("to go on: {}", there.again("run", ""))))
        }
    }
}

/// Finds out, before anything is bought, whether the bucket takes clips; whether it keeps what is
/// there.
pub async fn probe(bucket: &Bucket, terminal: &Terminal) -> Result<bool, CliError> {
    let keeps = bucket.probe().await.map_err(|error| refused(&error, bucket.url()))?;
    if !keeps {
        let what = format!(
            "{} does not refuse to replace what is there; it is looked for before a clip is stored",
            bucket.url()
        );
        terminal.say(YELLOW, "note", &what);
    }
    Ok(keeps)
}

/// A signed link to every clip that the ledger lists.
pub async fn links(
    bucket: &Bucket,
    reader: &dyn Snapshot,
    lasts: Duration,
) -> Result<Links, CliError> {
    let mut paths = Vec::new();
    reader.rows(&mut |row| paths.extend(row.files.into_iter().map(|file| file.path)))?;
    let mut links = Links::new();
    for path in paths {
        let link = bucket.link(&path, lasts).await;
        let link = link.map_err(|error| refused(&error, bucket.url()))?;
        links.insert(path, link);
    }
    Ok(links)
}
