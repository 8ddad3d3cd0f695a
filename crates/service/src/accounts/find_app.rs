//! Finds an app by any of its keys, and the secrets that are good for it.

use callbox_domain::{App, AppId, AppKey, AppKeyRecord, KeyPurpose, Secret, Timestamp};
use callbox_storage::Read;
use callbox_storage::StoreResult;
use callbox_wire::ErrorCode;

use super::seal_context;
use crate::error::read;
use crate::{MasterKey, Service, ServiceResult};

/// One secret that signs for an app.
#[derive(Debug, Clone)]
pub struct AppSecret(pub Secret<String>);

/// An app whose secret is to have signed something that names an app too.
pub(crate) struct SigningApp {
    /// The app that the request is for.
    pub(crate) app: App,
    /// Every secret that is good for it at this moment, newest first.
    pub(crate) secrets: Vec<AppSecret>,
    /// The app to which the signed key leads, if any.
    pub(crate) named: Option<AppId>,
}

impl Service {
    /// The app to which `key` leads with its secrets, and the app to which `named` leads: in one read.
    pub(crate) async fn find_signing_app(&self, key: &AppKey, named: &AppKey) -> ServiceResult<SigningApp> {
        let (key, named, now) = (key.clone(), named.clone(), self.clock.now());
        let found = self.store.read(move |store| {
            let Some(app) = app_by_key(store, &key, now)? else { return Ok(None) };
            let named =
                if named == key { Some(app.id) } else { app_by_key(store, &named, now)?.map(|app| app.id) };
            Ok(Some((store.keys_of_app(app.id)?, app, named)))
        });
        let (keys, app, named) = read(found.await)?.ok_or(ErrorCode::AppKeyUnknown)?;
        Ok(SigningApp { secrets: self.good_secrets(&keys, now), app, named })
    }

    /// The app to which `key` leads at this moment: its own key or an alias that has not expired.
    pub async fn find_app(&self, key: &AppKey) -> ServiceResult<App> {
        let (key, now) = (key.clone(), self.clock.now());
        let found = self.store.read(move |store| app_by_key(store, &key, now)).await;
        read(found)?.ok_or_else(|| ErrorCode::AppKeyUnknown.into())
    }

    /// Every secret that is good for the app at this moment, newest first: two during the grace time of a rotation.
    pub async fn app_secrets(&self, app: &App) -> ServiceResult<Vec<AppSecret>> {
        let (id, now) = (app.id, self.clock.now());
        let keys = read(self.store.read(move |store| store.keys_of_app(id)).await)?;
        Ok(self.good_secrets(&keys, now))
    }

    fn good_secrets(&self, keys: &[AppKeyRecord], now: Timestamp) -> Vec<AppSecret> {
        keys.iter().filter(|key| is_good(key, now)).filter_map(|key| open(&self.master_key, key)).collect()
    }
}

/// The app to which `key` leads at `now`.
pub(crate) fn app_by_key(store: &dyn Read, key: &AppKey, now: Timestamp) -> StoreResult<Option<App>> {
    match store.app_keys(key)?.iter().find(|row| is_good(row, now)) {
        Some(row) => store.app(row.app_id),
        None => Ok(None),
    }
}

pub(super) fn is_good(key: &AppKeyRecord, now: Timestamp) -> bool {
    key.not_after.is_none_or(|not_after| now < not_after)
}

fn open(master_key: &MasterKey, key: &AppKeyRecord) -> Option<AppSecret> {
    let sealed = key.sealed_secret.as_ref().filter(|_| key.purpose == KeyPurpose::Primary)?;
    let opened = master_key.open(&seal_context(key), sealed).and_then(|bytes| String::from_utf8(bytes).ok());
    if opened.is_none() {
        tracing::error!(app_key = %key.key, "an app secret does not open under this master key");
    }
    opened.map(|text| AppSecret(Secret::new(text)))
}
