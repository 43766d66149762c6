//! What tells a shot from the others of its entry, in words: for ids that are too long to read.

use super::columns::{columns, cut};
use super::safe;

/// Between two values.
const GAP: &str = " · ";

/// Its values in at most `width` columns, of files and addresses the last part:
/// `dancer.png · spin.mp4 · take 2`. Where there is no room the longest value is cut first. Two shots may
/// share it; their ids never. Empty for an entry's only shot, whose id is the user's own.
#[must_use]
pub fn label<'v>(variant: impl Iterator<Item = (&'v str, &'v str)>, width: usize) -> String {
    let part = |(name, value)| match name {
        "take" => format!("take {}", safe(value)),
        _ => safe(last_part(value)),
    };
    let mut parts: Vec<String> = variant.map(part).collect();
    let excess = columns(&parts.join(GAP)).saturating_sub(width);
    if let Some(longest) = parts.iter_mut().max_by_key(|part| columns(part)) {
        *longest = cut(longest, columns(longest).saturating_sub(excess).max(1));
    }
    cut(&parts.join(GAP), width)
}

/// `spin.mp4` of `https://cdn.example.com/moves/spin.mp4?v=2` and of `moves/spin.mp4`; any other text as
/// it is.
fn last_part(value: &str) -> &str {
    let path = match value.split_once("://") {
        Some((_, rest)) => rest.split(['?', '#']).next().unwrap_or(rest),
        None => value,
    };
    let Some((_, last)) = path.rsplit_once(['/', '\\']) else { return value };
    let is_file = last.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (2..=5).contains(&extension.len())
            && extension.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if is_file { last } else { value }
}

#[cfg(test)]
mod tests {
    use super::{label, last_part};

    #[test]
    fn a_file_and_an_address_are_called_by_their_last_part() {
        for (value, expected) in [
            ("refs/mia & co.png", "mia & co.png"),
            (r"refs\mia.png", "mia.png"),
            ("https://cdn.example.com/moves/spin.mp4?v=2", "spin.mp4"),
            ("https://cdn.example.com/moves", "https://cdn.example.com/moves"),
            ("dawn/dusk", "dawn/dusk"),
            ("3.5 and/or 4.", "3.5 and/or 4."),
            ("16:9", "16:9"),
            ("refs/.png", "refs/.png"),
            ("", ""),
        ] {
            assert_eq!(last_part(value), expected, "{value}");
        }
    }

    #[test]
    fn a_label_says_the_take_and_leaves_out_the_names() {
        let variant = [("image", "refs/mia.png"), ("weather", "heavy rain"), ("take", "2")];
        let within = |width| label(variant.into_iter(), width);
        assert_eq!(within(29), "mia.png · heavy rain · take 2");
        assert_eq!(within(28), "mia.png · heavy ra… · take 2");
        assert_eq!(within(20), "mia.png · … · take 2");
        assert_eq!(within(10), "mia.png ·…");
        assert_eq!(label([].into_iter(), 10), "");
    }
}
