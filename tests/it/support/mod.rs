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
#[cfg(target_os = "linux")]
pub mod terminal;

pub use server::{Reply, Request, Script, Server};

/// The Python of the environment that a script in `tests/` makes: `moto.sh` or `otio.sh`.
pub fn python(script: &str) -> String {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let mut bash = std::process::Command::new("bash");
    let made = bash.arg(script).arg(env!("CARGO_TARGET_TMPDIR")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}
