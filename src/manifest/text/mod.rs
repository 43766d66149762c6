//! Text files to values that know their places: YAML as a tree, a table row by row. Knows nothing of
//! shots.

pub(super) mod builder;
mod comments;
pub(super) mod file;
mod quotes;
mod recording_reader;
pub(super) mod table;
pub(super) mod tree;
pub(super) mod yaml;
pub(super) mod yaml_errors;
