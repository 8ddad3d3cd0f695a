//! Where a connection starts in its user's log.

use callbox_domain::{Cursor, Session};
use callbox_wire::ErrorCode;

use crate::error::read;
use crate::{Caller, Service, ServiceResult};

/// Where a connection starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenMailbox {
    /// The client has every event up to here.
    pub cursor: Cursor,
    /// The newest event.
    pub head: u64,
    /// Whether the client's own cursor is good.
    pub resumed: bool,
}

impl Service {
    /// Resolves a client's cursor. A cursor of another life of the log, beyond its head, or older than what is kept is
    /// not resumed: the connection starts at the head and the client fetches again what it shows.
    ///
    /// Looks at the session once more in the same read, so that a session which ended since it was authenticated is
    /// noticed by whoever subscribed in between.
    ///
    /// Errors: `session_ended`.
    pub async fn open_mailbox(&self, caller: &Caller, cursor: Option<&str>) -> ServiceResult<OpenMailbox> {
        let (app, user, session, now) =
            (caller.app_id(), caller.user_id.clone(), caller.session_id.clone(), self.clock.now());
        let found =
            self.store.read(move |store| Ok((store.session(app, &session)?, store.mailbox(app, &user)?)));
        let (session, mailbox) = read(found.await)?;
        let is_good = |session: Session| session.check(now).is_ok();
        let mailbox = mailbox.filter(|_| session.is_some_and(is_good)).ok_or(ErrorCode::SessionEnded)?;
        let resumable = cursor.and_then(Cursor::parse).filter(|cursor| {
            cursor.epoch == mailbox.epoch && (mailbox.pruned_up_to..=mailbox.head).contains(&cursor.seq)
        });
        let resumed = resumable.is_some();
        let cursor = resumable.unwrap_or(Cursor { epoch: mailbox.epoch, seq: mailbox.head });
        Ok(OpenMailbox { cursor, head: mailbox.head, resumed })
    }
}
