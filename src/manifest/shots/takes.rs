//! How many clips of the same a shot is rendered.

/// How many takes there are of each combination of a matrix.
pub(super) enum Takes {
    /// As many of all.
    Same(u32),
    /// By the combination's number.
    Each(Vec<u32>),
}

impl Takes {
    /// Of the combination of that number.
    pub(super) fn of(&self, number: usize) -> u32 {
        match self {
            Self::Same(takes) => *takes,
            Self::Each(each) => each.get(number).copied().unwrap_or(1),
        }
    }

    /// Of so many combinations together; `None`: too many to count.
    pub(super) fn of_all(&self, combinations: usize) -> Option<usize> {
        match self {
            Self::Same(takes) => combinations.checked_mul(*takes as usize),
            Self::Each(each) => {
                each.iter().try_fold(0_usize, |sum, takes| sum.checked_add(*takes as usize))
            }
        }
    }
}
