//! Users.

pub(crate) mod list_users;
