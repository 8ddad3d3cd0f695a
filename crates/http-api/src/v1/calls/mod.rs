//! Calls.

pub(crate) mod end_call;
pub(crate) mod ice_servers;
