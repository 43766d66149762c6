//! Reads YAML, event by event. It uses the library's events instead of its serde side, because a
//! typed reader stops at the first mistake, and a manifest's reader must find them all.

use std::cell::RefCell;
use std::io::Read;

use serde_yaml::granit_parser::{ErrorKind, Options, Parser};

use super::builder::Builder;
use super::comments::Comments;
use super::file::{self, Broken, Chars};
use super::slips;
use super::tree::{Node, Pair};
use crate::manifest::report::excerpt;
use crate::manifest::report::log::{Log, Mistake, Place};

/// Takes the items of the document's `shots` one by one, so that they need not be kept.
pub(in crate::manifest) trait Sink {
    /// Whether shots are looked at; if not, only what makes the rest unreadable is reported there.
    fn wants_shots(&self) -> bool;

    /// An item of `shots`, with what was written before it at the top level.
    fn shot(&mut self, before: &[Pair], shot: Node, log: &mut Log);
}

/// Lets the shots go by: for the settings alone, and for included files, which have none.
pub(in crate::manifest) struct NoShots;

impl Sink for NoShots {
    fn wants_shots(&self) -> bool {
        false
    }

    fn shot(&mut self, _: &[Pair], _: Node, _: &mut Log) {}
}

/// A document that was read.
pub(in crate::manifest) struct Document {
    /// Its top level, without the shots that the sink got; what there was before it broke off.
    pub root: Option<Node>,
    /// How many shots the sink got.
    pub shots: usize,
    /// Whether it is YAML to its end.
    pub whole: bool,
    /// Whether it broke off among the shots.
    pub in_shots: bool,
}

/// Reads a document; mistakes go to the log.
pub(in crate::manifest) fn parse(
    file: u16,
    text: impl Read,
    sink: &mut dyn Sink,
    log: &mut Log,
) -> Document {
    let mut options = Options::default();
    // Or a block of a hundred commented-out lines would be refused.
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    let broken = RefCell::new(None);
    let comments = RefCell::new(Comments::new());
    let characters = Chars::new(text).map(|c| {
        let c = c.inspect(|c| comments.borrow_mut().see(*c));
        c.map_err(|why| {
            *broken.borrow_mut() = Some(why);
            ErrorKind::InputDecoding { message: String::new() }
        })
    });
    let mut builder = Builder::new(file, sink, &comments, log);
    let mut whole = true;
    for event in Parser::new_from_fallible_iter_with_options(characters, options) {
        whole = match event {
            Ok((event, span)) => builder.take(event, &span),
            Err(error) => {
                match broken.take() {
                    Some(why) => unreadable(file, &why, builder.log),
                    None => slips::report(file, &error, builder.log),
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
fn unreadable(file: u16, why: &Broken, log: &mut Log) {
    match why {
        Broken::NotUtf8(byte) => {
            let place = excerpt::broken(file, log);
            file::not_utf8(place, *byte, false, log);
        }
        Broken::Unreadable(error) => {
            let what = format!("the file cannot be read to its end: {error}");
            log.add(Mistake::new(Place::start(file), what));
        }
    }
}
