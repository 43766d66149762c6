//! What several integration tests share.

pub mod server;

pub use server::{Reply, Request, Script, Server};
