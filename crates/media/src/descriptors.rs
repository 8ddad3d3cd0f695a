//! How many sockets the process may have.

/// Raises the limit as far as it goes without a privilege: every relay port is a socket, and the usual limit of 1,024 is
/// there for programs that use `select`. Returns the limit, where there is one.
#[cfg(unix)]
pub(crate) fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // "No limit" is more than some systems allow, so less is tried then. Where nothing helps, the limit that there is must do;
    // clients are then told that there is no port (508).
    let wanted = [maximum, Some(1 << 20), Some(10_240)];
    let _ = wanted
        .into_iter()
        .filter(|wanted| is_more(*wanted, current))
        .any(|wanted| setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum }).is_ok());
    getrlimit(Resource::Nofile).current
}

/// Compares limits; `None` is no limit.
#[cfg(unix)]
fn is_more(limit: Option<u64>, than: Option<u64>) -> bool {
    than.is_some_and(|than| limit.is_none_or(|limit| limit > than))
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub(crate) fn raise_limit() -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        let before = getrlimit(Resource::Nofile);
        let after = raise_limit();
        assert_eq!(after, getrlimit(Resource::Nofile).current);
        assert!(after == before.current || is_more(after, before.current), "never lowered");
        if before.maximum.is_some_and(|maximum| maximum <= 1 << 20) {
            assert_eq!(after, before.maximum);
        }
        assert_eq!(raise_limit(), after, "once is enough");
    }
}
