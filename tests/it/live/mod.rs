//! The live page over real sockets: the server by itself beside a ledger, and the real program.

mod client;
mod clips;
mod figures;
mod guests;
mod program;
mod rig;
