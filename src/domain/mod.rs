//! The words of the house as types: money, moments, shots, what a gateway said, and a revision's
//! state. No I/O and no clock; every change of a state is made by the one function in
//! [`transition`].

pub mod account;
pub mod callback;
pub mod charge;
pub mod clip_info;
pub mod content;
pub mod frame_rate;
pub mod money;
pub mod origin;
pub mod outcome;
pub mod sanitize;
pub mod secret;
pub mod shot;
pub mod state;
pub mod time;
pub mod transition;
pub mod webhook;
