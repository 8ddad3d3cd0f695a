//! Lists apps with their keys, without any secret.

use callbox_domain::{App, AppKey, AppKeyRecord};

use super::no_such_app;
use crate::error::read;
use crate::{Service, ServiceResult};

/// An app and every key that leads, or led, to it.
#[derive(Debug, Clone)]
pub struct AppWithKeys {
    /// The app.
    pub app: App,
    /// Its keys, newest generation first.
    pub keys: Vec<AppKeyRecord>,
}

impl Service {
    /// All apps of this server.
    pub async fn list_apps(&self) -> ServiceResult<Vec<AppWithKeys>> {
        let apps = self.store.read(|store| {
            let apps = store.apps()?.into_iter();
            apps.map(|app| Ok(AppWithKeys { keys: store.keys_of_app(app.id)?, app })).collect()
        });
        read(apps.await)
    }

    /// Every key that leads, or led, to an app, newest generation first.
    ///
    /// Errors: `app_not_found`.
    pub async fn list_app_keys(&self, key: &AppKey) -> ServiceResult<AppWithKeys> {
        let app = self.find_app(key).await.map_err(no_such_app)?;
        let id = app.id;
        let keys = read(self.store.read(move |store| store.keys_of_app(id)).await)?;
        Ok(AppWithKeys { app, keys })
    }

    /// Whether any app's pages come from this web origin.
    pub async fn is_origin_of_some_app(&self, origin: &str) -> ServiceResult<bool> {
        let apps = read(self.store.read(|store| store.apps()).await)?;
        Ok(apps.iter().any(|app| app.settings.allows_origin(origin)))
    }
}
