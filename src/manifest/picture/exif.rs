//! The orientation that EXIF data tell.

/// The tag of the orientation.
const ORIENTATION: u16 = 0x0112;

/// The orientation, 1 to 8, in EXIF data with or without `Exif\0\0` before them; 1 when they do not
/// say.
pub(super) fn orientation(data: &[u8]) -> u8 {
    let tiff = data.strip_prefix(b"Exif\0\0").unwrap_or(data);
    tagged(tiff).filter(|value| (1..=8).contains(value)).unwrap_or(1)
}

fn tagged(tiff: &[u8]) -> Option<u8> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes: [u8; 4] = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let table = usize::try_from(long(4)?).ok()?;
    let count = usize::from(short(table)?);
    let entry = |number: usize| table.checked_add(2 + 12 * number);
    let at = (0..count).map_while(entry).find(|at| short(*at) == Some(ORIENTATION))?;
    u8::try_from(short(at.checked_add(8)?)?).ok()
}
