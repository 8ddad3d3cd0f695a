//! Pages of a user's log, as frames.

use callbox_domain::{AppId, UserId};
use callbox_storage::{EventsPage, Read, StoreResult};
use callbox_wire::frame::LoggedFrame;

use super::logged_frame;
use crate::error::read;
use crate::{Caller, Service, ServiceResult};

/// How much of a log at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayPage {
    /// At most so many events.
    pub events_max: u32,
    /// The page ends with the event by which its frames reach so many bytes.
    pub bytes_max: usize,
}

impl Service {
    /// The caller's events after `after`, with their numbers: a page of them, which holds at least one if there is one.
    pub async fn replay(
        &self,
        caller: &Caller,
        after: u64,
        page: ReplayPage,
    ) -> ServiceResult<Vec<(u64, LoggedFrame)>> {
        let (app, user) = (caller.app_id(), caller.user_id.clone());
        read(self.store.read(move |store| read_page(store, app, &user, after, page)).await)
    }
}

fn read_page(
    store: &dyn Read,
    app: AppId,
    user: &UserId,
    mut after: u64,
    page: ReplayPage,
) -> StoreResult<Vec<(u64, LoggedFrame)>> {
    let (mut frames, mut bytes) = (Vec::new(), 0);
    let mut left = page.events_max;
    loop {
        let limit = left.min(EVENTS_PER_LOOK);
        let events = store.events(app, user, EventsPage { after, limit })?;
        if events.is_empty() {
            return Ok(frames);
        }
        left -= limit;
        for event in events {
            after = event.seq;
            let frame = logged_frame(&event.event, user);
            bytes += frame.len();
            frames.push((event.seq, frame));
            if bytes >= page.bytes_max {
                return Ok(frames);
            }
        }
    }
}

/// Events that are read before their bytes are counted: a page of the largest messages must not be read whole to be cut.
const EVENTS_PER_LOOK: u32 = 20;
