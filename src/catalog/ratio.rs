//! `W:H`: width to height in whole numbers.

/// The two sides of `16:9` or `09:16`; `None` when the text is something else.
#[must_use]
pub fn sides(text: &str) -> Option<(u32, u32)> {
    let side = |side: &str| {
        let digits = side.len() <= 9 && side.bytes().all(|b| b.is_ascii_digit());
        side.parse().ok().filter(|side| digits && *side > 0)
    };
    let (width, height) = text.split_once(':')?;
    Some((side(width)?, side(height)?))
}

/// Ratios that are called so everywhere, although they are not in lowest terms.
const NAMES: [(u32, u32); 2] = [(21, 9), (9, 21)];

/// A ratio in lowest terms, when it is not written so: `09:16` is `9:16`, `1920:1080` is `16:9`.
/// `21:9` is a name and stays.
#[must_use]
pub fn lowest(text: &str) -> Option<String> {
    let (width, height) = sides(text.trim())?;
    let common = if NAMES.contains(&(width, height)) { 1 } else { divisor(width, height) };
    let has_zeros = text.starts_with('0') || text.contains(":0");
    if common == 1 && !has_zeros && text.trim().len() == text.len() {
        return None;
    }
    Some(format!("{}:{}", width / common, height / common))
}

/// The greatest number that divides both, which are not zero.
fn divisor(mut a: u32, mut b: u32) -> u32 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
