//! Pages of a user's log, as frames.

use callbox_storage::EventsPage;
use callbox_wire::frame::LoggedFrame;

use super::logged_frame;
use crate::error::read;
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// The caller's events after `after`, at most `limit`, with their numbers.
    pub async fn replay(
        &self,
        caller: &Caller,
        after: u64,
        limit: u32,
    ) -> ServiceResult<Vec<(u64, LoggedFrame)>> {
        let (app, user) = (caller.app_id(), caller.user_id.clone());
        let events =
            self.store.read(move |store| store.events(app, &user, EventsPage { after, limit })).await;
        let numbered = read(events)?.into_iter();
        Ok(numbered.map(|event| (event.seq, logged_frame(&event.event, &caller.user_id))).collect())
    }
}
