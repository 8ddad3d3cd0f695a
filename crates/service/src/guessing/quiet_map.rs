//! A map that forgets: of limited size, and only as long as an entry makes a difference.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// An entry that stops to matter when nothing happens for long enough.
pub(super) trait Quiet {
    /// From when on the entry says the same as none.
    fn quiet_from(&self) -> Duration;
}

/// At most `entries_max` entries. When it is full, those go which would be quiet first.
pub(super) struct QuietMap<K, V> {
    entries: HashMap<K, V>,
    entries_max: usize,
}

impl<K: Eq + Hash, V: Quiet> QuietMap<K, V> {
    pub(super) fn new(entries_max: usize) -> Self {
        Self { entries: HashMap::new(), entries_max }
    }

    pub(super) fn find(&self, key: &K, now: Duration) -> Option<&V> {
        self.entries.get(key).filter(|entry| entry.quiet_from() > now)
    }

    pub(super) fn insert(&mut self, key: K, entry: V, now: Duration) {
        if self.entries.len() >= self.entries_max && !self.entries.contains_key(&key) {
            self.forget_quiet(now);
            self.make_room();
        }
        self.entries.insert(key, entry);
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    pub(super) fn forget_quiet(&mut self, now: Duration) {
        self.entries.retain(|_, entry| entry.quiet_from() > now);
        self.entries.shrink_to(self.entries.len() * 2);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets an eighth of a map that is full of what matters: often enough, one at a time would be a search each.
    fn make_room(&mut self) {
        let Some(excess) =
            (self.entries.len() + 1).checked_sub(self.entries_max).filter(|excess| *excess > 0)
        else {
            return;
        };
        let count = (self.entries_max / 8).max(excess).min(self.entries.len());
        let mut times: Vec<_> = self.entries.values().map(Quiet::quiet_from).collect();
        let last = *times.select_nth_unstable(count - 1).1;
        self.entries.retain(|_, entry| entry.quiet_from() > last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Until(u64);

    impl Quiet for Until {
        fn quiet_from(&self) -> Duration {
            Duration::from_secs(self.0)
        }
    }

    #[test]
    fn a_full_map_forgets_what_would_be_quiet_first() {
        let mut map = QuietMap::new(16);
        for key in 0..16 {
            map.insert(key, Until(100 + key), Duration::ZERO);
        }
        map.insert(3, Until(103), Duration::ZERO);
        assert_eq!(map.len(), 16, "one that is there already needs no room");
        map.insert(16, Until(50), Duration::ZERO);
        assert_eq!(map.len(), 15);
        let found = |key| map.find(&key, Duration::ZERO).is_some();
        assert!(!found(0) && !found(1) && found(2) && found(16));
    }

    #[test]
    fn a_full_map_forgets_the_quiet_ones_alone_where_there_are_any() {
        let mut map = QuietMap::new(4);
        for (key, until) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
            map.insert(key, Until(until), Duration::ZERO);
        }
        map.insert(5, Until(50), Duration::from_secs(10));
        assert_eq!(map.len(), 4);
        assert!(map.find(&2, Duration::from_secs(10)).is_some());
        assert!(map.find(&2, Duration::from_secs(20)).is_none(), "quiet, though still there");
        map.forget_quiet(Duration::from_secs(45));
        assert_eq!(map.len(), 1);
    }
}
