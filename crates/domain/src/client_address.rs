//! Where a client is, as far as limits are concerned.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The address that a client is counted by: a whole IPv4 address, or the /64 network of an IPv6 address, because a single
/// customer has at least that many addresses to choose from (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddress(IpAddr);

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK_64)),
        })
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(formatter, "{address}"),
            IpAddr::V6(network) => write!(formatter, "{network}/64"),
        }
    }
}

/// The bits of an IPv6 address that name its network.
const NETWORK_64: u128 = u128::MAX << 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> String {
        ClientAddress::from(text.parse::<IpAddr>().expect("an address")).to_string()
    }

    #[test]
    fn addresses_of_one_customer_count_as_one() {
        assert_eq!(counted("203.0.113.7"), "203.0.113.7");
        assert_eq!(counted("::ffff:203.0.113.7"), "203.0.113.7", "IPv4 through a socket for both");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(counted("2001:db8:1:2:ffff::"), "2001:db8:1:2::/64");
        assert_ne!(counted("2001:db8:1:3::"), counted("2001:db8:1:2::"));
    }
}
