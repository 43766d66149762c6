//! `rushes check`: each finding, by the real program against a scripted gateway, or by plain calls.

mod belonging;
mod judged;
mod place;
mod program;
