//! `[relay]`

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, resolve};

/// The relay for the media of calls: STUN and TURN.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RelayConfig {
    /// Addresses and ports for UDP and TCP; without these and `tls_listen` there is no relay.
    pub listen: Vec<String>,
    /// Addresses and ports for TLS, where there is a certificate.
    pub tls_listen: Vec<String>,
    /// Where peers reach relay ports: addresses, or `public/own` behind a NAT.
    pub public_addresses: Vec<String>,
    /// The name under which clients reach the relay; empty for the certificate's.
    pub host: String,
    /// The certificate chain for TLS, PEM; that of `[tls]` where it is left out.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// First and last relay port.
    pub ports: String,
    /// Networks to which it relays although they are not public.
    pub allow_peers: Vec<String>,
    /// Allocations of one call, of both sides together.
    pub allocations_per_call: u32,
    /// Allocations of one session.
    pub allocations_per_session: u32,
    /// What one allocation relays, both ways together.
    pub kilobits_per_second: u32,
    /// Answers to what came from one address without a credential, over UDP.
    pub open_answers_per_second: u32,
}

/// A public address of the relay, and the one of this machine behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicAddress {
    pub(crate) public: IpAddr,
    pub(crate) own: IpAddr,
}

/// How much one client may take, with its numbers checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RelayLimits {
    pub(crate) allocations_per_call: NonZeroU32,
    pub(crate) allocations_per_session: NonZeroU32,
    pub(crate) bytes_per_second: NonZeroU32,
    pub(crate) open_answers_per_second: NonZeroU32,
}

impl RelayConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.listen_addresses()?;
        self.tls_listen_addresses()?;
        self.named_addresses()?;
        self.port_range()?;
        self.peers()?;
        self.limits()?;
        if !self.host.is_empty() && !is_host(&self.host) {
            let problem = "give a bare name such as call.example.com, or an address; no https://, no port";
            return Err(invalid("relay.host", format!("'{}': {problem}", self.host)));
        }
        match (&self.cert, &self.key) {
            (Some(_), None) => Err(invalid("relay.key", "relay.cert and relay.key go together")),
            (None, Some(_)) => Err(invalid("relay.cert", "relay.cert and relay.key go together")),
            _ => Ok(()),
        }
    }

    /// Whether there is to be a relay.
    pub(crate) fn is_wanted(&self) -> bool {
        !(self.listen.is_empty() && self.tls_listen.is_empty())
    }

    /// `listen`, read.
    pub(crate) fn listen_addresses(&self) -> Result<Vec<SocketAddr>, ConfigError> {
        self.listen.iter().map(|text| resolve("relay.listen", text)).collect()
    }

    /// `tls_listen`, read.
    pub(crate) fn tls_listen_addresses(&self) -> Result<Vec<SocketAddr>, ConfigError> {
        self.tls_listen.iter().map(|text| resolve("relay.tls_listen", text)).collect()
    }

    /// `public_addresses`, read.
    pub(crate) fn named_addresses(&self) -> Result<Vec<PublicAddress>, ConfigError> {
        self.public_addresses.iter().map(|text| public_address(text)).collect()
    }

    /// `ports`, read.
    pub(crate) fn port_range(&self) -> Result<RangeInclusive<u16>, ConfigError> {
        let range = self.ports.split_once('-').and_then(|(first, last)| {
            let (first, last) = (first.trim().parse::<u16>().ok()?, last.trim().parse().ok()?);
            (0 < first && first <= last).then_some(first..=last)
        });
        let problem = || format!("'{}' is not a range of ports such as 49152-65535", self.ports);
        range.ok_or_else(|| invalid("relay.ports", problem()))
    }

    /// `allow_peers`, read.
    pub(crate) fn peers(&self) -> Result<Vec<IpNet>, ConfigError> {
        self.allow_peers.iter().map(|text| peers(text)).collect()
    }

    /// The numbers.
    pub(crate) fn limits(&self) -> Result<RelayLimits, ConfigError> {
        let positive = |key, number| {
            NonZeroU32::new(number)
                .ok_or_else(|| invalid(key, "at least 1; there is no switch for 'without limit'"))
        };
        let kilobits = positive("relay.kilobits_per_second", self.kilobits_per_second)?;
        Ok(RelayLimits {
            allocations_per_call: positive("relay.allocations_per_call", self.allocations_per_call)?,
            allocations_per_session: positive("relay.allocations_per_session", self.allocations_per_session)?,
            bytes_per_second: kilobits.saturating_mul(BYTES_PER_KILOBIT),
            open_answers_per_second: positive("relay.open_answers_per_second", self.open_answers_per_second)?,
        })
    }
}

impl Default for RelayConfig {
    fn default() -> Self {
        let everywhere = |port: u16| vec![format!("0.0.0.0:{port}"), format!("[::]:{port}")];
        Self {
            listen: everywhere(3478),
            tls_listen: everywhere(5349),
            public_addresses: Vec::new(),
            host: String::new(),
            cert: None,
            key: None,
            ports: "49152-65535".to_owned(),
            allow_peers: Vec::new(),
            allocations_per_call: 48,
            allocations_per_session: 64,
            kilobits_per_second: 20_000,
            open_answers_per_second: 100,
        }
    }
}

fn public_address(text: &str) -> Result<PublicAddress, ConfigError> {
    let parts = text.split_once('/').unwrap_or((text, text));
    let read = |part: &str| part.trim().trim_matches(['[', ']']).parse::<IpAddr>().ok();
    match (read(parts.0), read(parts.1)) {
        (Some(public), Some(own)) if public.is_ipv4() != own.is_ipv4() => Err(invalid(
            "relay.public_addresses",
            format!("'{text}': both addresses must be of one family, IPv4 or IPv6"),
        )),
        (Some(public), Some(own)) if public.is_unspecified() || own.is_unspecified() => Err(invalid(
            "relay.public_addresses",
            format!("'{text}': name the address itself; peers must know where to send"),
        )),
        (Some(public), Some(own)) => Ok(PublicAddress { public, own }),
        _ => Err(invalid(
            "relay.public_addresses",
            format!(
                "'{text}' is neither an address such as 203.0.113.5 nor public/own such as 203.0.113.5/10.0.0.5"
            ),
        )),
    }
}

fn peers(text: &str) -> Result<IpNet, ConfigError> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network: IpNet = network.map_err(|_| {
        let problem = format!("'{text}' is neither an address nor a network such as 10.0.0.0/8");
        invalid("relay.allow_peers", problem)
    })?;
    if network.prefix_len() == 0 {
        let problem = format!(
            "'{text}' opens this machine and every network that it reaches; name those that you mean"
        );
        return Err(invalid("relay.allow_peers", problem));
    }
    Ok(network)
}

/// Whether this can stand in a URL as it is: a name, or an address.
fn is_host(text: &str) -> bool {
    let is_name =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() || is_name(text)
}

fn invalid(key: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Invalid { key, problem: problem.into() }
}

/// 1,000 bits.
const BYTES_PER_KILOBIT: NonZeroU32 = NonZeroU32::new(125).expect("not zero");

pub(super) const EXAMPLE: &str = r#"[relay]
# STUN and TURN, for calls between networks that let nothing through directly. Addresses and ports for UDP and TCP; an empty
# list, here and below, for no relay. For firewalls that let UDP through on 443 only, add "0.0.0.0:443"; where HTTPS
# has that port, the relay takes UDP alone.
listen = ["0.0.0.0:3478", "[::]:3478"]
# For TLS, where there is a certificate. A server with [tls] also takes TURN over TLS on the port of HTTPS, and then names that one.
tls_listen = ["0.0.0.0:5349", "[::]:5349"]
# Where the other side of a call reaches this server: "203.0.113.5", or behind a NAT "203.0.113.5/10.0.0.5", the public address and
# the machine's own. Left empty: the addresses above that name one, or else this machine's own towards other networks.
public_addresses = []
# Under which name clients reach the relay. Left empty: the certificate's first, or else the first public address.
host = ""
# A certificate of its own, PEM, for a server behind a proxy that has the other one; otherwise that of [tls].
# cert = "/etc/callbox/fullchain.pem"
# key = "/etc/callbox/privkey.pem"
# UDP ports on which media comes and goes; each side of a call takes one for each way (UDP, TCP, TLS) from each of its addresses.
ports = "49152-65535"
# Addresses and networks (CIDR) to which it relays although they are not public, such as those of an own network. This machine is
# never reached by what is not named here.
allow_peers = []
# What one call, with both sides, and one session may have open; what one of those may relay, both ways together.
allocations_per_call = 48
allocations_per_session = 64
kilobits_per_second = 20000
# Over UDP anyone can forge where a packet comes from: so many answers a second go to one address before it has shown a credential.
open_answers_per_second = 100
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(change: impl FnOnce(&mut RelayConfig)) -> String {
        let mut config = RelayConfig::default();
        change(&mut config);
        config.validate().expect_err("refused").to_string()
    }

    #[test]
    fn a_server_relays_unless_it_listens_nowhere() {
        let nowhere = RelayConfig { listen: Vec::new(), tls_listen: Vec::new(), ..RelayConfig::default() };
        assert!(RelayConfig::default().is_wanted() && !nowhere.is_wanted());
        assert!(RelayConfig { tls_listen: Vec::new(), ..RelayConfig::default() }.is_wanted());
        assert!(nowhere.validate().is_ok());
    }

    #[test]
    fn public_addresses_are_read_alone_and_behind_a_nat() {
        let read = |text: &str| public_address(text).map(|address| (address.public, address.own)).ok();
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(read("203.0.113.5"), Some((ip("203.0.113.5"), ip("203.0.113.5"))));
        assert_eq!(read("203.0.113.5/10.0.0.5"), Some((ip("203.0.113.5"), ip("10.0.0.5"))));
        assert_eq!(read("[2001:db8::5]"), Some((ip("2001:db8::5"), ip("2001:db8::5"))));
        assert_eq!(read("2001:db8::5/fd00::5"), Some((ip("2001:db8::5"), ip("fd00::5"))));
        for bad in
            ["", "call.example.com", "203.0.113.0/24", "203.0.113.5/", "203.0.113.5/fd00::5", "0.0.0.0"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key_with_what_would_be_right() {
        let one = |text: &str| vec![text.to_owned()];
        let cases = [
            (problem(|relay| relay.listen = one("3478")), "relay.listen: '3478'"),
            (problem(|relay| relay.tls_listen = one("nowhere")), "relay.tls_listen: 'nowhere'"),
            (
                problem(|relay| relay.public_addresses = one("::/10.0.0.5")),
                "both addresses must be of one family",
            ),
            (problem(|relay| relay.host = "https://call.example.com".into()), "no https://, no port"),
            (
                problem(|relay| relay.host = "call.example.com:443".into()),
                "relay.host: 'call.example.com:443'",
            ),
            (problem(|relay| relay.cert = Some("a.pem".into())), "relay.key: "),
            (problem(|relay| relay.key = Some("a.pem".into())), "relay.cert: "),
            (problem(|relay| relay.ports = "65535-49152".into()), "relay.ports: '65535-49152'"),
            (problem(|relay| relay.ports = "0-10".into()), "such as 49152-65535"),
            (problem(|relay| relay.allow_peers = one("home")), "relay.allow_peers: 'home'"),
            (problem(|relay| relay.allow_peers = one("::/0")), "name those that you mean"),
            (problem(|relay| relay.allocations_per_call = 0), "relay.allocations_per_call: at least 1"),
            (problem(|relay| relay.allocations_per_session = 0), "relay.allocations_per_session"),
            (problem(|relay| relay.kilobits_per_second = 0), "relay.kilobits_per_second"),
            (problem(|relay| relay.open_answers_per_second = 0), "relay.open_answers_per_second"),
        ];
        for (problem, part) in cases {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn what_makes_sense_is_read() {
        let relay = RelayConfig {
            ports: "50000-50000".into(),
            allow_peers: vec!["10.0.0.0/8".into(), "::1".into()],
            host: "2001:db8::1".into(),
            kilobits_per_second: 8,
            ..RelayConfig::default()
        };
        assert!(relay.validate().is_ok());
        assert_eq!(relay.port_range().ok(), Some(50_000..=50_000));
        let peers = relay.peers().expect("good");
        assert_eq!(peers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "::1/128"]);
        assert_eq!(relay.limits().expect("good").bytes_per_second.get(), 1_000);
    }
}
