//! What several integration tests share.

pub mod calls;
pub mod commits;
pub mod pictures;
pub mod server;

pub use server::{Reply, Request, Script, Server};
