//! Sessions.

pub(crate) mod resume;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
