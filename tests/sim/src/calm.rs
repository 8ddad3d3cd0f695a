//! After the storm: everything that is under way comes to its end, and then all must be as if nothing had happened.

use std::time::Duration;

use callbox_storage::MessagesPage;

use crate::model::{Verdict, check};
use crate::wire::Wire;
use crate::world::{World, app_id};

impl World {
    /// No more faults, but for a bus that may lose everything from now on.
    pub(crate) fn calm_down(&mut self) -> Verdict {
        self.trace.tell(|| "calm".to_owned());
        for node in 0..self.nodes.len() {
            if self.nodes[node].is_none() {
                self.start(node);
            }
        }
        self.temper.notices_lost = if self.temper.is_deaf { 100 } else { 0 };
        self.temper.jobs_refused = 0;
        self.temper.window = usize::MAX;
        for _ in 0..PAUSES_MAX {
            self.work_off()?;
            for node in 0..self.nodes.len() {
                self.sweep(node);
                if !self.temper.is_told_all {
                    self.compare(node);
                }
            }
            self.work_off()?;
            if self.is_all_done() {
                return Ok(());
            }
            self.advance(self.next_deadline())?;
        }
        Err(format!("it never gets calm: {}", self.who_waits()))
    }

    /// Whoever is connected has everything as soon as nothing is under way any more, where nothing was lost between nodes.
    pub(crate) fn rest(&mut self) -> Verdict {
        self.trace.tell(|| "rest".to_owned());
        self.work_off()?;
        if !self.temper.is_told_all {
            return Ok(());
        }
        for (number, device) in self.devices.iter().enumerate().filter(|(_, device)| device.core.is_online())
        {
            let wire = device.wire.and_then(|id| self.wires.get(&id)).filter(|wire| !wire.is_cut);
            let is_open = wire.and_then(Wire::line).is_some_and(|line| !line.is_closed());
            let (seen, head) = (device.app.seen(), self.model.head(&device.user));
            check(!is_open || seen == Some(head), || format!("device {number} rests at {seen:?} of {head}"))?;
        }
        Ok(())
    }

    /// Does everything that can be done without time.
    pub(crate) fn work_off(&mut self) -> Verdict {
        for _ in 0..STEPS_MAX {
            let mut steps = Vec::new();
            self.add_traffic(&mut steps);
            self.add_work(&mut steps);
            if steps.is_empty() {
                return Ok(());
            }
            let step = steps.swap_remove(self.dice.below(steps.len())).1;
            self.take(step)?;
        }
        Err(format!("there is always something to do: {}", self.who_waits()))
    }

    fn is_all_done(&self) -> bool {
        let has_all =
            |device: &crate::device::Device| device.app.seen() == Some(self.model.head(&device.user));
        let devices =
            self.devices.iter().all(|device| device.is_over || (device.is_calm() && has_all(device)));
        let wires = self.wires.values().all(|wire| wire.has_client && wire.line().is_some() && !wire.is_cut);
        devices && wires && self.errands.is_empty()
    }

    /// Until the first deadline of anybody, in whole milliseconds, as the ends of sessions are.
    fn next_deadline(&self) -> Duration {
        let clients = self.devices.iter().filter_map(|device| device.core.deadline());
        let servers = self.wires.values().filter_map(|wire| wire.line()?.deadline());
        let first = clients.chain(servers).min().unwrap_or_default();
        let micros = first.saturating_sub(self.now()).as_micros();
        Duration::from_millis(u64::try_from(micros.div_ceil(1_000)).unwrap_or(u64::MAX).max(1))
    }

    fn who_waits(&self) -> String {
        let mut waiting = Vec::new();
        for (number, device) in self.devices.iter().enumerate().filter(|(_, device)| !device.is_over) {
            let (head, seen) = (self.model.head(&device.user), device.app.seen());
            if !device.is_calm() || seen != Some(head) {
                let (online, asked) = (device.core.is_online(), device.asked.len());
                let stale = device.app.is_stale;
                waiting.push(format!(
                    "device {number} (online {online}, stale {stale}, {asked} without answer, saw {seen:?} of {head})"
                ));
            }
        }
        for (id, wire) in &self.wires {
            if !wire.has_client || wire.line().is_none() || wire.is_cut {
                waiting.push(format!("socket {id} on node {} with one end", wire.node));
            }
        }
        waiting.push(format!("{} errands", self.errands.len()));
        waiting.join(", ")
    }

    /// What must hold once it is calm.
    pub(crate) fn check_all(&mut self) -> Verdict {
        for (number, device) in self.devices.iter().enumerate() {
            let (app, session, now) = (app_id(), device.session.clone(), self.wall_clock());
            let kept = self.ground.database.read(move |store| store.session(app, &session));
            let is_good = kept.is_some_and(|session| session.check(now).is_ok());
            if !device.is_over {
                device.app.check_complete(&self.model, &device.user)?;
                check(is_good, || format!("device {number} goes on without a session"))?;
            } else if is_good {
                return Err(format!("device {number} is over, and its session is not"));
            }
        }
        for user in &self.people {
            let (app, id) = (app_id(), user.clone());
            let mailbox = self.ground.database.read(move |store| store.mailbox(app, &id));
            let head = mailbox.map_or(0, |mailbox| mailbox.head);
            let expected = self.model.head(user);
            check(head == expected, || format!("the log of {user} ends at {head} instead of {expected}"))?;
        }
        for (conversation, expected) in self.model.conversations() {
            let (app, id) = (app_id(), conversation.clone());
            let all = move |store: &dyn callbox_storage::Read| {
                store.messages(app, &id, MessagesPage::After(0), u32::MAX)
            };
            let kept: Vec<_> = self.ground.database.read(all).into_iter().map(|message| message.id).collect();
            check(kept == expected, || format!("{conversation} holds {kept:?} instead of {expected:?}"))?;
        }
        Ok(())
    }
}

/// Times that everything comes to rest before somebody's deadline is waited for.
const PAUSES_MAX: usize = 400;
/// Steps between two such times.
const STEPS_MAX: usize = 200_000;
