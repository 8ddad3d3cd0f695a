//! The server's time.

pub(crate) mod tell_time;
