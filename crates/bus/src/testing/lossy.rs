//! A bus that loses by a rule.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Bus, Listener, LocalBus, Notice};

/// Delivers at once, on the thread that publishes, what its rule lets through.
pub struct LossyBus {
    inner: LocalBus,
    is_deaf: AtomicBool,
    rule: Mutex<Rule>,
}

enum Rule {
    LosesNothing,
    EveryNth { each: u64, published: u64 },
    LastOfBursts { newest: Option<Notice> },
    Chosen(Box<dyn FnMut(&Notice) -> bool + Send>),
}

impl LossyBus {
    /// Loses nothing, until it is told to be deaf.
    pub fn lossless() -> Self {
        Self::with(Rule::LosesNothing)
    }

    /// Loses the n-th notice, and every n-th after it.
    ///
    /// # Panics
    /// When `each` is zero.
    pub fn every_nth(each: u64) -> Self {
        assert!(each > 0, "every notice has a number from 1");
        Self::with(Rule::EveryNth { each, published: 0 })
    }

    /// Delivers each notice when the next one is published, and loses the one that is the last when
    /// [`LossyBus::end_burst`] is called: what nothing comes after.
    pub fn last_of_bursts() -> Self {
        Self::with(Rule::LastOfBursts { newest: None })
    }

    /// Loses the notices for which `loses` says so.
    pub fn losing(loses: impl FnMut(&Notice) -> bool + Send + 'static) -> Self {
        Self::with(Rule::Chosen(Box::new(loses)))
    }

    /// Loses everything from now on, or no longer.
    pub fn set_deaf(&self, is_deaf: bool) {
        self.is_deaf.store(is_deaf, Ordering::SeqCst);
    }

    /// Nothing is published for a while: a bus that loses the last of each burst does so now.
    pub fn end_burst(&self) {
        if let Rule::LastOfBursts { newest } = &mut *self.rule() {
            *newest = None;
        }
    }

    fn with(rule: Rule) -> Self {
        Self { inner: LocalBus::default(), is_deaf: AtomicBool::new(false), rule: Mutex::new(rule) }
    }

    fn rule(&self) -> MutexGuard<'_, Rule> {
        self.rule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for LossyBus {
    fn publish(&self, notice: Notice) {
        if self.is_deaf.load(Ordering::SeqCst) {
            return;
        }
        // Held while listeners hear: a notice that waited for its successor must not be overtaken by it.
        let mut rule = self.rule();
        let delivered = match &mut *rule {
            Rule::LosesNothing => Some(notice),
            Rule::EveryNth { each, published } => {
                *published += 1;
                (!published.is_multiple_of(*each)).then_some(notice)
            }
            Rule::LastOfBursts { newest } => newest.replace(notice),
            Rule::Chosen(loses) => (!loses(&notice)).then_some(notice),
        };
        if let Some(notice) = delivered {
            self.inner.publish(notice);
        }
    }

    fn subscribe(&self, listener: Listener) {
        // What waits was published before: let it go to those who were there.
        let mut rule = self.rule();
        if let Rule::LastOfBursts { newest } = &mut *rule
            && let Some(notice) = newest.take()
        {
            self.inner.publish(notice);
        }
        self.inner.subscribe(listener);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::BusUnderTest;
    use crate::testing::conformance::numbered;

    /// The numbers that a listener of `bus` hears while `publish` runs.
    fn heard(bus: &Arc<LossyBus>, publish: impl FnOnce(&LossyBus)) -> Vec<i64> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        bus.subscribe(Box::new(move |notice| {
            if let Notice::SessionRenewed { expires_at, .. } = notice {
                ear.lock().expect("not poisoned").push(expires_at.as_millis());
            }
        }));
        publish(bus);
        let heard = heard.lock().expect("not poisoned");
        heard.clone()
    }

    fn publish(bus: &LossyBus, numbers: std::ops::RangeInclusive<i64>) {
        numbers.for_each(|number| bus.publish(numbered("one", number)));
    }

    #[test]
    fn every_nth_notice_is_lost() {
        let bus = Arc::new(LossyBus::every_nth(3));
        assert_eq!(heard(&bus, |bus| publish(bus, 1..=7)), [1, 2, 4, 5, 7]);
    }

    #[test]
    fn the_last_of_each_burst_is_lost() {
        let bus = Arc::new(LossyBus::last_of_bursts());
        let heard = heard(&bus, |bus| {
            publish(bus, 1..=3);
            bus.end_burst();
            publish(bus, 4..=4);
            bus.end_burst();
            publish(bus, 5..=6);
        });
        assert_eq!(heard, [1, 2, 5]);
    }

    #[test]
    fn a_deaf_bus_loses_everything_until_it_hears_again() {
        let bus = Arc::new(LossyBus::lossless());
        let heard = heard(&bus, |bus| {
            publish(bus, 1..=1);
            bus.set_deaf(true);
            publish(bus, 2..=3);
            bus.set_deaf(false);
            publish(bus, 4..=4);
        });
        assert_eq!(heard, [1, 4]);
    }

    #[test]
    fn a_chosen_notice_is_lost() {
        let second = |notice: &Notice| matches!(notice, Notice::SessionRenewed { expires_at, .. } if expires_at.as_millis() == 2);
        let bus = Arc::new(LossyBus::losing(second));
        assert_eq!(heard(&bus, |bus| publish(bus, 1..=3)), [1, 3]);
    }

    mod every_nth {
        use super::*;

        fn make_bus() -> BusUnderTest {
            let bus = Arc::new(LossyBus::every_nth(3));
            BusUnderTest { loses: true, ..BusUnderTest::immediate(bus) }
        }

        crate::bus_conformance!(make_bus);
    }

    mod last_of_bursts {
        use super::*;

        fn make_bus() -> BusUnderTest {
            let bus = Arc::new(LossyBus::last_of_bursts());
            let ending = Arc::clone(&bus);
            BusUnderTest { bus, settle: Box::new(move || ending.end_burst()), loses: true }
        }

        crate::bus_conformance!(make_bus);
    }
}
