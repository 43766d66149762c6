//! The secret part of an address, which cannot be guessed: of a callback, where it names one attempt
//! and is kept in the ledger, sent to the gateway and shown nowhere; of the live page, where it is
//! shown to the user alone. Made in [`crate::callback`].

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret([u8; 16]);

impl Secret {
    /// From its bits.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads the 32 hexadecimal digits that [`Self::reveal`] writes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|bits| Self(bits.to_be_bytes()))
    }

    /// 32 lower-case hexadecimal digits. A secret of sorts: for the gateway and the ledger only.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// Whether `text` is the token's secret, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.reveal().as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// Puts a word into its place in `text`, should it be echoed.
    pub fn redact_in(&self, text: &mut String) {
        let secret = self.reveal();
        if text.contains(&secret) {
            *text = text.replace(&secret, "[token]");
        }
    }
}

/// Makes attempt keys that cannot be guessed, one after the other, from one secret seed.
pub struct KeyMint {
    seed: [u8; 32],
    minted: u64,
}

impl KeyMint {
    /// From 256 random bits.
    #[must_use]
    pub const fn from_seed(seed: [u8; 32]) -> Self {
        Self { seed, minted: 0 }
    }

    /// A key that was not made before.
    pub fn mint(&mut self) -> Secret {
        self.minted += 1;
        let hash = Sha256::new().chain_update(self.seed).chain_update(self.minted.to_be_bytes());
        let mut key = [0; 16];
        key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        Secret(key)
    }
}

/// Without its bits.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
