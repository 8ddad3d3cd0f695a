-- What the query planner should expect of the tables. Without figures it believes that a key's first column, the app, leads
-- to a few rows, and walks a whole app where an index leads to one user. These are orders of magnitude, not counts: all
-- rows, then how many share the first column of the index, the first two, and so on (https://sqlite.org/fileformat2.html,
-- section 2.6.4).

ANALYZE sqlite_schema;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('app_keys', 'app_keys', '1000 2 1'),
    ('app_keys', 'app_keys_by_app', '1000 2'),
    ('users', 'users', '1000000 1000000 1'),
    ('identities', 'identities', '1000000 1000000 500000 1'),
    ('identities', 'identities_by_user', '1000000 1000000 2'),
    ('sessions', 'sessions', '1000000 1000000 1'),
    ('sessions', 'sessions_by_token', '1000000 1'),
    ('sessions', 'sessions_by_previous_token', '100000 1'),
    ('sessions', 'sessions_by_id', '1000000 1'),
    ('sessions', 'sessions_by_user', '1000000 1000000 50 5'),
    ('ended_sessions', 'ended_sessions_by_user', '100000 100000 10'),
    ('passwords', 'passwords', '1000000 1000000 1'),
    ('access_tokens', 'access_tokens', '100000 100000 2 1'),
    ('access_tokens', 'access_tokens_by_hash', '100000 100000 1'),
    ('device_credentials', 'device_credentials', '1000000 1000000 1'),
    ('device_credentials', 'device_credentials_by_user', '1000000 1000000 3'),
    ('one_time_tokens', 'one_time_tokens', '10000 10000 1'),
    ('one_time_tokens', 'one_time_tokens_by_user', '10000 10000 1'),
    ('one_time_tokens', 'one_time_tokens_by_end', '10000 2'),
    ('used_once', 'used_once', '100000 100000 1'),
    ('used_once', 'used_once_by_end', '100000 2'),
    ('conversations', 'conversations', '1000000 1000000 1'),
    ('conversations', 'conversations_direct', '1000000 1000000 20 1'),
    ('conversation_members', 'conversation_members', '2000000 2000000 2 1'),
    ('conversation_members', 'conversation_members_by_user', '2000000 2000000 20 1'),
    ('messages', 'messages', '10000000 10000000 100 1'),
    ('messages', 'messages_by_id', '10000000 10000000 1'),
    ('mailboxes', 'mailboxes', '1000000 1000000 1'),
    ('events', 'events', '10000000 10000000 1000 1'),
    ('events', 'events_by_member', '1000000 1000000 100'),
    ('calls', 'calls', '1000000 1000000 1'),
    ('calls', 'calls_live_by_caller', '1000 1000 1'),
    ('calls', 'calls_live_by_callee', '1000 1000 1'),
    ('calls', 'calls_by_caller', '1000000 1000000 50'),
    ('calls', 'calls_by_callee', '1000000 1000000 50'),
    ('call_events', 'call_events', '10000000 10000000 10 1'),
    ('call_signals', 'call_signals', '10000 10000 20 1'),
    ('audit', 'audit_by_app', '1000000 100000 1'),
    ('audit', 'audit_by_subject', '1000000 100000 5');

-- Read anew by this connection.
ANALYZE sqlite_schema;
