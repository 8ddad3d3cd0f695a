//! How the doctor reaches a server over HTTP: plain or by TLS, at the address that its name leads to or at another one.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::finding::Finding;
use super::witness::Witness;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_tls: bool,
    /// What stands before `/v1`.
    prefix: String,
}

/// Bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// An open connection.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Duplex>,
    /// What the server showed, its own certificate first; nothing on a plain connection.
    pub(super) chain: Vec<CertificateDer<'static>>,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// The name leads nowhere.
    NoAddress { host: String, reason: String },
    /// Nobody listens there.
    Refused { at: String },
    /// Nothing came back in time.
    Silent { at: String },
    /// Another failure of the network.
    Failed { at: String, reason: String },
    /// The connection is there, and speaks no TLS.
    NoTls { at: String, reason: String },
    /// What came back is no HTTP.
    NoHttp { at: String, reason: String },
    /// What came back is no STUN.
    NoTurn { at: String },
}

impl Site {
    /// Reads an address such as `https://calls.example.com`.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let bad = || format!("'{url}' is not an address such as https://calls.example.com");
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().filter(|part| !part.as_str().contains('@')).ok_or_else(bad)?;
        let (is_tls, port) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            _ => return Err(bad()),
        };
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if ServerName::try_from(host).is_err() || uri.query().is_some() {
            return Err(bad());
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(port),
            is_tls,
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The server that listens at an address of this machine.
    pub(super) fn local(listen: SocketAddr, is_tls: bool) -> Self {
        let address = reachable(listen);
        Self::at(&address.ip().to_string(), address.port(), is_tls)
    }

    /// Whoever is at a host, which is a name or an address.
    pub(super) fn at(host: &str, port: u16, is_tls: bool) -> Self {
        Self { host: host.to_owned(), port, is_tls, prefix: String::new() }
    }

    /// As it stands in an address.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The path of one of the server's addresses.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Whether its name leads to this machine and nowhere else.
    pub(super) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// What this site can be called by in a certificate.
    pub(super) fn name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host.clone()).ok()
    }

    /// A new connection. Any certificate will do: whether it is good is judged by itself, so that a bad one hides nothing.
    pub(super) async fn connect(&self, protocol: Option<&[u8]>) -> Result<Connection, Unreachable> {
        let at = self.authority();
        in_time(&at, async {
            let stream = tcp(&self.host, self.port).await?;
            if !self.is_tls {
                return Ok(Connection { stream: Box::new(stream), chain: Vec::new() });
            }
            let no_tls = |reason: String| Unreachable::NoTls { at: at.clone(), reason };
            let name = self.name().ok_or_else(|| no_tls("its name is none of DNS".to_owned()))?;
            let stream = connector(protocol).connect(name, stream).await;
            let stream = stream.map_err(|error| no_tls(error.to_string()))?;
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
            Ok(Connection { stream: Box::new(stream), chain })
        })
        .await
    }

    /// Asks for one of the server's addresses.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Unreachable> {
        let at = self.authority();
        let no_http = |reason: String| Unreachable::NoHttp { at: at.clone(), reason };
        let request = Request::get(self.path(path))
            .header(header::HOST, &at)
            .header(header::USER_AGENT, "callbox doctor")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| no_http(error.to_string()))?;
        let connection = self.connect(Some(HTTP)).await?;
        in_time(&at, async {
            let handshake = http1::handshake(TokioIo::new(connection.stream)).await;
            let (mut sender, connection) = handshake.map_err(|error| no_http(error.to_string()))?;
            // Ends with this exchange, however that ends.
            let mut driver = JoinSet::new();
            driver.spawn(connection);
            let answer = sender.send_request(request).await.map_err(|error| no_http(error.to_string()))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), BODY_BYTES_MAX).collect().await;
            let body = body.map_err(|error| no_http(error.to_string()))?.to_bytes();
            Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
        })
        .await
    }
}

impl Unreachable {
    /// A problem, and what to change: `unreachable` where the name leads somewhere.
    pub(super) fn problem(&self, check: &'static str, unreachable: &str) -> Finding {
        let change = match self {
            Self::NoAddress { .. } => {
                "Correct the name, or make its DNS records (A, AAAA) lead to the server."
            }
            Self::NoTls { .. } => "See that TLS is spoken there, and that the port is the right one.",
            Self::NoHttp { .. } => {
                "Another program answers there: correct the address, or stop that program."
            }
            _ => unreachable,
        };
        Finding::problem(check, self.to_string(), change)
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress { host, reason } => {
                write!(formatter, "the name {host} leads to no address ({reason})")
            }
            Self::Refused { at } => write!(formatter, "nobody listens at {at}"),
            Self::Silent { at } => write!(formatter, "no answer from {at} within {} s", TIME_MAX.as_secs()),
            Self::Failed { at, reason } => write!(formatter, "no connection to {at} ({reason})"),
            Self::NoTls { at, reason } => write!(formatter, "{at} does not speak TLS ({reason})"),
            Self::NoTurn { at } => write!(formatter, "{at} does not answer as a relay"),
            Self::NoHttp { at, reason } => {
                write!(formatter, "{at} does not answer as a web server ({reason})")
            }
        }
    }
}

/// Connects to the first address of a name that takes a connection.
pub(super) async fn tcp(host: &str, port: u16) -> Result<TcpStream, Unreachable> {
    let at = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let addresses = tokio::net::lookup_host((host, port)).await;
    let no_address = |reason: String| Unreachable::NoAddress { host: host.to_owned(), reason };
    let addresses: Vec<_> = addresses.map_err(|error| no_address(error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(no_address("the answer is empty".to_owned()));
    }
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreachable::Refused { at },
        _ => Unreachable::Failed { at, reason: error.to_string() },
    })?;
    // Fails only on a connection that is gone already.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Waits so long and no longer for somebody's answer.
pub(super) async fn in_time<T>(
    at: &str,
    exchange: impl Future<Output = Result<T, Unreachable>>,
) -> Result<T, Unreachable> {
    let answered = tokio::time::timeout(TIME_MAX, exchange).await;
    answered.unwrap_or_else(|_| Err(Unreachable::Silent { at: at.to_owned() }))
}

/// What a listener at this address can be reached by on its own machine.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}

fn connector(protocol: Option<&[u8]>) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Witness::new(provider)))
        .with_no_client_auth();
    tls.alpn_protocols = protocol.map(<[u8]>::to_vec).into_iter().collect();
    TlsConnector::from(Arc::new(tls))
}

/// For each step: to connect, and then to be answered.
pub(super) const TIME_MAX: Duration = Duration::from_secs(3);
/// In TLS's handshake (RFC 7301).
pub(super) const HTTP: &[u8] = b"http/1.1";
const BODY_BYTES_MAX: usize = 64 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        let site = Site::parse("https://calls.example.com").expect("valid");
        assert_eq!((site.authority().as_str(), site.is_tls), ("calls.example.com:443", true));
        assert_eq!(site.path("/healthz"), "/healthz");
        let site = Site::parse("http://[::1]:8080/chat/").expect("valid");
        assert_eq!((site.authority().as_str(), site.is_tls), ("[::1]:8080", false));
        assert_eq!(site.path("/healthz"), "/chat/healthz");
        for bad in
            ["", "calls.example.com", "wss://calls.example.com", "https://", "https://a@b/", "https://a?b"]
        {
            assert!(Site::parse(bad).is_err_and(|error| error.contains("https://")), "{bad}");
        }
    }

    #[test]
    fn whoever_listens_everywhere_is_found_on_loopback() {
        for (listen, found) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("192.168.1.2:80", "192.168.1.2:80")]
        {
            assert_eq!(reachable(listen.parse().expect("valid")).to_string(), found);
            assert_eq!(Site::local(listen.parse().expect("valid"), false).authority(), found);
        }
    }
}
