-- What erasing a user needs: who is being erased and how far that is, and ways to every row that names a user.

-- The row goes with the user's own. `tombstone` is the id that stands for the user in what belongs to others too. Of the
-- tombstone's conversations those before `conversation_id`, and in that one the messages up to `position`, are done.
CREATE TABLE erasures (
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    tombstone TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (app_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ended_sessions_by_user ON ended_sessions (app_id, user_id);
CREATE INDEX events_by_member ON events (app_id, member_id) WHERE member_id IS NOT NULL;
CREATE INDEX calls_by_caller ON calls (app_id, caller_id);
CREATE INDEX calls_by_callee ON calls (app_id, callee_id);
CREATE INDEX audit_by_subject ON audit (app_id, subject);
