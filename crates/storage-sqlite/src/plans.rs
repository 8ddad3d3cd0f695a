//! A guard of debug builds, and so of every test: no statement may walk a whole app where an index leads to what it wants.

use rusqlite::Connection;

/// Panics when the plan of `sql` looks through all rows of an app, or of a table that grows.
pub(crate) fn check(connection: &Connection, sql: &str) {
    if !["SELECT", "INSERT", "UPDATE", "DELETE"].iter().any(|verb| sql.starts_with(verb)) {
        return;
    }
    let Ok(mut statement) = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")) else { return };
    // The parameters stay unbound: a plan does not depend on them.
    let mut steps = statement.raw_query();
    while let Ok(Some(step)) = steps.next() {
        let step: String = step.get("detail").expect("every step says what it does");
        assert!(!walks(&step), "`{step}` in the plan of: {sql}");
    }
}

/// Whether a step reads more than it wants. Tables that stay small, and reads in the order of an index, may be walked.
fn walks(step: &str) -> bool {
    let of_app = step.ends_with("(app_id=?)") && !SMALL.iter().any(|table| step.contains(table));
    let scan = step.strip_prefix("SCAN ").is_some_and(|rest| {
        let table = rest.split(' ').next().unwrap_or_default();
        GROWING.contains(&table) && !rest.contains(" USING ")
    });
    of_app || scan
}

/// Tables of a few rows for each app.
const SMALL: &[&str] = &["app_keys", "apps"];

/// Tables with rows for each user, session, message and so on.
const GROWING: &[&str] = &[
    "users",
    "people",
    "identities",
    "sessions",
    "passwords",
    "access_tokens",
    "device_credentials",
    "conversations",
    "conversation_members",
    "messages",
    "mailboxes",
    "events",
    "calls",
    "call_events",
    "call_signals",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_walk_are_told_from_those_that_find() {
        assert!(walks("SEARCH sessions USING PRIMARY KEY (app_id=?)"));
        assert!(walks("SCAN messages"));
        assert!(!walks(
            "SEARCH sessions USING INDEX sessions_by_user (app_id=? AND user_id=? AND ended_at=?)"
        ));
        assert!(!walks("SEARCH app_keys USING INDEX app_keys_by_app (app_id=?)"));
        assert!(!walks("SEARCH users USING PRIMARY KEY (app_id=? AND id>?)"));
        assert!(!walks("SCAN calls USING INDEX calls_live_by_callee"));
        assert!(!walks("SCAN apps"));
    }
}
