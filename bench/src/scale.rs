//! How much is done.

use std::time::Duration;

/// Enough for figures, or only enough to see that a bench works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Full,
    Quick,
}

impl Scale {
    /// How often something is done.
    pub(crate) fn times(self, full: usize, quick: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }

    /// How long something goes on.
    pub(crate) fn time(self, full: Duration) -> Duration {
        match self {
            Self::Full => full,
            Self::Quick => full / 10,
        }
    }
}
