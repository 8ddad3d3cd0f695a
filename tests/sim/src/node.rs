//! A server: its use cases, its hub and its door to the database. A crash takes all of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use callbox_bus::Bus;
use callbox_domain::testing::ManualClock;
use callbox_domain::{Random, SessionId};
use callbox_hub::Hub;
use callbox_media_control::NoMedia;
use callbox_service::sessions::jwt::NoKeys;
use callbox_service::{LimitSettings, MasterKey, Parts, Service};
use futures_executor::block_on;

use crate::bus::{NodeBus, Post};
use crate::store::{Database, Door};
use crate::task::Task;

/// What all nodes are made of.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) database: Arc<Database>,
    pub(crate) post: Arc<Post>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) master_key: MasterKey,
}

/// A node that runs.
pub(crate) struct Node {
    pub(crate) service: Arc<Service>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) door: Arc<Door>,
    /// How far the list of ended sessions was read.
    pub(crate) swept: u64,
    pub(crate) sweeping: Option<Task<u64>>,
    /// It compares what its sockets know with where their logs end.
    pub(crate) comparing: Option<Task<()>>,
    /// Sessions that this node knows to be over.
    pub(crate) ended: BTreeSet<SessionId>,
}

impl Node {
    /// Starts as a server does, and takes connections from now on.
    pub(crate) fn start(number: usize, ground: &Ground) -> Self {
        let bus: Arc<dyn Bus> = Arc::new(NodeBus { node: number, post: Arc::clone(&ground.post) });
        let door = Arc::new(Door::new(Arc::clone(&ground.database), Arc::clone(&bus)));
        let service = Arc::new(Service::new(Parts {
            store: door.clone(),
            bus: Arc::clone(&bus),
            media: Arc::new(NoMedia),
            clock: ground.clock.clone(),
            random: Arc::clone(&ground.random),
            master_key: ground.master_key.clone(),
            limits: LimitSettings::default(),
            keys: Arc::new(NoKeys),
        }));
        service.allow_open_sign_in();
        let hub = Hub::new(Arc::clone(&service), bus.as_ref());
        door.set_open(true);
        block_on(service.recover_calls()).expect("a store in memory reads");
        let swept = block_on(service.newest_ended_session()).expect("a store in memory reads");
        door.set_open(false);
        Self { service, hub, door, swept, sweeping: None, comparing: None, ended: BTreeSet::new() }
    }

    /// Does something at once that is no part of the simulation.
    pub(crate) fn aside<T>(&self, work: impl AsyncFnOnce(&Service) -> T) -> T {
        self.door.set_open(true);
        let result = block_on(work(&self.service));
        self.door.set_open(false);
        result
    }
}
