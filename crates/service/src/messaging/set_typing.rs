//! The caller began or stopped writing.

use std::sync::Arc;

use callbox_bus::{Notice, Reach};
use callbox_domain::UserId;
use callbox_wire::ApiError;
use callbox_wire::ServerFrame;
use callbox_wire::frame::Typing;
use callbox_wire::messaging::Recipient;

use super::recipient::{Destination, destination};
use crate::error::{Refusal, read};
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Tells the other members; nothing is kept.
    ///
    /// Errors: `invalid_request`, `user_not_found`, `conversation_not_found`.
    pub async fn set_typing(&self, caller: &Caller, to: Recipient, active: bool) -> ServiceResult<()> {
        let (app, sender) = (caller.app_id(), caller.user_id.clone());
        let found = self.store.read(move |store| match destination(store, app, &sender, &to) {
            Ok(destination) => Ok(Ok(destination)),
            Err(Refusal::Api(error)) => Ok(Err(error)),
            Err(Refusal::Store(error)) => Err(error),
        });
        let found: Result<Destination, ApiError> = read(found.await)?;
        let (conversation_id, members) = match found? {
            Destination::Conversation(conversation) => (Some(conversation.id), conversation.members),
            Destination::NewDirect(other) => (None, vec![other]),
        };
        let frame: Arc<ServerFrame> =
            Arc::new(Typing { user_id: caller.user_id.clone(), conversation_id, active }.into());
        let others = members.into_iter().filter(|member: &UserId| *member != caller.user_id);
        for user_id in others {
            let frame = Arc::clone(&frame);
            self.bus.publish(Notice::Frame { app_id: app, user_id, reach: Reach::Everywhere, frame });
        }
        Ok(())
    }
}
