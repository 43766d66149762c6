//! What several integration tests share.

pub mod calls;
pub mod commits;
#[cfg(all(unix, feature = "postgres"))]
pub mod database_proxy;
pub mod pictures;
#[cfg(all(unix, feature = "postgres"))]
pub mod postgres;
pub mod server;

pub use server::{Reply, Request, Script, Server};
