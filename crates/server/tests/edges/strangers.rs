//! A server that relays, and what its clients are given: for the tests that bring clients of others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use callbox_server::config::{Config, RelayConfig};
use serde_json::Value;

use crate::harness::Running;

/// What a session is given for the relay.
#[derive(Debug, Clone)]
pub struct Access {
    pub username: String,
    pub password: String,
    /// All of them, the preferred ones first.
    pub urls: Vec<String>,
}

impl Access {
    /// Signs a user in and asks for it.
    pub async fn of(server: &Running, user: &str) -> Self {
        let token = server.sign_in(user).await;
        let (status, answer) = server.request("GET", "/v1/ice-servers", &format!("Bearer {token}"), "").await;
        assert_eq!(status, 200, "{answer}");
        let servers = answer["iceServers"].as_array().expect("servers");
        let relay = servers.iter().find(|server| server["username"].is_string()).expect("a relay");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            username: text(&relay["username"]),
            password: text(&relay["credential"]),
            urls: relay["urls"].as_array().expect("URLs").iter().map(text).collect(),
        }
    }

    /// The first port of a scheme and a transport, and the second where the server listens on two addresses.
    pub fn ports(&self, scheme: &str, transport: &str) -> Vec<u16> {
        let (head, tail) = (format!("{scheme}:localhost:"), format!("?transport={transport}"));
        let ports = self.urls.iter().filter_map(|url| url.strip_prefix(&head)?.strip_suffix(&tail));
        ports.map(|port| port.parse().expect("a port")).collect()
    }
}

/// Relays on both loopback addresses, to peers there too, with a certificate of its own for `localhost`.
pub fn relaying(config: &mut Config) {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = config.storage.folder.parent().expect("a folder of the test");
    let cert = certificate_file(folder);
    let key = cert.with_extension("key");
    std::fs::write(&cert, certificate.cert.pem()).expect("writable");
    std::fs::write(&key, certificate.signing_key.serialize_pem()).expect("writable");
    let both = || vec!["127.0.0.1:0".to_owned(), "[::1]:0".to_owned()];
    config.relay = RelayConfig {
        listen: both(),
        tls_listen: vec!["127.0.0.1:0".to_owned()],
        host: "localhost".to_owned(),
        cert: Some(cert),
        key: Some(key),
        allow_peers: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
        ..RelayConfig::default()
    };
}

/// Where [`relaying`] keeps the certificate.
pub fn certificate_file(folder: &Path) -> PathBuf {
    folder.join("relay.pem")
}

pub const IPV4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const IPV6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
