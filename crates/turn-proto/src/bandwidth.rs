//! How much an allocation may relay.

use std::num::NonZeroU32;
use std::time::Duration;

/// When what was relayed so far would have gone through a line of the allowed rate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bandwidth {
    busy_until: Duration,
}

impl Bandwidth {
    /// Counts a packet, and says whether it may pass. Up to [`BURST`] is lent.
    pub fn admit(&mut self, elapsed: Duration, bytes: usize, bytes_per_second: NonZeroU32) -> bool {
        if self.busy_until > elapsed + BURST {
            return false;
        }
        let nanoseconds = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(1_000_000_000)
            / u64::from(bytes_per_second.get());
        self.busy_until = self.busy_until.max(elapsed) + Duration::from_nanos(nanoseconds);
        true
    }
}

/// A picture arrives in one go; what is relayed may be ahead of its rate by so much.
const BURST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_time_no_more_passes_than_the_rate_and_one_burst() {
        let rate = NonZeroU32::new(10_000).expect("not zero");
        let mut bandwidth = Bandwidth::default();
        let mut passed = 0;
        for millis in 0..10_000 {
            for _ in 0..3 {
                if bandwidth.admit(Duration::from_millis(millis), 100, rate) {
                    passed += 100;
                }
            }
        }
        assert!((109_900..=110_200).contains(&passed), "{passed}");
    }

    #[test]
    fn a_packet_passes_whatever_its_size_when_nothing_did_before() {
        let rate = NonZeroU32::new(1).expect("not zero");
        let mut bandwidth = Bandwidth::default();
        assert!(bandwidth.admit(Duration::ZERO, 65_000, rate));
        assert!(!bandwidth.admit(Duration::from_secs(60_001), 1, rate));
        assert!(bandwidth.admit(Duration::from_secs(65_001), 1, rate));
    }
}
