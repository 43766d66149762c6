//! From an entry of `shots` to shots: its keys ([`entry`]), what its shots share
//! ([`compiled_entry`]), rows × matrix × takes ([`expand`]), each shot's [`request`] and its id, tags
//! and clip name ([`build`]).

mod build;
mod cells;
mod columns;
mod compiled_entry;
pub(super) mod context;
pub(super) mod defaults;
mod draft;
pub(super) mod entry;
pub(super) mod expand;
pub mod identity;
pub(super) mod image_cache;
pub(super) mod keys;
mod local_file;
mod own_table;
mod param_source;
mod pictures;
mod provenance;
mod request;
mod respelled;
mod row_filter;
mod scope;
mod sheet;
pub(super) mod shot_set;
mod takes;
pub mod template;
mod text_template;
mod unused_columns;
mod value_template;
mod video;
mod yaml_words;

pub use respelled::KnownIds;
