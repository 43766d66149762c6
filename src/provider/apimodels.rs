//! The facts of one gateway, apimodels.app, as its page stated them on 2026-11-22. Nothing else in
//! the program knows them; prices and models are in the catalog.

use std::time::Duration;

/// Scheme and host.
pub const ADDRESS: &str = "https://apimodels.app";

/// The environment variable that holds the account's key.
pub const KEY_VARIABLE: &str = "KLING_API_KEY";

/// The environment variable that names a file with the key.
pub const KEY_FILE_VARIABLE: &str = "KLING_API_KEY_FILE";

/// How long a finished clip is kept.
pub const RESULT_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Whether a 5xx comes from a proxy in front of the gateway, which cannot know what the gateway did.
#[must_use]
pub const fn is_from_proxy(status: u16) -> bool {
    matches!(status, 502 | 504 | 520..=524)
}
