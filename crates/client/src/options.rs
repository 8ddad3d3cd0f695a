//! How a client is set up.

use callbox_domain::ConnectionId;
use callbox_wire::session::Device;

/// With what a client signs in and connects. Only the first three are needed:
///
/// ```
/// use callbox_client::{Credential, Options};
///
/// let options = Options::new("http://localhost:8080", "demo", Credential::Open("ann".into()));
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) url: String,
    pub(crate) app_key: String,
    pub(crate) credential: crate::Credential,
    pub(crate) device: Option<Device>,
    pub(crate) expires_in: Option<u32>,
    pub(crate) force: Option<bool>,
    pub(crate) cursor: Option<String>,
    pub(crate) connection_id: Option<ConnectionId>,
}

impl Options {
    /// The server's address, the app's key, and who signs in.
    pub fn new(url: impl Into<String>, app_key: impl Into<String>, credential: crate::Credential) -> Self {
        Self {
            url: url.into(),
            app_key: app_key.into(),
            credential,
            device: None,
            expires_in: None,
            force: None,
            cursor: None,
            connection_id: None,
        }
    }

    /// What the user is told of this device in the list of sessions.
    pub fn device(self, device: Device) -> Self {
        Self { device: Some(device), ..self }
    }

    /// The wished life of the session, in seconds.
    pub fn expires_in(self, seconds: u32) -> Self {
        Self { expires_in: Some(seconds), ..self }
    }

    /// Where the user has as many sessions as the app allows: whether the one used least recently ends for this one (the
    /// default), or the sign-in is refused.
    pub fn force(self, force: bool) -> Self {
        Self { force: Some(force), ..self }
    }

    /// Goes on behind this place in the user's events; see [`Events::cursor`](crate::Events::cursor). Without it, the client
    /// hears what happens from now on.
    pub fn cursor(self, cursor: impl Into<String>) -> Self {
        Self { cursor: Some(cursor.into()), ..self }
    }

    /// The name of this client among those of the session; a random one where it is left out. Another client of the session
    /// with the same name takes its place.
    pub fn connection_id(self, id: ConnectionId) -> Self {
        Self { connection_id: Some(id), ..self }
    }
}
