//! How clients are told to reach the relay.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use callbox_media::RelayBinding;
use callbox_media_control::RelayUrls;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The doors through which clients come.
#[derive(Debug, Default)]
pub(super) struct Doors<'a> {
    /// For UDP and TCP.
    pub(super) listen: &'a [SocketAddr],
    /// For TLS.
    pub(super) tls_listen: &'a [SocketAddr],
    /// HTTPS, where the server speaks TLS itself.
    pub(super) https: Option<SocketAddr>,
}

/// The name under which clients come: what the operator says, or the certificate, or else the first address.
pub(super) fn host(configured: &str, cert: Option<&Path>, bindings: &[RelayBinding]) -> Option<String> {
    let configured = (!configured.is_empty()).then(|| configured.to_owned());
    let named = || cert.and_then(first_name);
    let address = || bindings.first().map(|binding| binding.public.to_string());
    configured.or_else(named).or_else(address)
}

/// The addresses of everything behind these doors. Few: browsers try them all, and get slow with many.
pub(super) fn urls(host: &str, doors: &Doors<'_>) -> RelayUrls {
    let host = bracketed(host);
    let ports = ports(doors.listen);
    let over = |transport: &str| {
        let url = |port: &u16| format!("turn:{host}:{port}?transport={transport}");
        ports.iter().map(url).collect::<Vec<_>>()
    };
    let tls_port = tls_port(doors).map(|port| format!("turns:{host}:{port}?transport=tcp"));
    RelayUrls {
        stun: ports.first().map(|port| format!("stun:{host}:{port}")).into_iter().collect(),
        turn: [over("udp"), over("tcp"), tls_port.into_iter().collect()].concat(),
    }
}

/// The port of HTTPS is the one that gets through the most firewalls, if clients come to it at all: a server that speaks
/// TLS to a proxy on the same machine has a door of its own for them.
fn tls_port(doors: &Doors<'_>) -> Option<u16> {
    let own = doors.tls_listen.first();
    let is_local = |address: &SocketAddr| address.ip().is_loopback();
    let https = doors.https.filter(|https| !is_local(https) || own.is_none_or(is_local));
    https.or(own.copied()).map(|address| address.port())
}

/// Each port once, in their order.
fn ports(listen: &[SocketAddr]) -> Vec<u16> {
    let mut ports: Vec<u16> = Vec::new();
    for port in listen.iter().map(SocketAddr::port) {
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    ports.truncate(PORTS_NAMED_MAX);
    ports
}

/// As it stands in a URL.
fn bracketed(host: &str) -> String {
    let bare = host.trim_matches(['[', ']']);
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => bare.to_owned(),
    }
}

/// The first name in a certificate that can be looked up.
fn first_name(cert: &Path) -> Option<String> {
    let certificate = CertificateDer::from_pem_file(cert).ok()?;
    let certificate = webpki::EndEntityCert::try_from(&certificate).ok()?;
    certificate.valid_dns_names().find(|name| !name.contains('*')).map(str::to_owned)
}

/// Ports that clients are told of, for each transport.
const PORTS_NAMED_MAX: usize = 2;

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn sockets<const N: usize>(texts: [&str; N]) -> Vec<SocketAddr> {
        texts.map(|text| text.parse().expect("an address")).to_vec()
    }

    fn binding(address: &str) -> RelayBinding {
        let address = address.parse().expect("an address");
        RelayBinding { public: address, bind: address }
    }

    #[test]
    fn every_way_is_named_the_fastest_first() {
        let listen = sockets(["0.0.0.0:3478", "[::]:3478"]);
        let tls_listen = sockets(["0.0.0.0:5349", "[::]:5349"]);
        let told = urls("call.example.com", &Doors { listen: &listen, tls_listen: &tls_listen, https: None });
        assert_eq!(told.stun, ["stun:call.example.com:3478"]);
        assert_eq!(
            told.turn,
            [
                "turn:call.example.com:3478?transport=udp",
                "turn:call.example.com:3478?transport=tcp",
                "turns:call.example.com:5349?transport=tcp",
            ]
        );
    }

    #[test]
    fn a_second_port_is_named_after_the_first_and_a_third_is_not() {
        let listen = sockets(["0.0.0.0:3478", "0.0.0.0:443", "[::]:443", "0.0.0.0:53"]);
        let told = urls("203.0.113.5", &Doors { listen: &listen, ..Doors::default() });
        assert_eq!(told.stun, ["stun:203.0.113.5:3478"]);
        let ports: Vec<_> = told.turn.iter().map(|url| url.trim_start_matches("turn:203.0.113.5:")).collect();
        assert_eq!(
            ports,
            ["3478?transport=udp", "443?transport=udp", "3478?transport=tcp", "443?transport=tcp"]
        );
    }

    #[test]
    fn tls_is_named_on_the_port_of_https_where_clients_come_to_it() {
        let tls_listen = sockets(["0.0.0.0:5349"]);
        let turns = |https: Option<&str>, tls_listen: &[SocketAddr]| {
            let https = https.map(|https| https.parse().expect("an address"));
            urls("call.example.com", &Doors { listen: &[], tls_listen, https }).turn
        };
        let on = |port: u16| vec![format!("turns:call.example.com:{port}?transport=tcp")];
        assert_eq!(turns(Some("0.0.0.0:443"), &tls_listen), on(443));
        assert_eq!(turns(Some("127.0.0.1:8443"), &tls_listen), on(5349), "behind a proxy");
        assert_eq!(turns(Some("127.0.0.1:8443"), &sockets(["127.0.0.1:5349"])), on(8443));
        assert_eq!(turns(Some("127.0.0.1:8443"), &[]), on(8443));
        assert_eq!(turns(None, &[]), [""; 0]);
    }

    #[test]
    fn the_host_is_what_the_operator_says_or_the_certificates_name_or_the_first_address() {
        let folder = TempDir::new().expect("a folder");
        let cert = folder.path().join("cert.pem");
        let names = ["*.example.com", "call.example.com", "example.com"].map(str::to_owned).to_vec();
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        std::fs::write(&cert, made.cert.pem()).expect("writable");
        let bindings = [binding("203.0.113.5"), binding("2001:db8::5")];
        assert_eq!(host("turn.example.com", Some(&cert), &bindings).as_deref(), Some("turn.example.com"));
        assert_eq!(host("", Some(&cert), &bindings).as_deref(), Some("call.example.com"));
        assert_eq!(
            host("", Some(&folder.path().join("none.pem")), &bindings).as_deref(),
            Some("203.0.113.5")
        );
        assert_eq!(host("", None, &[]), None);
    }

    #[test]
    fn addresses_of_ipv6_stand_in_brackets() {
        let listen = sockets(["[::1]:3478"]);
        for host in ["2001:db8::5", "[2001:db8::5]"] {
            let told = urls(host, &Doors { listen: &listen, ..Doors::default() });
            assert_eq!(told.stun, ["stun:[2001:db8::5]:3478"]);
        }
    }
}
