//! What can happen next.

use callbox_domain::MessageId;

use crate::bus::Way;
use crate::model::Verdict;
use crate::task::Task;
use crate::wire::ServerEnd;
use crate::world::World;

/// One step of the world.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// An app sends a message.
    Send(usize),
    /// An app sends something under the id of a message that exists.
    SendTaken(usize, MessageId),
    /// An app says that something was read.
    Read(usize),
    /// A page is loaded again.
    Reload(usize),
    /// A user ends one of their sessions.
    EndSession(usize),
    /// A user signs in again.
    SignIn(usize),
    /// A client that wants a socket gets one.
    Connect(usize),
    /// A server takes the next frame of a client.
    Take(u64),
    /// A server sends the next frame.
    Put(u64),
    /// A client takes the next frame of the server.
    Hear(u64),
    /// Work of a server goes on.
    GoOn(Work),
    /// The database does what a node asked for, at this place of its row.
    Store(usize, usize),
    /// A notice arrives, or is lost.
    Carry(Way),
    /// A socket loses its network.
    Cut(u64),
    /// A node is gone from one moment to the next.
    Crash(usize),
    /// A node is started again.
    Start(usize),
    /// A node reads the list of ended sessions.
    Sweep(usize),
    /// A node compares what its sockets know with where their logs end.
    Compare(usize),
    /// All that needs no time is done.
    Rest,
    /// Time passes.
    Time,
}

/// Work that waits for the database.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    Serving(u64),
    Fetching(u64),
    Leaving(u64),
    Sweeping(usize),
    Comparing(usize),
    Errand(usize),
}

impl World {
    /// What is possible now, with weights.
    pub(crate) fn possible(&mut self) -> Vec<(u32, Step)> {
        let mut steps = Vec::new();
        self.add_traffic(&mut steps);
        self.add_work(&mut steps);
        self.add_people(&mut steps);
        self.add_faults(&mut steps);
        steps.push((self.temper.time, Step::Time));
        steps.push((if self.temper.is_told_all { OFTEN } else { 1 }, Step::Rest));
        steps
    }

    /// What is under way anyhow: also all that there is once it is calm.
    pub(crate) fn add_traffic(&self, steps: &mut Vec<(u32, Step)>) {
        for (id, wire) in &self.wires {
            if wire.has_client && !wire.down.is_empty() {
                steps.push((EAGER, Step::Hear(*id)));
            }
            match &wire.server {
                ServerEnd::Open { line, serving, fetching, is_quiet } => {
                    if serving.is_none() && !line.is_closed() && !wire.up.is_empty() {
                        steps.push((EAGER, Step::Take(*id)));
                    }
                    let is_stuck = wire.down.len() >= self.temper.window && !line.is_closed();
                    if fetching.is_none() && !is_quiet && !is_stuck {
                        steps.push((EAGER, Step::Put(*id)));
                    }
                    if serving.as_ref().is_some_and(Task::is_ready) {
                        steps.push((self.temper.work, Step::GoOn(Work::Serving(*id))));
                    }
                    if fetching.as_ref().is_some_and(Task::is_ready) {
                        steps.push((self.temper.work, Step::GoOn(Work::Fetching(*id))));
                    }
                }
                ServerEnd::Leaving(task) if task.is_ready() => {
                    steps.push((self.temper.work, Step::GoOn(Work::Leaving(*id))));
                }
                ServerEnd::Leaving(_) | ServerEnd::Gone => {}
            }
        }
        for (number, errand) in self.errands.iter().enumerate() {
            if errand.task.is_ready() {
                steps.push((self.temper.work, Step::GoOn(Work::Errand(number))));
            }
        }
        for way in self.ground.post.waiting() {
            steps.push((self.temper.bus, Step::Carry(way)));
        }
        let is_up = self.nodes.iter().any(Option::is_some);
        for (number, device) in self.devices.iter().enumerate() {
            if device.wants_socket && is_up {
                steps.push((EAGER, Step::Connect(number)));
            }
        }
    }

    /// What the nodes and their database have begun.
    pub(crate) fn add_work(&self, steps: &mut Vec<(u32, Step)>) {
        for (number, node) in self.nodes.iter().enumerate() {
            let Some(node) = node else { continue };
            for (place, is_read) in node.door.possible() {
                let weight = if is_read { self.temper.reads } else { EAGER };
                steps.push((weight, Step::Store(number, place)));
            }
            if node.sweeping.as_ref().is_some_and(Task::is_ready) {
                steps.push((self.temper.work, Step::GoOn(Work::Sweeping(number))));
            }
            if node.comparing.as_ref().is_some_and(Task::is_ready) {
                steps.push((self.temper.work, Step::GoOn(Work::Comparing(number))));
            }
        }
    }

    fn add_people(&self, steps: &mut Vec<(u32, Step)>) {
        let taken = self.model.placed().next();
        for (number, device) in self.devices.iter().enumerate().filter(|(_, device)| !device.is_over) {
            steps.push((self.temper.send, Step::Send(number)));
            steps.push((self.temper.read, Step::Read(number)));
            steps.push((self.temper.reload, Step::Reload(number)));
            if !self.doomed.contains(&device.session) {
                steps.push((self.temper.end_session, Step::EndSession(number)));
            }
            if let Some((id, _)) = taken {
                steps.push((1, Step::SendTaken(number, id.clone())));
            }
        }
        let is_up = self.nodes.iter().any(Option::is_some);
        for (person, user) in self.people.iter().enumerate() {
            let has_device = self.devices.iter().any(|device| device.user == *user && !device.is_over);
            if !has_device && is_up {
                steps.push((EAGER, Step::SignIn(person)));
            }
        }
    }

    fn add_faults(&self, steps: &mut Vec<(u32, Step)>) {
        for (id, wire) in &self.wires {
            if !wire.is_cut {
                steps.push((self.temper.cut, Step::Cut(*id)));
            }
        }
        for (number, node) in self.nodes.iter().enumerate() {
            let Some(node) = node else {
                steps.push((EAGER, Step::Start(number)));
                continue;
            };
            steps.push((self.temper.crash, Step::Crash(number)));
            if node.sweeping.is_none() {
                steps.push((1, Step::Sweep(number)));
            }
            if node.comparing.is_none() && !self.temper.is_told_all {
                steps.push((1, Step::Compare(number)));
            }
        }
    }

    /// Does a step.
    pub(crate) fn take(&mut self, step: Step) -> Verdict {
        match step {
            Step::Send(device) => self.send(device),
            Step::SendTaken(device, id) => self.send_taken(device, id),
            Step::Read(device) => self.mark_read(device),
            Step::Reload(device) => self.reload(device),
            Step::EndSession(device) => {
                self.end_session(device);
                Ok(())
            }
            Step::SignIn(person) => {
                let node = self.any_node();
                self.sign_in(person, node);
                self.attend(self.devices.len() - 1)
            }
            Step::Connect(device) => self.connect(device),
            Step::Take(wire) => self.take_frame(wire),
            Step::Put(wire) => self.put(wire),
            Step::Hear(wire) => self.hear(wire),
            Step::GoOn(work) => self.go_on(work),
            Step::Store(node, place) => self.work(node, place),
            Step::Carry(way) => self.carry(way),
            Step::Cut(wire) => {
                self.cut(wire);
                Ok(())
            }
            Step::Crash(node) => {
                self.crash(node);
                Ok(())
            }
            Step::Start(node) => {
                self.start(node);
                Ok(())
            }
            Step::Sweep(node) => {
                self.sweep(node);
                Ok(())
            }
            Step::Compare(node) => {
                self.compare(node);
                Ok(())
            }
            Step::Rest => self.rest(),
            Step::Time => self.let_time_pass(),
        }
    }
}

/// The weight of a look at whether everybody has everything.
const OFTEN: u32 = 8;
/// The weight of what usually happens at once.
const EAGER: u32 = 30;
