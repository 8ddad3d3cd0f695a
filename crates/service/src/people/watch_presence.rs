//! Looks up the presence of users whom a connection wants to watch.

use callbox_domain::{Directory, UserId};
use callbox_wire::people::Presence;
use callbox_wire::{ApiError, ErrorCode};

use crate::error::read;
use crate::{Caller, Service, ServiceResult};

/// Users that one connection may watch.
pub const PRESENCE_WATCH_MAX: usize = 500;

impl Service {
    /// Whether the caller may watch these users.
    ///
    /// Errors: `directory_closed`, `invalid_request` for more than 500.
    pub fn check_watch(&self, caller: &Caller, user_ids: &[UserId]) -> ServiceResult<()> {
        if caller.app.now().settings.directory != Directory::Everyone {
            return Err(ErrorCode::DirectoryClosed.into());
        }
        if user_ids.len() > PRESENCE_WATCH_MAX {
            return Err(ApiError::invalid_field("userIds", "at most 500 users can be watched"));
        }
        Ok(())
    }

    /// The presence of these users at this moment. Users that do not exist are left out.
    ///
    /// Errors: as [`Service::check_watch`].
    pub async fn watch_presence(&self, caller: &Caller, user_ids: &[UserId]) -> ServiceResult<Vec<Presence>> {
        self.check_watch(caller, user_ids)?;
        let (app, wanted) = (caller.app_id(), user_ids.to_vec());
        let users = self.store.read(move |store| {
            wanted.iter().filter_map(|user| store.user(app, user).transpose()).collect::<Result<Vec<_>, _>>()
        });
        Ok(read(users.await)?.iter().map(|user| self.presence_of(app, user)).collect())
    }
}
