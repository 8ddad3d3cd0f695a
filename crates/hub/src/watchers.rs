//! Which connections watch whose presence.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callbox_domain::{AppId, UserId};

use crate::connection::Connection;

type WatchersByUser = HashMap<(AppId, UserId), Vec<Arc<Connection>>>;

/// Watching connections by the user whom they watch.
#[derive(Default)]
pub(crate) struct Watchers {
    by_user: Mutex<WatchersByUser>,
}

impl Watchers {
    /// Makes `connection` watch exactly these users.
    pub(crate) fn watch(&self, connection: &Arc<Connection>, mut users: Vec<UserId>) {
        let Some(app) = connection.app() else { return };
        users.sort();
        users.dedup();
        let mut by_user = self.by_user();
        let before = connection.swap_watched(users.clone());
        forget(&mut by_user, app, connection, before);
        for user in users {
            by_user.entry((app, user)).or_default().push(Arc::clone(connection));
        }
    }

    /// Makes `connection` watch nobody.
    pub(crate) fn unwatch(&self, connection: &Arc<Connection>) {
        let Some(app) = connection.app() else { return };
        let mut by_user = self.by_user();
        let before = connection.swap_watched(Vec::new());
        forget(&mut by_user, app, connection, before);
    }

    /// The connections that watch a user.
    pub(crate) fn of(&self, app: AppId, user: &UserId) -> Vec<Arc<Connection>> {
        self.by_user().get(&(app, user.clone())).cloned().unwrap_or_default()
    }

    fn by_user(&self) -> MutexGuard<'_, WatchersByUser> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(by_user: &mut WatchersByUser, app: AppId, connection: &Arc<Connection>, users: Vec<UserId>) {
    for user in users {
        let key = (app, user);
        if let Some(watchers) = by_user.get_mut(&key) {
            watchers.retain(|other| !Arc::ptr_eq(other, connection));
            if watchers.is_empty() {
                by_user.remove(&key);
            }
        }
    }
}
