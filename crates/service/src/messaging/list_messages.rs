//! A page of a conversation's history.

use callbox_domain::{ConversationId, Message, UserId, Watermark};
use callbox_storage::MessagesPage;
use callbox_wire::ErrorCode;

use super::mark_read::tell_members;
use crate::error::{Refusal, read, written};
use crate::people::check_limit;
use crate::{Caller, Service, ServiceResult};

/// Which part of which history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMessages {
    /// Which conversation.
    pub conversation_id: ConversationId,
    /// Which part.
    pub page: MessagesPage,
    /// 1 to 100.
    pub limit: u32,
}

/// A page of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageList {
    /// In rising order of position.
    pub items: Vec<Message>,
    /// The page that goes on in the same direction, when there may be more.
    pub next: Option<MessagesPage>,
}

impl Service {
    /// Messages of a conversation that the caller is in. Fetching history delivers what it shows.
    ///
    /// Errors: `conversation_not_found`, `invalid_request` for a limit beyond 1 to 100.
    pub async fn list_messages(&self, caller: &Caller, list: ListMessages) -> ServiceResult<MessageList> {
        check_limit(list.limit)?;
        let ListMessages { conversation_id, page, limit } = list;
        let (app, user, now) = (caller.app_id(), caller.user_id.clone(), self.clock.now());
        let conversation = conversation_id.clone();
        let found = self.store.read(move |store| {
            let members = store.members(app, &conversation)?;
            let Some(member) = members.into_iter().find(|member| member.user_id == user) else {
                return Ok(None);
            };
            Ok(Some((member, store.messages(app, &conversation, page, limit)?)))
        });
        let (member, items) = read(found.await)?.ok_or(ErrorCode::ConversationNotFound)?;
        if let Some(shown) =
            newest_of_others(&items, &member.user_id).filter(|shown| *shown > member.delivered_up_to)
        {
            let user = member.user_id;
            let delivered = self.store.write(move |tx| {
                if let Some(receipt) =
                    tx.raise_watermark(app, &conversation_id, &user, Watermark::Delivered, shown)?
                {
                    tell_members(tx, app, &receipt, now, |_| true)?;
                }
                Ok::<_, Refusal>(())
            });
            // A store that does not write at this moment keeps nobody from reading; the next fetch notes it.
            let _ = written(delivered.await);
        }
        let is_full = u32::try_from(items.len()).is_ok_and(|count| count == limit);
        let next = match page {
            MessagesPage::Latest | MessagesPage::Before(_) => items
                .first()
                .filter(|first| is_full && first.position > 1)
                .map(|first| MessagesPage::Before(first.position)),
            MessagesPage::After(_) => {
                items.last().filter(|_| is_full).map(|last| MessagesPage::After(last.position))
            }
        };
        Ok(MessageList { items, next })
    }
}

fn newest_of_others(messages: &[Message], reader: &UserId) -> Option<u32> {
    messages.iter().filter(|message| message.sender_id != *reader).map(|message| message.position).max()
}
