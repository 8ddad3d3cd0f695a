//! The allocations of a server, and which of them expires next.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::Client;
use crate::allocation::{Allocation, Slot};

/// All allocations.
#[derive(Default)]
pub(crate) struct Allocations {
    slots: Vec<Option<Allocation>>,
    free: Vec<Slot>,
    clients: HashMap<Client, Slot>,
    expiries: BTreeSet<(Duration, Slot)>,
}

impl Allocations {
    /// The slot that the next allocation goes into.
    pub fn vacant(&self) -> Slot {
        let beyond = || Slot(u32::try_from(self.slots.len()).expect("fewer allocations than ports"));
        self.free.last().copied().unwrap_or_else(beyond)
    }

    /// Adds an allocation, in the slot that [`vacant`](Self::vacant) told.
    pub fn insert(&mut self, allocation: Allocation) {
        let slot = self.vacant();
        self.clients.insert(allocation.client, slot);
        self.expiries.extend(allocation.expires().map(|expires| (expires, slot)));
        if self.free.pop().is_some() {
            self.slots[index(slot)] = Some(allocation);
        } else {
            self.slots.push(Some(allocation));
        }
    }

    /// Takes an allocation out.
    pub fn remove(&mut self, slot: Slot) -> Option<Allocation> {
        let allocation = self.slots.get_mut(index(slot))?.take()?;
        self.clients.remove(&allocation.client);
        if let Some(expires) = allocation.expires() {
            self.expiries.remove(&(expires, slot));
        }
        self.free.push(slot);
        Some(allocation)
    }

    pub fn of(&self, client: &Client) -> Option<Slot> {
        self.clients.get(client).copied()
    }

    pub fn get(&self, slot: Slot) -> Option<&Allocation> {
        self.slots.get(index(slot))?.as_ref()
    }

    /// For everything but what changes when it expires.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Allocation> {
        self.slots.get_mut(index(slot))?.as_mut()
    }

    /// Changes an allocation in whatever way.
    pub fn change<T>(&mut self, slot: Slot, change: impl FnOnce(&mut Allocation) -> T) -> Option<T> {
        let allocation = self.slots.get_mut(index(slot))?.as_mut()?;
        let before = allocation.expires();
        let result = change(allocation);
        let after = allocation.expires();
        if before != after {
            if let Some(expires) = before {
                self.expiries.remove(&(expires, slot));
            }
            self.expiries.extend(after.map(|expires| (expires, slot)));
        }
        Some(result)
    }

    /// What expires next, and when.
    pub fn next_expiry(&self) -> Option<(Duration, Slot)> {
        self.expiries.first().copied()
    }

    /// The slots of all allocations.
    pub fn all(&self) -> Vec<Slot> {
        self.clients.values().copied().collect()
    }
}

fn index(slot: Slot) -> usize {
    usize::try_from(slot.0).expect("at least 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::{Leg, Origin, PasswordAlgorithm, Signing};
    use crate::credential::Credential;
    use crate::message::{Integrity, TransactionId};
    use crate::ports::PortKind;
    use crate::{RelayPort, Via};

    fn client(number: u32) -> Client {
        Client { via: Via::Tcp(number), address: "9.9.9.9:4000".parse().expect("an address") }
    }

    fn allocation(number: u32, expires: u64) -> Allocation {
        let signing = Signing { integrity: Integrity::Sha1, algorithm: PasswordAlgorithm::Md5 };
        let lifetime = Duration::from_mins(10);
        let origin =
            Origin { transaction_id: TransactionId([0; 12]), signing, lifetime, ports: PortKind::Any };
        let relay = RelayPort { address: 0, port: 50_000 };
        let leg = Leg::Open { relay, expires: Duration::from_secs(expires) };
        let credential = Credential::parse("1:ses:").expect("a name");
        Allocation::new(client(number), credential, origin, [leg, Leg::None])
    }

    #[test]
    fn slots_are_used_again_and_nothing_stays_of_what_was_removed() {
        let mut allocations = Allocations::default();
        for number in 0..3 {
            assert_eq!(allocations.vacant(), Slot(number));
            allocations.insert(allocation(number, u64::from(number) + 10));
        }
        assert_eq!(allocations.of(&client(1)), Some(Slot(1)));
        assert_eq!(allocations.next_expiry(), Some((Duration::from_secs(10), Slot(0))));
        assert!(allocations.remove(Slot(0)).is_some());
        assert!(allocations.remove(Slot(0)).is_none());
        assert_eq!(allocations.next_expiry(), Some((Duration::from_secs(11), Slot(1))));
        assert_eq!(allocations.of(&client(0)), None);
        assert_eq!(allocations.vacant(), Slot(0));
        allocations.insert(allocation(7, 5));
        assert_eq!(allocations.of(&client(7)), Some(Slot(0)));
        assert_eq!(allocations.vacant(), Slot(3));
        for slot in allocations.all() {
            allocations.remove(slot);
        }
        assert!(allocations.clients.is_empty() && allocations.expiries.is_empty());
        assert_eq!(allocations.free.len(), 3);
    }

    #[test]
    fn an_expiry_moves_with_what_changes_it() {
        let mut allocations = Allocations::default();
        allocations.insert(allocation(0, 10));
        allocations.insert(allocation(1, 20));
        allocations.change(Slot(0), |allocation| {
            let relay = RelayPort { address: 0, port: 50_000 };
            allocation.legs[0] = Leg::Open { relay, expires: Duration::from_secs(30) };
        });
        assert_eq!(allocations.next_expiry(), Some((Duration::from_secs(20), Slot(1))));
        allocations.change(Slot(1), |allocation| allocation.legs[0] = Leg::None);
        assert_eq!(allocations.next_expiry(), Some((Duration::from_secs(30), Slot(0))));
        assert_eq!(allocations.expiries.len(), 1);
    }
}
