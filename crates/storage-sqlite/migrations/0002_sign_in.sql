-- What sign-in and sessions in full need: renewed tokens, credentials of every kind, the list of ended sessions, and
-- the audit log.

ALTER TABLE apps ADD COLUMN disabled_at INTEGER;
ALTER TABLE users ADD COLUMN blocked_at INTEGER;

-- A renewed token leaves the one before it good for a while.
ALTER TABLE sessions ADD COLUMN credential TEXT NOT NULL DEFAULT 'ticket';
ALTER TABLE sessions ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN previous_token_hash BLOB;
ALTER TABLE sessions ADD COLUMN previous_good_until INTEGER;
UPDATE sessions SET last_used_at = created_at;
CREATE UNIQUE INDEX sessions_by_previous_token ON sessions (previous_token_hash)
    WHERE previous_token_hash IS NOT NULL;
-- A signed request names its session only.
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
-- The open ones of a user are those without an end; a partial index beside a full one would not be chosen.
CREATE INDEX sessions_by_user ON sessions (app_id, user_id, ended_at);

-- Every session that was ended before its time, in the order of the commits: what nodes go by when the bus was silent.
-- The only tables besides the server's own whose key does not begin with the app are this one and the audit log,
-- because their numbers are the server's.
CREATE TABLE ended_sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE passwords (
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE access_tokens (
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (app_id, user_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX access_tokens_by_hash ON access_tokens (app_id, hash);

CREATE TABLE device_credentials (
    app_id INTEGER NOT NULL,
    username TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    session_id TEXT NOT NULL,
    metadata TEXT NOT NULL,
    sandbox INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, username)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_credentials_by_user ON device_credentials (app_id, user_id);

CREATE TABLE one_time_tokens (
    app_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    purpose TEXT NOT NULL,
    user_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_tokens_by_user ON one_time_tokens (app_id, user_id);
CREATE INDEX one_time_tokens_by_end ON one_time_tokens (expires_at);

-- What must not be used twice while it could still be good: ids of JWTs, signatures of requests.
CREATE TABLE used_once (
    app_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    result TEXT NOT NULL,
    PRIMARY KEY (app_id, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX used_once_by_end ON used_once (expires_at);

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    app_id INTEGER,
    subject TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_app ON audit (app_id, number);
