//! What a bus must do, as tests that every bus passes, and buses that do as little of it as they may.
//!
//! A crate that implements [`Bus`] writes, in a test:
//!
//! ```text
//! callbox_bus::bus_conformance!(make_bus);
//! ```
//!
//! where `make_bus` is a function to a new [`BusUnderTest`]. Each case becomes a test of its own.
//!
//! Whoever listens to a bus is tested with [`LossyBus`], which loses by a rule, and with [`HeldBus`], on which the test
//! decides what is delivered when.

mod conformance;
mod held;
mod lossy;

pub use held::HeldBus;
pub use lossy::LossyBus;

use std::sync::Arc;

use crate::Bus;

/// A bus as the suite needs it.
pub struct BusUnderTest {
    /// The bus, without listeners.
    pub bus: Arc<dyn Bus>,
    /// Returns when everything that was published has been delivered or lost.
    pub settle: Box<dyn Fn() + Send + Sync>,
    /// Whether it loses notices on a quiet machine too. Otherwise the suite expects every one of them.
    pub loses: bool,
}

impl BusUnderTest {
    /// A bus that loses nothing and has delivered when publishing returns.
    pub fn immediate(bus: Arc<dyn Bus>) -> Self {
        Self { bus, settle: Box::new(|| ()), loses: false }
    }
}

/// Turns every case of the suite into a `#[test]` on buses made by the function `$make`.
#[macro_export]
macro_rules! bus_conformance {
    ($make:path) => {
        $crate::bus_cases! { bus_tests ($make) }
    };
}

/// Runs the case `name`; for [`bus_conformance!`].
#[doc(hidden)]
pub fn run(name: &str, make: &dyn Fn() -> BusUnderTest) {
    let (_, case) = CASES.iter().find(|(known, _)| *known == name).expect("a case of the list");
    case(&make());
}

/// The one list of cases, handed to another macro. A case that is missing here is dead code.
#[doc(hidden)]
#[macro_export]
macro_rules! bus_cases {
    ($callback:ident $arguments:tt) => {
        $crate::$callback! { $arguments
            every_listener_hears_in_the_order_of_the_publisher;
            a_listener_hears_nothing_from_before_it_came;
            each_of_many_threads_keeps_its_order;
            a_listener_that_comes_meanwhile_hears_all_from_then_on;
            a_listener_that_panics_takes_nobody_with_it;
        }
    };
}

/// A test for each case.
#[doc(hidden)]
#[macro_export]
macro_rules! bus_tests {
    (($make:path) $($case:ident;)*) => {
        $(
            #[test]
            fn $case() {
                $crate::testing::run(stringify!($case), &$make);
            }
        )*
    };
}

/// A table of all cases.
#[doc(hidden)]
#[macro_export]
macro_rules! bus_case_table {
    (() $($case:ident;)*) => {
        &[$((stringify!($case), conformance::$case)),*]
    };
}

/// A name and the function that plays it.
type Case = (&'static str, fn(&BusUnderTest));

const CASES: &[Case] = bus_cases! { bus_case_table () };
