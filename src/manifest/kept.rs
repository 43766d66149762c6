//! What was bought already, by its request as it was written: that a local file is gone since then is
//! no mistake.

use std::collections::HashMap;

use crate::catalog::Params;
use crate::domain::shot::Fingerprint;

/// A request that was bought.
#[derive(Clone, Debug)]
pub struct KeptRequest {
    /// What it meant then.
    pub fingerprint: Fingerprint,
    /// All its parameters, local files by their paths as written.
    pub params: Params,
    /// The SHA-256 of its local files, by parameter, where that is known.
    pub hashes: Vec<(String, [u8; 32])>,
}

/// Requests that were bought, by shot.
#[derive(Clone, Debug, Default)]
pub struct KeptRequests(HashMap<String, Vec<KeptRequest>>);

impl KeptRequests {
    /// Adds one of a shot; the newest first.
    pub fn add(&mut self, shot: &str, request: KeptRequest) {
        self.0.entry(shot.to_owned()).or_default().push(request);
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest of a shot with these parameters.
    #[must_use]
    pub fn find(&self, shot: &str, params: &Params) -> Option<&KeptRequest> {
        self.0.get(shot)?.iter().find(|kept| kept.params == *params)
    }
}
