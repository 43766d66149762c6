//! What several integration tests share.

pub mod calls;
pub mod commits;
#[cfg(all(unix, feature = "postgres"))]
pub mod database_proxy;
pub mod pictures;
#[cfg(all(unix, feature = "postgres"))]
pub mod postgres;
#[cfg(feature = "buckets")]
pub mod s3;
pub mod server;
pub mod terminal;

pub use server::{Reply, Request, Script, Server};
