//! Users, the directory, presence.

mod list_users;
mod presence;
mod watch_presence;

#[cfg(test)]
mod tests;

pub(crate) use list_users::check_limit;
pub use list_users::{DirectoryPage, LIST_LIMIT_MAX};
pub(crate) use presence::PresenceBook;
