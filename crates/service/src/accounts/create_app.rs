//! Makes an app.

use callbox_domain::{App, AppId, AppKey, AppKeyRecord, AppSettings, KeyPurpose, Secret};
use callbox_storage::Created;
use callbox_wire::{ApiError, ErrorCode};
use serde_json::json;

use super::settings::check_settings;
use super::{new_secret, sealed};
use crate::audit::Actor;
use crate::error::{Refusal, written};
use crate::{Service, ServiceResult};

/// What an app is to be.
#[derive(Debug, Clone)]
pub struct CreateApp {
    /// A name for people, 1 to 100 characters.
    pub name: String,
    /// Its key; a random one where `None`.
    pub key: Option<AppKey>,
    /// Its settings.
    pub settings: AppSettings,
}

/// A new app with its secret, which is told here and by rotation only.
#[derive(Debug, Clone)]
pub struct CreatedApp {
    /// The app.
    pub app: App,
    /// Its secret, in standard Base64.
    pub secret: Secret<String>,
}

impl Service {
    /// Makes an app with a key and a secret.
    ///
    /// Errors: `invalid_request`.
    pub async fn create_app(&self, actor: Actor, request: CreateApp) -> ServiceResult<CreatedApp> {
        let name = check_name(&request.name)?;
        check_settings(&request.settings)?;
        let now = self.clock.now();
        let key = request.key.unwrap_or_else(|| AppKey::generate(self.random.as_ref()));
        let app =
            App { id: AppId(0), key, name, settings: request.settings, created_at: now, disabled_at: None };
        let secret = new_secret(self.random.as_ref());
        let (master_key, random, text) = (self.master_key.clone(), self.random.clone(), secret.clone());
        let app = self.store.write(move |tx| {
            if !tx.app_keys(&app.key)?.is_empty() {
                return Err(ApiError::invalid_field("key", "another app has this key").into());
            }
            let app = App { id: tx.insert_app(&app)?, ..app };
            let key = AppKeyRecord {
                app_id: app.id,
                key: app.key.clone(),
                generation: 1,
                purpose: KeyPurpose::Primary,
                sealed_secret: None,
                not_after: None,
                created_at: now,
            };
            // A few microseconds: the one thing that is sealed inside a write, because the context holds the app's number.
            let key = sealed(key, &text, &master_key, random.as_ref());
            if tx.insert_app_key(&key)? == Created::Existed {
                return Err(Refusal::from(ErrorCode::Internal));
            }
            let details = json!({ "name": app.name });
            tx.append_audit(&actor.did("app.created", Some(app.id), app.key.as_str(), &details, now))?;
            Ok(app)
        });
        let app = written(app.await)?;
        tracing::info!(app = %app.key, name = %app.name, "app created");
        Ok(CreatedApp { app, secret })
    }
}

/// The name without space around it.
pub(super) fn check_name(name: &str) -> ServiceResult<String> {
    let name = name.trim();
    if (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        Err(ApiError::invalid_field("name", "1 to 100 characters"))
    }
}

const NAME_CHARACTERS_MAX: usize = 100;
