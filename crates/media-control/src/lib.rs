//! What the rest of the server says to whatever moves media, which may run in the same process or apart.
//!
//! Everything said here may be said twice, and late: who listens acts on it once. Nothing waits for an answer.
//!
//! This crate must never import a runtime, a socket or a store.

#[cfg(feature = "testing")]
pub mod testing;

pub use callbox_turn_proto::credential::{CREDENTIAL_LIFE, Credential, CredentialKey};

use callbox_domain::{AppId, CallId, SessionId};

/// Whatever moves media.
pub trait MediaControl: Send + Sync {
    /// How clients reach it.
    fn urls(&self) -> RelayUrls;

    /// A session is over: its allocations end, and its credentials open no new ones.
    fn end_session(&self, session: &SessionId);

    /// A call is over: its allocations end, and its credentials open no new ones.
    fn end_call(&self, call: &CallSubject);

    /// Whether it does its work; otherwise what is wrong, for the log.
    fn health(&self) -> Result<(), String>;
}

/// The addresses of STUN (RFC 7064) and TURN (RFC 7065), as in `RTCIceServer.urls`; the preferred ones first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayUrls {
    /// `stun:host:port`.
    pub stun: Vec<String>,
    /// `turn:host:port?transport=udp`, `…=tcp`, and `turns:host:port?transport=tcp`.
    pub turn: Vec<String>,
}

/// A call as the relay knows it: call ids are unique in their app only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallSubject(String);

impl CallSubject {
    /// `<app>.<call>`.
    pub fn new(app: AppId, call: &CallId) -> Self {
        Self(format!("{app}.{call}"))
    }

    /// As it stands in a credential.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A server without a relay.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMedia;

impl MediaControl for NoMedia {
    fn urls(&self) -> RelayUrls {
        RelayUrls::default()
    }

    fn end_session(&self, _session: &SessionId) {}

    fn end_call(&self, _call: &CallSubject) {}

    fn health(&self) -> Result<(), String> {
        Ok(())
    }
}
