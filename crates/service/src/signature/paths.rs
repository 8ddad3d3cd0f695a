//! Which path a signature covers.

/// The paths of one request that its signature may cover; never empty.
///
/// Under `/v1` there is one: path and query, as they came. Clients of older paths do not agree: some sign the query
/// and some do not, and some sign the path below the prefix under which a server is mounted. There a request has
/// several candidates, and one of them must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPaths(Vec<String>);

impl SignedPaths {
    /// Path and query exactly as they came.
    pub fn exact(path_and_query: &str) -> Self {
        Self(vec![path_and_query.to_owned()])
    }

    /// With and without the query, with and without the prefix `mount` (such as `/sinch`).
    ///
    /// Where the query is not signed, whoever carries the request can alter it: take this only for operations whose
    /// query decides nothing of weight.
    pub fn lenient(mount: &str, path_and_query: &str) -> Self {
        let below = path_and_query.strip_prefix(mount).filter(|below| below.starts_with('/'));
        let mut paths = Vec::new();
        for full in [Some(path_and_query), below].into_iter().flatten() {
            let path = full.split_once('?').map_or(full, |(path, _)| path);
            for candidate in [full, path] {
                if !paths.iter().any(|known| known == candidate) {
                    paths.push(candidate.to_owned());
                }
            }
        }
        Self(paths)
    }

    /// The path that a new signature covers.
    pub(super) fn first(&self) -> &str {
        &self.0[0]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lenient(path_and_query: &str) -> Vec<String> {
        SignedPaths::lenient("/sinch", path_and_query).0
    }

    #[test]
    fn an_exact_path_stands_alone() {
        assert_eq!(SignedPaths::exact("/v1/users?limit=1").0, ["/v1/users?limit=1"]);
    }

    #[test]
    fn lenient_paths_come_with_and_without_query_and_mount() {
        assert_eq!(
            lenient("/sinch/v1/a?b=c?d"),
            ["/sinch/v1/a?b=c?d", "/sinch/v1/a", "/v1/a?b=c?d", "/v1/a"]
        );
        assert_eq!(lenient("/sinch/v1/a"), ["/sinch/v1/a", "/v1/a"]);
        assert_eq!(lenient("/v1/a"), ["/v1/a"]);
        assert_eq!(lenient("/sinchly/a"), ["/sinchly/a"], "a mount ends where a segment ends");
        assert_eq!(lenient("/sinch"), ["/sinch"]);
        assert_eq!(lenient("/v1/a?x=/sinch/b"), ["/v1/a?x=/sinch/b", "/v1/a"]);
    }
}
