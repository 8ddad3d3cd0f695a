//! The caller has read a conversation up to a position.

use callbox_domain::{AppId, ConversationId, Event, Receipt, Timestamp, UserId, Watermark};
use callbox_storage::Tx;
use callbox_wire::ErrorCode;
use std::sync::Arc;

use crate::error::{Refusal, written};
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Raises the caller's read watermark; it never goes back. Told to the other members and to the caller's other devices.
    ///
    /// Errors: `conversation_not_found`.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        up_to: u32,
    ) -> ServiceResult<Receipt> {
        let (app, user, now) = (caller.app_id(), caller.user_id.clone(), self.clock.now());
        let marked = self.store.write(move |tx| {
            if let Some(receipt) = tx.raise_watermark(app, &conversation, &user, Watermark::Read, up_to)? {
                tell_members(tx, app, &receipt, now, |_| true)?;
                return Ok(receipt);
            }
            current(tx, app, conversation, &user)
        });
        written(marked.await)
    }
}

/// Logs a risen watermark for the members of the conversation who are to hear of it.
pub(super) fn tell_members(
    tx: &mut dyn Tx,
    app: AppId,
    receipt: &Receipt,
    now: Timestamp,
    hears: impl Fn(&UserId) -> bool,
) -> Result<(), Refusal> {
    let event = Arc::new(Event::ReceiptChanged(receipt.clone()));
    let members = tx.members(app, &receipt.conversation_id)?;
    // Who was erased has no log.
    for member in members.iter().filter(|member| !member.user_id.is_tombstone() && hears(&member.user_id)) {
        tx.append_event(app, &member.user_id, &event, now)?;
    }
    Ok(())
}

fn current(
    tx: &mut dyn Tx,
    app: AppId,
    conversation_id: ConversationId,
    user: &UserId,
) -> Result<Receipt, Refusal> {
    let members = tx.members(app, &conversation_id)?;
    let member =
        members.into_iter().find(|member| member.user_id == *user).ok_or(ErrorCode::ConversationNotFound)?;
    Ok(Receipt {
        conversation_id,
        user_id: member.user_id,
        delivered_up_to: member.delivered_up_to,
        read_up_to: member.read_up_to,
    })
}
