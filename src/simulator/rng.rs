//! Chance that repeats: every draw follows from a seed, the kind of thing drawn for, its own
//! bytes and how often it was drawn before. Knows no global order, so that a seed gives the same
//! night however the calls interleave.

/// A sequence of draws.
#[derive(Clone, Debug)]
pub struct SimRng(u64);

impl SimRng {
    /// The draws for the `nth` time `about` happens to `key`.
    #[must_use]
    pub fn new(seed: u64, about: &str, key: &[u8], nth: u32) -> Self {
        // FNV-1a over all of it; the mixing is done by the draws.
        let bytes = [&seed.to_le_bytes(), about.as_bytes(), &[0xff], key, &nth.to_le_bytes()];
        let hash = bytes
            .iter()
            .flat_map(|part| part.iter())
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self(hash)
    }

    /// The next draw: any 64 bits (splitmix64).
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// A place in a list of `len` things; 0 when it is empty.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(u64::try_from(len).unwrap_or(u64::MAX))).unwrap_or(0)
    }

    /// One of several things.
    pub fn pick<T: Copy, const N: usize>(&mut self, things: [T; N]) -> T {
        const { assert!(N > 0, "nothing to pick from") };
        things[self.index(N)]
    }

    /// True `chance` times in ten thousand.
    pub fn comes_up(&mut self, chance: u16) -> bool {
        self.below(10_000) < u64::from(chance)
    }
}
