//! Steps of servers: work that goes on, notices, sweeps, crashes.

use std::sync::Arc;

use callbox_bus::Notice;
use callbox_domain::SessionId;

use crate::bus::Way;
use crate::errand::Brought;
use crate::model::{Verdict, check};
use crate::node::Node;
use crate::step::Work;
use crate::task::Task;
use crate::wire::ServerEnd;
use crate::world::World;

impl World {
    /// Work of a server goes on until it waits again.
    pub(crate) fn go_on(&mut self, work: Work) -> Verdict {
        let node = match work {
            Work::Serving(id) | Work::Fetching(id) | Work::Leaving(id) => {
                let Some(node) = self.go_on_with_wire(work, id) else { return Ok(()) };
                node
            }
            Work::Sweeping(node) => {
                let Some(running) = &mut self.nodes[node] else { return Ok(()) };
                let swept = running.sweeping.as_mut().and_then(Task::go_on);
                if let Some(swept) = swept {
                    self.note_sweep(node, swept)?;
                }
                node
            }
            Work::Comparing(node) => {
                let Some(running) = &mut self.nodes[node] else { return Ok(()) };
                advance(&mut running.comparing);
                node
            }
            Work::Errand(number) => {
                let errand = &mut self.errands[number];
                let (node, brought) = (errand.node, errand.task.go_on());
                if let Some(brought) = brought {
                    let errand = self.errands.swap_remove(number);
                    self.bring(errand.device, errand.page, brought)?;
                }
                node
            }
        };
        self.stir(node);
        self.note_commits()
    }

    /// On which node it went on.
    fn go_on_with_wire(&mut self, work: Work, id: u64) -> Option<usize> {
        let wire = self.wires.get_mut(&id)?;
        let node = wire.node;
        match (&mut wire.server, work) {
            (ServerEnd::Open { serving, .. }, Work::Serving(_)) => advance(serving),
            (ServerEnd::Open { fetching, .. }, Work::Fetching(_)) => advance(fetching),
            (ServerEnd::Leaving(task), Work::Leaving(_)) => {
                let left = task.go_on();
                if left.is_some() {
                    wire.server = ServerEnd::Gone;
                    self.bury(id);
                }
            }
            _ => {}
        }
        Some(node)
    }

    fn bring(&mut self, number: usize, page: u64, brought: Brought) -> Verdict {
        match brought {
            Brought::Ended(result) => {
                let result = result.map_err(|error| error.code.name());
                self.trace.tell(|| format!("device {number} ended a session: {result:?}"));
                self.trace.count("a session was ended");
            }
            Brought::History(result) => {
                let count = result.as_ref().map(Vec::len).map_err(|error| error.code.name());
                self.trace.tell(|| format!("device {number} fetched its history: {count:?}"));
                let device = &mut self.devices[number];
                let Ok(messages) = result else { return Ok(()) };
                if device.page != page {
                    return Ok(());
                }
                for message in messages {
                    let message = callbox_wire::messaging::Message::from_domain(&message);
                    self.model.check_message(&message)?;
                    device.app.show(&message)?;
                }
                device.app.is_stale = false;
                self.trace.count("a history was fetched");
            }
        }
        Ok(())
    }

    /// The database does a node's work.
    pub(crate) fn work(&mut self, node: usize, place: usize) -> Verdict {
        let refuses = self.dice.chance(self.temper.jobs_refused);
        let Some(running) = &self.nodes[node] else { return Ok(()) };
        if refuses {
            self.trace.count("the database refused work");
            self.trace.tell(|| format!("node {node}: the database refuses job {place}"));
            running.door.refuse(place);
        } else {
            self.trace.tell(|| format!("node {node}: the database does job {place}"));
            running.door.run(place);
        }
        self.note_commits()
    }

    /// A notice arrives, or is lost.
    pub(crate) fn carry(&mut self, way: Way) -> Verdict {
        let is_lost = self.dice.chance(self.temper.notices_lost);
        let post = Arc::clone(&self.ground.post);
        if post.waiting().iter().any(|other| other.1 == way.1 && other.0 != way.0) {
            self.trace.count("notices of two nodes were on their way at once");
        }
        let Some(notice) = post.take(way) else { return Ok(()) };
        if is_lost {
            self.trace.count("a notice was lost");
            if post.count(way) == 0 {
                self.trace.count("the last notice was lost");
            }
            self.trace.tell(|| format!("bus {way:?} loses {notice:?}"));
            return Ok(());
        }
        self.trace.tell(|| format!("bus {way:?} delivers {notice:?}"));
        post.deliver(way.1, &notice);
        self.stir(way.1);
        match notice {
            Notice::SessionEnded { session_id, .. } => self.note_end(way.1, session_id),
            _ => Ok(()),
        }
    }

    /// A node reads the list of ended sessions.
    pub(crate) fn sweep(&mut self, number: usize) {
        let Some(node) = &mut self.nodes[number] else { return };
        let (hub, from) = (Arc::clone(&node.hub), node.swept);
        let sweep = async move { callbox_hub::testing::sweep_ended_sessions(&hub, from).await };
        node.sweeping = Some(Task::new(sweep));
    }

    /// A node compares what its sockets know with where their logs end.
    pub(crate) fn compare(&mut self, number: usize) {
        let Some(node) = &mut self.nodes[number] else { return };
        let hub = Arc::clone(&node.hub);
        node.comparing = Some(Task::new(async move { hub.compare_heads().await }));
    }

    fn note_sweep(&mut self, number: usize, swept: u64) -> Verdict {
        let Some(node) = &mut self.nodes[number] else { return Ok(()) };
        node.sweeping = None;
        let from = std::mem::replace(&mut node.swept, swept);
        if swept == from {
            return Ok(());
        }
        let ended = self.ground.database.read(move |store| store.ended_sessions_after(from, u32::MAX));
        for session in ended.into_iter().filter(|session| session.number <= swept) {
            self.trace.tell(|| format!("node {number} reads that {} is over", session.session_id));
            let is_news =
                self.nodes[number].as_ref().is_some_and(|node| !node.ended.contains(&session.session_id));
            if is_news {
                self.trace.count("a sweep found what the bus had not told");
            }
            self.note_end(number, session.session_id)?;
        }
        Ok(())
    }

    /// A node knows that a session is over: from now on the session's sockets are closed and hear nothing.
    fn note_end(&mut self, number: usize, session: SessionId) -> Verdict {
        for (id, wire) in &self.wires {
            let is_here = wire.node == number && wire.session == session && wire.sent.is_some();
            let is_open = wire.line().is_some_and(|line| !line.is_closed());
            check(!(is_here && is_open), || format!("socket {id} is open after the end of its session"))?;
        }
        if let Some(node) = &mut self.nodes[number] {
            node.ended.insert(session);
        }
        Ok(())
    }

    /// A node is gone, with everything that it had in memory.
    pub(crate) fn crash(&mut self, number: usize) {
        let Some(node) = self.nodes[number].take() else { return };
        self.trace.tell(|| format!("node {number} crashes with {} jobs in the row", node.door.count()));
        self.trace.count("a node crashed");
        self.trace.count_more("work was lost with its node", node.door.count());
        for wire in self.wires.values_mut().filter(|wire| wire.node == number) {
            if let ServerEnd::Open { serving: Some(task), .. } = &wire.server
                && task.is_ready()
            {
                self.trace.count("a node crashed between a commit and its answer");
            }
            wire.crash(&mut self.dice);
        }
        self.wires.retain(|_, wire| !wire.is_over());
        self.errands.retain(|errand| errand.node != number);
        let kept = self.dice.below(3);
        self.ground.post.forget(number, kept);
    }

    /// A node is there again.
    pub(crate) fn start(&mut self, number: usize) {
        self.trace.tell(|| format!("node {number} starts"));
        self.nodes[number] = Some(Node::start(number, &self.ground));
    }

    /// A node that runs, or the first where none does.
    pub(crate) fn any_node(&mut self) -> usize {
        let running: Vec<usize> = (0..self.nodes.len()).filter(|node| self.nodes[*node].is_some()).collect();
        if running.is_empty() { 0 } else { self.dice.pick(&running) }
    }
}

fn advance(task: &mut Option<Task<()>>) {
    if task.as_mut().and_then(Task::go_on).is_some() {
        *task = None;
    }
}
