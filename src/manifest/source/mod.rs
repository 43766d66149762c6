//! A manifest's files as characters with their lines and columns. Reports nothing itself.

pub(super) mod chars;
pub(super) mod place;
pub(super) mod reread;
