//! A user takes a name back.

use callbox_domain::{AssertedBy, IdentityType};
use callbox_wire::{ApiError, ErrorCode};

use crate::error::{Refusal, written};
use crate::sessions::identity::NamedUser;
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Removes an identity that the user added. What the app's backend said stays, and so does the last name of a user with
    /// a password, who could not sign in again.
    ///
    /// Errors: `identity_not_found`, `identity_needed`, `invalid_request`.
    pub async fn remove_identity(
        &self,
        caller: &Caller,
        identity_type: IdentityType,
        value: &str,
    ) -> ServiceResult<()> {
        let name = NamedUser::new(identity_type, value, AssertedBy::Myself)
            .map_err(|problem| ApiError::invalid_field("value", &problem))?;
        let (app, user) = (caller.app_id(), caller.user_id.clone());
        let removed = self.store.write(move |tx| {
            let all = tx.identities_of(app, &user)?;
            let is_it = |one: &&callbox_domain::Identity| {
                one.identity_type == identity_type
                    && one.value == name.value
                    && one.asserted_by == AssertedBy::Myself
            };
            if all.iter().find(is_it).is_none() {
                return Err(ErrorCode::IdentityNotFound.into());
            }
            if all.len() == 1 && tx.password(app, &user)?.is_some() {
                return Err(ErrorCode::IdentityNeeded.into());
            }
            tx.remove_identity(app, identity_type, &name.value)?;
            Ok::<_, Refusal>(())
        });
        written(removed.await)
    }
}
