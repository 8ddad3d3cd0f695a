//! How each entity is read from its row. The cells stand in the order of the `…_columns!` macro beside it.

use std::cell::RefCell;

use callbox_domain::call::CallEnd;
use callbox_domain::{
    App, AppId, AppKey, AppKeyRecord, AppSettings, AssertedBy, CallEndCause, CallEventRecord, CallId,
    CallMedia, CallRecord, ConversationId, CredentialKind, Identity, IdentityType, KeyPurpose, Mailbox,
    MailboxEpoch, Member, Message, MessageId, Receipt, Session, SessionEndReason, SessionId, SessionStatus,
    Timestamp, User, UserId,
};
use callbox_storage::StoreResult;

use crate::heads::MemberHead;
use crate::numbers::{ConversationNumber, Person, Place};
use crate::stored_row::{Stored, StoredRow};

macro_rules! stored {
    ($entity:ty, $table:literal, key $key_cells:literal, $read:expr) => {
        impl TryFrom<StoredRow<'_>> for $entity {
            type Error = callbox_storage::StoreError;

            fn try_from(mut row: StoredRow<'_>) -> callbox_storage::StoreResult<Self> {
                let read: fn(&mut StoredRow<'_>) -> callbox_storage::StoreResult<Self> = $read;
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
        "conversations.app_id, conversations.id, conversations.number, \
         coalesce((SELECT place & 4294967295 FROM messages \
             WHERE place > conversations.number << 32 AND place < (conversations.number + 1) << 32 \
             ORDER BY place DESC LIMIT 1), 0) AS last_position, \
         conversations.created_at, \
         max(conversations.updated_at, coalesce((SELECT messages.created_at FROM messages \
             WHERE place > conversations.number << 32 AND place < (conversations.number + 1) << 32 \
             ORDER BY place DESC LIMIT 1), conversations.updated_at)) AS updated_at, \
         conversations.lower_person IS NOT NULL"
    };
}
stored!(ConversationRow, "conversations", key 2, |row| {
    app_id(row)?;
    Ok(ConversationRow {
        id: conversation_id(row)?,
        number: ConversationNumber(row.number()?),
        last_position: row.number()?,
        created_at: timestamp(row)?,
        updated_at: timestamp(row)?,
        is_direct: row.number::<i64>()? == 1,
    })
});

/// A conversation without its members.
pub(crate) struct ConversationRow {
    pub id: ConversationId,
    pub number: ConversationNumber,
    pub last_position: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub is_direct: bool,
}

stored!(ConversationKey, "conversations", key 2, |row| {
    app_id(row)?;
    Ok(ConversationKey(conversation_id(row)?))
});

/// A conversation of the asking app.
pub(crate) struct ConversationKey(pub ConversationId);

// Names come by outer joins: a number that leads nowhere is a bad row, not a missing one.
macro_rules! members {
    () => {
        "conversations.app_id, conversations.id AS conversation_id, people.user_id, \
         delivered_up_to, read_up_to, person \
         FROM conversation_members \
         LEFT JOIN conversations ON conversations.number = conversation_members.conversation \
         LEFT JOIN people ON people.number = conversation_members.person"
    };
}
stored!(MemberHead, "conversation_members", key 3, |row| {
    let receipt = read_receipt(row)?;
    let member = Member {
        user_id: receipt.user_id,
        delivered_up_to: receipt.delivered_up_to,
        read_up_to: receipt.read_up_to,
    };
    Ok(MemberHead { member, person: Person(row.number()?) })
});
stored!(Receipt, "conversation_members", key 3, read_receipt);

fn read_receipt(row: &mut StoredRow<'_>) -> StoreResult<Receipt> {
    app_id(row)?;
    Ok(Receipt {
        conversation_id: conversation_id(row)?,
        user_id: user_id(row)?,
        delivered_up_to: row.number()?,
        read_up_to: row.number()?,
    })
}

macro_rules! messages {
    () => {
        "messages.app_id, conversations.id AS conversation_id, place & 4294967295 AS position, messages.id, \
         senders.user_id AS sender_id, sender_session_id, recipient IS NULL, \
         recipients.user_id AS recipient_id, messages.created_at, text \
         FROM messages \
         LEFT JOIN conversations ON conversations.number = messages.place >> 32 \
         LEFT JOIN people AS senders ON senders.number = messages.sender \
         LEFT JOIN people AS recipients ON recipients.number = messages.recipient"
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
        recipient_id: if row.number::<i64>()? == 1 {
            row.skip();
            None
        } else {
            Some(user_id(row)?)
        },
        created_at: timestamp(row)?,
        text: row.text()?,
    })
});

macro_rules! mailbox_columns {
    () => {
        "people.app_id, people.user_id, epoch, coalesce((SELECT max(seq) FROM events \
             WHERE events.person = mailboxes.person), pruned_up_to) AS head, pruned_up_to"
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

stored!(EventReference, "events", key 2, |row| {
    row.skip();
    let seq = row.number()?;
    let kind: i64 = row.number()?;
    let target = match kind {
        KIND_MESSAGE_CREATED => EventTarget::Message(Place::from_row(row.number()?)),
        KIND_RECEIPT_CHANGED => {
            row.skip();
            EventTarget::Receipt {
                conversation: ConversationNumber(row.number()?),
                member: Person(row.number()?),
            }
        }
        KIND_CALL_ENDED => {
            (0..3).for_each(|_| row.skip());
            EventTarget::Call(call_id(row)?)
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
    Message(Place),
    Receipt { conversation: ConversationNumber, member: Person },
    Call(CallId),
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

stored!(EventMoment, "events", key 2, |row| {
    row.skip();
    Ok(EventMoment { seq: row.number()?, at: timestamp(row)? })
});

/// When an event was logged.
pub(crate) struct EventMoment {
    pub seq: u64,
    pub at: Timestamp,
}

stored!(NewestEvent, "events", key 1, |row| {
    row.skip();
    Ok(NewestEvent { conversation_id: conversation_id(row)?, position: row.number()? })
});

/// The newest message of others that some events speak of, in one conversation.
pub(crate) struct NewestEvent {
    pub conversation_id: ConversationId,
    pub position: u32,
}

pub(crate) use stored;
pub(crate) use {
    app_columns, app_key_columns, call_columns, call_event_columns, call_signal_columns,
    conversation_columns, identity_columns, mailbox_columns, members, messages, session_columns,
    user_columns,
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
