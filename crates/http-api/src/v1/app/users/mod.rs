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
