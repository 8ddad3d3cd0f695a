//! Sessions.

pub(crate) mod end_other_sessions;
pub(crate) mod end_session;
pub(crate) mod issue_token;
pub(crate) mod list_sessions;
pub(crate) mod renew;
pub(crate) mod resume;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
