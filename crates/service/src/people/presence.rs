//! Who is there: counted by connections, which the socket edge reports as they come and go.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use callbox_bus::Notice;
use callbox_domain::{AppId, ConnectionId, Presence, SessionId, User, UserId};
use callbox_wire::people::Presence as WirePresence;

use crate::error::Refusal;
use crate::{Caller, Service};

/// The connections that each user has at this moment, by the session of each. Users without any are not in it.
#[derive(Default)]
pub(crate) struct PresenceBook {
    connections: Mutex<HashMap<(AppId, UserId), Vec<SessionId>>>,
}

impl PresenceBook {
    /// Adds a connection; whether it is the user's first.
    fn add(&self, app: AppId, user: &UserId, session: &SessionId) -> bool {
        let mut connections = self.lock();
        let sessions = connections.entry((app, user.clone())).or_default();
        sessions.push(session.clone());
        sessions.len() == 1
    }

    /// Removes a connection; whether it was the user's last.
    fn remove(&self, app: AppId, user: &UserId, session: &SessionId) -> bool {
        let mut connections = self.lock();
        let key = (app, user.clone());
        let Some(sessions) = connections.get_mut(&key) else { return false };
        if let Some(place) = sessions.iter().position(|one| one == session) {
            sessions.swap_remove(place);
        }
        sessions.is_empty() && connections.remove(&key).is_some()
    }

    fn is_online(&self, app: AppId, user: &UserId) -> bool {
        self.lock().contains_key(&(app, user.clone()))
    }

    /// The sessions of a user that have a connection.
    pub(crate) fn connected_sessions(&self, app: AppId, user: &UserId) -> HashSet<SessionId> {
        self.lock().get(&(app, user.clone())).into_iter().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(AppId, UserId), Vec<SessionId>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// A connection of the caller has a socket.
    pub async fn connection_opened(&self, caller: &Caller, connection: &ConnectionId) {
        if self.presence.add(caller.app_id(), &caller.user_id, &caller.session_id) {
            self.tell_presence(caller, Presence::Online);
        }
        self.connection_back(caller, connection).await;
    }

    /// The socket of a connection is closed, and no other has taken over.
    pub async fn connection_closed(&self, caller: &Caller, connection: &ConnectionId) {
        self.connection_lost(caller, connection).await;
        self.socket_closed(caller).await;
    }

    /// A socket of the caller is gone. When it was the last, the moment is kept as the user's `lastSeenAt`.
    pub async fn socket_closed(&self, caller: &Caller) {
        if !self.presence.remove(caller.app_id(), &caller.user_id, &caller.session_id) {
            return;
        }
        let (app, user, now) = (caller.app_id(), caller.user_id.clone(), self.clock.now());
        let kept = self.store.write(move |tx| Ok::<_, Refusal>(tx.touch_user(app, &user, now)?));
        if let Err(error) = kept.await {
            tracing::warn!(?error, user = %caller.user_id, "the time of the last connection could not be kept");
        }
        // Another connection may have come while the write was on its way.
        if !self.presence.is_online(app, &caller.user_id) {
            self.tell_presence(caller, Presence::Offline { last_seen_at: Some(now) });
        }
    }

    /// Whether a user is there.
    pub(crate) fn presence_of(&self, app: AppId, user: &User) -> WirePresence {
        let presence = if self.presence.is_online(app, &user.id) {
            Presence::Online
        } else {
            Presence::Offline { last_seen_at: user.last_seen_at }
        };
        WirePresence::from_domain(user.id.clone(), presence)
    }

    fn tell_presence(&self, caller: &Caller, presence: Presence) {
        self.bus.publish(Notice::PresenceChanged {
            app_id: caller.app_id(),
            presence: WirePresence::from_domain(caller.user_id.clone(), presence),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_connection_count() {
        let (book, app) = (PresenceBook::default(), AppId(1));
        let ann = UserId::new("ann").expect("valid");
        let [phone, laptop] = ["ses_phone", "ses_laptop"].map(|id| SessionId::new(id).expect("valid"));
        assert!(book.add(app, &ann, &phone));
        assert!(!book.add(app, &ann, &phone));
        assert!(!book.add(app, &ann, &laptop));
        assert!(book.is_online(app, &ann));
        assert!(!book.is_online(AppId(2), &ann));
        assert!(!book.remove(app, &ann, &laptop));
        assert_eq!(book.connected_sessions(app, &ann), HashSet::from([phone.clone()]));
        assert!(!book.remove(app, &ann, &phone));
        assert!(book.remove(app, &ann, &phone));
        assert!(!book.remove(app, &ann, &phone));
        assert!(!book.is_online(app, &ann));
    }
}
