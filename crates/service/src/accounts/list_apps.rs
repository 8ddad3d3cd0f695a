//! Lists apps with their keys, without any secret.

use callbox_domain::{App, AppKeyRecord};

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

    /// Whether any app's pages come from this web origin.
    pub async fn is_origin_of_some_app(&self, origin: &str) -> ServiceResult<bool> {
        let apps = read(self.store.read(|store| store.apps()).await)?;
        Ok(apps.iter().any(|app| app.settings.allows_origin(origin)))
    }
}
