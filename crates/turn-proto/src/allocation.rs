//! One allocation: its relay ports, whom it hears, and the numbers of its channels.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::bandwidth::Bandwidth;
use crate::credential::Credential;
use crate::message::{Integrity, TransactionId, attribute};
use crate::ports::PortKind;
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
    pub ports: PortKind,
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
        // A call has few of them, and there are many calls: no room is kept for more.
        self.permissions.reserve_exact(added.len());
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
        if let Some(place) = known {
            self.channels[place].expires = expires;
        } else {
            self.channels.reserve_exact(1);
            self.channels.push(Channel { number, peer, expires });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Via;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn allocation() -> Allocation {
        let client = Client { via: Via::Udp(0), address: "9.9.9.9:4000".parse().expect("an address") };
        let signing = Signing { integrity: Integrity::Sha1, algorithm: PasswordAlgorithm::Md5 };
        let origin = Origin {
            transaction_id: TransactionId([0; 12]),
            signing,
            lifetime: at(600),
            ports: PortKind::Any,
        };
        Allocation::new(client, Credential::parse("1:ses:").expect("a name"), origin, [Leg::None; 2])
    }

    fn address(number: usize) -> IpAddr {
        IpAddr::from(u32::try_from(0x0808_0000 + number).expect("fits").to_be_bytes())
    }

    fn peer(number: usize) -> SocketAddr {
        SocketAddr::new(address(number), 7_000)
    }

    fn channel(number: usize) -> u16 {
        0x4000 + u16::try_from(number).expect("few")
    }

    #[test]
    fn a_permission_lasts_five_minutes_from_the_last_time_it_was_asked_for() {
        let mut allocation = allocation();
        assert_eq!(allocation.permit(at(0), &[address(1), address(2)]), Ok(()));
        assert_eq!(allocation.permit(at(100), &[address(2), address(2)]), Ok(()));
        assert_eq!(allocation.remembered(), 2);
        assert!(allocation.is_permitted(at(299), address(1)));
        assert!(!allocation.is_permitted(at(300), address(1)));
        assert!(allocation.is_permitted(at(399), address(2)));
        assert!(!allocation.is_permitted(at(400), address(2)));
        allocation.sweep(at(300));
        assert_eq!(allocation.remembered(), 1);
    }

    #[test]
    fn permissions_are_limited_and_given_to_all_or_none() {
        let mut allocation = allocation();
        let addresses: Vec<_> = (0..PERMISSIONS_MAX).map(address).collect();
        assert_eq!(allocation.permit(at(0), &addresses[1..]), Ok(()));
        let two_more = [address(500), address(501)];
        assert_eq!(allocation.permit(at(10), &two_more), Err(NotBound::Full));
        assert!(!allocation.is_permitted(at(10), address(500)), "none of them");
        assert_eq!(allocation.permit(at(10), &addresses[..1]), Ok(()), "the last one");
        assert_eq!(allocation.permit(at(20), &addresses), Ok(()), "those that there are");
        let too_many: Vec<_> = (0..=PERMISSIONS_MAX).map(address).collect();
        assert_eq!(allocation.permit(at(1_000), &too_many), Err(NotBound::Full));
        assert_eq!(allocation.permit(at(320), &two_more), Ok(()), "in the place of what expired");
        assert_eq!(allocation.remembered(), 2);
    }

    #[test]
    fn a_channel_lasts_ten_minutes_and_its_permission_five() {
        let mut allocation = allocation();
        assert_eq!(allocation.bind(at(0), 0x4000, peer(1)), Ok(()));
        assert_eq!(allocation.peer_of(at(599), 0x4000), Some(peer(1)));
        assert_eq!(allocation.channel_of(at(599), peer(1)), Some(0x4000));
        assert!(!allocation.is_permitted(at(300), address(1)));
        assert_eq!(allocation.peer_of(at(600), 0x4000), None);
        assert_eq!(allocation.channel_of(at(600), peer(1)), None);
    }

    #[test]
    fn a_number_has_one_peer_and_a_peer_one_number_until_they_expire() {
        let mut allocation = allocation();
        assert_eq!(allocation.bind(at(0), 0x4000, peer(1)), Ok(()));
        assert_eq!(allocation.bind(at(0), 0x4001, peer(2)), Ok(()));
        assert_eq!(allocation.bind(at(1), 0x4000, peer(3)), Err(NotBound::Taken));
        assert_eq!(allocation.bind(at(1), 0x4003, peer(1)), Err(NotBound::Taken));
        assert_eq!(allocation.bind(at(1), 0x4000, peer(2)), Err(NotBound::Taken));
        assert!(!allocation.is_permitted(at(1), address(3)));
        assert_eq!(allocation.bind(at(500), 0x4000, peer(1)), Ok(()), "again");
        assert_eq!(allocation.bind(at(600), 0x4001, peer(3)), Ok(()), "it is free");
        assert_eq!(allocation.bind(at(600), 0x4002, peer(1)), Err(NotBound::Taken), "it was kept");
    }

    #[test]
    fn channels_are_limited() {
        let mut allocation = allocation();
        for number in 0..CHANNELS_MAX {
            assert_eq!(allocation.bind(at(0), channel(number), peer(number)), Ok(()));
        }
        let next = (channel(CHANNELS_MAX), peer(CHANNELS_MAX));
        assert_eq!(allocation.bind(at(1), next.0, next.1), Err(NotBound::Full));
        assert_eq!(allocation.bind(at(1), channel(0), peer(0)), Ok(()), "one that there is");
        assert_eq!(allocation.bind(at(600), next.0, next.1), Ok(()));
    }

    #[test]
    fn a_thousand_bytes_hold_an_allocation_of_a_call() {
        // What a browser has: permissions and a channel for the candidates of the other side; the names in its credential;
        // its places in the maps, where a hash map has room for twice as many.
        let lists = 8 * size_of::<Permission>() + 2 * size_of::<Channel>();
        let names = 2 * 64;
        let maps = 2 * size_of::<(Client, Slot)>() + 4 * size_of::<(Duration, Slot)>();
        let total = size_of::<Option<Allocation>>() + lists + names + maps;
        assert!(total <= 1_024, "{total}");
    }
}
