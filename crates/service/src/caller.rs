//! Who asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use callbox_domain::{App, AppId, SessionId, Timestamp, UserId};

use crate::audit::Actor;

/// A signed-in user on one session, checked at the moment when the request came.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The app; everything the caller sees is inside it.
    pub app: SharedApp,
    /// Who.
    pub user_id: UserId,
    /// On which session.
    pub session_id: SessionId,
    /// When that session ends by itself.
    pub session_expires_at: Timestamp,
}

impl Caller {
    /// The app's number.
    pub fn app_id(&self) -> AppId {
        self.app.id
    }
}

/// Whoever manages an app and its users: its backend, which proved that it holds the app's secret, or the operator.
#[derive(Debug, Clone)]
pub struct Manager {
    /// The app; everything that a manager may do is inside it.
    pub app: SharedApp,
    /// Which of them, for the audit log.
    pub actor: Actor,
}

impl Manager {
    /// The app's number.
    pub fn app_id(&self) -> AppId {
        self.app.id
    }
}

/// An app as everyone who holds it sees it: a change of its settings reaches connections that were opened before.
#[derive(Debug, Clone)]
pub struct SharedApp {
    id: AppId,
    current: Arc<ArcSwap<App>>,
}

impl SharedApp {
    /// The app as it is now, as far as this node knows.
    pub fn now(&self) -> Arc<App> {
        self.current.load_full()
    }
}

/// One copy of each app in memory, however many connections hold it.
#[derive(Default)]
pub(crate) struct SharedApps(Mutex<HashMap<AppId, Arc<ArcSwap<App>>>>);

impl SharedApps {
    /// The shared copy of an app as it was just read; a changed app replaces what others see.
    pub(crate) fn share(&self, app: App) -> SharedApp {
        let id = app.id;
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = if let Some(current) = apps.get(&id) {
            if **current.load() != app {
                current.store(Arc::new(app));
            }
            Arc::clone(current)
        } else {
            let current = Arc::new(ArcSwap::from_pointee(app));
            apps.insert(id, Arc::clone(&current));
            current
        };
        SharedApp { id, current }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn an_app_is_shared_and_its_changes_are_seen_by_all() {
        let world = World::new();
        let (ann, bob) = (world.caller("ann"), world.caller("bob"));
        assert!(Arc::ptr_eq(&ann.app.now(), &bob.app.now()));
        let apps = SharedApps::default();
        let first = apps.share(App::clone(&ann.app.now()));
        let renamed = apps.share(App { name: "Shop".to_owned(), ..App::clone(&ann.app.now()) });
        assert_eq!((first.now().name.as_str(), renamed.now().name.as_str()), ("Shop", "Shop"));
        assert_eq!(ann.app.now().name, "app-one");
    }
}
