//! The attributes that are known here, and how addresses are written in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};

/// USERNAME (RFC 8489, section 14.3).
pub const USERNAME: u16 = 0x0006;
/// MESSAGE-INTEGRITY (RFC 8489, section 14.5).
pub const MESSAGE_INTEGRITY: u16 = 0x0008;
/// ERROR-CODE (RFC 8489, section 14.8).
pub const ERROR_CODE: u16 = 0x0009;
/// UNKNOWN-ATTRIBUTES (RFC 8489, section 14.13).
pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
/// CHANNEL-NUMBER (RFC 8656, section 18.1).
pub const CHANNEL_NUMBER: u16 = 0x000c;
/// LIFETIME (RFC 8656, section 18.2).
pub const LIFETIME: u16 = 0x000d;
/// XOR-PEER-ADDRESS (RFC 8656, section 18.3).
pub const XOR_PEER_ADDRESS: u16 = 0x0012;
/// DATA (RFC 8656, section 18.4).
pub const DATA: u16 = 0x0013;
/// REALM (RFC 8489, section 14.9).
pub const REALM: u16 = 0x0014;
/// NONCE (RFC 8489, section 14.10).
pub const NONCE: u16 = 0x0015;
/// XOR-RELAYED-ADDRESS (RFC 8656, section 18.5).
pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
/// REQUESTED-ADDRESS-FAMILY (RFC 8656, section 18.6).
pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
/// EVEN-PORT (RFC 8656, section 18.7).
pub const EVEN_PORT: u16 = 0x0018;
/// REQUESTED-TRANSPORT (RFC 8656, section 18.8).
pub const REQUESTED_TRANSPORT: u16 = 0x0019;
/// DONT-FRAGMENT (RFC 8656, section 18.9).
pub const DONT_FRAGMENT: u16 = 0x001a;
/// MESSAGE-INTEGRITY-SHA256 (RFC 8489, section 14.6).
pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
/// PASSWORD-ALGORITHM (RFC 8489, section 14.12).
pub const PASSWORD_ALGORITHM: u16 = 0x001d;
/// USERHASH (RFC 8489, section 14.4).
pub const USERHASH: u16 = 0x001e;
/// XOR-MAPPED-ADDRESS (RFC 8489, section 14.2).
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// RESERVATION-TOKEN (RFC 8656, section 18.10).
pub const RESERVATION_TOKEN: u16 = 0x0022;
/// ADDITIONAL-ADDRESS-FAMILY (RFC 8656, section 18.11).
pub const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
/// ADDRESS-ERROR-CODE (RFC 8656, section 18.12).
pub const ADDRESS_ERROR_CODE: u16 = 0x8001;
/// PASSWORD-ALGORITHMS (RFC 8489, section 14.11).
pub const PASSWORD_ALGORITHMS: u16 = 0x8002;
/// SOFTWARE (RFC 8489, section 14.14).
pub const SOFTWARE: u16 = 0x8022;
/// FINGERPRINT (RFC 8489, section 14.7).
pub const FINGERPRINT: u16 = 0x8028;

/// From here on an attribute that is not known may be ignored (RFC 8489, section 14).
pub(super) const FIRST_OPTIONAL: u16 = 0x8000;

/// The family of IPv4 addresses (RFC 8489, section 14.1).
pub const FAMILY_IPV4: u8 = 0x01;
/// The family of IPv6 addresses.
pub const FAMILY_IPV6: u8 = 0x02;

/// The longest value of an attribute that holds an address.
pub(super) const ADDRESS_BYTES_MAX: usize = 20;

/// Reads the value of an attribute that holds an address under the cookie (RFC 8489, section 14.2).
pub(super) fn read_xor_address(value: &[u8], transaction_id: &TransactionId) -> Option<SocketAddr> {
    let [_, family, port_high, port_low, rest @ ..] = value else { return None };
    let port = u16::from_be_bytes([*port_high, *port_low]) ^ PORT_MASK;
    let address: IpAddr = match *family {
        FAMILY_IPV4 => Ipv4Addr::from_bits(u32::from_be_bytes(rest.try_into().ok()?) ^ MAGIC_COOKIE).into(),
        FAMILY_IPV6 => {
            Ipv6Addr::from_bits(u128::from_be_bytes(rest.try_into().ok()?) ^ mask_v6(transaction_id)).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// The value of an attribute that holds an address under the cookie, and how many bytes of it count.
pub(super) fn xor_address_value(
    address: SocketAddr,
    transaction_id: &TransactionId,
) -> ([u8; ADDRESS_BYTES_MAX], usize) {
    let mut value = [0; ADDRESS_BYTES_MAX];
    value[2..4].copy_from_slice(&(address.port() ^ PORT_MASK).to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => {
            value[1] = FAMILY_IPV4;
            value[4..8].copy_from_slice(&(ip.to_bits() ^ MAGIC_COOKIE).to_be_bytes());
            (value, 8)
        }
        IpAddr::V6(ip) => {
            value[1] = FAMILY_IPV6;
            value[4..].copy_from_slice(&(ip.to_bits() ^ mask_v6(transaction_id)).to_be_bytes());
            (value, ADDRESS_BYTES_MAX)
        }
    }
}

/// The cookie, and the transaction after it.
fn mask_v6(transaction_id: &TransactionId) -> u128 {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&transaction_id.0);
    u128::from_be_bytes(mask)
}

/// The upper half of the cookie.
const PORT_MASK: u16 = 0x2112;
