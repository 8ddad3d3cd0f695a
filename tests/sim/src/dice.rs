//! All chance of a simulation, from one seed.

use std::sync::{Mutex, PoisonError};

use callbox_domain::Random;

/// Reproducible chance (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    /// What `purpose` of this seed throws; different purposes do not follow each other.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(mix(seed).wrapping_add(purpose)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.next() % 100 < u64::from(percent)
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.below(some.len())]
    }
}

fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The same for the servers, which ask for bytes.
pub(crate) struct SeededRandom(Mutex<Dice>);

impl SeededRandom {
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(Mutex::new(Dice::new(seed, purpose)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            let thrown = dice.next().to_le_bytes();
            chunk.copy_from_slice(&thrown[..chunk.len()]);
        }
    }
}
