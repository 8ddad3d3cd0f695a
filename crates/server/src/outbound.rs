//! What the server itself asks of others over HTTPS, at addresses that whoever sets up an app chose.
//!
//! Such an address must not lead to what only this machine can reach. So a name is resolved once, every address that it
//! has must be public, and the connection goes to exactly those addresses: no second look-up, no redirect, no proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::address::is_public;
use callbox_service::sessions::jwt::{FetchKeys, Fetching};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::config::OutboundConfig;

/// A client that fetches small documents, and trusts the authorities that browsers trust.
#[derive(Clone)]
pub struct Outbound {
    tls: TlsConnector,
    allow_private: bool,
    time_max: Duration,
}

/// Why a document did not come. For the log: a tenant must not learn from it what the server reaches.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The address is not one of HTTPS, or names a user.
    #[error("the address is not of the form https://host/path")]
    NotHttps,
    /// The name has no address.
    #[error("the name {host} cannot be resolved: {reason}")]
    Unresolved {
        /// The name.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// It leads to this machine or its neighbourhood.
    #[error("{host} is at {address}, which is not public; outbound.allow_private allows that for all apps")]
    NotPublic {
        /// The name.
        host: String,
        /// Where it is.
        address: SocketAddr,
    },
    /// No connection, no TLS, or no HTTP.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// An answer without the document. A redirect is one too.
    #[error("it answered {0}; only 200 brings a document")]
    Status(StatusCode),
    /// The document is too long.
    #[error("the document is longer than {BODY_BYTES_MAX} bytes")]
    TooLong,
    /// The document is not UTF-8.
    #[error("the document is not text")]
    NotText,
    /// All of it took too long.
    #[error("it took longer than {0:?}")]
    TooSlow(Duration),
}

impl Outbound {
    /// A client that obeys the configuration.
    pub fn new(config: &OutboundConfig) -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::with_roots(roots, config.allow_private)
    }

    fn with_roots(roots: RootCertStore, allow_private: bool) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { tls: TlsConnector::from(Arc::new(tls)), allow_private, time_max: TIME_MAX }
    }

    /// The document at `url`, as text.
    pub async fn get(&self, url: &str) -> Result<String, OutboundError> {
        let whole = tokio::time::timeout(self.time_max, self.exchange(url));
        whole.await.unwrap_or(Err(OutboundError::TooSlow(self.time_max)))
    }

    async fn exchange(&self, url: &str) -> Result<String, OutboundError> {
        let target = Target::parse(url).ok_or(OutboundError::NotHttps)?;
        let stream = connect(&self.resolve(&target).await?).await?;
        let stream = self.tls.connect(target.server_name, stream).await.map_err(no_answer)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
        // Ends with this exchange, however that ends.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let answer = sender.send_request(target.request).await.map_err(no_answer)?;
        if answer.status() != StatusCode::OK {
            return Err(OutboundError::Status(answer.status()));
        }
        body(answer).await
    }

    async fn resolve(&self, target: &Target) -> Result<Vec<SocketAddr>, OutboundError> {
        let unresolved = |reason: &dyn std::fmt::Display| OutboundError::Unresolved {
            host: target.host.clone(),
            reason: reason.to_string(),
        };
        let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
        let addresses: Vec<_> = found.map_err(|error| unresolved(&error))?.collect();
        if addresses.is_empty() {
            return Err(unresolved(&"it has no address"));
        }
        match addresses.iter().find(|address| !(self.allow_private || is_public(address.ip()))) {
            Some(address) => Err(OutboundError::NotPublic { host: target.host.clone(), address: *address }),
            None => Ok(addresses),
        }
    }
}

impl FetchKeys for Outbound {
    fn fetch(&self, url: String) -> Fetching {
        let client = self.clone();
        Box::pin(async move { client.get(&url).await.map_err(|error| error.to_string()) })
    }
}

/// What an address asks for, and of whom.
struct Target {
    host: String,
    port: u16,
    server_name: ServerName<'static>,
    request: Request<Empty<Bytes>>,
}

impl Target {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https"))?;
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let request = Request::get(uri.path_and_query().map_or("/", |path| path.as_str()))
            .header(header::HOST, authority.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, "callbox")
            .header(header::CONNECTION, "close");
        Some(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(443),
            server_name: ServerName::try_from(host.to_owned()).ok()?,
            request: request.body(Empty::new()).ok()?,
        })
    }
}

/// The first that takes a connection.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, OutboundError> {
    TcpStream::connect(addresses).await.map_err(no_answer)
}

async fn body(answer: Response<Incoming>) -> Result<String, OutboundError> {
    let body = Limited::new(answer.into_body(), BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|error| match error.downcast::<LengthLimitError>() {
        Ok(_) => OutboundError::TooLong,
        Err(error) => no_answer(error),
    })?;
    String::from_utf8(body.to_bytes().into()).map_err(|_| OutboundError::NotText)
}

fn no_answer(error: impl std::fmt::Display) -> OutboundError {
    OutboundError::NoAnswer(error.to_string())
}

/// From the look-up of the name to the last byte.
const TIME_MAX: Duration = Duration::from_secs(5);

/// The longest document.
const BODY_BYTES_MAX: usize = 256 * 1_024;

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A web server on this machine that answers one request with fixed bytes.
    struct Site {
        port: u16,
        certificate: CertificateDer<'static>,
        /// The request that came.
        asked: JoinHandle<String>,
    }

    impl Site {
        async fn open(name: &str, answer: impl Into<Vec<u8>>) -> Self {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
            let certificate = made.cert.der().clone();
            let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("the default versions")
                .with_no_client_auth()
                .with_single_cert(vec![certificate.clone()], key)
                .expect("a certificate with its key");
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let port = listener.local_addr().expect("bound").port();
            let asked = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), answer.into()));
            Self { port, certificate, asked }
        }

        fn url(&self, path: &str) -> String {
            format!("https://127.0.0.1:{}{path}", self.port)
        }

        /// A client that trusts this site, and may go to it.
        fn client(&self) -> Outbound {
            let mut roots = RootCertStore::empty();
            roots.add(self.certificate.clone()).expect("a certificate");
            Outbound::with_roots(roots, true)
        }
    }

    /// Answers one request, keeps silent where the answer is empty, and waits until the client is gone.
    async fn serve(listener: TcpListener, acceptor: TlsAcceptor, answer: Vec<u8>) -> String {
        let (stream, _) = listener.accept().await.expect("a client");
        let Ok(mut stream) = acceptor.accept(stream).await else { return "no TLS".to_owned() };
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.expect("a request"));
        }
        // The client hangs up in the midst of what is too long.
        let _ = stream.write_all(&answer).await;
        if !answer.is_empty() {
            let _ = stream.shutdown().await;
        }
        let _ = stream.read_to_end(&mut Vec::new()).await;
        String::from_utf8(request).expect("text")
    }

    fn ok(length: usize) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; length]].concat()
    }

    #[tokio::test]
    async fn a_document_comes_over_https() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"keys\":[]}";
        let site = Site::open("127.0.0.1", answer).await;
        let document = site.client().fetch(site.url("/jwks.json?a=b")).await;
        assert_eq!(document.as_deref(), Ok("{\"keys\":[]}"));
        let port = site.port;
        let request = site.asked.await.expect("asked").to_ascii_lowercase();
        assert!(request.starts_with("get /jwks.json?a=b http/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("\r\nhost: 127.0.0.1:{port}\r\n")), "{request}");
    }

    #[tokio::test]
    async fn addresses_that_are_not_public_are_refused_however_they_are_written() {
        let client = Outbound::new(&OutboundConfig::default());
        for host in [
            "127.0.0.1",
            "localhost",
            "0.0.0.0",
            "169.254.169.254",
            "100.64.0.1",
            "192.168.0.1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[2002:7f00:1::]",
            "[64:ff9b::7f00:1]",
            "[fe80::1]",
        ] {
            let refused = client.get(&format!("https://{host}/jwks.json")).await.expect_err(host);
            assert!(matches!(refused, OutboundError::NotPublic { .. }), "{host}: {refused}");
        }
        // Systems differ in whether they take these for addresses; none may be reached.
        for host in ["2130706433", "0x7f.1", "017700000001", "127.1"] {
            let refused = client.get(&format!("https://{host}/jwks.json")).await.expect_err(host);
            assert!(
                matches!(
                    refused,
                    OutboundError::NotPublic { .. }
                        | OutboundError::Unresolved { .. }
                        | OutboundError::NotHttps
                ),
                "{host}: {refused}"
            );
        }
    }

    #[tokio::test]
    async fn only_https_without_a_user_is_an_address() {
        let client = Outbound::new(&OutboundConfig { allow_private: true });
        for url in [
            "",
            "/jwks.json",
            "127.0.0.1",
            "http://127.0.0.1/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "https://",
            "https:///jwks.json",
            "https://user@127.0.0.1/",
            "https://public.example@127.0.0.1/",
            "https://127.0.0.1 /",
            "https://127.0.0.1/\r\nHost: evil",
        ] {
            let refused = client.get(url).await.expect_err(url);
            assert!(matches!(refused, OutboundError::NotHttps), "{url}: {refused}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let answer = "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n";
        let site = Site::open("127.0.0.1", answer).await;
        let refused = site.client().get(&site.url("/")).await.expect_err("no document");
        assert!(matches!(refused, OutboundError::Status(StatusCode::FOUND)), "{refused}");
    }

    #[tokio::test]
    async fn a_document_has_at_most_256_kib() {
        let site = Site::open("127.0.0.1", ok(BODY_BYTES_MAX)).await;
        let document = site.client().get(&site.url("/")).await.expect("just fits");
        assert_eq!(document.len(), BODY_BYTES_MAX);
        let endless = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", 1 << 30);
        let endless = [endless.into_bytes(), vec![b'x'; BODY_BYTES_MAX + 1]].concat();
        for answer in [ok(BODY_BYTES_MAX + 1), endless] {
            let site = Site::open("127.0.0.1", answer).await;
            let refused = site.client().get(&site.url("/")).await.expect_err("too long");
            assert!(matches!(refused, OutboundError::TooLong), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_document_that_is_no_text_or_breaks_off_is_refused() {
        let site = Site::open("127.0.0.1", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe").await;
        let refused = site.client().get(&site.url("/")).await.expect_err("no text");
        assert!(matches!(refused, OutboundError::NotText), "{refused}");
        for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"keys\":[]}", "what is HTTP?\r\n\r\n"]
        {
            let site = Site::open("127.0.0.1", answer).await;
            let refused = site.client().get(&site.url("/")).await.expect_err(answer);
            assert!(matches!(refused, OutboundError::NoAnswer(_)), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_certificate_must_be_trusted_and_for_this_name() {
        let site = Site::open("127.0.0.1", ok(1)).await;
        let browser = Outbound::new(&OutboundConfig { allow_private: true });
        let refused = browser.get(&site.url("/")).await.expect_err("an unknown authority");
        assert!(matches!(refused, OutboundError::NoAnswer(_)), "{refused}");
        assert_eq!(site.asked.await.expect("asked"), "no TLS");
        let site = Site::open("id.example.com", ok(1)).await;
        let refused = site.client().get(&site.url("/")).await.expect_err("another name");
        assert!(matches!(refused, OutboundError::NoAnswer(_)), "{refused}");
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_in_time_is_left() {
        let site = Site::open("127.0.0.1", "").await;
        let client = Outbound { time_max: Duration::ZERO, ..site.client() };
        let refused = client.get(&site.url("/")).await.expect_err("silence");
        assert!(matches!(refused, OutboundError::TooSlow(_)), "{refused}");
    }
}
