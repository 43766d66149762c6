//! Reads YAML, event by event. It uses the library's events instead of its serde side, because a
//! typed reader stops at the first mistake, and a manifest's reader must find them all.

use std::cell::RefCell;
use std::io::Read;

use serde_yaml::granit_parser::{ErrorKind, Options, Parser};

use super::builder::{Builder, Sink};
use super::comments::Comments;
use super::file;
use super::tree::Node;
use super::yaml_errors;
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::chars::{self, Chars, DecodeError};
use crate::manifest::source::place::Place;

/// A document that was read.
pub(crate) struct Document {
    /// Its top level, without the shots that the sink got; what there was before it broke off.
    pub root: Option<Node>,
    /// How many shots the sink got.
    pub shots: usize,
    /// Whether it is YAML to its end.
    pub whole: bool,
    /// Whether it broke off among the shots.
    pub in_shots: bool,
}

/// Reads a document; mistakes go to the diags.
pub(crate) fn parse(
    file: u16,
    text: impl Read,
    sink: &mut dyn Sink,
    diags: &mut Diagnostics,
) -> Document {
    let mut options = Options::default();
    // Or a block of a hundred commented-out lines would be refused.
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    let broken = RefCell::new(None);
    let comments = RefCell::new(Comments::default());
    let characters = Chars::new(text).map(|c| {
        let c = c.inspect(|c| comments.borrow_mut().observe(*c));
        c.map_err(|why| {
            *broken.borrow_mut() = Some(why);
            ErrorKind::InputDecoding { message: String::new() }
        })
    });
    let mut builder = Builder::new(file, sink, &comments, diags);
    let mut whole = true;
    for event in Parser::new_from_fallible_iter_with_options(characters, options) {
        whole = match event {
            Ok((event, span)) => builder.take(event, &span),
            Err(error) => {
                match broken.take() {
                    Some(why) => unreadable(file, &why, builder.diags),
                    None => yaml_errors::report(file, &error, builder.diags),
                }
                false
            }
        };
        if !whole {
            break;
        }
    }
    let in_shots = !whole && builder.is_in_shots();
    Document { shots: builder.shots, root: builder.root(), whole, in_shots }
}

/// Reports that the characters ended before the file.
fn unreadable(file: u16, why: &DecodeError, diags: &mut Diagnostics) {
    match why {
        DecodeError::NotUtf8(byte) => {
            let path = diags.path(file).map(ToOwned::to_owned).unwrap_or_default();
            let place = chars::end_of_utf8(file, &path);
            file::not_utf8(place, *byte, false, diags);
        }
        DecodeError::Unreadable(error) => {
            let what = format!("the file cannot be read to its end: {error}");
            diags.add(Diagnostic::new(Place::start(file), what));
        }
    }
}
