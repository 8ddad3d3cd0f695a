//! How a leg of a call finds its way: STUN and TURN servers, and credentials for them.

use callbox_call_proto::{CallView, Endpoint};
use callbox_domain::CallId;
use callbox_media_control::{CallSubject, Credential, CredentialKey};
use callbox_wire::ErrorCode;
use callbox_wire::call::{IceConfiguration, IceServer, IceTransportPolicy};

use super::machine;
use crate::error::read;
use crate::{Caller, MasterKey, Service, ServiceResult};

/// The key under which a server's relay credentials are made and checked.
pub fn relay_key(master_key: &MasterKey) -> CredentialKey {
    CredentialKey::new(master_key.derive(&[b"relay credentials"]))
}

impl Service {
    /// [`Service::ice_configuration`] for whoever asks: a call must be live, and the caller's session take part in it, or
    /// its user be rung.
    ///
    /// Errors: `call_not_found`, `overloaded`.
    pub async fn ice_servers(
        &self,
        caller: &Caller,
        call: Option<&CallId>,
    ) -> ServiceResult<IceConfiguration> {
        if call.is_none() {
            self.relaying.note(caller)?;
        }
        if let Some(call) = call {
            let (app, id) = (caller.app_id(), call.clone());
            let record = read(self.store.read(move |store| store.call(app, &id)).await)?;
            // An unreadable one is nobody's call either; whoever moves it learns more.
            let view = record.and_then(|record| machine(&record).ok()).and_then(|call| call.view());
            if !view.is_some_and(|view| takes_part(&view, caller)) {
                return Err(ErrorCode::CallNotFound.into());
            }
        }
        Ok(self.ice_configuration(caller, call))
    }

    /// STUN and TURN servers with credentials of the caller's session, bound to a call where one is named. Whether the
    /// caller takes part in that call is for whoever asks to know; [`Service::ice_servers`] looks.
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
        let ice_transport_policy = if caller.app.now().settings.relay_only {
            IceTransportPolicy::Relay
        } else {
            IceTransportPolicy::All
        };
        IceConfiguration { ice_servers, ice_transport_policy, expires_at }
    }
}

/// Whether a live call needs a way to the caller's session: a leg's, or any of a callee who has not answered.
fn takes_part(call: &CallView, caller: &Caller) -> bool {
    let is_callers = |leg: &Endpoint| leg.session_id == caller.session_id;
    is_callers(&call.caller) || call.accepted_by.as_ref().map_or(call.callee_id == caller.user_id, is_callers)
}
