//! Sessions with credentials for the relay that are for no call: their end closes what these have opened, and one that comes
//! with the time alone is told by nobody else. Calls end when a leg's session does, and take their credentials with them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use callbox_domain::{AppId, SessionId, Timestamp};
use callbox_wire::ErrorCode;

use crate::{Caller, Service, ServiceResult};

/// When such sessions end by themselves, as far as is known; they may have been renewed.
#[derive(Default)]
pub(crate) struct RelayingSessions(Mutex<HashMap<SessionId, (AppId, Timestamp)>>);

impl RelayingSessions {
    /// Notes a session. Errors: `overloaded`.
    pub(crate) fn note(&self, caller: &Caller) -> ServiceResult<()> {
        let mut sessions = self.sessions();
        if sessions.len() >= RELAYING_MAX && !sessions.contains_key(&caller.session_id) {
            return Err(ErrorCode::Overloaded.into());
        }
        sessions.insert(caller.session_id.clone(), (caller.app_id(), caller.session_expires_at));
        Ok(())
    }

    /// Forgets a session whose end was told.
    pub(super) fn forget(&self, session: &SessionId) {
        self.sessions().remove(session);
    }

    /// Those that have ended, unless they were renewed.
    fn due(&self, now: Timestamp) -> Vec<(AppId, SessionId)> {
        let sessions = self.sessions();
        let due = sessions.iter().filter(|(_, (_, expires_at))| *expires_at <= now);
        due.map(|(session, (app, _))| (*app, session.clone())).collect()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, (AppId, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Tells the relay of sessions that have ended by themselves; call it about once a minute.
    pub async fn end_expired_relaying(&self) {
        for (app, id) in self.relaying.due(self.clock.now()) {
            let wanted = id.clone();
            // One that cannot be read now is looked at again.
            let Ok(session) = self.store.read(move |store| store.session(app, &wanted)).await else { return };
            if let Some(renewed) = session.filter(|session| session.check(self.clock.now()).is_ok()) {
                self.relaying.sessions().insert(id, (app, renewed.expires_at));
            } else {
                self.media.end_session(&id);
                self.relaying.forget(&id);
            }
        }
    }
}

/// Sessions that may have such credentials at once.
const RELAYING_MAX: usize = 100_000;
