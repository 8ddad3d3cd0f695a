//! Lists the app's users.

use callbox_domain::{Directory, UserId};
use callbox_wire::people::{DirectoryEntry, User};
use callbox_wire::{ApiError, ErrorCode};

use crate::error::read;
use crate::{Caller, Service, ServiceResult};

/// Items in one page of any list.
pub const LIST_LIMIT_MAX: u32 = 100;

/// A page of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryPage {
    /// Users in the order of their ids.
    pub entries: Vec<DirectoryEntry>,
    /// The last of them when there may be more.
    pub next_after: Option<UserId>,
}

impl Service {
    /// Users of the app in the order of their ids, after `after`.
    ///
    /// Errors: `directory_closed`, `invalid_request` for a limit beyond 1 to 100.
    pub async fn list_users(
        &self,
        caller: &Caller,
        after: Option<UserId>,
        limit: u32,
    ) -> ServiceResult<DirectoryPage> {
        if caller.app.now().settings.directory != Directory::Everyone {
            return Err(ErrorCode::DirectoryClosed.into());
        }
        check_limit(limit)?;
        let app = caller.app_id();
        let users = read(self.store.read(move |store| store.users(app, after.as_ref(), limit)).await)?;
        let is_full = u32::try_from(users.len()).is_ok_and(|count| count == limit);
        Ok(DirectoryPage {
            next_after: users.last().filter(|_| is_full).map(|user| user.id.clone()),
            entries: users
                .iter()
                .map(|user| DirectoryEntry {
                    user: User::from_domain(user),
                    presence: self.presence_of(app, user),
                })
                .collect(),
        })
    }
}

/// Refuses page sizes beyond 1 to 100.
pub(crate) fn check_limit(limit: u32) -> ServiceResult<()> {
    if (1..=LIST_LIMIT_MAX).contains(&limit) {
        Ok(())
    } else {
        Err(ApiError::invalid_field("limit", "1 to 100"))
    }
}
