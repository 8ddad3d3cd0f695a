//! Makes a user before their first sign-in.

use callbox_bus::Notice;
use callbox_domain::{AssertedBy, Directory, Identity, IdentityType, MailboxEpoch, User, UserId};
use callbox_storage::{Created, Tx};
use callbox_wire::people::DirectoryEntry;
use callbox_wire::{ApiError, ErrorCode};
use serde_json::json;

use super::{Change, IdentityName, ManagedUser, with_identities};
use crate::caller::Manager;
use crate::error::{Refusal, written};
use crate::sessions::identity::NamedUser;
use crate::{Service, ServiceResult};

/// Identities that one request may give a new user.
pub const IDENTITIES_PER_REQUEST_MAX: usize = 20;

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The id, which is a user name of theirs too: nobody else can come as it.
    pub user_id: UserId,
    /// Further names.
    pub identities: Vec<IdentityName>,
}

impl Service {
    /// Makes a user. The backend vouches for every name of theirs.
    ///
    /// Errors: `identity_taken` with the `userId` or the `type` and `value` in its details, `invalid_request`.
    pub async fn create_user(&self, manager: &Manager, new: NewUser) -> ServiceResult<ManagedUser> {
        if new.identities.len() > IDENTITIES_PER_REQUEST_MAX {
            return Err(ApiError::invalid_field("identities", "at most 20"));
        }
        let own = NamedUser::new(IdentityType::Username, new.user_id.as_str(), AssertedBy::Backend)
            .map_err(|problem| ApiError::invalid_field("userId", &problem))?;
        let mut names = vec![own];
        for (number, identity) in new.identities.iter().enumerate() {
            let name = identity.normal_form();
            names.push(name.map_err(|problem| {
                ApiError::invalid_field(&format!("identities[{number}].value"), &problem)
            })?);
        }
        let change = Change::new(manager, &new.user_id, self.clock.now());
        let epoch = MailboxEpoch::generate(self.random.as_ref());
        let made = written(self.store.write(move |tx| create(tx, &change, &epoch, &names)).await)?;
        tracing::info!(app = %manager.app.now().key, user = %new.user_id, by = manager.actor.as_str(), "user created");
        if manager.app.now().settings.directory == Directory::Everyone {
            let (app_id, presence) = (manager.app_id(), self.presence_of(manager.app_id(), &made.user));
            let entry =
                DirectoryEntry { user: callbox_wire::people::User::from_domain(&made.user), presence };
            self.bus.publish(Notice::UserAdded { app_id, entry });
        }
        Ok(made)
    }
}

fn create(
    tx: &mut dyn Tx,
    change: &Change,
    epoch: &MailboxEpoch,
    names: &[NamedUser],
) -> Result<ManagedUser, Refusal> {
    let (app, id) = (change.app, &change.user_id);
    let user = User { id: id.clone(), created_at: change.now, last_seen_at: None, blocked_at: None };
    if tx.insert_user(app, &user, epoch)? == Created::Existed {
        return Err(ApiError::new(ErrorCode::IdentityTaken).detail("userId", id.as_str()).into());
    }
    for name in names {
        let taken = tx.identity(app, name.identity_type, &name.value)?;
        if taken.is_some_and(|identity| identity.user_id != *id) {
            return Err(identity_taken(name).into());
        }
        tx.insert_identity(
            app,
            &Identity {
                identity_type: name.identity_type,
                value: name.value.clone(),
                user_id: id.clone(),
                asserted_by: AssertedBy::Backend,
                created_at: change.now,
            },
        )?;
    }
    change.note(tx, "user.created", &json!({ "identities": names.len() }))?;
    with_identities(tx, app, user)
}

pub(super) fn identity_taken(name: &NamedUser) -> ApiError {
    ApiError::new(ErrorCode::IdentityTaken)
        .detail("type", name.identity_type.as_str())
        .detail("value", name.value.as_str())
}
