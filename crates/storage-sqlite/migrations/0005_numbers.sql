-- Numbers stand for people and conversations in the tables that grow with each message: their rows and keys become
-- small, a message finds its place by one number, and whoever is erased is renamed in one row.

-- Everyone who was ever a member of a conversation or had a mailbox, and the ids that stand for erased users.
CREATE TABLE people (
    number INTEGER PRIMARY KEY,
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX people_by_user ON people (app_id, user_id);

INSERT INTO people (app_id, user_id)
    SELECT app_id, user_id FROM mailboxes
    UNION SELECT app_id, user_id FROM conversation_members
    UNION SELECT app_id, sender_id FROM messages
    UNION SELECT app_id, recipient_id FROM messages WHERE recipient_id IS NOT NULL
    UNION SELECT app_id, member_id FROM events WHERE member_id IS NOT NULL
    UNION SELECT app_id, tombstone FROM erasures;

-- An erasure under way has renamed the user in some rows: both names lead to the one number.
CREATE TEMP TABLE names (app_id INTEGER, user_id TEXT, person INTEGER, PRIMARY KEY (app_id, user_id)) WITHOUT ROWID;
INSERT INTO names
    SELECT people.app_id, people.user_id, coalesce(tombstones.number, people.number) FROM people
        LEFT JOIN erasures ON erasures.app_id = people.app_id AND erasures.user_id = people.user_id
        LEFT JOIN people AS tombstones
            ON tombstones.app_id = erasures.app_id AND tombstones.user_id = erasures.tombstone;

-- The head of a mailbox is the number of its newest event, or `pruned_up_to` when no event is kept.
CREATE TABLE new_mailboxes (
    person INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL,
    pruned_up_to INTEGER NOT NULL
) STRICT;
INSERT INTO new_mailboxes
    SELECT person, epoch, pruned_up_to FROM mailboxes JOIN names USING (app_id, user_id);

-- A new message leaves the conversation's row alone: the newest position is that of the newest message, and the last
-- change is the later one of `updated_at` and that message's moment. So a message's row is never removed, only emptied.
-- `lower_person` and `upper_person` are set for direct conversations only.
CREATE TABLE new_conversations (
    number INTEGER PRIMARY KEY,
    app_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    lower_person INTEGER,
    upper_person INTEGER
) STRICT;
INSERT INTO new_conversations (app_id, id, created_at, updated_at, lower_person, upper_person)
    SELECT conversations.app_id, id, created_at, updated_at, min(one.person, other.person), max(one.person, other.person)
    FROM conversations
        LEFT JOIN names AS one ON one.app_id = conversations.app_id AND one.user_id = lower_member
        LEFT JOIN names AS other ON other.app_id = conversations.app_id AND other.user_id = upper_member;
CREATE UNIQUE INDEX new_conversations_by_id ON new_conversations (app_id, id);

CREATE TABLE new_members (
    conversation INTEGER NOT NULL,
    person INTEGER NOT NULL,
    delivered_up_to INTEGER NOT NULL,
    read_up_to INTEGER NOT NULL,
    PRIMARY KEY (conversation, person)
) STRICT, WITHOUT ROWID;
INSERT INTO new_members
    SELECT new_conversations.number, person, delivered_up_to, read_up_to
    FROM conversation_members
        JOIN names USING (app_id, user_id)
        JOIN new_conversations ON new_conversations.app_id = conversation_members.app_id
            AND new_conversations.id = conversation_id;

-- `place` is the conversation's number times 2^32 plus the position: neighbours in a history are neighbours on disk.
CREATE TABLE new_messages (
    place INTEGER PRIMARY KEY,
    app_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    sender INTEGER NOT NULL,
    sender_session_id TEXT NOT NULL,
    recipient INTEGER,
    created_at INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
INSERT INTO new_messages
    SELECT (new_conversations.number << 32) + position, messages.app_id, messages.id, senders.person,
        sender_session_id, recipients.person, messages.created_at, text
    FROM messages
        JOIN new_conversations ON new_conversations.app_id = messages.app_id
            AND new_conversations.id = messages.conversation_id
        JOIN names AS senders ON senders.app_id = messages.app_id AND senders.user_id = sender_id
        LEFT JOIN names AS recipients ON recipients.app_id = messages.app_id AND recipients.user_id = recipient_id;

-- References only, never a body. By kind:
--   1 message.created: place
--   2 receipt.changed: conversation, member
--   3 call.ended: call_id
CREATE TABLE new_events (
    person INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    place INTEGER,
    conversation INTEGER,
    member INTEGER,
    call_id TEXT,
    PRIMARY KEY (person, seq)
) STRICT, WITHOUT ROWID;
-- Nobody noted when these happened: they are kept as long as if it were now.
INSERT INTO new_events
    SELECT owners.person, seq, CAST(unixepoch('subsec') * 1000 AS INTEGER), kind,
        iif(kind = 1, (new_conversations.number << 32) + position, NULL),
        iif(kind = 2, new_conversations.number, NULL), members.person, call_id
    FROM events
        JOIN names AS owners USING (app_id, user_id)
        LEFT JOIN new_conversations ON new_conversations.app_id = events.app_id
            AND new_conversations.id = events.conversation_id
        LEFT JOIN names AS members ON members.app_id = events.app_id AND members.user_id = events.member_id;

DROP TABLE events;
DROP TABLE messages;
DROP TABLE conversation_members;
DROP TABLE conversations;
DROP TABLE mailboxes;
DROP INDEX new_conversations_by_id;
ALTER TABLE new_events RENAME TO events;
ALTER TABLE new_messages RENAME TO messages;
ALTER TABLE new_members RENAME TO conversation_members;
ALTER TABLE new_conversations RENAME TO conversations;
ALTER TABLE new_mailboxes RENAME TO mailboxes;

CREATE UNIQUE INDEX messages_by_id ON messages (app_id, id);
CREATE INDEX conversation_members_by_person ON conversation_members (person, conversation);
CREATE UNIQUE INDEX conversations_by_id ON conversations (app_id, id);
CREATE UNIQUE INDEX conversations_direct ON conversations (lower_person, upper_person)
    WHERE lower_person IS NOT NULL;

-- Whoever is being erased is renamed at the beginning from now on.
DELETE FROM people WHERE EXISTS (
    SELECT 1 FROM erasures WHERE erasures.app_id = people.app_id AND erasures.user_id = people.user_id);
-- Of the messages in the user's conversations, those up to this place are emptied.
ALTER TABLE erasures DROP COLUMN conversation_id;
ALTER TABLE erasures DROP COLUMN position;
ALTER TABLE erasures ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
DROP TABLE names;

-- See the migration before this one.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('people', 'people_by_user', '1000000 1000000 1'),
    ('mailboxes', NULL, '1000000'),
    ('conversations', 'conversations_by_id', '1000000 1000000 1'),
    ('conversations', 'conversations_direct', '1000000 20 1'),
    ('conversation_members', 'conversation_members', '2000000 2 1'),
    ('conversation_members', 'conversation_members_by_person', '2000000 20 1'),
    ('messages', 'messages_by_id', '10000000 10000000 1'),
    ('events', 'events', '10000000 1000 1');

ANALYZE sqlite_schema;
