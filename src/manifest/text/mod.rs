//! Text files to values that know their places: YAML as a tree, a table row by row. Knows nothing of
//! shots.

mod builder;
mod comments;
pub(super) mod file;
pub(super) mod position;
mod quotes;
pub(super) mod slips;
pub(super) mod table;
mod tape;
pub(super) mod tree;
pub(super) mod yaml;
