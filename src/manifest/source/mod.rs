//! A manifest's files as characters with their lines and columns. Reports nothing itself.

pub mod chars;
pub mod place;
