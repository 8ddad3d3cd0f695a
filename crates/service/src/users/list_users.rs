//! Looks users up.

use callbox_domain::UserId;
use callbox_wire::ApiError;

use super::{ManagedUser, existing_user, with_identities};
use crate::caller::Manager;
use crate::error::{Refusal, read};
use crate::people::check_limit;
use crate::{Service, ServiceResult};

/// A page of an app's users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedUserPage {
    /// In the order of their ids.
    pub users: Vec<ManagedUser>,
    /// The last id that was looked at, when there may be more.
    pub next_after: Option<UserId>,
}

impl Service {
    /// One user.
    ///
    /// Errors: `user_not_found`.
    pub async fn find_user(&self, manager: &Manager, user_id: UserId) -> ServiceResult<ManagedUser> {
        let app = manager.app_id();
        self.look_up(move |store| {
            let user = existing_user(store, app, &user_id)?;
            with_identities(store, app, user)
        })
        .await
    }

    /// Users in the order of their ids, after `after`. Whoever is being erased is left out.
    ///
    /// Errors: `invalid_request` for a limit beyond 1 to 100.
    pub async fn list_managed_users(
        &self,
        manager: &Manager,
        after: Option<UserId>,
        limit: u32,
    ) -> ServiceResult<ManagedUserPage> {
        check_limit(limit)?;
        let app = manager.app_id();
        self.look_up(move |store| {
            let found = store.users(app, after.as_ref(), limit)?;
            let is_full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
            let next_after = found.last().filter(|_| is_full).map(|user| user.id.clone());
            let mut users = Vec::new();
            for user in found {
                if !store.is_being_erased(app, &user.id)? {
                    users.push(with_identities(store, app, user)?);
                }
            }
            Ok(ManagedUserPage { users, next_after })
        })
        .await
    }

    /// A read that can be refused.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&dyn callbox_storage::Read) -> Result<T, Refusal> + Send + 'static,
    ) -> ServiceResult<T> {
        let found = self.store.read(move |store| match closure(store) {
            Ok(found) => Ok(Ok(found)),
            Err(Refusal::Api(error)) => Ok(Err(error)),
            Err(Refusal::Store(error)) => Err(error),
        });
        let found: Result<T, ApiError> = read(found.await)?;
        found
    }
}
