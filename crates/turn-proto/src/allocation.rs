//! One allocation: its relay ports, whom it hears, and the numbers of its channels.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::bandwidth::Bandwidth;
use crate::credential::Credential;
use crate::message::{Integrity, TransactionId, attribute};
use crate::{Client, RelayPort};

/// Which allocation; a slot is used again after its allocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(pub u32);

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// An IPv4 address that is mapped into IPv6 is one of IPv6 here: addresses are normalised before.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    pub fn index(self) -> usize {
        match self {
            Self::V4 => 0,
            Self::V6 => 1,
        }
    }

    /// As attributes name it.
    pub fn number(self) -> u8 {
        match self {
            Self::V4 => attribute::FAMILY_IPV4,
            Self::V6 => attribute::FAMILY_IPV6,
        }
    }
}

/// How a client signs, and how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signing {
    pub integrity: Integrity,
    pub algorithm: PasswordAlgorithm,
}

/// What makes a key of a password (RFC 8489, section 18.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordAlgorithm {
    Md5,
    Sha256,
}

/// The request that an allocation came of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub transaction_id: TransactionId,
    pub signing: Signing,
    pub lifetime: Duration,
}

/// What an allocation has of one family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leg {
    /// Nothing: the client did not ask for it, or it is over.
    None,
    /// A port is being opened.
    Opening { relay: RelayPort, failures: u8, expires: Duration },
    /// The client asked for it, and was refused with this code.
    Refused(u16),
    /// A port.
    Open { relay: RelayPort, expires: Duration },
}

impl Leg {
    /// Its port, open or not yet.
    pub fn relay(self) -> Option<RelayPort> {
        match self {
            Self::Opening { relay, .. } | Self::Open { relay, .. } => Some(relay),
            Self::None | Self::Refused(_) => None,
        }
    }

    pub fn expires(self) -> Option<Duration> {
        match self {
            Self::Opening { expires, .. } | Self::Open { expires, .. } => Some(expires),
            Self::None | Self::Refused(_) => None,
        }
    }
}

/// One allocation.
#[derive(Debug)]
pub(crate) struct Allocation {
    pub client: Client,
    pub credential: Credential,
    pub origin: Origin,
    /// By [`Family::index`].
    pub legs: [Leg; 2],
    pub bandwidth: Bandwidth,
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
}

#[derive(Debug, Clone, Copy)]
struct Permission {
    address: IpAddr,
    expires: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    expires: Duration,
}

/// Why a channel was not bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotBound {
    /// The number is another peer's, or the peer has another number.
    Taken,
    /// There are too many channels, or permissions.
    Full,
}

impl Allocation {
    pub fn new(client: Client, credential: Credential, origin: Origin, legs: [Leg; 2]) -> Self {
        let (permissions, channels) = (Vec::new(), Vec::new());
        Self { client, credential, origin, legs, bandwidth: Bandwidth::default(), permissions, channels }
    }

    /// Whether a port is still being opened.
    pub fn is_opening(&self) -> bool {
        self.legs.iter().any(|leg| matches!(leg, Leg::Opening { .. }))
    }

    /// When the first of its ports expires; `None` when it has none.
    pub fn expires(&self) -> Option<Duration> {
        self.legs.iter().filter_map(|leg| leg.expires()).min()
    }

    /// Its open port of a family.
    pub fn relay(&self, family: Family) -> Option<RelayPort> {
        match self.legs[family.index()] {
            Leg::Open { relay, .. } => Some(relay),
            _ => None,
        }
    }

    /// Whether packets from and to this address are let through.
    pub fn is_permitted(&self, elapsed: Duration, address: IpAddr) -> bool {
        self.permissions.iter().any(|one| one.address == address && one.expires > elapsed)
    }

    /// Lets packets from and to all of these addresses through, or of none where they would be too many.
    pub fn permit(&mut self, elapsed: Duration, addresses: &[IpAddr]) -> Result<(), NotBound> {
        if addresses.len() > PERMISSIONS_MAX {
            return Err(NotBound::Full);
        }
        let mut added: Vec<IpAddr> = Vec::new();
        for address in addresses {
            if !added.contains(address) && !self.permissions.iter().any(|one| one.address == *address) {
                added.push(*address);
            }
        }
        if self.permissions.len() + added.len() > PERMISSIONS_MAX {
            self.permissions.retain(|one| one.expires > elapsed || addresses.contains(&one.address));
        }
        if self.permissions.len() + added.len() > PERMISSIONS_MAX {
            return Err(NotBound::Full);
        }
        let expires = elapsed + PERMISSION_LIFETIME;
        for one in self.permissions.iter_mut().filter(|one| addresses.contains(&one.address)) {
            one.expires = expires;
        }
        self.permissions.extend(added.into_iter().map(|address| Permission { address, expires }));
        Ok(())
    }

    /// Gives a peer a number, or keeps it for longer, and permits the peer.
    pub fn bind(&mut self, elapsed: Duration, number: u16, peer: SocketAddr) -> Result<(), NotBound> {
        self.channels.retain(|one| one.expires > elapsed);
        let known = self.channels.iter().position(|one| one.number == number || one.peer == peer);
        match known {
            Some(place) => {
                let one = &self.channels[place];
                if one.number != number || one.peer != peer {
                    return Err(NotBound::Taken);
                }
            }
            None if self.channels.len() >= CHANNELS_MAX => return Err(NotBound::Full),
            None => {}
        }
        self.permit(elapsed, &[peer.ip()])?;
        let expires = elapsed + CHANNEL_LIFETIME;
        match known {
            Some(place) => self.channels[place].expires = expires,
            None => self.channels.push(Channel { number, peer, expires }),
        }
        Ok(())
    }

    /// Whose number this is.
    pub fn peer_of(&self, elapsed: Duration, number: u16) -> Option<SocketAddr> {
        self.channels.iter().find(|one| one.number == number && one.expires > elapsed).map(|one| one.peer)
    }

    /// A peer's number.
    pub fn channel_of(&self, elapsed: Duration, peer: SocketAddr) -> Option<u16> {
        self.channels.iter().find(|one| one.peer == peer && one.expires > elapsed).map(|one| one.number)
    }

    /// Forgets what has expired.
    pub fn sweep(&mut self, elapsed: Duration) {
        self.permissions.retain(|one| one.expires > elapsed);
        self.channels.retain(|one| one.expires > elapsed);
    }

    /// How many permissions and channels are remembered.
    pub fn remembered(&self) -> u64 {
        u64::try_from(self.permissions.len() + self.channels.len()).unwrap_or(u64::MAX)
    }
}

/// RFC 8656, section 9.
const PERMISSION_LIFETIME: Duration = Duration::from_mins(5);

/// RFC 8656, section 12.
const CHANNEL_LIFETIME: Duration = Duration::from_mins(10);

/// So many addresses may be permitted at once. A browser asks for one for each candidate of the other side.
const PERMISSIONS_MAX: usize = 128;

/// So many channels may be bound at once.
const CHANNELS_MAX: usize = 64;
