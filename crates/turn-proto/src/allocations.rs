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
