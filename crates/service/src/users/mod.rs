//! Users, managed from outside: by the app's backend over the server API, and by the operator.
//!
//! Every change is one write, with its entry in the audit log. Actions on users begin with `user.`, their subject is
//! the user's id, and their details name nobody: erasing a user finds every entry by its subject.

mod access_tokens;
mod block_user;
mod create_user;
mod end_sessions;
mod erase_user;
mod identities;
mod list_users;
mod password_resets;
mod tickets;

#[cfg(test)]
mod tests;

pub use access_tokens::{ACCESS_TOKENS_PER_USER_MAX, IssuedAccessToken};
pub use create_user::{IDENTITIES_PER_REQUEST_MAX, NewUser};
pub use identities::{IdentityLink, IdentityName};
pub use list_users::ManagedUserPage;
pub use password_resets::{PASSWORD_RESET_LIFE, PasswordReset};

use callbox_domain::{AppId, Identity, User, UserId};
use callbox_storage::{Read, Tx};
use callbox_wire::{ApiError, ErrorCode};
use serde_json::Value;

use crate::audit::Actor;
use crate::caller::Manager;
use crate::error::Refusal;

/// A user, and the names that lead to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedUser {
    /// The user.
    pub user: User,
    /// By type and value.
    pub identities: Vec<Identity>,
}

/// What a write that changes a user starts from, and what it notes in the audit log.
#[derive(Clone)]
struct Change {
    app: AppId,
    actor: Actor,
    user_id: UserId,
    now: callbox_domain::Timestamp,
}

impl Change {
    fn new(manager: &Manager, user_id: &UserId, now: callbox_domain::Timestamp) -> Self {
        Self { app: manager.app_id(), actor: manager.actor, user_id: user_id.clone(), now }
    }

    /// The user, who must be there.
    fn user(&self, tx: &dyn Tx) -> Result<User, Refusal> {
        existing_user(tx, self.app, &self.user_id)
    }

    /// Adds an entry to the audit log. `details` must hold neither a secret nor anybody's name.
    fn note(&self, tx: &mut dyn Tx, action: &str, details: &Value) -> Result<(), Refusal> {
        let entry = self.actor.did(action, Some(self.app), self.user_id.as_str(), details, self.now);
        Ok(tx.append_audit(&entry)?)
    }
}

/// A user who is not being erased.
fn existing_user(store: &(impl Read + ?Sized), app: AppId, user_id: &UserId) -> Result<User, Refusal> {
    match store.user(app, user_id)? {
        Some(user) if !store.is_being_erased(app, user_id)? => Ok(user),
        _ => Err(user_not_found(user_id).into()),
    }
}

fn with_identities(store: &(impl Read + ?Sized), app: AppId, user: User) -> Result<ManagedUser, Refusal> {
    let mut identities = store.identities_of(app, &user.id)?;
    identities.sort_by(|one, other| {
        (one.identity_type.as_str(), &one.value).cmp(&(other.identity_type.as_str(), &other.value))
    });
    Ok(ManagedUser { user, identities })
}

fn user_not_found(user_id: &UserId) -> ApiError {
    ApiError::new(ErrorCode::UserNotFound).detail("userId", user_id.as_str())
}
