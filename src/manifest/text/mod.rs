//! Text files to values that know their places: YAML as a tree, a table row by row. Knows nothing of
//! shots.

pub(super) mod builder;
pub mod comments;
pub mod file;
mod quotes;
mod recording_reader;
pub mod table;
pub mod tree;
pub(super) mod yaml;
pub(super) mod yaml_errors;
