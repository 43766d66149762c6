//! Images and videos that a request needs: tells a URL, base64 and a local file apart, and checks
//! and hashes local files, each once however many shots use it.

use std::collections::HashMap;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::local_file::{ImageError, WHOLE, unreadable};
use super::video::{self, KnownVideo};
use crate::catalog::{VideoLimits, base64_bytes, is_http_url};
use crate::disk;
use crate::manifest::picture::{self, Flaw, Picture};

/// What a request's image turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Image {
    /// A URL.
    Url,
    /// Base64 as the gateway takes it: padded, without `data:` before it.
    Base64 { text: String, bytes: u64, picture: Picture },
    /// A picture on this machine.
    File { path: PathBuf, sha256: [u8; 32], bytes: u64, picture: Picture },
    /// A video on this machine.
    Video { path: PathBuf, sha256: [u8; 32], bytes: u64 },
}

/// What is known of a file's contents: its hash, its length and what it says of its picture.
type Known = Result<([u8; 32], u64, Picture), ImageError>;

/// What to write in place of a file that cannot be read.
const OPENABLE: &str = "write the path of a PNG, JPEG or WebP file that you can open";
/// What is wrong with a picture that is not whole.
const fn not_whole(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Cut => "is cut off: the file ends before the picture does",
        Flaw::Headless => "is not a whole image: it begins as one, and holds no picture",
    }
}
const CUT_BASE64: &str = "copy all of it again, or write the path of the image's file";

/// The local images and videos of a campaign.
pub(crate) struct ImageCache {
    folder: PathBuf,
    known: HashMap<Box<str>, Known>,
    videos: HashMap<Box<str>, KnownVideo>,
}

impl ImageCache {
    /// Local paths are relative to `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, known: HashMap::new(), videos: HashMap::new() }
    }

    /// The place of a local file that is not there; `None` for anything else.
    pub(crate) fn missing(&self, written: &str) -> Option<PathBuf> {
        let path = self.folder.join(written);
        let gone = std::fs::metadata(&path).err()?.kind() == io::ErrorKind::NotFound;
        gone.then_some(path)
    }

    /// What an image is.
    ///
    /// # Errors
    /// When it is nothing that can be sent.
    pub(crate) fn look(&mut self, written: &str) -> Result<Image, ImageError> {
        if is_http_url(written) {
            return Ok(Image::Url);
        }
        let is_data = written.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("data:"));
        if is_data || looks_like_base64(written) {
            return match base64_bytes(written) {
                Some(bytes) if picture::is_picture(&bytes) => base64(&bytes),
                Some(bytes) => {
                    let fix = "write the path of a PNG, JPEG or WebP file";
                    let what = match picture::other_kind(&bytes) {
                        Some(kind) => format!("this is {kind}, not a PNG, JPEG or WebP image"),
                        None => "this is not a PNG, JPEG or WebP image".to_owned(),
                    };
                    Err((what, fix))
                }
                None => Err(("this image in base64 is damaged or cut off".into(), CUT_BASE64)),
            };
        }
        if let Some((scheme, _)) = written.split_once("://") {
            let what = format!("the gateway cannot fetch an image from {scheme}://");
            return Err((what, "write an https:// address, or the file's path"));
        }
        if written.len() > 4096 {
            let fix = "write an https:// address, or the path of the image's file";
            return Err(("this is far too long for an image's path".into(), fix));
        }
        let path = self.folder.join(written);
        let known = self.known.entry(written.into()).or_insert_with(|| read(&path)).clone();
        known.map(|(sha256, bytes, picture)| Image::File { path, sha256, bytes, picture })
    }
}

impl ImageCache {
    /// What a video is.
    ///
    /// # Errors
    /// When it is nothing that can be sent.
    pub(crate) fn look_at_video(
        &mut self,
        written: &str,
        limits: Option<&VideoLimits>,
    ) -> Result<Image, ImageError> {
        let written = written.trim();
        if is_http_url(written) {
            return Ok(Image::Url);
        }
        if written.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("data:")) {
            let what = "a video cannot be written as base64".to_owned();
            return Err((what, "write an https:// address, or the path of the video's file"));
        }
        if let Some((scheme, _)) = written.split_once("://") {
            let what = format!("the gateway cannot fetch a video from {scheme}://");
            return Err((what, "write an https:// address, or the file's path"));
        }
        if written.len() > 4096 {
            let fix = "write an https:// address, or the path of the video's file";
            return Err(("this is far too long for a video's path".into(), fix));
        }
        let path = self.folder.join(written);
        let known = self.videos.entry(written.into());
        let known = known.or_insert_with(|| video::read(&path, limits)).clone();
        known.map(|(sha256, bytes)| Image::Video { path, sha256, bytes })
    }
}

/// Whether a text begins as an image in base64 does.
fn looks_like_base64(text: &str) -> bool {
    let text = text.trim_ascii_start();
    ["iVBORw0KGgo", "/9j/", "UklGR"].iter().any(|magic| text.starts_with(magic)) && text.len() > 64
}

/// A picture in base64.
fn base64(bytes: &[u8]) -> Result<Image, ImageError> {
    let length = bytes.len() as u64;
    let picture = picture::inspect(&mut Cursor::new(bytes), length).unwrap_or(Picture::UNKNOWN);
    if picture.flaw.is_some() {
        return Err(("this image in base64 is damaged or cut off".into(), CUT_BASE64));
    }
    Ok(Image::Base64 { text: STANDARD.encode(bytes), bytes: length, picture })
}

fn read(path: &Path) -> Known {
    let unreadable = |error| unreadable(path, &error, OPENABLE);
    let mut file = disk::open_file(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let part = buffer.get(..count).unwrap_or_default();
        if bytes == 0 && !picture::is_picture(part) {
            let is = picture::other_kind(part).map_or_else(String::new, |kind| format!("{kind}, "));
            let what = format!("{} is {is}not a PNG, JPEG or WebP image", path.display());
            return Err((what, "save it as one of these, and write that file's path"));
        }
        hash.update(part);
        bytes += count as u64;
    }
    if bytes == 0 {
        let fix = "export the image again, or write another path";
        return Err((format!("{} is an empty file", path.display()), fix));
    }
    let picture = picture::inspect(&mut file, bytes).map_err(unreadable)?;
    if let Some(flaw) = picture.flaw {
        return Err((format!("{} {}", path.display(), not_whole(flaw)), WHOLE));
    }
    Ok((hash.finalize().into(), bytes, picture))
}
