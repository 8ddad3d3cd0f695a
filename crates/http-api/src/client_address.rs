//! Where a request comes from: the peer's address, or what the proxies say that the operator trusts.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::FORWARDED;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use callbox_domain::ClientAddress;
use ipnet::IpNet;

/// The networks of the proxies before the server, whose word about the client's address is believed. The server puts them
/// into the extensions of every request; where they are missing, nobody is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

/// Why a text names no proxies that could be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustedProxyError {
    /// Neither an address nor a network.
    #[error("'{0}' is neither an address nor a network such as 10.0.0.0/8")]
    Unreadable(String),
    /// Everyone's address is in it.
    #[error("'{0}' is the whole internet, whose word is worth nothing; name the networks of your proxies")]
    Everyone(String),
}

impl TrustedProxies {
    /// Reads addresses and networks in CIDR notation.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, TrustedProxyError> {
        texts.iter().map(|text| network(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, TrustedProxyError> {
    let network = IpNet::from_str(text).or_else(|_| IpAddr::from_str(text).map(IpNet::from));
    match network {
        Ok(network) if network.prefix_len() == 0 => Err(TrustedProxyError::Everyone(text.to_owned())),
        Ok(network) => Ok(network),
        Err(_) => Err(TrustedProxyError::Unreadable(text.to_owned())),
    }
}

/// The address by which the client of a request is counted; `None` where there is no socket, as in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAt(pub Option<ClientAddress>);

impl<S: Send + Sync> FromRequestParts<S> for ClientAt {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let trusted = parts.extensions.get::<TrustedProxies>().cloned().unwrap_or_default();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        Ok(Self(peer.map(|peer| client_address(peer, &parts.headers, &trusted).into())))
    }
}

/// The client's address as far as it is certain. Each proxy adds the address that it was asked from at the right end of its
/// header; so the lists are read from there, for as long as the one who wrote an entry is trusted. What is further left may
/// be anyone's invention. At an entry that is no address the reading ends, with the last proxy as the client.
///
/// A proxy knows one of the two headers and may pass the other one on as the client wrote it. So where both are there and say
/// different things, neither is believed.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(peer) {
        return peer;
    }
    let read = |name: &HeaderName, entry: fn(&str) -> Option<IpAddr>| {
        headers.contains_key(name).then(|| from_the_right(peer, headers, name, entry, trusted))
    };
    match (read(&X_FORWARDED_FOR, address), read(&FORWARDED, forwarded_for)) {
        (Some(one), Some(other)) if one != other => peer,
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

fn from_the_right(
    peer: IpAddr,
    headers: &HeaderMap,
    name: &HeaderName,
    entry: fn(&str) -> Option<IpAddr>,
    trusted: &TrustedProxies,
) -> IpAddr {
    let mut client = peer;
    // Several lines of one header are one list (RFC 9110, section 5.3).
    for line in headers.get_all(name).iter().rev() {
        let Ok(line) = line.to_str() else { return client };
        for text in line.rsplit(',') {
            let Some(address) = entry(text.trim()) else { return client };
            client = address;
            if !trusted.contains(client) {
                return client;
            }
        }
    }
    client
}

/// The address of one entry of `Forwarded`, such as `for="[2001:db8::1]:4711";proto=https` (RFC 7239, section 4). An entry in
/// which a quotation mark or a backslash is out of place may be half of a value that a client chose, and is not read.
fn forwarded_for(entry: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in entry.split(';') {
        let (name, value) = pair.trim().split_once('=')?;
        let value = value.strip_prefix('"').map_or(Some(value), |quoted| quoted.strip_suffix('"'))?;
        if value.contains(['"', '\\']) {
            return None;
        }
        if name.eq_ignore_ascii_case("for") && found.replace(address(value)?).is_some() {
            return None;
        }
    }
    found
}

/// An address with or without a port; that of IPv6 in brackets where it has one.
fn address(text: &str) -> Option<IpAddr> {
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().map(IpAddr::V6).ok();
    let with_port = || text.parse().map(|address: SocketAddr| address.ip()).ok();
    text.parse().ok().or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[cfg(test)]
mod tests {
    use axum::extract::FromRequest;
    use axum::http::{HeaderValue, Request};
    use proptest::prelude::*;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn trusted() -> TrustedProxies {
        TrustedProxies::parse(&["10.0.0.0/8", "192.0.2.1", "fd00::/8"]).expect("good")
    }

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(*name, HeaderValue::from_str(line).expect("a header"));
        }
        client_address(peer.parse().expect("an address"), &headers, &trusted()).to_string()
    }

    fn x_forwarded_for(line: &str) -> String {
        client(PROXY, &[("x-forwarded-for", line)])
    }

    fn forwarded(line: &str) -> String {
        client(PROXY, &[("forwarded", line)])
    }

    #[test]
    fn whoever_is_not_trusted_is_the_client_whatever_the_headers_say() {
        let spoofed = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")];
        assert_eq!(client("198.51.100.1", &spoofed), "198.51.100.1");
        assert_eq!(client("::ffff:198.51.100.1", &spoofed), "198.51.100.1");
        assert_eq!(client(PROXY, &spoofed), "203.0.113.9");
        assert_eq!(client("::ffff:10.0.0.1", &spoofed), "203.0.113.9", "IPv4 through a socket for both");
        assert_eq!(client(PROXY, &[]), PROXY);
    }

    #[test]
    fn the_list_is_read_from_the_right_past_trusted_proxies() {
        assert_eq!(
            x_forwarded_for("1.1.1.1, 203.0.113.9"),
            "203.0.113.9",
            "the client's own words stay behind"
        );
        assert_eq!(x_forwarded_for("1.1.1.1, 203.0.113.9, 192.0.2.1,10.9.9.9"), "203.0.113.9");
        assert_eq!(x_forwarded_for("10.0.0.7, 10.0.0.8"), "10.0.0.7", "a client among the proxies");
        let lines = [("x-forwarded-for", "1.1.1.1, 203.0.113.9"), ("x-forwarded-for", "10.0.0.8")];
        assert_eq!(client(PROXY, &lines), "203.0.113.9", "two lines are one list");
    }

    #[test]
    fn garbage_ends_the_reading_at_the_last_proxy() {
        for garbage in
            ["", "unknown", "_hidden", "203.0.113", "203.0.113.9:port", "[2001:db8::1", "for=203.0.113.9"]
        {
            assert_eq!(x_forwarded_for(garbage), PROXY, "{garbage}");
            assert_eq!(
                x_forwarded_for(&format!("203.0.113.9, {garbage}, 10.0.0.8")),
                "10.0.0.8",
                "{garbage}"
            );
        }
        for garbage in [
            "",
            "for",
            "for=",
            "for=unknown",
            "for=\"_x\"",
            "proto=https",
            "203.0.113.9",
            "for=1.1.1.1;for=2.2.2.2",
        ] {
            assert_eq!(forwarded(garbage), PROXY, "{garbage}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_bytes(b"203.0.113.9, \xff").expect("opaque"));
        assert_eq!(client_address([10, 0, 0, 1].into(), &headers, &trusted()), IpAddr::from([10, 0, 0, 1]));
    }

    #[test]
    fn addresses_come_with_ports_and_brackets() {
        for (text, address) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(x_forwarded_for(text), address);
            assert_eq!(forwarded(&format!("for=\"{text}\"")), address);
        }
        assert_eq!(client("fd00::1", &[("x-forwarded-for", "2001:db8::1")]), "2001:db8::1");
    }

    #[test]
    fn forwarded_is_read_by_its_grammar() {
        assert_eq!(forwarded("For=203.0.113.9;proto=https;by=10.0.0.1"), "203.0.113.9");
        assert_eq!(
            forwarded("for=1.1.1.1, for=203.0.113.9;host=\"a.example\", for=192.0.2.1"),
            "203.0.113.9"
        );
        assert_eq!(
            forwarded("for=\"1.1.1.1, for=203.0.113.9"),
            "203.0.113.9",
            "the client left a quotation open"
        );
    }

    #[test]
    fn a_quoted_value_cannot_pass_for_an_entry() {
        assert_eq!(forwarded("for=203.0.113.9;host=\"x, for=1.1.1.1\""), PROXY);
        assert_eq!(forwarded("for=203.0.113.9;host=\"x, for=1.1.1.1;y=\\\"\""), PROXY);
    }

    #[test]
    fn headers_that_contradict_each_other_are_both_ignored() {
        let both = |one: &str, other: &str| client(PROXY, &[("x-forwarded-for", one), ("forwarded", other)]);
        assert_eq!(both("203.0.113.9", "for=203.0.113.9"), "203.0.113.9");
        assert_eq!(both("203.0.113.9", "for=1.1.1.1"), PROXY);
        assert_eq!(both("1.1.1.1", "for=203.0.113.9"), PROXY);
    }

    #[test]
    fn networks_are_checked_when_they_are_read() {
        let parse = |text: &str| TrustedProxies::parse(&[text]).map(drop);
        assert_eq!(parse("10.0.0.1"), Ok(()));
        assert_eq!(parse("2001:db8::/32"), Ok(()));
        for bad in ["", "10.0.0.0/33", "proxy.example", "10.0.0.1:80"] {
            assert_eq!(parse(bad), Err(TrustedProxyError::Unreadable(bad.to_owned())));
        }
        for everyone in ["0.0.0.0/0", "::/0"] {
            assert_eq!(parse(everyone), Err(TrustedProxyError::Everyone(everyone.to_owned())));
        }
    }

    #[tokio::test]
    async fn a_request_without_a_socket_has_no_address() {
        let extract = async |extensions: axum::http::Extensions| {
            let request =
                Request::builder().header("x-forwarded-for", "2001:db8::1").body(axum::body::Body::empty());
            let mut request = request.expect("a request");
            *request.extensions_mut() = extensions;
            let Ok(ClientAt(address)) = ClientAt::from_request(request, &()).await;
            address.map(|address| address.to_string())
        };
        let mut extensions = axum::http::Extensions::new();
        extensions.insert(trusted());
        assert_eq!(extract(extensions.clone()).await, None);
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 4711))));
        assert_eq!(extract(extensions.clone()).await.as_deref(), Some("2001:db8::/64"));
        extensions.remove::<TrustedProxies>();
        assert_eq!(extract(extensions).await.as_deref(), Some(PROXY));
    }

    proptest! {
        #[test]
        fn nothing_that_a_client_writes_changes_who_it_is(lines in prop::collection::vec("[ -~]{0,40}", 0..3)) {
            for (name, own) in [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")] {
                let joined = lines.iter().map(String::as_str).chain([own]).collect::<Vec<_>>().join(", ");
                prop_assert_eq!(client(PROXY, &[(name, &joined)]), "203.0.113.9");
                prop_assert_eq!(client("198.51.100.1", &[(name, &joined)]), "198.51.100.1");
            }
        }
    }
}
