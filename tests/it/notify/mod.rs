//! Messages about a run: what they say, when they are sent, and what the program makes of it.

mod message;
#[cfg(unix)]
mod program;
mod when;
