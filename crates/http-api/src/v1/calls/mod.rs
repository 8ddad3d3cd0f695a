//! Calls.

pub(crate) mod end_call;
