//! Where logs end, for whoever is not sure to have heard of everything.

use callbox_domain::{AppId, UserId};

use crate::error::read;
use crate::{Service, ServiceResult};

impl Service {
    /// The number of each user's newest event, in this order; `None` for who is no user.
    pub async fn heads(&self, users: Vec<(AppId, UserId)>) -> ServiceResult<Vec<Option<u64>>> {
        read(self.store.read(move |store| store.heads(&users)).await)
    }
}
