//! Where attempts go.

use std::sync::Arc;

/// Where attempts go, and from which account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The provider's address: scheme, host, port and path prefix, normalized by the provider.
    pub address: Arc<str>,
    /// A salted hash of the account's key, in hexadecimal digits; empty where there is no key.
    pub account: Arc<str>,
}
