//! What a clip turned out to be: plain data, told by the file itself and not by what was asked for.

/// The facts of a clip's picture and sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipInfo {
    /// How long the picture lasts, in milliseconds.
    pub millis: u64,
    /// The picture's width in pixels, as it is shown.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Whether there is a sound track.
    pub sound: bool,
}
