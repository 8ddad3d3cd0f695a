//! What a server is told once.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use crate::credential::CredentialKey;

/// How a server works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What makes the passwords of credentials.
    pub key: CredentialKey,
    /// Where relay ports are.
    pub relay_addresses: Vec<RelayAddress>,
    /// Which ports are relay ports, at each address.
    pub ports: RangeInclusive<u16>,
    /// Every address of this machine: nothing is relayed to it but to relay ports that are open.
    pub own_addresses: Vec<IpAddr>,
    /// Networks to which packets may go although they are not public.
    pub allow_peers: Vec<IpNet>,
    /// How much.
    pub limits: Limits,
}

/// An address of which relay ports are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayAddress {
    /// As peers see it; behind a NAT another one than the sockets are bound to.
    pub public: IpAddr,
}

/// How much one client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Allocations of one call, of both sides together.
    pub allocations_per_call: NonZeroU32,
    /// Allocations of one session.
    pub allocations_per_session: NonZeroU32,
    /// Bytes a second that one allocation relays, both ways together.
    pub bytes_per_second: NonZeroU32,
    /// Answers a second to requests without a credential over UDP, where the sender's address may be forged, for each
    /// address (each /64 of IPv6).
    pub open_answers_per_second: NonZeroU32,
    /// The longest life of an allocation between two refreshes.
    pub lifetime_max: Duration,
}
