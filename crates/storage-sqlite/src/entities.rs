//! How each entity is read from its row. The cells stand in the order of the `…_columns!` macro beside it.

use std::cell::RefCell;

use callbox_domain::call::CallEnd;
use callbox_domain::{
    App, AppId, AppKey, AppKeyRecord, AppSettings, AssertedBy, CallEndCause, CallEventRecord, CallId,
    CallMedia, CallRecord, ConversationId, CredentialKind, Identity, IdentityType, KeyPurpose, Mailbox,
    MailboxEpoch, Member, Message, MessageId, Receipt, Session, SessionEndReason, SessionId, SessionStatus,
    Timestamp, User, UserId,
};
use callbox_storage::{StoreError, StoreResult};

use crate::stored_row::{Stored, StoredRow};

macro_rules! stored {
    ($entity:ty, $table:literal, key $key_cells:literal, $read:expr) => {
        impl TryFrom<StoredRow<'_>> for $entity {
            type Error = StoreError;

            fn try_from(mut row: StoredRow<'_>) -> StoreResult<Self> {
                let read: fn(&mut StoredRow<'_>) -> StoreResult<Self> = $read;
                read(&mut row)
            }
        }

        impl Stored for $entity {
            const TABLE: &'static str = $table;
            const KEY_CELLS: usize = $key_cells;
        }
    };
}

macro_rules! app_columns {
    () => {
        "apps.id, apps.key, apps.name, apps.settings, apps.created_at, apps.disabled_at"
    };
}
stored!(App, "apps", key 1, read_app);

/// An app, of which a row may hold more than the app.
pub(crate) fn read_app(row: &mut StoredRow<'_>) -> StoreResult<App> {
    Ok(App {
        id: app_id(row)?,
        key: row.parsed(|text| AppKey::new(text).ok())?,
        name: row.text()?,
        settings: row.parsed(settings)?,
        created_at: timestamp(row)?,
        disabled_at: timestamp_or_null(row)?,
    })
}

macro_rules! app_key_columns {
    () => {
        "key, generation, app_id, purpose, sealed_secret, not_after, created_at"
    };
}
stored!(AppKeyRecord, "app_keys", key 2, |row| Ok(AppKeyRecord {
    key: row.parsed(|text| AppKey::new(text).ok())?,
    generation: row.number()?,
    app_id: app_id(row)?,
    purpose: row.parsed(parse_purpose)?,
    sealed_secret: row.bytes_or_null()?,
    not_after: timestamp_or_null(row)?,
    created_at: timestamp(row)?,
}));

macro_rules! user_columns {
    () => {
        "app_id, id, created_at, last_seen_at, blocked_at"
    };
}
stored!(User, "users", key 2, |row| {
    app_id(row)?;
    Ok(User {
        id: user_id(row)?,
        created_at: timestamp(row)?,
        last_seen_at: timestamp_or_null(row)?,
        blocked_at: timestamp_or_null(row)?,
    })
});

macro_rules! identity_columns {
    () => {
        "app_id, type, value, user_id, asserted_by, created_at"
    };
}
stored!(Identity, "identities", key 3, |row| {
    app_id(row)?;
    Ok(Identity {
        identity_type: row.parsed(IdentityType::parse)?,
        value: row.text()?,
        user_id: user_id(row)?,
        asserted_by: row.parsed(AssertedBy::parse)?,
        created_at: timestamp(row)?,
    })
});

macro_rules! session_columns {
    () => {
        "sessions.app_id, sessions.id, sessions.user_id, sessions.device, sessions.created_at, \
         sessions.expires_at, sessions.credential, sessions.last_used_at, \
         sessions.ended_at, sessions.end_reason"
    };
}
stored!(Session, "sessions", key 2, |row| Ok(Session {
    app_id: app_id(row)?,
    id: row.parsed(|text| SessionId::new(text).ok())?,
    user_id: user_id(row)?,
    device: row.parsed(|text| serde_json::from_str(text).ok())?,
    created_at: timestamp(row)?,
    expires_at: timestamp(row)?,
    credential: row.parsed(CredentialKind::parse)?,
    last_used_at: timestamp(row)?,
    status: match timestamp_or_null(row)? {
        None => {
            row.skip();
            SessionStatus::Open
        }
        Some(at) => SessionStatus::Ended { at, reason: row.parsed(SessionEndReason::parse)? },
    },
}));

macro_rules! conversation_columns {
    () => {
        "conversations.app_id, conversations.id, \
         coalesce((SELECT max(position) FROM messages \
             WHERE messages.app_id = conversations.app_id \
                 AND messages.conversation_id = conversations.id), 0) AS last_position, \
         conversations.created_at, \
         max(conversations.updated_at, coalesce((SELECT messages.created_at FROM messages \
             WHERE messages.app_id = conversations.app_id \
                 AND messages.conversation_id = conversations.id \
             ORDER BY position DESC LIMIT 1), conversations.updated_at)) AS updated_at, \
         conversations.lower_member, conversations.upper_member"
    };
}
stored!(ConversationHead, "conversations", key 2, |row| {
    app_id(row)?;
    Ok(ConversationHead {
        id: conversation_id(row)?,
        last_position: row.number()?,
        created_at: timestamp(row)?,
        updated_at: timestamp(row)?,
        lower_member: user_id_or_null(row)?,
        upper_member: user_id_or_null(row)?,
    })
});

/// A conversation without its members.
pub(crate) struct ConversationHead {
    pub id: ConversationId,
    pub last_position: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Of a direct conversation, the member with the lower id.
    pub lower_member: Option<UserId>,
    /// Of a direct conversation, the other member.
    pub upper_member: Option<UserId>,
}

impl ConversationHead {
    /// The other user of a direct conversation.
    pub fn recipient(&self, sender: &UserId) -> Option<&UserId> {
        let (lower, upper) = (self.lower_member.as_ref()?, self.upper_member.as_ref()?);
        if sender == lower { Some(upper) } else { (sender == upper).then_some(lower) }
    }
}

stored!(ConversationKey, "conversations", key 2, |row| {
    app_id(row)?;
    Ok(ConversationKey(conversation_id(row)?))
});

/// A conversation of the asking app.
pub(crate) struct ConversationKey(pub ConversationId);

macro_rules! member_columns {
    () => {
        "app_id, conversation_id, user_id, delivered_up_to, read_up_to"
    };
}
stored!(Member, "conversation_members", key 3, |row| {
    app_id(row)?;
    conversation_id(row)?;
    Ok(Member {
        user_id: user_id(row)?,
        delivered_up_to: row.number()?,
        read_up_to: row.number()?,
    })
});
stored!(Receipt, "conversation_members", key 3, |row| {
    app_id(row)?;
    Ok(Receipt {
        conversation_id: conversation_id(row)?,
        user_id: user_id(row)?,
        delivered_up_to: row.number()?,
        read_up_to: row.number()?,
    })
});

macro_rules! message_columns {
    () => {
        "app_id, conversation_id, position, id, sender_id, sender_session_id, recipient_id, \
         created_at, text"
    };
}
stored!(Message, "messages", key 3, |row| {
    app_id(row)?;
    Ok(Message {
        conversation_id: conversation_id(row)?,
        position: row.number()?,
        id: row.parsed(|text| MessageId::new(text).ok())?,
        sender_id: user_id(row)?,
        sender_session_id: row.parsed(|text| SessionId::new(text).ok())?,
        recipient_id: user_id_or_null(row)?,
        created_at: timestamp(row)?,
        text: row.text()?,
    })
});

macro_rules! mailbox_columns {
    () => {
        "app_id, user_id, epoch, coalesce((SELECT max(seq) FROM events \
             WHERE events.app_id = mailboxes.app_id AND events.user_id = mailboxes.user_id), \
             pruned_up_to) AS head, pruned_up_to"
    };
}
stored!(Mailbox, "mailboxes", key 2, |row| {
    app_id(row)?;
    user_id(row)?;
    Ok(Mailbox {
        epoch: row.parsed(|text| MailboxEpoch::new(text).ok())?,
        head: row.number()?,
        pruned_up_to: row.number()?,
    })
});

macro_rules! event_columns {
    () => {
        "app_id, user_id, seq, kind, conversation_id, position, member_id, call_id"
    };
}
stored!(EventReference, "events", key 3, |row| {
    app_id(row)?;
    user_id(row)?;
    let seq = row.number()?;
    let kind: i64 = row.number()?;
    let target = match kind {
        KIND_MESSAGE_CREATED => EventTarget::Message {
            conversation_id: conversation_id(row)?,
            position: row.number()?,
        },
        KIND_RECEIPT_CHANGED => {
            let conversation_id = conversation_id(row)?;
            row.skip();
            EventTarget::Receipt { conversation_id, member_id: user_id(row)? }
        }
        KIND_CALL_ENDED => {
            (0..3).for_each(|_| row.skip());
            EventTarget::Call { call_id: call_id(row)? }
        }
        _ => return Err(row.bad_cell()),
    };
    Ok(EventReference { seq, target })
});

/// An event as it is kept: its number and what it points to.
pub(crate) struct EventReference {
    pub seq: u64,
    pub target: EventTarget,
}

/// What an event points to.
pub(crate) enum EventTarget {
    Message { conversation_id: ConversationId, position: u32 },
    Receipt { conversation_id: ConversationId, member_id: UserId },
    Call { call_id: CallId },
}

macro_rules! call_columns {
    () => {
        "app_id, id, caller_id, callee_id, media, created_at, accepted_at, snapshot, \
         ended_at, end_cause, ended_by"
    };
}
stored!(CallRecord, "calls", key 2, |row| Ok(CallRecord {
    app_id: app_id(row)?,
    id: call_id(row)?,
    caller_id: user_id(row)?,
    callee_id: user_id(row)?,
    media: row.parsed(CallMedia::parse)?,
    created_at: timestamp(row)?,
    accepted_at: timestamp_or_null(row)?,
    snapshot: row.text()?,
    end: match timestamp_or_null(row)? {
        None => None,
        Some(at) => Some(CallEnd {
            at,
            cause: row.parsed(CallEndCause::parse)?,
            by: user_id_or_null(row)?,
        }),
    },
}));

macro_rules! call_event_columns {
    () => {
        "app_id, call_id, number, at, kind, user_id, details"
    };
}
stored!(CallEventRecord, "call_events", key 3, |row| {
    (0..3).for_each(|_| row.skip());
    Ok(CallEventRecord {
        at: timestamp(row)?,
        kind: row.text()?,
        user_id: user_id_or_null(row)?,
        details: row.text()?,
    })
});

macro_rules! call_signal_columns {
    () => {
        "app_id, call_id, number, signal"
    };
}
stored!(CallSignal, "call_signals", key 3, |row| {
    (0..3).for_each(|_| row.skip());
    Ok(CallSignal(row.text()?))
});

/// A kept signal.
pub(crate) struct CallSignal(pub String);

stored!(NewestEvent, "events", key 2, |row| {
    app_id(row)?;
    user_id(row)?;
    Ok(NewestEvent { conversation_id: conversation_id(row)?, position: row.number()? })
});

/// The newest message of others that some events speak of, in one conversation.
pub(crate) struct NewestEvent {
    pub conversation_id: ConversationId,
    pub position: u32,
}

stored!(NewestPosition, "messages", key 0, |row| Ok(NewestPosition(row.number()?)));

/// The position of a conversation's newest message; 0 without messages.
pub(crate) struct NewestPosition(pub u32);

pub(crate) use stored;
pub(crate) use {
    app_columns, app_key_columns, call_columns, call_event_columns, call_signal_columns,
    conversation_columns, event_columns, identity_columns, mailbox_columns, member_columns, message_columns,
    session_columns, user_columns,
};

/// The word of a key's purpose in SQL.
pub(crate) fn purpose_word(purpose: KeyPurpose) -> &'static str {
    match purpose {
        KeyPurpose::Primary => "primary",
        KeyPurpose::Alias => "alias",
    }
}

/// Settings from their JSON. Every session check reads its app, and settings change rarely: each thread remembers the few
/// texts that it has read.
fn settings(text: &str) -> Option<AppSettings> {
    thread_local! {
        static READ: RefCell<Vec<(String, AppSettings)>> = const { RefCell::new(Vec::new()) };
    }
    READ.with_borrow_mut(|read| {
        if let Some((_, settings)) = read.iter().find(|(known, _)| known == text) {
            return Some(settings.clone());
        }
        let settings: AppSettings = serde_json::from_str(text).ok()?;
        if read.len() >= SETTINGS_REMEMBERED_MAX {
            read.remove(0);
        }
        read.push((text.to_owned(), settings.clone()));
        Some(settings)
    })
}

/// Different settings that a thread remembers.
const SETTINGS_REMEMBERED_MAX: usize = 16;

fn parse_purpose(word: &str) -> Option<KeyPurpose> {
    [KeyPurpose::Primary, KeyPurpose::Alias].into_iter().find(|purpose| purpose_word(*purpose) == word)
}

pub(crate) fn app_id(row: &mut StoredRow<'_>) -> StoreResult<AppId> {
    row.number().map(AppId)
}

pub(crate) fn user_id(row: &mut StoredRow<'_>) -> StoreResult<UserId> {
    row.parsed(|text| UserId::new(text).ok())
}

fn user_id_or_null(row: &mut StoredRow<'_>) -> StoreResult<Option<UserId>> {
    row.parsed_or_null(|text| UserId::new(text).ok())
}

fn conversation_id(row: &mut StoredRow<'_>) -> StoreResult<ConversationId> {
    row.parsed(|text| ConversationId::new(text).ok())
}

pub(crate) fn call_id(row: &mut StoredRow<'_>) -> StoreResult<CallId> {
    row.parsed(|text| CallId::new(text).ok())
}

pub(crate) fn timestamp(row: &mut StoredRow<'_>) -> StoreResult<Timestamp> {
    let millis = row.number()?;
    let moment = Timestamp::from_millis(millis);
    // The type brings what is out of range into its range; a row that needs that is bad.
    if moment.as_millis() == millis { Ok(moment) } else { Err(row.bad_cell()) }
}

pub(crate) fn timestamp_or_null(row: &mut StoredRow<'_>) -> StoreResult<Option<Timestamp>> {
    if row.skip_null()? { Ok(None) } else { timestamp(row).map(Some) }
}

/// `events.kind` of `message.created`.
pub(crate) const KIND_MESSAGE_CREATED: i64 = 1;
/// `events.kind` of `receipt.changed`.
pub(crate) const KIND_RECEIPT_CHANGED: i64 = 2;
/// `events.kind` of `call.ended`.
pub(crate) const KIND_CALL_ENDED: i64 = 3;
