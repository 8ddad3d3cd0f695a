//! What Callbox is about: apps, users, sessions, conversations, messages, events and calls, with the
//! rules that hold for each of them wherever they are stored or shown.
//!
//! This crate is pure. It must never import tokio, a database, a socket, a clock or a random generator:
//! time comes in as [`Timestamp`], randomness through [`Random`].

pub mod address;
pub mod app;
pub mod call;
pub mod event;
pub mod id;
pub mod message;
pub mod random;
pub mod secret;
pub mod session;
pub mod settings;
pub mod time;
pub mod user;

pub use app::{App, AppKeyRecord, AppSettings, Directory, KeyPurpose};
pub use call::{CallEndCause, CallEventRecord, CallMedia, CallRecord, CallSummary};
pub use event::{Cursor, Event, LoggedEvent, Mailbox};
pub use id::{
    AppId, AppKey, CallId, ConnectionId, ConversationId, IdError, MailboxEpoch, MessageId, SessionId, UserId,
};
pub use message::{Conversation, ConversationSummary, Member, Message, Receipt, Watermark};
pub use random::Random;
pub use secret::Secret;
pub use session::{Device, Session, SessionEndReason, SessionStatus};
pub use time::{Clock, Timestamp};
pub use user::{AssertedBy, Identity, IdentityType, Presence, User};
