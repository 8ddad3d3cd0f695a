-- Every table but the server's own (meta, apps, app_keys) starts its key with the app: nothing crosses apps.
-- Moments are milliseconds since 1970. Words are those of the domain. There are no foreign keys: each verb touches
-- the parent row itself, or asks for it, inside the same write.

-- What the server notes about itself, such as the fingerprint of its master key.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE apps (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- A key is looked up before its app is known, so it comes first.
CREATE TABLE app_keys (
    key TEXT NOT NULL,
    generation INTEGER NOT NULL,
    app_id INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    sealed_secret BLOB,
    not_after INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (key, generation)
) STRICT, WITHOUT ROWID;
CREATE INDEX app_keys_by_app ON app_keys (app_id);

CREATE TABLE users (
    app_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER,
    PRIMARY KEY (app_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    app_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    user_id TEXT NOT NULL,
    asserted_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, type, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_user ON identities (app_id, user_id);

CREATE TABLE sessions (
    app_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    device TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT,
    token_hash BLOB NOT NULL,
    PRIMARY KEY (app_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_by_token ON sessions (token_hash);

-- A new message leaves the conversation's row alone: the newest position is that of the newest message, and the last
-- change is the later one of `updated_at` and that message's moment. So a message's row is never removed, only emptied.
-- `lower_member` and `upper_member` (in the order of their ids) are set for direct conversations only.
CREATE TABLE conversations (
    app_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    lower_member TEXT,
    upper_member TEXT,
    PRIMARY KEY (app_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX conversations_direct ON conversations (app_id, lower_member, upper_member)
    WHERE lower_member IS NOT NULL;

CREATE TABLE conversation_members (
    app_id INTEGER NOT NULL,
    conversation_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    delivered_up_to INTEGER NOT NULL,
    read_up_to INTEGER NOT NULL,
    PRIMARY KEY (app_id, conversation_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_members_by_user ON conversation_members (app_id, user_id, conversation_id);

CREATE TABLE messages (
    app_id INTEGER NOT NULL,
    conversation_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    sender_session_id TEXT NOT NULL,
    recipient_id TEXT,
    created_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (app_id, conversation_id, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX messages_by_id ON messages (app_id, id);

-- The head of a mailbox is the number of its newest event, or `pruned_up_to` when no event is kept.
CREATE TABLE mailboxes (
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    pruned_up_to INTEGER NOT NULL,
    PRIMARY KEY (app_id, user_id)
) STRICT, WITHOUT ROWID;

-- References only, never a body. By kind:
--   1 message.created: conversation_id, position
--   2 receipt.changed: conversation_id, member_id
--   3 call.ended: call_id
CREATE TABLE events (
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    conversation_id TEXT,
    position INTEGER,
    member_id TEXT,
    call_id TEXT,
    PRIMARY KEY (app_id, user_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE calls (
    app_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    caller_id TEXT NOT NULL,
    callee_id TEXT NOT NULL,
    media TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    accepted_at INTEGER,
    ended_at INTEGER,
    end_cause TEXT,
    ended_by TEXT,
    snapshot TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_live_by_caller ON calls (app_id, caller_id) WHERE ended_at IS NULL;
CREATE INDEX calls_live_by_callee ON calls (app_id, callee_id) WHERE ended_at IS NULL;

CREATE TABLE call_events (
    app_id INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT,
    details TEXT NOT NULL,
    PRIMARY KEY (app_id, call_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE call_signals (
    app_id INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    signal TEXT NOT NULL,
    PRIMARY KEY (app_id, call_id, number)
) STRICT, WITHOUT ROWID;
