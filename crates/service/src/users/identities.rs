//! Which names lead to a user, as the backend says it. This is how it resolves an `identity_conflict`.

use callbox_domain::{AppId, AssertedBy, Identity, IdentityType, UserId};
use callbox_storage::Tx;
use callbox_wire::{ApiError, ErrorCode};
use serde_json::json;

use super::create_user::identity_taken;
use super::{Change, ManagedUser, with_identities};
use crate::caller::Manager;
use crate::error::{Refusal, written};
use crate::sessions::identity::NamedUser;
use crate::{Service, ServiceResult};

/// A name as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityName {
    /// What kind of name.
    pub identity_type: IdentityType,
    /// The name, in any form.
    pub value: String,
}

impl IdentityName {
    /// The name in its normal form, vouched for by the backend.
    pub(super) fn normal_form(&self) -> Result<NamedUser, String> {
        NamedUser::new(self.identity_type, &self.value, AssertedBy::Backend)
    }
}

/// A name to link to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityLink {
    /// The name.
    pub name: IdentityName,
    /// Whether to take it from another user who claimed it without the backend.
    pub take: bool,
}

impl Service {
    /// From now on the backend vouches that this name is this user's. What the user already had of sessions and
    /// credentials stays. A repeat changes nothing.
    ///
    /// Errors: `user_not_found`, `identity_taken`, `invalid_request`.
    pub async fn link_identity(
        &self,
        manager: &Manager,
        user_id: UserId,
        link: IdentityLink,
    ) -> ServiceResult<ManagedUser> {
        let name = link.name.normal_form();
        let name = name.map_err(|problem| ApiError::invalid_field("value", &problem))?;
        let kind = name.identity_type.as_str();
        let change = Change::new(manager, &user_id, self.clock.now());
        let linked = self.store.write(move |tx| {
            let user = change.user(tx)?;
            let changed = put(tx, &change, &name, link.take)?;
            Ok::<_, Refusal>((with_identities(tx, change.app, user)?, changed))
        });
        let (user, changed) = written(linked.await)?;
        if changed {
            let (key, by) = (&manager.app.now().key, manager.actor.as_str());
            tracing::info!(app = %key, user = %user_id, by, kind, "identity linked");
        }
        Ok(user)
    }

    /// This name no longer leads to this user.
    ///
    /// Errors: `user_not_found`, `identity_not_found`.
    pub async fn unlink_identity(
        &self,
        manager: &Manager,
        user_id: UserId,
        name: IdentityName,
    ) -> ServiceResult<()> {
        let name = name.normal_form().map_err(|_| ErrorCode::IdentityNotFound)?;
        let kind = name.identity_type.as_str();
        let change = Change::new(manager, &user_id, self.clock.now());
        let removed = self.store.write(move |tx| {
            change.user(tx)?;
            let (app, kind, value) = (change.app, name.identity_type, &name.value);
            let is_theirs = tx.identity(app, kind, value)?.is_some_and(|one| one.user_id == change.user_id);
            if !(is_theirs && tx.remove_identity(app, kind, value)?) {
                return Err(ErrorCode::IdentityNotFound.into());
            }
            change.note(tx, "user.identity_removed", &json!({ "type": kind.as_str() }))
        });
        written(removed.await)?;
        let (key, by) = (&manager.app.now().key, manager.actor.as_str());
        tracing::info!(app = %key, user = %user_id, by, kind, "identity removed");
        Ok(())
    }
}

/// Makes a name the user's on the backend's word; whether that is news.
fn put(tx: &mut dyn Tx, change: &Change, name: &NamedUser, take: bool) -> Result<bool, Refusal> {
    let (app, kind) = (change.app, name.identity_type);
    if let Some(before) = tx.identity(app, kind, &name.value)? {
        let is_theirs = before.user_id == change.user_id;
        if is_theirs && before.asserted_by == AssertedBy::Backend {
            return Ok(false);
        }
        // What the backend itself said of another user stands until it takes that back.
        if !is_theirs && (before.asserted_by == AssertedBy::Backend || !take) {
            return Err(identity_taken(name).into());
        }
        tx.remove_identity(app, kind, &name.value)?;
        if !is_theirs {
            let loser = Change { user_id: before.user_id, ..change.clone() };
            loser.note(tx, "user.identity_removed", &json!({ "type": kind.as_str(), "moved": true }))?;
        }
    }
    insert(tx, app, change, name)?;
    change.note(tx, "user.identity_linked", &json!({ "type": kind.as_str() }))?;
    Ok(true)
}

fn insert(tx: &mut dyn Tx, app: AppId, change: &Change, name: &NamedUser) -> Result<(), Refusal> {
    let identity = Identity {
        identity_type: name.identity_type,
        value: name.value.clone(),
        user_id: change.user_id.clone(),
        asserted_by: AssertedBy::Backend,
        created_at: change.now,
    };
    tx.insert_identity(app, &identity)?;
    Ok(())
}
