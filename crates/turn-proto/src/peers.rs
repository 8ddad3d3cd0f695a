//! To which addresses packets may go.
//!
//! Clients name their peers, and a relay stands where its clients do not: inside a machine, beside its databases, in a
//! cloud that hands out credentials by address. So an address is first brought to what it really is, and then denied unless
//! there is a reason to allow it.

use std::collections::HashSet;
use std::net::IpAddr;

use callbox_domain::address::{is_public, unwrapped};
use ipnet::IpNet;

/// The rules of one server.
pub(crate) struct PeerRules {
    /// As peers see them, in the order of [`Settings::relay_addresses`](crate::Settings::relay_addresses).
    relays: Vec<IpAddr>,
    own: HashSet<IpAddr>,
    allowed: Vec<IpNet>,
}

impl PeerRules {
    /// Takes every address of this machine, those of its relays, and the networks that are allowed although not public.
    pub fn new(relays: Vec<IpAddr>, own_addresses: &[IpAddr], allow_peers: &[IpNet]) -> Self {
        let relays: Vec<_> = relays.into_iter().map(|address| address.to_canonical()).collect();
        let own = own_addresses.iter().chain(&relays).map(|address| unwrapped(*address)).collect();
        Self { relays, own, allowed: allow_peers.to_vec() }
    }

    /// Whether a client may ask for a permission: packets may go there, or it is a relay address of this server, where
    /// packets reach those ports alone that are open.
    pub fn may_be_permitted(&self, address: IpAddr) -> bool {
        self.relay_at(address).is_some() || self.may_be_sent_to(address)
    }

    /// Whether packets may leave this machine for `address`.
    pub fn may_be_sent_to(&self, address: IpAddr) -> bool {
        let destination = unwrapped(address);
        if is_nobody(destination) {
            false
        } else if self.allowed.iter().any(|network| network.contains(&destination)) {
            true
        } else {
            !self.own.contains(&destination) && is_public(destination)
        }
    }

    /// Which relay address of this server `address` is.
    pub fn relay_at(&self, address: IpAddr) -> Option<u16> {
        let address = address.to_canonical();
        let index = self.relays.iter().position(|relay| *relay == address && !is_nobody(address))?;
        u16::try_from(index).ok()
    }
}

/// No single machine, or this one by another name: no setting allows to send there.
fn is_nobody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 0 || address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unspecified() || address.is_multicast(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    fn rules(allow: &[&str]) -> PeerRules {
        let allow: Vec<IpNet> = allow.iter().map(|network| network.parse().expect("a network")).collect();
        let own = ["198.41.0.4", "10.0.0.5", "2a00:1450::5"].map(address);
        PeerRules::new(vec![address("8.8.4.4"), address("2a00:1450::8")], &own, &allow)
    }

    #[test]
    fn published_ways_around_such_rules_are_closed() {
        let rules = rules(&[]);
        for (text, what) in [
            ("127.0.0.1", "loopback"),
            ("::1", "loopback"),
            ("::ffff:127.0.0.1", "mapped loopback, CVE-2020-26262 of coturn"),
            ("0.0.0.0", "this machine by another name, CVE-2020-26262 of coturn"),
            ("0.1.2.3", "this network"),
            ("::", "this machine by another name, CVE-2020-26262 of coturn"),
            ("::ffff:0.0.0.0", "this machine, mapped"),
            ("::127.0.0.1", "compatible with IPv4, given up"),
            ("2002:7f00:1::", "loopback through 6to4"),
            ("64:ff9b::7f00:1", "loopback through NAT64"),
            ("64:ff9b:1::7f00:1", "local NAT64"),
            ("2001:0:4136:e378:8000:63bf:80ff:fffe", "loopback through Teredo"),
            ("169.254.169.254", "metadata of clouds"),
            ("fd00:ec2::254", "metadata of a cloud"),
            ("::ffff:169.254.169.254", "metadata, mapped"),
            ("2002:a9fe:a9fe::", "metadata through 6to4"),
            ("10.1.2.3", "private"),
            ("192.168.0.1", "private"),
            ("100.64.0.1", "shared"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("ff02::1", "multicast"),
            ("fe80::1", "link-local"),
            ("fc00::1", "unique local"),
            ("198.41.0.4", "own"),
            ("::ffff:198.41.0.4", "own, mapped"),
            ("2002:c629:4::", "own through 6to4"),
            ("64:ff9b::c629:4", "own through NAT64"),
            ("2a00:1450::5", "own"),
            ("64:ff9b::808:404", "a relay address through NAT64"),
        ] {
            assert!(!rules.may_be_permitted(address(text)), "{text}: {what}");
            assert!(!rules.may_be_sent_to(address(text)), "{text}: {what}");
        }
    }

    #[test]
    fn the_world_is_allowed() {
        for text in ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"] {
            assert!(rules(&[]).may_be_permitted(address(text)), "{text}");
            assert!(rules(&[]).may_be_sent_to(address(text)), "{text}");
        }
    }

    #[test]
    fn a_relay_address_is_permitted_but_nothing_leaves_for_it() {
        for (text, index) in [("8.8.4.4", 0), ("::ffff:8.8.4.4", 0), ("2a00:1450::8", 1)] {
            assert!(rules(&[]).may_be_permitted(address(text)), "{text}");
            assert!(!rules(&[]).may_be_sent_to(address(text)), "{text}");
            assert_eq!(rules(&[]).relay_at(address(text)), Some(index), "{text}");
        }
        assert_eq!(rules(&[]).relay_at(address("198.41.0.4")), None);
    }

    #[test]
    fn a_setting_allows_what_is_not_public_and_what_is_own_but_never_nobody() {
        let rules = rules(&["10.0.0.0/8", "127.0.0.0/8", "::/0", "0.0.0.0/8", "224.0.0.0/3"]);
        for text in ["10.1.2.3", "10.0.0.5", "127.0.0.1", "::ffff:127.0.0.1", "::1", "fd00::1"] {
            assert!(rules.may_be_sent_to(address(text)), "{text}");
        }
        for text in ["0.0.0.0", "0.0.0.7", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:0.0.0.0"]
        {
            assert!(!rules.may_be_permitted(address(text)), "{text}");
            assert!(!rules.may_be_sent_to(address(text)), "{text}");
        }
        assert!(!rules.may_be_sent_to(address("192.168.0.1")), "another private network");
    }

    proptest! {
        #[test]
        fn of_ipv4_only_public_addresses_are_sent_to_however_they_are_written(bits in any::<u32>()) {
            let plain = Ipv4Addr::from_bits(bits);
            let rules = rules(&[]);
            let own = rules.own.contains(&IpAddr::V4(plain));
            let expected = is_public(plain.into()) && !own;
            let nat64 = Ipv6Addr::from_bits(0x64_ff9b << 96 | u128::from(bits));
            let six_to_four = Ipv6Addr::from_bits(0x2002 << 112 | u128::from(bits) << 80);
            let ways: [IpAddr; 4] =
                [plain.into(), plain.to_ipv6_mapped().into(), nat64.into(), six_to_four.into()];
            for way in ways {
                prop_assert_eq!(rules.may_be_sent_to(way), expected, "{}", way);
            }
        }

        #[test]
        fn of_ipv6_only_public_addresses_are_sent_to(bits in any::<u128>(), prefix in any::<u16>(), first in 0usize..12) {
            // Spread over the prefixes where something special begins.
            let known = [0x2000, 0x2001, 0x2002, 0x64, 0, 0xfe80, 0xfc00, 0xfd00, 0xff02, 0x3fff, 0x5f00];
            let head = known.get(first).copied().unwrap_or(prefix);
            let address = Ipv6Addr::from_bits(bits >> 16 | u128::from(head) << 112);
            let rules = rules(&[]);
            if rules.may_be_sent_to(address.into()) {
                prop_assert!(is_public(address.into()), "{}", address);
                prop_assert!(address.octets()[0] & 0xe0 == 0x20 || address.octets()[..2] == [0, 0x64]
                    || address.to_ipv4_mapped().is_some(), "{}", address);
            }
        }
    }
}
