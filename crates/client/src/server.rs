//! Where the server is, and how it is reached: plain or by TLS.

use std::sync::Arc;

use hyper::Uri;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::Error;

/// The address of a server.
#[derive(Clone)]
pub(crate) struct Server {
    /// With the port, if the address names one: for `Host`.
    pub(crate) authority: String,
    host: String,
    port: u16,
    /// What stands before `/v1`, where the server is behind a proxy.
    prefix: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Bytes in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

impl Server {
    /// Reads an address such as `https://chat.example.com`.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let bad =
            || Error::Invalid(format!("{url} is no address of a server, such as https://chat.example.com"));
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(bad)?;
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let (tls, port) = match uri.scheme_str() {
            Some("http") => (None, 80),
            Some("https") => {
                let name = ServerName::try_from(host.clone()).map_err(|_| bad())?;
                (Some((connector(), name)), 443)
            }
            _ => return Err(bad()),
        };
        Ok(Self {
            authority: authority.as_str().to_owned(),
            host,
            port: authority.port_u16().unwrap_or(port),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            tls,
        })
    }

    /// The path of one of the server's addresses.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Box<dyn Duplex>, Error> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(network)?;
        // Frames are small and must not wait for each other.
        stream.set_nodelay(true).map_err(network)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((tls, name)) => Ok(Box::new(tls.connect(name.clone(), stream).await.map_err(network)?)),
        }
    }
}

/// Any failure below the protocol.
pub(crate) fn network(error: impl std::fmt::Display) -> Error {
    Error::Network(error.to_string())
}

/// Trusts the authorities that browsers trust.
fn connector() -> TlsConnector {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        let server = Server::parse("http://localhost:8080").expect("valid");
        assert_eq!((server.host.as_str(), server.port, server.tls.is_some()), ("localhost", 8080, false));
        assert_eq!(server.path("/v1/socket"), "/v1/socket");
        let server = Server::parse("https://[::1]/chat/").expect("valid");
        assert_eq!((server.host.as_str(), server.port, server.tls.is_some()), ("::1", 443, true));
        assert_eq!(server.path("/v1/socket"), "/chat/v1/socket");
        for bad in ["", "localhost", "ws://localhost", "https://ann@example.com", "http://"] {
            assert!(Server::parse(bad).is_err(), "{bad}");
        }
    }
}
