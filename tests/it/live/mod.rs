//! The live page over real sockets: the server by itself beside a ledger, and the real program.

mod access;
mod address;
mod client;
mod clip_names;
mod clips;
mod figures;
mod guests;
mod program;
mod review;
mod rig;
mod status;
