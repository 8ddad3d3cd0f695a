//! The relay: from the configuration to open doors, and to what clients are told of them.

pub(crate) mod addresses;
mod urls;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::{Clock, Random};
use callbox_media::{Relay, RelayBinding, RelayOptions, RelayParts, RelaySockets};
use callbox_media_control::{CredentialKey, MediaControl as _};
use callbox_turn_proto::{Limits, Settings};
use tokio::net::TcpListener;

use crate::config::{Config, RelayConfig};
use crate::data_folder::StartError;
use crate::tls;

/// The relay's doors, open while nothing else of the server is touched yet.
pub struct RelayDoors {
    sockets: RelaySockets,
    bindings: Vec<RelayBinding>,
    /// Where HTTP is. With TLS it takes TURN too.
    http: SocketAddr,
    allocation_life_max: Duration,
}

/// What a relay works with that is no matter of configuration.
pub(crate) struct Works {
    pub(crate) key: CredentialKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl RelayDoors {
    /// Opens the doors that the configuration names, if any; `http` is the server's other door.
    pub fn bind(config: &Config, http: &TcpListener) -> Result<Option<Self>, StartError> {
        let relay = &config.relay;
        if !relay.is_wanted() {
            return Ok(None);
        }
        let listen = addresses::of_this_machine(relay.listen_addresses()?);
        let tls_listen = match certificate(config) {
            Some(_) => addresses::of_this_machine(relay.tls_listen_addresses()?),
            None => Vec::new(),
        };
        let http = http.local_addr().map_err(|error| StartError::Other(error.to_string()))?;
        let everywhere: Vec<_> = listen.iter().chain(&tls_listen).copied().collect();
        if everywhere.is_empty() {
            tracing::warn!(
                "there is no relay: relay.listen is empty, and relay.tls_listen needs a certificate"
            );
            return Ok(None);
        }
        let bindings = addresses::bindings(&relay.named_addresses()?, &everywhere);
        let listen = addresses::spread(listen, &addresses::interfaces());
        let (udp_listen, listen) = listen.into_iter().partition(|address| shares_tcp(*address, http));
        let options = RelayOptions { listen, udp_listen, tls_listen, addresses: bindings.clone() };
        let sockets = RelaySockets::bind(&options).map_err(|error| StartError::Other(error.to_string()))?;
        let allocation_life_max = ALLOCATION_LIFE_MAX;
        Ok(Some(Self { sockets, bindings, http, allocation_life_max }))
    }

    /// Lets allocations live no longer than this between two refreshes, so that a test sees many of those.
    pub fn with_allocation_life_max(self, allocation_life_max: Duration) -> Self {
        Self { allocation_life_max, ..self }
    }

    /// Where it listens for UDP and TCP, with real ports.
    pub fn listen_addresses(&self) -> &[SocketAddr] {
        self.sockets.listen_addresses()
    }

    /// Where it listens for TLS, with real ports.
    pub fn tls_listen_addresses(&self) -> &[SocketAddr] {
        self.sockets.tls_listen_addresses()
    }

    /// Puts the relay to work behind its doors.
    pub(crate) fn start(self, config: &Config, works: Works) -> Result<Arc<Relay>, StartError> {
        addresses::warn_of_private(&self.bindings, &config.relay.peers()?);
        let certificate = certificate(config);
        let doors = urls::Doors {
            listen: self.listen_addresses(),
            udp_listen: self.sockets.udp_listen_addresses(),
            tls_listen: self.tls_listen_addresses(),
            https: config.tls.cert.is_some().then_some(self.http),
        };
        let host = urls::host(&config.relay.host, certificate.map(|(cert, _)| cert), &self.bindings);
        let urls = urls::urls(&host.unwrap_or_default(), &doors);
        let tls = certificate.map(|(cert, key)| tls::load(cert, key)).transpose()?;
        let udp = doors.listen.iter().chain(doors.udp_listen);
        let listen = udp.chain(doors.tls_listen).copied();
        let own_addresses = addresses::own_addresses(&self.bindings, listen);
        let mut settings = settings(&config.relay, works.key, own_addresses)?;
        settings.limits.lifetime_max = self.allocation_life_max;
        let parts = RelayParts { clock: works.clock, random: works.random, urls, tls };
        let cannot = |error| StartError::Other(format!("the relay cannot start: {error}"));
        let relay = Relay::start(self.sockets, settings, parts).map_err(cannot)?;
        let told = relay.urls();
        let public: Vec<_> = self.bindings.iter().map(|binding| binding.public).collect();
        tracing::info!(urls = ?[told.stun, told.turn].concat(), ?public, ports = config.relay.ports, "relaying");
        Ok(Arc::new(relay))
    }
}

/// Whether the server's other door has this port for TCP already: 443 for example, which is then the relay's for UDP.
pub(crate) fn shares_tcp(address: SocketAddr, http: SocketAddr) -> bool {
    let (one, other) = (address.ip(), http.ip());
    let is_same_family = one.is_ipv4() == other.is_ipv4();
    // Where HTTP listens on all of IPv6, it has IPv4 too.
    let has_all = other.is_unspecified() && (other.is_ipv6() || is_same_family);
    let overlap = has_all || one == other || (is_same_family && one.is_unspecified());
    address.port() == http.port() && address.port() != 0 && overlap
}

/// The relay's own certificate and key, or else those of HTTPS.
fn certificate(config: &Config) -> Option<(&Path, &Path)> {
    let own = config.relay.cert.as_deref().zip(config.relay.key.as_deref());
    own.or_else(|| config.tls.cert.as_deref().zip(config.tls.key.as_deref()))
}

fn settings(
    relay: &RelayConfig,
    key: CredentialKey,
    own_addresses: Vec<std::net::IpAddr>,
) -> Result<Settings, StartError> {
    let limits = relay.limits()?;
    Ok(Settings {
        key,
        // The relay fills in those of its sockets.
        relay_addresses: Vec::new(),
        ports: relay.port_range()?,
        own_addresses,
        allow_peers: relay.peers()?,
        limits: Limits {
            allocations_per_call: limits.allocations_per_call,
            allocations_per_session: limits.allocations_per_session,
            bytes_per_second: limits.bytes_per_second,
            open_answers_per_second: limits.open_answers_per_second,
            lifetime_max: ALLOCATION_LIFE_MAX,
        },
    })
}

/// What a client that vanished has open is closed after this at the latest: as long as one that asks for no time gets
/// (RFC 8656, section 3.2).
const ALLOCATION_LIFE_MAX: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_https_is_the_relays_for_udp_alone() {
        for (relay, http, is_shared) in [
            ("0.0.0.0:443", "0.0.0.0:443", true),
            ("127.0.0.1:443", "0.0.0.0:443", true),
            ("127.0.0.2:443", "127.0.0.1:443", false),
            ("[::]:443", "0.0.0.0:443", false),
            ("0.0.0.0:443", "[::]:443", true),
            ("127.0.0.1:443", "[::]:443", true),
            ("0.0.0.0:443", "[::1]:443", false),
            ("0.0.0.0:3478", "0.0.0.0:443", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            let address = |text: &str| text.parse().expect("an address");
            assert_eq!(shares_tcp(address(relay), address(http)), is_shared, "{relay} {http}");
        }
    }
}
