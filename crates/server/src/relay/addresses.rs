//! Which addresses the relay has: where it listens, where peers reach it, and which are this machine's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use callbox_domain::address::is_public;
use callbox_media::RelayBinding;
use ipnet::IpNet;

use crate::config::PublicAddress;

/// Without those for all addresses of a family that this machine does not have.
pub(super) fn of_this_machine(listen: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_here = |address: &SocketAddr| {
        let lacks = address.ip().is_unspecified() && lacks_family(address.ip());
        if lacks {
            tracing::info!(%address, "this machine has no such addresses; the relay goes without");
        }
        !lacks
    };
    listen.into_iter().filter(is_here).collect()
}

fn lacks_family(unspecified: IpAddr) -> bool {
    match UdpSocket::bind(SocketAddr::new(unspecified, 0)) {
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::AddrNotAvailable || is_unsupported(&error),
    }
}

#[cfg(unix)]
fn is_unsupported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

#[cfg(not(unix))]
fn is_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// Where relay ports are: at the addresses that the operator names, or else at those on which the relay listens. Where it
/// listens on all, at this machine's own towards other networks.
pub(super) fn bindings(named: &[PublicAddress], listen: &[SocketAddr]) -> Vec<RelayBinding> {
    if !named.is_empty() {
        return named
            .iter()
            .map(|address| RelayBinding { public: address.public, bind: address.own })
            .collect();
    }
    let mut bindings: Vec<RelayBinding> = Vec::new();
    for address in listen {
        let address = if address.ip().is_unspecified() { outward(address.ip()) } else { Some(address.ip()) };
        // An address of IPv4 that is wrapped into one of IPv6 is one of IPv4.
        let binding = address
            .map(|address| address.to_canonical())
            .map(|address| RelayBinding { public: address, bind: address });
        bindings.extend(binding.filter(|binding| !bindings.contains(binding)));
    }
    if bindings.is_empty() && !listen.is_empty() {
        // A machine without a network still has itself.
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        bindings.push(RelayBinding { public: address, bind: address });
    }
    bindings
}

/// Says what keeps other networks from reaching the relay. Where it may relay to a private network, one is meant.
pub(super) fn warn_of_private(bindings: &[RelayBinding], allow_peers: &[IpNet]) {
    let is_meant = |address: IpAddr| allow_peers.iter().any(|network| network.contains(&address));
    let is_private = |address: IpAddr| !is_public(address) && !address.is_loopback() && !is_meant(address);
    for RelayBinding { public, .. } in bindings.iter().filter(|binding| is_private(binding.public)) {
        tracing::warn!(
            address = %public,
            "the relay's address is a private one, so that calls from other networks do not reach it; name the public one in relay.public_addresses"
        );
    }
}

/// This machine's address towards other networks, of the family of `unspecified`. Connecting a datagram socket only picks a
/// route; nothing is sent.
pub(crate) fn outward(unspecified: IpAddr) -> Option<IpAddr> {
    // TEST-NET-1 (RFC 5737) and its like of IPv6 (RFC 3849): nobody's addresses.
    let nobody = match unspecified {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    };
    let socket = UdpSocket::bind(SocketAddr::new(unspecified, 0)).ok()?;
    socket.connect(SocketAddr::new(nobody, 9)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified()).then_some(own)
}

/// Every address of this machine, to none of which anything may be relayed but to relay ports: what its interfaces have,
/// what leads to it from outside, and what it listens on.
pub(super) fn own_addresses(
    bindings: &[RelayBinding],
    listen: impl IntoIterator<Item = SocketAddr>,
) -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "this machine's interfaces cannot be listed; the relay goes by the addresses that it knows");
        Vec::new()
    });
    let interfaces = interfaces.iter().map(if_addrs::Interface::ip);
    let relayed = bindings.iter().flat_map(|binding| [binding.public, binding.bind]);
    let listened = listen.into_iter().map(|address| address.ip());
    let mut own: Vec<IpAddr> =
        interfaces.chain(relayed).chain(listened).map(|address| address.to_canonical()).collect();
    own.retain(|address| !address.is_unspecified());
    own.sort_unstable();
    own.dedup();
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn sockets<const N: usize>(texts: [&str; N]) -> Vec<SocketAddr> {
        texts.map(|text| text.parse().expect("an address")).to_vec()
    }

    fn binding(public: &str, own: &str) -> RelayBinding {
        RelayBinding { public: ip(public), bind: ip(own) }
    }

    #[test]
    fn named_addresses_go_before_those_that_are_listened_on() {
        let named = [PublicAddress { public: ip("203.0.113.5"), own: ip("10.0.0.5") }];
        assert_eq!(bindings(&named, &sockets(["127.0.0.1:3478"])), [binding("203.0.113.5", "10.0.0.5")]);
    }

    #[test]
    fn an_address_that_is_listened_on_is_given_out_once() {
        let listen = sockets(["127.0.0.1:3478", "127.0.0.1:443", "[::ffff:127.0.0.1]:3478", "[::1]:3478"]);
        assert_eq!(bindings(&[], &listen), [binding("127.0.0.1", "127.0.0.1"), binding("::1", "::1")]);
        assert_eq!(bindings(&[], &[]), []);
    }

    #[test]
    fn who_listens_on_all_addresses_gives_out_one_that_is_its_own() {
        let [given] = bindings(&[], &sockets(["0.0.0.0:3478"]))[..] else { panic!("one") };
        assert!(given.public.is_ipv4() && !given.public.is_unspecified());
        assert!(UdpSocket::bind((given.bind, 0)).is_ok(), "{given:?} is here");
    }

    #[test]
    fn a_family_that_is_there_is_listened_on() {
        let listen = sockets(["0.0.0.0:3478", "203.0.113.5:3478"]);
        assert_eq!(of_this_machine(listen.clone()), listen, "a foreign address is told when it is bound");
    }

    #[test]
    fn all_of_this_machine_is_its_own() {
        let bindings = [binding("203.0.113.5", "10.0.0.5")];
        let own = own_addresses(&bindings, sockets(["[::]:3478", "198.51.100.7:3478"]));
        for address in ["127.0.0.1", "203.0.113.5", "10.0.0.5", "198.51.100.7"] {
            assert!(own.contains(&ip(address)), "{address} in {own:?}");
        }
        assert!(!own.contains(&ip("::")));
    }
}
