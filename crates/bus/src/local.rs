//! The bus of a server that is alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};

use crate::{Bus, Listener, Notice};

/// Calls its listeners at once, on the thread that publishes.
#[derive(Default)]
pub struct LocalBus {
    listeners: RwLock<Vec<Listener>>,
}

impl Bus for LocalBus {
    fn publish(&self, notice: Notice) {
        for listener in self.listeners.read().unwrap_or_else(PoisonError::into_inner).iter() {
            // The panic hook has told of it. Neither the others nor the dispatcher may end with one listener.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(&notice)));
        }
    }

    fn subscribe(&self, listener: Listener) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::BusUnderTest;

    fn make_bus() -> BusUnderTest {
        BusUnderTest::immediate(Arc::new(LocalBus::default()))
    }

    crate::bus_conformance!(make_bus);
}
