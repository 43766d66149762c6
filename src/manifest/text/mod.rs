//! Text files to values that know their places: YAML as a tree, a table row by row. Knows nothing of
//! shots.

pub(super) mod builder;
pub mod comments;
pub mod file;
pub(super) mod headers;
mod quotes;
mod recording_reader;
mod separator;
pub mod table;
pub mod tree;
pub(super) mod yaml;
pub(super) mod yaml_errors;
