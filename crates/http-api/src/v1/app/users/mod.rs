//! Users, as their app's backend manages them.

pub(crate) mod create_user;
pub(crate) mod delete_user;
pub(crate) mod end_session;
pub(crate) mod end_sessions;
pub(crate) mod get_user;
pub(crate) mod issue_access_token;
pub(crate) mod issue_password_reset;
pub(crate) mod issue_ticket;
pub(crate) mod link_identity;
pub(crate) mod list_access_tokens;
pub(crate) mod list_sessions;
pub(crate) mod list_users;
pub(crate) mod revoke_access_token;
pub(crate) mod unlink_identity;
pub(crate) mod update_user;

use callbox_domain::UserId;
use callbox_service::users::ManagedUser;
use callbox_wire::managed::AppUser;
use callbox_wire::{ApiError, ErrorCode};

/// A user id of a path. What can be none names nobody.
fn user_id(text: &str) -> Result<UserId, ApiError> {
    UserId::new(text).map_err(|_| ApiError::new(ErrorCode::UserNotFound).detail("userId", text))
}

fn app_user(managed: ManagedUser) -> AppUser {
    AppUser::from_domain(managed.user, managed.identities)
}
