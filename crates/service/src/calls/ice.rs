//! How a leg of a call finds its way: STUN and TURN servers, and credentials for them.

use callbox_domain::CallId;
use callbox_media_control::{CallSubject, Credential, CredentialKey};
use callbox_wire::call::{IceConfiguration, IceServer, IceTransportPolicy};

use crate::{Caller, MasterKey, Service};

/// The key under which a server's relay credentials are made and checked.
pub fn relay_key(master_key: &MasterKey) -> CredentialKey {
    CredentialKey::new(master_key.derive(&[b"relay credentials"]))
}

impl Service {
    /// STUN and TURN servers with credentials of the caller's session, bound to a call where one is named.
    pub fn ice_configuration(&self, caller: &Caller, call: Option<&CallId>) -> IceConfiguration {
        let urls = self.media.urls();
        let now = self.clock.now();
        let mut ice_servers = Vec::new();
        if !urls.stun.is_empty() {
            ice_servers.push(IceServer { urls: urls.stun, username: None, credential: None });
        }
        let mut expires_at = None;
        if !urls.turn.is_empty() {
            let subject = call.map(|call| CallSubject::new(caller.app_id(), call));
            let subject = subject.as_ref().map_or("", CallSubject::as_str);
            let credential = Credential::new(now, caller.session_id.as_str(), subject);
            expires_at = Some(credential.expires_at());
            ice_servers.push(IceServer {
                urls: urls.turn,
                username: Some(credential.username()),
                credential: Some(credential.password(&self.relay_key).into_exposed()),
            });
        }
        IceConfiguration { ice_servers, ice_transport_policy: IceTransportPolicy::All, expires_at }
    }
}
