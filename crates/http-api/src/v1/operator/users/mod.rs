//! Users of any app, as the operator manages them.

pub(crate) mod end_session;
pub(crate) mod end_sessions;
pub(crate) mod erase_user;
pub(crate) mod list_sessions;
pub(crate) mod list_users;
pub(crate) mod show_user;
pub(crate) mod update_user;
