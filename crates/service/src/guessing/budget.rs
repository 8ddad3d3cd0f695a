//! How much may happen in a period, for each key.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use super::ENTRIES_MAX;
use super::quiet_map::{Quiet, QuietMap};

/// So many a period, all of them at once after a pause, each of them given back evenly. The rate limiter of the sessions
/// (`governor`) does the same, but cannot be asked without being charged, and its keys have no upper limit.
pub(super) struct Budget<K> {
    spent: QuietMap<K, Spent>,
    period: Duration,
    /// What one takes from the period.
    each: Duration,
}

/// When everything will have been given back.
struct Spent(Duration);

impl Quiet for Spent {
    fn quiet_from(&self) -> Duration {
        self.0
    }
}

impl<K: Eq + Hash> Budget<K> {
    pub(super) fn new(count: NonZeroU32, period: Duration) -> Self {
        Self { spent: QuietMap::new(ENTRIES_MAX), period, each: period / count.get() }
    }

    /// How long until there is room for one more; zero when there is.
    pub(super) fn wait(&self, key: &K, now: Duration) -> Duration {
        (self.spent_until(key, now) + self.each).saturating_sub(now + self.period)
    }

    /// Takes one, whether there is room or not.
    pub(super) fn spend(&mut self, key: K, now: Duration) {
        let until = self.spent_until(&key, now) + self.each;
        self.spent.insert(key, Spent(until), now);
    }

    pub(super) fn forget_quiet(&mut self, now: Duration) {
        self.spent.forget_quiet(now);
    }

    fn spent_until(&self, key: &K, now: Duration) -> Duration {
        self.spent.find(key, now).map_or(now, |spent| spent.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_there_at_once_and_comes_back_evenly() {
        let mut budget = Budget::new(NonZeroU32::new(3).expect("some"), Duration::from_mins(1));
        let seconds = Duration::from_secs;
        for _ in 0..3 {
            assert_eq!(budget.wait(&"a", seconds(100)), Duration::ZERO);
            budget.spend("a", seconds(100));
        }
        assert_eq!(budget.wait(&"a", seconds(100)), seconds(20));
        assert_eq!(budget.wait(&"a", seconds(119)), seconds(1));
        assert_eq!(budget.wait(&"a", seconds(120)), Duration::ZERO);
        budget.spend("a", seconds(120));
        assert_eq!(budget.wait(&"a", seconds(120)), seconds(20));
        assert_eq!(budget.wait(&"b", seconds(120)), Duration::ZERO, "another key has its own");
        budget.spend("a", seconds(120));
        assert_eq!(budget.wait(&"a", seconds(120)), seconds(40), "what was taken without room counts too");
    }
}
