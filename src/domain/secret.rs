//! The secret part of an address, which nobody can guess: of a callback, where it names one attempt
//! and is kept in the ledger, sent to the gateway and shown nowhere; of the live page, where it is
//! shown to the user alone. Made in [`crate::callback`].

use std::fmt;

use subtle::ConstantTimeEq;

/// 128 random bits that mean something to whoever was told them.
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

    /// `text` with a word in the token's place, should somebody echo it.
    #[must_use]
    pub fn redact_in(&self, text: String) -> String {
        let secret = self.reveal();
        if text.contains(&secret) { text.replace(&secret, "[token]") } else { text }
    }
}

/// Without its bits.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_written_and_read_and_never_printed() {
        let token = Secret::from_bytes(*b"\x00\x01 sixteen bytes");
        let secret = token.reveal();
        assert_eq!(secret.len(), 32);
        assert_eq!(Secret::parse(&secret), Some(token));
        assert!(token.is(&secret) && !token.is("") && !token.is(&secret[1..]));
        assert!(!token.is(&secret.replace('0', "1")));
        assert_eq!(format!("{token:?}"), "Secret(…)");
        assert_eq!(token.redact_in(format!("no {secret}!")), "no [token]!");
        let (longer, signed) = (format!("{secret}0"), format!("+{}", &secret[1..]));
        for bad in ["", "0", &secret[1..], &longer, &signed, &"F".repeat(32)] {
            assert_eq!(Secret::parse(bad), None, "{bad}");
        }
    }
}
