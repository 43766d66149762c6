//! The contact sheet: one page that holds everything it needs but the clips beside it. It works
//! from the file system, and the same page follows a run while it renders.
//!
//! All it shows travels as JSON in which no character can end a script or steer a terminal; the
//! page's own script turns it into text, never into markup. The page's policy lets no other script
//! run and nothing be fetched but its clips.

mod head;
mod shot;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::domain::sanitize::json_for_pages;
use crate::domain::time::Timestamp;
use crate::ledger::{Row, Snapshot};
use crate::review::Reviewed;

use super::remedy::Again;
use super::{ReportError, each_row};

/// The page's name in the campaign folder.
pub const FILE: &str = "contact-sheet.html";

/// The most shots on one page: a browser still takes it in a few seconds.
pub const MAX_SHOTS: usize = 20_000;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("sheet.css");
/// The page's script, in the order in which its parts build on each other.
const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("data.js"),
    include_str!("dom.js"),
    include_str!("review.js"),
    include_str!("choose.js"),
    include_str!("money.js"),
    include_str!("card.js"),
    include_str!("play.js"),
    include_str!("detail.js"),
    include_str!("again.js"),
    include_str!("compare.js"),
    include_str!("export.js"),
    include_str!("keys.js"),
    include_str!("live.js"),
    include_str!("time.js"),
    include_str!("main.js"),
);

/// What a page is made from.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    /// The ledger.
    pub source: &'a dyn Snapshot,
    /// Makes the commands that it tells people to type.
    pub again: Again<'a>,
    /// When it is made.
    pub now: Timestamp,
    /// Whether it follows the events of a run that serves it.
    pub live: bool,
    /// Where clips are to be had, by their paths; else beside the page.
    pub links: Option<&'a HashMap<String, String>>,
    /// What was decided about its clips.
    pub picks: Picks<'a>,
    /// Where the static page lies, of one that is served: a path or an address.
    pub place: Option<&'a str>,
}

/// What was decided about a page's clips, and what becomes of what is decided on it.
#[derive(Clone, Copy, Default)]
pub struct Picks<'a> {
    /// The verdicts.
    pub verdicts: &'a [Reviewed],
    /// The file they are kept in, as it is typed.
    pub file: &'a str,
    /// Whether the server that serves the page keeps them; else they stay in the browser.
    pub saves: bool,
}

/// Hands every row that the page shows to `write`, up to the first that cannot be written: those of a
/// report, and every earlier clip.
pub(crate) fn each_shown<W: ?Sized>(
    source: &dyn Snapshot,
    out: &mut W,
    write: &mut dyn FnMut(&mut W, &Row) -> io::Result<()>,
) -> Result<(), ReportError> {
    each_row(source, out, write)?;
    let mut result = Ok(());
    source.earlier_clips(&mut |row| {
        if result.is_ok() {
            result = write(out, &row);
        }
    })?;
    Ok(result?)
}

impl Sheet<'_> {
    /// Writes the page.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), ReportError> {
        let mut parts = PAGE.split("@@");
        let mut put = |out: &mut dyn Write, text: &str| -> io::Result<()> {
            out.write_all(parts.next().unwrap_or_default().as_bytes())?;
            out.write_all(text.as_bytes())
        };
        put(out, &policy(self.live, self.links))?;
        put(out, STYLE)?;
        put(out, &self.head()?)?;
        put(out, "{\"shots\": [")?;
        let (mut shown, mut left_out) = (0, 0);
        each_shown(self.source, out, &mut |out, row| {
            if shown == MAX_SHOTS {
                left_out += 1;
                return Ok(());
            }
            out.write_all(if shown == 0 { b"\n" } else { b",\n" })?;
            shown += 1;
            out.write_all(json_for_pages(&shot::shot(row, self.links))?.as_bytes())
        })?;
        let mut put = |out: &mut dyn Write, text: &str| -> io::Result<()> {
            out.write_all(text.as_bytes())?;
            out.write_all(parts.next().unwrap_or_default().as_bytes())
        };
        let review = json_for_pages(&self.picks.verdicts)?;
        put(out, &format!("\n], \"left_out\": {left_out}, \"review\": {review}}}"))?;
        put(out, SCRIPT)?;
        Ok(())
    }

    /// Everything but the shots as one JSON object: campaign, money, commands.
    pub fn head(&self) -> Result<String, ReportError> {
        Ok(json_for_pages(&head::head(self)?)?)
    }
}

/// Whether a file that begins so is a contact sheet.
#[must_use]
pub fn is_ours(head: &[u8]) -> bool {
    PAGE.split("@@").next().is_some_and(|begin| head.starts_with(begin.as_bytes()))
}

/// A row of the page as one JSON object; its `key` is its identity.
pub fn shot(row: &Row) -> io::Result<String> {
    json_for_pages(&shot::shot(row, None))
}

/// What the page may do: run its own script in its own style, and show its own clips.
fn policy(live: bool, links: Option<&HashMap<String, String>>) -> String {
    let hash = |text| BASE64_STANDARD.encode(Sha256::digest(text));
    // Only from where the links lead: `https://films.s3.amazonaws.com`.
    let origins: BTreeSet<String> =
        links.into_iter().flatten().filter_map(|(_, link)| origin(link)).collect();
    let elsewhere: String = origins.iter().flat_map(|origin| [" ", origin]).collect();
    let connect = if live { " connect-src 'self';" } else { "" };
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; \
         media-src 'self' file:{elsewhere}; img-src data:;{connect} base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE),
    )
}

/// Scheme, host and port of a link.
fn origin(link: &str) -> Option<String> {
    let (scheme, rest) = link.split_once("://")?;
    // A file has none.
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    host.chars().all(is_plain).then(|| format!("{scheme}://{host}"))
}
