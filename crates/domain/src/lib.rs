//! What Callbox is about: apps, users, sessions, conversations, messages, events and calls, with the
//! rules that hold for each of them wherever they are stored or shown.
//!
//! This crate is pure. It must never import tokio, a database, a socket, a clock or a random generator:
//! time comes in as [`Timestamp`], randomness through [`Random`].

pub mod address;
pub mod app;
pub mod audit;
pub mod call;
pub mod client_address;
pub mod credential;
pub mod event;
pub mod id;
pub mod message;
pub mod random;
pub mod secret;
pub mod session;
pub mod settings;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod user;

pub use app::{App, AppKeyRecord, KeyPurpose};
pub use audit::{AuditEntry, AuditRecord};
pub use call::{CallEndCause, CallEventRecord, CallMedia, CallRecord, CallSummary};
pub use client_address::ClientAddress;
pub use credential::{AccessToken, DeviceCredential, OneTimePurpose, OneTimeToken, PasswordRecord, UsedOnce};
pub use event::{Cursor, Event, LoggedEvent, Mailbox};
pub use id::{
    AppId, AppKey, CallId, ConnectionId, ConversationId, IdError, MailboxEpoch, MessageId, SessionId, UserId,
};
pub use message::{Conversation, ConversationSummary, Member, Message, Receipt, Watermark};
pub use random::Random;
pub use secret::Secret;
pub use session::{CredentialKind, Device, EndedSession, Session, SessionEndReason, SessionStatus};
pub use settings::{AppSettings, Directory, JwtIssuer, SettingError, SettingInfo, SettingValues};
pub use time::{Clock, Timestamp};
pub use user::{AssertedBy, Identity, IdentityType, Presence, User};
