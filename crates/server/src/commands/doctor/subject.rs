//! What is examined: a server of this machine, what the outside sees of one, or both.

use std::net::SocketAddr;
use std::sync::Arc;

use callbox_domain::Timestamp;
use callbox_service::MasterKey;

use super::site::Site;
use crate::config::{Config, resolve};

/// A server of this machine, as its configuration describes it.
pub(super) struct Local {
    pub(super) config: Config,
    /// Whether it is one of `callbox dev`.
    pub(super) is_development: bool,
}

impl Local {
    /// Where it listens.
    pub(super) fn listen(&self) -> Option<SocketAddr> {
        resolve("server.listen", &self.config.server.listen).ok()
    }

    /// Whether its relay can speak TLS.
    pub(super) fn has_relay_certificate(&self) -> bool {
        self.config.relay.cert.is_some() || self.config.tls.cert.is_some()
    }

    /// Where it is reached on this machine.
    pub(super) fn site(&self) -> Option<Site> {
        Some(Site::local(self.listen()?, self.config.tls.cert.is_some()))
    }
}

/// What the checks over the network go by.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) local: Option<Arc<Local>>,
    /// Whether a server runs on the data folder.
    pub(super) is_running: bool,
    pub(super) master_key: Option<MasterKey>,
    pub(super) migrated_at: Option<Timestamp>,
    /// What `--public` names.
    pub(super) public: Option<Site>,
}

impl Subject {
    /// The server of this machine, where one runs.
    pub(super) fn running(&self) -> Option<Site> {
        self.local.as_ref().filter(|_| self.is_running)?.site()
    }
}
