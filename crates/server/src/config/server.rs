//! `[server]`

use std::net::{SocketAddr, ToSocketAddrs};

use callbox_http_api::TrustedProxies;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// Where clients reach the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port of HTTP and sockets.
    pub listen: String,
    /// Addresses and networks of the reverse proxies whose `X-Forwarded-For` or `Forwarded` is believed.
    pub trusted_proxies: Vec<String>,
}

impl ServerConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        resolve("server.listen", &self.listen)?;
        self.proxies().map(|_| ())
    }

    /// As the HTTP edge takes them.
    pub(crate) fn proxies(&self) -> Result<TrustedProxies, ConfigError> {
        let key = "server.trusted_proxies";
        TrustedProxies::parse(&self.trusted_proxies)
            .map_err(|error| ConfigError::Invalid { key, problem: error.to_string() })
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".to_owned(), trusted_proxies: Vec::new() }
    }
}

/// Reads `host:port`; a name is looked up.
pub(crate) fn resolve(key: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    let invalid = |problem: String| ConfigError::Invalid { key, problem };
    text.to_socket_addrs()
        .map_err(|error| invalid(format!("'{text}' is not an address such as 127.0.0.1:8080 ({error})")))?
        .next()
        .ok_or_else(|| invalid(format!("'{text}' leads to no address")))
}

pub(super) const EXAMPLE: &str = r#"[server]
# Address and port of HTTP and sockets. Loopback by default: put a reverse proxy with TLS in front, or set [tls].
listen = "127.0.0.1:8080"
# Addresses and networks (CIDR) of the reverse proxies in front. Only they are believed when X-Forwarded-For or Forwarded says
# where a client is, and the limits on guessing passwords go by that.
trusted_proxies = []
"#;
