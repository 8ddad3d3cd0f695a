//! Admitted connections by user.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callbox_domain::{AppId, UserId};

use crate::connection::Connection;

/// Connections that one session may have open at once.
pub(crate) const CONNECTIONS_PER_SESSION_MAX: usize = 8;

type Users = HashMap<(AppId, UserId), Vec<Arc<Connection>>>;

/// Admitted connections, in shards so that deliveries to different users do not wait for each other.
pub(crate) struct Registry {
    shards: Vec<Mutex<Users>>,
    hasher: RandomState,
}

/// What became of a connection that asked for its place.
pub(crate) enum Placed {
    /// It has one; a connection of the same name had to go.
    In {
        /// The one that was replaced.
        replaced: Option<Arc<Connection>>,
    },
    /// A newer one of the same name was placed before it.
    Late,
    /// The session has as many as it may have.
    Full,
}

impl Registry {
    /// Gives an admitted connection its place.
    pub(crate) fn place(&self, connection: &Arc<Connection>) -> Placed {
        let Some(member) = connection.member() else { return Placed::Full };
        let key = (member.caller.app_id(), member.caller.user_id.clone());
        let mut users = self.shard(&key);
        let connections = users.entry(key).or_default();
        let twin = connections.iter().position(|other| {
            other.is_of_session(&member.caller.session_id) && other.is_named(&member.connection_id)
        });
        if let Some(twin) = twin {
            // A client opens one socket after the other, but a hello that waits for the store may be overtaken.
            if connections[twin].number() > connection.number() {
                return Placed::Late;
            }
            let replaced = std::mem::replace(&mut connections[twin], Arc::clone(connection));
            return Placed::In { replaced: Some(replaced) };
        }
        let of_session = connections.iter().filter(|other| other.is_of_session(&member.caller.session_id));
        if of_session.count() >= CONNECTIONS_PER_SESSION_MAX {
            return Placed::Full;
        }
        connections.push(Arc::clone(connection));
        Placed::In { replaced: None }
    }

    /// Takes a connection's place away; `false` when it had none.
    pub(crate) fn remove(&self, connection: &Arc<Connection>) -> bool {
        let Some(member) = connection.member() else { return false };
        let key = (member.caller.app_id(), member.caller.user_id.clone());
        let mut users = self.shard(&key);
        let Some(connections) = users.get_mut(&key) else { return false };
        let before = connections.len();
        connections.retain(|other| !Arc::ptr_eq(other, connection));
        let removed = connections.len() < before;
        if connections.is_empty() {
            users.remove(&key);
        }
        removed
    }

    /// A user's connections.
    pub(crate) fn of_user(&self, app: AppId, user: &UserId) -> Vec<Arc<Connection>> {
        let key = (app, user.clone());
        self.shard(&key).get(&key).cloned().unwrap_or_default()
    }

    /// Every user who has a connection.
    pub(crate) fn users(&self) -> Vec<(AppId, UserId)> {
        let mut found = Vec::new();
        for shard in &self.shards {
            found.extend(shard.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned());
        }
        found
    }

    /// Every connection of an app. Walks all users: for rare events only.
    pub(crate) fn of_app(&self, app: AppId) -> Vec<Arc<Connection>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let users = shard.lock().unwrap_or_else(PoisonError::into_inner);
            found.extend(
                users.iter().filter(|((of, _), _)| *of == app).flat_map(|(_, some)| some.iter().cloned()),
            );
        }
        found
    }

    fn shard(&self, key: &(AppId, UserId)) -> MutexGuard<'_, Users> {
        let hash = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards[hash].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

const SHARDS: usize = 64;
