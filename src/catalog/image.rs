//! What the text of an image or URL parameter is: an http(s) URL, base64, or something else.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Whether a text is an `http://` or `https://` URL with a host and no white space.
#[must_use]
pub fn is_http_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = host.rsplit('@').next().unwrap_or("");
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
        && !host.is_empty()
        && !host.starts_with(':')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// The bytes that base64 stands for, with or without white space, padding and `data:…;base64,`
/// before it; `None` when the text is not base64. A short file name may look like base64: look for
/// a URL and for the file first.
#[must_use]
pub fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_ascii_start();
    let digits = match text.get(..5) {
        Some(scheme) if scheme.eq_ignore_ascii_case("data:") => {
            let (head, digits) = text.split_once(',')?;
            let (_, encoding) = head.rsplit_once(';')?;
            encoding.trim().eq_ignore_ascii_case("base64").then_some(digits)?
        }
        _ => text,
    };
    let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if digits.is_empty() {
        return None;
    }
    STANDARD.decode(&digits).or_else(|_| URL_SAFE.decode(&digits)).ok()
}
