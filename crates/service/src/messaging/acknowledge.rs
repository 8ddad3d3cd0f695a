//! A connection confirmed events: the messages among them are delivered.

use callbox_domain::Watermark;

use super::mark_read::tell_members;
use crate::error::{Refusal, written};
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Notes that a device of the caller has every event with `after < seq <= up_to`.
    ///
    /// Told to the other members only: that a message reached one's own device is no news to oneself.
    pub async fn acknowledge(&self, caller: &Caller, after: u64, up_to: u64) -> ServiceResult<()> {
        let (app, user, now) = (caller.app_id(), caller.user_id.clone(), self.clock.now());
        let noted = self.store.write(move |tx| {
            for (conversation, position) in tx.positions_in_events(app, &user, after, up_to)? {
                let risen = tx.raise_watermark(app, &conversation, &user, Watermark::Delivered, position)?;
                let Some(receipt) = risen else { continue };
                tell_members(tx, app, &receipt, now, |member| *member != user)?;
            }
            Ok::<_, Refusal>(())
        });
        written(noted.await)
    }
}
