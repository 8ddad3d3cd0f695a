//! Whole servers and their clients under a seeded scheduler, checked against a small model.
//!
//! What is real: the use cases, the hub, the link of each socket, the store (`SQLite` in memory) and the client's core. What
//! is played: the sockets, the bus, the row in which nodes wait for the database, and time. A scheduler takes one step after
//! the other, chosen by the seed alone: a frame arrives, a job of the database is done, work that waited goes on, a notice is
//! delivered or lost, a socket is cut with the newest frames on it, a node crashes with everything in its memory, a page is
//! loaded again, a session ends, time passes. So the same seed is the same story.
//!
//! **What is checked.** `model` keeps every log and every conversation from what is committed, and refuses gaps, doubles,
//! messages that overtake each other and receipts that go back. `app` is what a person would see: each event of the log once
//! and in order, every message of the history, receipts that never go back. Besides: what was answered as accepted is kept;
//! a message is refused only for a reason; after a node knows that a session is over, its sockets hear nothing and are
//! closed; no server closes a socket of a client that keeps to the protocol. Once the storm is over, all that is under way
//! ends, though the bus may lose every notice from then on, and everyone has everything.
//!
//! **When a seed fails**, its number and what was not as it must be are printed. `cargo run -p callbox-sim -- <seed>` tells
//! its story from the first step to the one that failed; with `SIM_SEED=<seed>` the test does the same. Begin at the last line
//! and look for the device or socket that it names: `device 2` is a client, `socket 4` one of its sockets, `node 0` a server,
//! `bus (1, 0)` the way of notices from node 1 to node 0, `job 0` the first of the work that waits for the database. A line of
//! a socket shows the frame, so that `grep "socket 4"` tells its whole life. The story is the same at every run, so that an
//! added `self.trace.tell(…)`, or a log line in the product, shows more of it. Keep the seed in `tests/found.txt`, and the
//! lesson in a test beside the code that was wrong: seeds lose their story whenever a step is added.
//!
//! **What it cannot do.** Work of a server is interrupted only where it waits for the database, and one job of the database is
//! done at a time, so that two writes never share a batch. Every read sees all writes before it; on several readers a read
//! may see a little less, which here would be a read done earlier. Calls, presence and typing are left out: calls are played by the tests
//! of `call-proto`. The disk is not here at all.

mod app;
mod bus;
mod calm;
mod device;
mod dice;
mod errand;
mod model;
mod network;
mod node;
mod people;
mod servers;
mod step;
mod store;
mod task;
mod temper;
mod trace;
mod wire;
mod world;

pub use trace::{HAPPENINGS, Tally};

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use callbox_bus::LocalBus;
use callbox_domain::AppSettings;
use callbox_domain::testing::{CountingRandom, ManualClock};
use callbox_media_control::NoMedia;
use callbox_service::accounts::CreateApp;
use callbox_service::audit::Actor;
use callbox_service::sessions::jwt::NoKeys;
use callbox_service::{LimitSettings, MasterKey, Parts, Service};
use futures_executor::block_on;

use store::Database;
use trace::Trace;
use world::World;

/// Where seeds happen, one after the other: a database in memory with one app. Each seed has users of its own.
pub struct Stage {
    database: Arc<Database>,
    master_key: MasterKey,
}

/// What went wrong in a seed.
#[derive(Debug)]
pub struct Failure {
    /// Which.
    pub seed: u64,
    /// What was not as it must be.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}: {}", self.seed, self.what)
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// An empty one.
    pub fn new() -> Self {
        let database = Arc::new(Database::open());
        let random = Arc::new(CountingRandom::default());
        let master_key = MasterKey::generate(random.as_ref());
        let service = Service::new(Parts {
            store: database.store.clone(),
            bus: Arc::new(LocalBus::default()),
            media: Arc::new(NoMedia),
            clock: Arc::new(ManualClock::default()),
            random,
            master_key: master_key.clone(),
            limits: LimitSettings::default(),
            keys: Arc::new(NoKeys),
        });
        let settings =
            AppSettings { directory: callbox_domain::Directory::Contacts, ..AppSettings::development() };
        let app = CreateApp { name: "Simulation".to_owned(), key: Some(world::app_key()), settings };
        block_on(service.create_app(Actor::CommandLine, app)).expect("a new app");
        Self { database, master_key }
    }

    /// Plays a seed; how often what happened.
    pub fn play(&self, seed: u64) -> Result<Tally, Failure> {
        self.run(seed, Trace::default()).1
    }

    /// Plays a seed and tells its story, which ends in what went wrong, if anything did.
    pub fn tell(&self, seed: u64) -> (Vec<String>, Result<Tally, Failure>) {
        self.run(seed, Trace { lines: Some(Vec::new()), ..Trace::default() })
    }

    fn run(&self, seed: u64, trace: Trace) -> (Vec<String>, Result<Tally, Failure>) {
        let mut world = World::new(self, seed, trace);
        let played = catch_unwind(AssertUnwindSafe(|| world.run()));
        let Trace { lines, tally } = std::mem::take(&mut world.trace);
        let played = match played {
            Ok(Ok(())) => Ok(tally),
            Ok(Err(what)) => Err(Failure { seed, what }),
            Err(_) => Err(Failure { seed, what: "something panicked; the message stands above".to_owned() }),
        };
        (lines.unwrap_or_default(), played)
    }
}
