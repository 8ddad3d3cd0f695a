//! A user adds a name to sign in with.

use callbox_domain::{AssertedBy, CredentialKind, Identity, IdentityType};
use callbox_wire::{ApiError, ErrorCode};

use crate::error::{Refusal, written};
use crate::sessions::identity::NamedUser;
use crate::sessions::prove::check_way;
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Adds an identity that the user vouches for alone. Adding one's own again changes nothing.
    ///
    /// Errors: `sign_in_way_off`, `invalid_request`, `identity_taken`.
    pub async fn add_identity(
        &self,
        caller: &Caller,
        identity_type: IdentityType,
        value: &str,
    ) -> ServiceResult<Identity> {
        check_way(&caller.app.now(), CredentialKind::Password)?;
        let name = NamedUser::new(identity_type, value, AssertedBy::Myself)
            .map_err(|problem| ApiError::invalid_field("value", &problem))?;
        let app = caller.app_id();
        let identity = Identity {
            identity_type,
            value: name.value,
            user_id: caller.user_id.clone(),
            asserted_by: AssertedBy::Myself,
            created_at: self.clock.now(),
        };
        let added = self.store.write(move |tx| {
            if let Some(there) = tx.identity(app, identity.identity_type, &identity.value)? {
                let own = Some(there).filter(|one| one.user_id == identity.user_id);
                return own.ok_or_else(|| Refusal::from(ErrorCode::IdentityTaken));
            }
            if tx.identities_of(app, &identity.user_id)?.len() >= IDENTITIES_MAX {
                return Err(ApiError::invalid_field("value", "a user has at most 10 identities").into());
            }
            tx.insert_identity(app, &identity)?;
            Ok(identity)
        });
        written(added.await)
    }
}

/// Identities of one user.
const IDENTITIES_MAX: usize = 10;
