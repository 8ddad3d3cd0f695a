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

/// A part of a log.
#[derive(Debug)]
pub struct Replayed {
    /// Frames with their numbers, in order.
    pub events: Vec<(u64, LoggedFrame)>,
    /// The newest event at the moment of the look. What is told of earlier events later is older than what these say.
    pub head: u64,
}

impl Service {
    /// The caller's events after `after`: a page of them, which holds at least one if there is one.
    pub async fn replay(&self, caller: &Caller, after: u64, page: ReplayPage) -> ServiceResult<Replayed> {
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
) -> StoreResult<Replayed> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    let heads = store.heads(&[(app, user.clone())])?;
    let head = heads.into_iter().next().flatten().unwrap_or(0);
    let mut left = page.events_max;
    loop {
        let limit = left.min(EVENTS_PER_LOOK);
        let found = store.events(app, user, EventsPage { after, limit })?;
        if found.is_empty() {
            return Ok(Replayed { events, head });
        }
        left -= limit;
        for event in found {
            after = event.seq;
            let frame = logged_frame(&event.event, user);
            bytes += frame.len();
            events.push((event.seq, frame));
            if bytes >= page.bytes_max {
                return Ok(Replayed { events, head });
            }
        }
    }
}

/// Events that are read before their bytes are counted: a page of the largest messages must not be read whole to be cut.
const EVENTS_PER_LOOK: u32 = 20;
