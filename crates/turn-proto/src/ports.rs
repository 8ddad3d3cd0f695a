//! Which relay ports are free, and whose the others are.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use callbox_domain::Random;

use crate::RelayPort;
use crate::allocation::{Family, Slot};

/// The relay ports of one server.
pub(crate) struct Ports {
    first: u16,
    addresses: Vec<AddressPorts>,
    dice: Dice,
    /// Of each family, which of its addresses is next.
    next: [usize; 2],
    by_family: [Vec<u16>; 2],
}

/// The ports of one relay address.
struct AddressPorts {
    /// By their distance from the first.
    states: Vec<State>,
    /// Longest unused first.
    free: VecDeque<u16>,
}

/// What a port is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    /// Asked for, for an allocation.
    Opening(Slot),
    /// Asked for, but the allocation is gone.
    Abandoned,
    Open(Slot),
    /// Nobody's, but not yet closed.
    Closing,
}

/// Which ports will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortKind {
    Any,
    /// As EVEN-PORT wants it (RFC 8656, section 7.1).
    Even,
}

/// Why there is no port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPort {
    /// No relay address is of this family.
    Family,
    /// All are in use.
    Free,
}

/// What to do with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is this allocation's now.
    For(Slot),
    /// Close it again: its allocation is gone.
    ForNobody,
    /// Nobody asked for it.
    Unasked,
}

impl Ports {
    /// All ports of `range` at each of `addresses` are free.
    pub fn new(addresses: &[IpAddr], range: RangeInclusive<u16>, random: Arc<dyn Random>) -> Self {
        // An address beyond those that a relay port can name gives out none.
        let numbered = || addresses.iter().zip(0..=u16::MAX);
        let of_family = |family| {
            numbered()
                .filter(|(address, _)| Family::of(**address) == family)
                .map(|(_, index)| index)
                .collect()
        };
        let free: VecDeque<u16> = range.clone().collect();
        let fresh = || AddressPorts { states: vec![State::Free; free.len()], free: free.clone() };
        Self {
            first: *range.start(),
            addresses: numbered().map(|_| fresh()).collect(),
            dice: Dice { random, bytes: [0; DICE_BYTES], used: DICE_BYTES },
            next: [0; 2],
            by_family: [of_family(Family::V4), of_family(Family::V6)],
        }
    }

    /// Takes a random free port for `slot`, at the addresses of `family` in turn.
    pub fn take(&mut self, family: Family, kind: PortKind, slot: Slot) -> Result<RelayPort, NoPort> {
        let indexes = &self.by_family[family.index()];
        if indexes.is_empty() {
            return Err(NoPort::Family);
        }
        let next = &mut self.next[family.index()];
        for _ in 0..indexes.len() {
            let address = indexes[*next % indexes.len()];
            *next = (*next + 1) % indexes.len();
            let free = &mut self.addresses[usize::from(address)].free;
            // Of the half that was unused the longest: what still comes for the last user of a port finds it closed.
            let first = self.dice.below(free.len().div_ceil(2));
            let mut others = (0..free.len()).map(|step| (first + step) % free.len());
            let chosen = others.find(|index| kind == PortKind::Any || free[*index].is_multiple_of(2));
            if let Some(port) = chosen.and_then(|index| free.swap_remove_front(index)) {
                let relay = RelayPort { address, port };
                *self.state(relay).expect("it was free") = State::Opening(slot);
                return Ok(relay);
            }
        }
        Err(NoPort::Free)
    }

    /// A port that was taken is open.
    pub fn opened(&mut self, relay: RelayPort) -> Opened {
        match self.state(relay) {
            Some(state @ State::Abandoned) => {
                *state = State::Closing;
                Opened::ForNobody
            }
            Some(state) => match *state {
                State::Opening(slot) => {
                    *state = State::Open(slot);
                    Opened::For(slot)
                }
                _ => Opened::Unasked,
            },
            None => Opened::Unasked,
        }
    }

    /// A port that was taken could not be opened; says whose it would have been.
    pub fn failed(&mut self, relay: RelayPort) -> Option<Slot> {
        let state = self.state(relay)?;
        let slot = match *state {
            State::Opening(slot) => Some(slot),
            State::Abandoned => None,
            State::Free | State::Open(_) | State::Closing => return None,
        };
        *state = State::Free;
        self.addresses[usize::from(relay.address)].free.push_back(relay.port);
        slot
    }

    /// An allocation needs a port no more; says whether it is to be closed now. One that is still being opened is closed
    /// when it is open.
    #[must_use]
    pub fn give_back(&mut self, relay: RelayPort) -> bool {
        let Some(state) = self.state(relay) else { return false };
        match *state {
            State::Opening(_) => {
                *state = State::Abandoned;
                false
            }
            State::Open(_) => {
                *state = State::Closing;
                true
            }
            State::Free | State::Abandoned | State::Closing => false,
        }
    }

    /// A port that was given back is told to be closed; from now on others may have it.
    pub fn closed(&mut self, relay: RelayPort) {
        if let Some(state @ State::Closing) = self.state(relay) {
            *state = State::Free;
            self.addresses[usize::from(relay.address)].free.push_back(relay.port);
        }
    }

    /// Whose a port is, if it is open.
    pub fn owner(&self, relay: RelayPort) -> Option<Slot> {
        let distance = relay.port.checked_sub(self.first)?;
        match self.addresses.get(usize::from(relay.address))?.states.get(usize::from(distance))? {
            State::Open(slot) => Some(*slot),
            _ => None,
        }
    }

    fn state(&mut self, relay: RelayPort) -> Option<&mut State> {
        let distance = relay.port.checked_sub(self.first)?;
        self.addresses.get_mut(usize::from(relay.address))?.states.get_mut(usize::from(distance))
    }
}

/// Random numbers from few calls.
struct Dice {
    random: Arc<dyn Random>,
    bytes: [u8; DICE_BYTES],
    used: usize,
}

impl Dice {
    /// A number below `end`, or 0. Some come up oftener than others by one in ten thousand: for ports that is even enough.
    fn below(&mut self, end: usize) -> usize {
        if self.used == self.bytes.len() {
            self.random.fill(&mut self.bytes);
            self.used = 0;
        }
        let word = self.bytes[self.used..].first_chunk::<4>().expect("a multiple of four");
        self.used += word.len();
        usize::try_from(u32::from_le_bytes(*word)).expect("at least 32 bits") % end.max(1)
    }
}

const DICE_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::tests::world::Seeded;

    const SLOT: Slot = Slot(7);

    fn ports(addresses: &[&str], range: RangeInclusive<u16>) -> Ports {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().expect(text)).collect();
        Ports::new(&addresses, range, Seeded::new(3))
    }

    #[test]
    fn who_wants_an_even_port_gets_none_that_is_odd() {
        let mut ports = ports(&["8.8.4.4"], 50_001..=50_010);
        let mut given: Vec<_> =
            (0..5).map(|_| ports.take(Family::V4, PortKind::Even, SLOT).expect("a port").port).collect();
        given.sort_unstable();
        assert_eq!(given, [50_002, 50_004, 50_006, 50_008, 50_010]);
        assert_eq!(ports.take(Family::V4, PortKind::Even, SLOT), Err(NoPort::Free));
        assert!(ports.take(Family::V4, PortKind::Any, SLOT).is_ok());
    }

    #[test]
    fn every_port_is_given_once_and_then_none() {
        let mut ports = ports(&["8.8.4.4"], 50_000..=50_099);
        let given: HashSet<_> =
            (0..100).map(|_| ports.take(Family::V4, PortKind::Any, SLOT).expect("a port")).collect();
        assert_eq!(given.len(), 100);
        assert!(given.iter().all(|relay| relay.address == 0 && (50_000..=50_099).contains(&relay.port)));
        assert_eq!(ports.take(Family::V4, PortKind::Any, SLOT), Err(NoPort::Free));
        assert_eq!(ports.take(Family::V6, PortKind::Any, SLOT), Err(NoPort::Family));
    }

    #[test]
    fn addresses_of_a_family_take_turns_and_help_each_other_out() {
        let mut ports = ports(&["8.8.4.4", "2a00:1450::8", "8.8.8.8"], 50_000..=50_001);
        let taken: Vec<_> =
            (0..4).map(|_| ports.take(Family::V4, PortKind::Any, SLOT).expect("a port").address).collect();
        assert_eq!(taken, [0, 2, 0, 2]);
        assert_eq!(ports.take(Family::V4, PortKind::Any, SLOT), Err(NoPort::Free));
        assert_eq!(ports.take(Family::V6, PortKind::Any, SLOT).expect("a port").address, 1);
        let one = RelayPort { address: 2, port: 50_001 };
        assert_eq!(ports.opened(one), Opened::For(SLOT));
        assert!(ports.give_back(one));
        ports.closed(one);
        for _ in 0..2 {
            if let Ok(taken) = ports.take(Family::V4, PortKind::Any, SLOT) {
                assert_eq!(taken, one);
            }
        }
    }

    #[test]
    fn a_port_is_free_when_it_was_told_to_be_closed() {
        let mut ports = ports(&["8.8.4.4"], 50_000..=50_000);
        let relay = ports.take(Family::V4, PortKind::Any, SLOT).expect("a port");
        assert_eq!(ports.owner(relay), None, "it is not open");
        assert_eq!(ports.opened(relay), Opened::For(SLOT));
        assert_eq!(ports.opened(relay), Opened::Unasked);
        assert_eq!(ports.owner(relay), Some(SLOT));
        assert!(ports.give_back(relay));
        assert!(!ports.give_back(relay), "only once");
        assert_eq!(ports.owner(relay), None);
        assert_eq!(ports.take(Family::V4, PortKind::Any, SLOT), Err(NoPort::Free));
        ports.closed(relay);
        ports.closed(relay);
        assert_eq!(ports.take(Family::V4, PortKind::Any, SLOT), Ok(relay));
        assert_eq!(ports.take(Family::V4, PortKind::Any, SLOT), Err(NoPort::Free));
    }

    #[test]
    fn a_port_that_is_given_back_before_it_is_open_is_closed_then() {
        let mut ports = ports(&["8.8.4.4"], 50_000..=50_000);
        let relay = ports.take(Family::V4, PortKind::Any, SLOT).expect("a port");
        assert!(!ports.give_back(relay));
        assert_eq!(ports.take(Family::V4, PortKind::Any, SLOT), Err(NoPort::Free));
        assert_eq!(ports.opened(relay), Opened::ForNobody);
        ports.closed(relay);
        assert_eq!(ports.take(Family::V4, PortKind::Any, SLOT), Ok(relay));
        assert!(!ports.give_back(relay));
        assert_eq!(ports.failed(relay), None);
        assert_eq!(ports.take(Family::V4, PortKind::Any, Slot(8)), Ok(relay));
        assert_eq!(ports.failed(relay), Some(Slot(8)));
        assert_eq!(ports.failed(relay), None, "nobody asked");
    }

    #[test]
    fn the_ports_used_last_are_not_used_next() {
        let mut ports = ports(&["8.8.4.4"], 50_000..=50_099);
        let mut last = VecDeque::new();
        for _ in 0..1_000 {
            let relay = ports.take(Family::V4, PortKind::Any, SLOT).expect("a port");
            assert!(!last.contains(&relay));
            ports.opened(relay);
            assert!(ports.give_back(relay));
            ports.closed(relay);
            last.push_back(relay);
            if last.len() > 49 {
                last.pop_front();
            }
        }
    }

    #[test]
    fn the_next_port_cannot_be_told() {
        let mut ports = ports(&["8.8.4.4"], 50_000..=59_999);
        let taken: Vec<u16> =
            (0..1_000).map(|_| ports.take(Family::V4, PortKind::Any, SLOT).expect("a port").port).collect();
        let neighbours = taken.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 10).count();
        assert!(neighbours < 20, "{neighbours}");
    }

    proptest! {
        #[test]
        fn no_port_that_is_not_a_relay_port_matters(address in any::<u16>(), port in any::<u16>()) {
            let mut ports = ports(&["8.8.4.4"], 50_000..=50_001);
            let relay = RelayPort { address, port };
            prop_assert_eq!(ports.opened(relay), Opened::Unasked);
            prop_assert_eq!(ports.failed(relay), None);
            prop_assert!(!ports.give_back(relay));
            ports.closed(relay);
            prop_assert_eq!(ports.owner(relay), None);
        }
    }
}
