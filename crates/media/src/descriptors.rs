//! How many sockets the process may have.

/// Raises the limit as far as it goes without a privilege: every relay port is a socket, and the usual limit of 1,024 is
/// there for programs that use `select`. Returns the limit, where there is one.
#[cfg(unix)]
pub(crate) fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it fails, the limit that there is must do; clients are then told that there is no port (508).
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub(crate) fn raise_limit() -> Option<u64> {
    None
}
