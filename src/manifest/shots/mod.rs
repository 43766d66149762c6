//! From an entry of `shots` to shots: its keys ([`entry`]), what its shots share
//! ([`compiled_entry`]), rows × matrix × takes ([`expand`]), each shot's [`request`] and its id, tags
//! and clip name ([`build`]).

mod build;
mod cells;
mod compiled_entry;
pub(super) mod context;
pub(super) mod defaults;
mod draft;
pub(super) mod entry;
pub(super) mod expand;
pub mod identity;
pub(super) mod image_cache;
mod local_file;
mod param_source;
mod pictures;
mod provenance;
mod request;
mod respelled;
mod scope;
pub(super) mod shot_set;
pub mod template;
mod text_template;
mod unused_columns;
mod value_template;
mod video;

pub use respelled::KnownIds;
