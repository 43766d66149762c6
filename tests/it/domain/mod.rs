//! The vocabulary: what is read, what is printed, and every transition.

mod charge;
mod content;
mod money;
mod sanitize;
mod secret;
mod shot;
mod time;
mod transition;
mod webhook;
