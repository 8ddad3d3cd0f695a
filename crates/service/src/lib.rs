//! The use cases of Callbox: a folder for each noun, a file for each verb.
//!
//! Every permission check is here. The edges above (HTTP, sockets) say who asks, in the form of a [`Caller`]; the
//! ports below (store, bus) are told what to keep and whom to tell. This crate must never know that a socket, a route
//! or a database exists: no tokio, axum or rusqlite.

pub mod accounts;
pub mod audit;
mod caller;
pub mod calls;
mod error;
pub mod events;
mod generated;
pub mod guessing;
mod health;
mod identities;
mod limits;
pub mod messaging;
pub mod operator;
pub mod passwords;
pub mod people;
pub mod sessions;
pub mod signature;
pub mod users;

#[cfg(test)]
mod testing;

pub use accounts::{MasterKey, MasterKeyError};
use caller::SharedApps;
pub use caller::{Caller, Manager, SharedApp};
pub use error::ServiceResult;
use health::MediaTrouble;
pub use health::{Trouble, TroubledPart};
pub use limits::LimitSettings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callbox_bus::Bus;
use callbox_domain::random::random_text;
use callbox_domain::{Clock, Random};
use callbox_media_control::{CredentialKey, MediaControl};
use callbox_storage::Store;

use calls::LiveCalls;
use events::RetentionSettings;
use guessing::Guessing;
use limits::Limits;
use operator::OperatorDoor;
use passwords::HashPool;
use people::PresenceBook;
use sessions::jwt::{FetchKeys, IssuerKeys};
use sessions::{RelayingSessions, TouchedSessions};

/// Everything that the use cases work with.
pub struct Service {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    media: Arc<dyn MediaControl>,
    media_trouble: MediaTrouble,
    relay_key: CredentialKey,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    master_key: MasterKey,
    limits: Limits,
    retention: RetentionSettings,
    presence: Arc<PresenceBook>,
    touched: TouchedSessions,
    relaying: RelayingSessions,
    passwords: HashPool,
    guessing: Guessing,
    issuer_keys: IssuerKeys,
    apps: SharedApps,
    calls: LiveCalls,
    open_sign_in: AtomicBool,
    operator: OperatorDoor,
}

/// What a [`Service`] is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// How sockets learn of things.
    pub bus: Arc<dyn Bus>,
    /// What moves media where browsers find no direct way.
    pub media: Arc<dyn MediaControl>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Opens the sealed secrets of the store.
    pub master_key: MasterKey,
    /// How much one session may ask for, and one who guesses.
    pub limits: LimitSettings,
    /// Fetches the keys of identity providers.
    pub keys: Arc<dyn FetchKeys>,
}

impl Service {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self {
            limits: Limits::new(parts.limits, &parts.clock),
            retention: parts.limits.retention,
            passwords: HashPool::new(HashPool::default_threads(), Arc::clone(&parts.clock)),
            guessing: Guessing::new(parts.limits.guessing, Arc::clone(&parts.clock)),
            issuer_keys: IssuerKeys::new(parts.keys, Arc::clone(&parts.clock)),
            store: parts.store,
            bus: parts.bus,
            media: parts.media,
            media_trouble: MediaTrouble::default(),
            relay_key: calls::relay_key(&parts.master_key),
            clock: parts.clock,
            random: parts.random,
            master_key: parts.master_key,
            presence: Arc::default(),
            touched: TouchedSessions::default(),
            relaying: RelayingSessions::default(),
            apps: SharedApps::default(),
            calls: LiveCalls::default(),
            open_sign_in: AtomicBool::new(false),
            operator: OperatorDoor::default(),
        }
    }

    /// Lets in users without a credential where their app says so. Only a development server does: until this is called
    /// no app's settings can switch open sign-in on, whoever made the database.
    pub fn allow_open_sign_in(&self) {
        self.open_sign_in.store(true, Ordering::Relaxed);
    }

    pub(crate) fn takes_open_sign_in(&self) -> bool {
        self.open_sign_in.load(Ordering::Relaxed)
    }

    /// The clock that everything here goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// A new id for a request, to find its log line by.
    pub fn new_request_id(&self) -> String {
        format!("req_{}", random_text(self.random.as_ref(), 10))
    }
}
