//! A user's own sessions.

use callbox_domain::Session;

use crate::error::read;
use crate::{Caller, Service, ServiceResult};

/// A session, and what the server knows of it at this moment.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The session.
    pub session: Session,
    /// Whether it has a connection.
    pub connected: bool,
}

impl Service {
    /// The caller's open sessions, the one used last first. They are at most as many as an app may allow.
    pub async fn list_sessions(&self, caller: &Caller) -> ServiceResult<Vec<OpenSession>> {
        self.open_sessions_of(caller.app_id(), &caller.user_id).await
    }

    /// A user's open sessions, the one used last first.
    pub(crate) async fn open_sessions_of(
        &self,
        app: callbox_domain::AppId,
        user: &callbox_domain::UserId,
    ) -> ServiceResult<Vec<OpenSession>> {
        let (owner, now) = (user.clone(), self.clock.now());
        let sessions = read(self.store.read(move |store| store.open_sessions_of(app, &owner)).await)?;
        let connected = self.presence.connected_sessions(app, user);
        let good = sessions.into_iter().filter(|session| session.check(now).is_ok());
        Ok(good.map(|session| OpenSession { connected: connected.contains(&session.id), session }).collect())
    }
}
