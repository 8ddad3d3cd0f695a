//! A user's own names.

use callbox_domain::Identity;

use crate::error::read;
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// The caller's identities.
    pub async fn list_identities(&self, caller: &Caller) -> ServiceResult<Vec<Identity>> {
        let (app, user) = (caller.app_id(), caller.user_id.clone());
        read(self.store.read(move |store| store.identities_of(app, &user)).await)
    }
}
