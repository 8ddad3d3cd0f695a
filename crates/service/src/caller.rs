//! Who asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use callbox_domain::{App, AppId, SessionId, Timestamp, UserId};

/// A signed-in user on one session, checked at the moment when the request came.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The app; everything the caller sees is inside it.
    pub app: Arc<App>,
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

/// One copy of each app in memory, however many connections hold it.
#[derive(Default)]
pub(crate) struct SharedApps(Mutex<HashMap<AppId, Arc<App>>>);

impl SharedApps {
    /// The shared copy of an app as it was just read; a changed app replaces the copy.
    pub(crate) fn share(&self, app: App) -> Arc<App> {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match apps.get(&app.id) {
            Some(shared) if **shared == app => Arc::clone(shared),
            _ => {
                let shared = Arc::new(app);
                apps.insert(shared.id, Arc::clone(&shared));
                shared
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn an_app_is_shared_until_it_changes() {
        let world = World::new();
        let (ann, bob) = (world.caller("ann"), world.caller("bob"));
        assert!(Arc::ptr_eq(&ann.app, &bob.app));
        let apps = SharedApps::default();
        let first = apps.share(App::clone(&ann.app));
        let renamed = apps.share(App { name: "Shop".to_owned(), ..App::clone(&ann.app) });
        assert_eq!((first.name.as_str(), renamed.name.as_str()), ("app-one", "Shop"));
        assert!(Arc::ptr_eq(&renamed, &apps.share(App::clone(&renamed))));
    }
}
