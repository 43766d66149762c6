//! Why a ledger in memory that several workers share cannot be used.

/// Why a ledger in memory that several workers share cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// Another worker renders another text.
    #[error(
        "another worker works on another text of this manifest; stop it, or use the same manifest"
    )]
    OtherText,
    /// The account is used with another key.
    #[error("the account is used with another key")]
    OtherKey,
    /// It knows less than it had confirmed.
    #[error("the ledger has forgotten purchases that it had confirmed; nothing more is sent")]
    Forgetful,
    /// It does not answer, and the user wants to leave.
    #[error("the ledger does not answer; run again to go on")]
    Unreachable,
}
