//! Looks at a request's pictures and videos: finds the local files among them, and warns of pictures
//! that the gateway is not known to take.

use serde_json::Value as Json;

use super::context::ExpandContext;
use super::draft::{Draft, from};
use super::image_cache::Image;
use super::param_source::Field;
use crate::catalog::{Params, PictureLimits};
use crate::domain::shot::{FileKind, Fingerprint, LocalFile};
use crate::manifest::diagnostics::Topic;
use crate::manifest::picture::Picture;

/// Two shapes that differ by less look the same: 1920x1080 and 1920x1088.
const SAME_SHAPE: f64 = 1.02;

/// A picture of a request, and what it is called in messages.
struct Seen<'d, 't> {
    field: &'d Field<'t>,
    called: String,
    picture: Picture,
}

/// Looks at the files: returns the local ones, the parameters that hold none that can be sent, and
/// the fingerprint by which the request was bought, if a file of it is gone since.
pub(super) fn look<'d>(
    cx: &mut ExpandContext<'_>,
    draft: &'d Draft<'_, '_>,
    params: &mut Params,
    extra: &Params,
) -> (Vec<LocalFile>, Vec<&'d str>, Option<Fingerprint>) {
    let as_written = (!cx.output.kept.is_empty()).then(|| {
        let all = params.iter().chain(extra);
        all.map(|(name, value)| (name.clone(), value.clone())).collect::<Params>()
    });
    let mut as_bought = None;
    let mut files = Vec::new();
    let mut unseen = Vec::new();
    let mut seen: Vec<Seen<'_, '_>> = Vec::new();
    let may_be_file = |field: &&Field<'_>| field.is_image() || field.is_video();
    for field in draft.compiled.fields.iter().filter(may_be_file) {
        let Some(Json::String(written)) = params.get_mut(field.name) else { continue };
        if written.trim().is_empty() {
            continue;
        }
        let kind = if field.is_video() { FileKind::Video } else { FileKind::Picture };
        let looked = match kind {
            FileKind::Video => {
                let most = field.param.and_then(|param| param.video.as_ref());
                cx.output.images.look_at_video(written, most)
            }
            FileKind::Picture => cx.output.images.look(written.trim()),
        };
        let (called, bytes, picture) = match looked {
            Ok(Image::Url) => {
                if kind == FileKind::Picture {
                    *written = written.trim().to_owned();
                }
                continue;
            }
            Ok(Image::Video { path, sha256, bytes }) => {
                let (param, written) = (field.name.into(), written.trim().into());
                files.push(LocalFile { param, kind, path, written, sha256, bytes });
                continue;
            }
            Ok(Image::Base64 { text, bytes, picture }) => {
                *written = text;
                (format!("`{}`", field.name), bytes, picture)
            }
            Ok(Image::File { path, sha256, bytes, picture }) => {
                let called = written.trim().to_owned();
                let written = called.as_str().into();
                let param = field.name.into();
                files.push(LocalFile { param, kind, path, written, sha256, bytes });
                (called, bytes, picture)
            }
            Err((what, fix)) => {
                let written = written.trim().to_owned();
                let gone = cx.output.images.missing(&written);
                cx.output.lacks_files |= gone.is_some();
                let kept = as_written.as_ref().and_then(|all| cx.output.kept.find(draft.id, all));
                if let (Some(path), Some(kept)) = (gone, kept) {
                    let hash = kept.hashes.iter().find(|(name, _)| *name == field.name);
                    let sha256 = hash.map_or([0; 32], |(_, hash)| *hash);
                    as_bought = Some(kept.fingerprint);
                    let (param, written) = (field.name.into(), written.into());
                    files.push(LocalFile { param, kind, path, written, sha256, bytes: 0 });
                    warn(cx, draft, field, "a file that is gone", || {
                        let what = format!("{what}; the shot was bought with it and goes on");
                        (what, "put it back before you change this shot")
                    });
                    continue;
                }
                unseen.push(field.name);
                let origin = field.origin(&draft.scope, field.name);
                let diagnostic = from(draft, &origin, format!("`{}`: {what}", field.name));
                cx.diags.add(diagnostic.fix(fix));
                continue;
            }
        };
        let one = Seen { field, called, picture };
        if let Some(limits) = field.param.and_then(|param| param.picture.as_ref()) {
            check(cx, draft, &one, bytes, limits);
        }
        seen.push(one);
    }
    for tail in &seen {
        let head = tail.field.param.and_then(|param| param.shape_of.as_ref());
        let head = head.and_then(|head| seen.iter().find(|seen| seen.field.name == *head));
        if let Some(head) = head {
            same_shape(cx, draft, head, tail);
        }
    }
    (files, unseen, as_bought)
}

/// Warns of a picture, once for all shots that have such a one.
fn warn(
    cx: &mut ExpandContext<'_>,
    draft: &Draft<'_, '_>,
    field: &Field<'_>,
    topic: &'static str,
    words: impl FnOnce() -> (String, &'static str),
) {
    cx.diags.warn(Topic(topic, 0), || {
        let (what, fix) = words();
        from(draft, &field.origin(&draft.scope, field.name), what).fix(fix)
    });
}

/// Warns of what the gateway is not known to take.
fn check(
    cx: &mut ExpandContext<'_>,
    draft: &Draft<'_, '_>,
    Seen { field, called, picture }: &Seen<'_, '_>,
    bytes: u64,
    limits: &PictureLimits,
) {
    let PictureLimits { side, shape, bytes: most } = limits;
    let is_big = bytes > *most;
    if is_big {
        warn(cx, draft, field, "a big picture", || {
            let (size, most) = (megabytes(bytes, *most), most / 1_000_000);
            let what = format!("{called} is big: {size} MB; the gateway is known to take {most}");
            (what, "the gateway may refuse it; make it smaller")
        });
    }
    let Some((width, height)) = picture.size else {
        if is_big {
            return;
        }
        return warn(cx, draft, field, "an unreadable picture", || {
            let what = format!("the size of {called} in pixels cannot be read; it may be damaged");
            (what, "open it, and save it again if that works")
        });
    };
    if width.min(height) < *side {
        warn(cx, draft, field, "a small picture", || {
            let what = format!(
                "{called} is {width}x{height} pixels; the gateway is known to take at least {side} a side"
            );
            (what, "the gateway may refuse it; use a larger one")
        });
    }
    let ratio = f64::from(width.max(height)) / f64::from(width.min(height).max(1));
    if shape.as_f64().is_some_and(|shape| ratio > shape) {
        warn(cx, draft, field, "a long picture", || {
            let what = format!(
                "{called} is {width}x{height} pixels; the gateway is known to take shapes from \
                 1:{shape} to {shape}:1"
            );
            (what, "the gateway may refuse it; crop it")
        });
    }
    if picture.orientation != 1 {
        warn(cx, draft, field, "a turned picture", || {
            let is =
                if picture.orientation > 4 { "on its side" } else { "mirrored or upside down" };
            let what = format!(
                "{called} is stored {is} and only marked as such (EXIF orientation {}); it may be \
                 rendered so",
                picture.orientation
            );
            (what, "turn it in an image editor and save it; a viewer may not show the difference")
        });
    }
}

/// Megabytes; with a digit behind the point where it tells them from the most there may be.
fn megabytes(bytes: u64, most: u64) -> String {
    let (whole, tenth) = (bytes / 1_000_000, bytes / 100_000 % 10);
    if whole > most / 1_000_000 { whole.to_string() } else { format!("{whole}.{tenth}") }
}

/// Warns of a last image whose shape is not that of the first.
fn same_shape(
    cx: &mut ExpandContext<'_>,
    draft: &Draft<'_, '_>,
    head: &Seen<'_, '_>,
    tail: &Seen<'_, '_>,
) {
    let shape = |seen: &Seen<'_, '_>| {
        let (width, height) = seen.picture.size?;
        Some((f64::from(width) / f64::from(height), format!("{width}x{height}")))
    };
    let (Some((first, head_size)), Some((last, tail_size))) = (shape(head), shape(tail)) else {
        return;
    };
    if first.max(last) / first.min(last) <= SAME_SHAPE {
        return;
    }
    warn(cx, draft, tail.field, "pictures of two shapes", || {
        let (head_name, tail_name) = (head.field.name, tail.field.name);
        let what = format!(
            "`{tail_name}` has another shape than `{head_name}`: {tail_size} pixels and {head_size}"
        );
        (what, "crop one of them; else the clip may be stretched or cut between them")
    });
}
