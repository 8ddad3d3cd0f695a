//! What the cases share: a store with two apps, and makers of things to put into it.

use std::pin::Pin;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use callbox_domain::{
    App, AppId, AppKey, AppSettings, CallId, CallMedia, CallRecord, Conversation, ConversationId,
    CredentialKind, Event, LoggedEvent, MailboxEpoch, MessageId, Session, SessionId, SessionStatus,
    Timestamp, User, UserId,
};
use futures_executor::block_on;

use super::MakeStore;
use crate::{Created, NewMessage, Read, Store, StoreError, StoreResult, Tx, WriteError};

/// A store with two apps.
pub(super) struct World {
    pub store: Arc<dyn Store>,
    /// The app in which things happen.
    pub app: AppId,
    /// The app which must not notice.
    pub other_app: AppId,
    announced: Arc<Mutex<Vec<Vec<LoggedEvent>>>>,
}

/// A write that is queued but whose answer was not waited for.
pub(super) type Pending<T, E> = Pin<Box<dyn Future<Output = Result<T, WriteError<E>>>>>;

impl World {
    pub fn new(make: &MakeStore) -> Self {
        let announced = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&announced);
        let store = make(Box::new(move |events| {
            listener.lock().expect("not poisoned").push(events);
        }));
        let (app, other_app) = block_on(store.write(|tx| {
            let app = tx.insert_app(&app("app-one"))?;
            Ok::<_, StoreError>((app, tx.insert_app(&self::app("app-two"))?))
        }))
        .expect("two apps");
        Self { store, app, other_app, announced }
    }

    /// A world with these users.
    pub fn with_users(make: &MakeStore, users: &[&str]) -> Self {
        let world = Self::new(make);
        for name in users {
            let app = world.app;
            let user = user(name);
            world.write(move |tx| tx.insert_user(app, &user, &epoch()));
        }
        world
    }

    /// Writes, and expects that to succeed.
    pub fn write<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    ) -> T {
        self.try_write(closure).expect("the write succeeds")
    }

    pub fn try_write<T: Send + 'static, E: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, WriteError<E>> {
        block_on(self.store.write(closure))
    }

    /// Queues a write without waiting for it.
    pub fn queue<T: Send + 'static, E: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    ) -> Pending<T, E> {
        let store = Arc::clone(&self.store);
        let mut write: Pending<T, E> = Box::pin(async move { store.write(closure).await });
        let polled = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "behind the gate nothing is answered");
        write
    }

    /// Occupies the writer until the returned sender is used or dropped, so that what is queued meanwhile may share a
    /// batch.
    pub fn gate(&self) -> (SyncSender<()>, Pending<(), StoreError>) {
        let (open, opened) = sync_channel::<()>(1);
        let held = self.queue(move |_| {
            let _ = opened.recv();
            Ok(())
        });
        (open, held)
    }

    /// Reads, and expects that to succeed.
    pub fn read<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&dyn Read) -> StoreResult<T> + Send + 'static,
    ) -> T {
        block_on(self.store.read(closure)).expect("the read succeeds")
    }

    /// Everything that the listener was told.
    pub fn announced(&self) -> Vec<LoggedEvent> {
        self.announced.lock().expect("not poisoned").concat()
    }

    /// Makes a conversation between these users.
    pub fn converse(&self, id: &str, members: &[&str]) -> ConversationId {
        let (app, conversation) = (self.app, conversation(id, members));
        let id = conversation.id.clone();
        self.write(move |tx| tx.insert_conversation(app, &conversation));
        id
    }

    /// Appends messages of one sender.
    pub fn say(&self, conversation: &ConversationId, sender: &str, ids: &[&str]) {
        for id in ids {
            let (app, message) = (self.app, new_message(conversation, sender, id));
            self.write(move |tx| tx.append_message(app, message));
        }
    }
}

/// Appends a message and tells both logs of it, as a use case does.
pub(super) fn send(
    tx: &mut dyn Tx,
    app: AppId,
    message: NewMessage,
    readers: &[UserId],
) -> StoreResult<Arc<Event>> {
    let event = Arc::new(Event::MessageCreated(tx.append_message(app, message)?));
    for reader in readers {
        tx.append_event(app, reader, &event, at(20))?;
    }
    Ok(event)
}

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub(super) fn app(key: &str) -> App {
    App {
        id: AppId(0),
        key: AppKey::new(key).expect("a key"),
        name: format!("App {key}"),
        settings: AppSettings::default(),
        created_at: at(0),
        disabled_at: None,
    }
}

pub(super) fn user_id(name: &str) -> UserId {
    UserId::new(name).expect("a user id")
}

pub(super) fn user_ids(names: &[&str]) -> Vec<UserId> {
    names.iter().map(|name| user_id(name)).collect()
}

pub(super) fn user(name: &str) -> User {
    User { id: user_id(name), created_at: at(1), last_seen_at: None, blocked_at: None }
}

pub(super) fn epoch() -> MailboxEpoch {
    MailboxEpoch::new("k3").expect("an epoch")
}

pub(super) fn session_id(name: &str) -> SessionId {
    SessionId::new(format!("session-{name}")).expect("a session id")
}

pub(super) fn session(app: AppId, id: &str, user: &str) -> Session {
    Session {
        id: session_id(id),
        app_id: app,
        user_id: user_id(user),
        device: callbox_domain::Device::default(),
        created_at: at(2),
        expires_at: at(1_000),
        status: SessionStatus::Open,
        credential: CredentialKind::Ticket,
        last_used_at: at(2),
    }
}

pub(super) fn conversation_id(name: &str) -> ConversationId {
    ConversationId::new(format!("conversation-{name}")).expect("a conversation id")
}

pub(super) fn conversation(id: &str, members: &[&str]) -> Conversation {
    Conversation {
        id: conversation_id(id),
        members: user_ids(members),
        last_position: 0,
        created_at: at(10),
        updated_at: at(10),
    }
}

pub(super) fn message_id(name: &str) -> MessageId {
    MessageId::new(format!("message-{name}")).expect("a message id")
}

pub(super) fn new_message(conversation: &ConversationId, sender: &str, id: &str) -> NewMessage {
    NewMessage {
        id: message_id(id),
        conversation_id: conversation.clone(),
        sender_id: user_id(sender),
        sender_session_id: session_id(sender),
        text: format!("text of {id}").into(),
        created_at: at(20),
    }
}

pub(super) fn call_id(name: &str) -> CallId {
    CallId::new(format!("call-{name}-id")).expect("a call id")
}

pub(super) fn call(app: AppId, id: &str, from: &str, to: &str) -> CallRecord {
    CallRecord {
        app_id: app,
        id: call_id(id),
        caller_id: user_id(from),
        callee_id: user_id(to),
        media: CallMedia::Video,
        created_at: at(30),
        accepted_at: None,
        end: None,
        snapshot: "{\"state\":\"reaching\"}".to_owned(),
    }
}

pub(super) fn is_new(created: Created) -> bool {
    created == Created::New
}
