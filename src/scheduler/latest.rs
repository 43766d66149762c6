//! The latest shots that ended, of which a share of failures is concluded.

/// So many of the latest shots that ended are looked at for a share of failures.
const LATEST: u32 = 50;
/// From fewer no share is concluded.
const FEWEST: u32 = 20;

/// The latest shots that were delivered or failed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latest {
    /// A bit each, the last one's the lowest; set if it failed.
    bits: u64,
    count: u32,
}

impl Latest {
    /// One more came to its end. A failure that is bought again is none.
    pub(super) fn note(&mut self, failed: bool) {
        self.bits = (self.bits << 1 | u64::from(failed)) & ((1 << LATEST) - 1);
        self.count = (self.count + 1).min(LATEST);
    }

    /// How many of how many failed, once enough ended.
    pub(super) fn failed(self) -> Option<(u32, u32)> {
        (self.count >= FEWEST).then(|| (self.bits.count_ones(), self.count))
    }
}
