//! Steps of people, their apps and their time.

use std::sync::Arc;
use std::time::Duration;

use callbox_client::core::{Answer, Ask, Input, Output, Ticket};
use callbox_client::{Error, Event};
use callbox_domain::MessageId;
use callbox_wire::messaging::{Recipient, SendMessageRequest};

use crate::errand::{self, Errand};
use crate::model::{Sent, Verdict, check};
use crate::wire::Up;
use crate::world::World;

impl World {
    /// An app sends a message to another user, or into a conversation that it shows.
    pub(crate) fn send(&mut self, number: usize) -> Verdict {
        let to = self.any_recipient(number);
        let message = self.number();
        let id = MessageId::new(format!("message-{}-{message}", self.seed())).expect("of the form of ids");
        let length = if self.dice.chance(self.temper.long_texts) { 15_000 } else { self.dice.below(20) + 1 };
        let text = "x".repeat(length);
        let device = &self.devices[number];
        let sent = Sent {
            sender: device.user.clone(),
            to: to.clone(),
            text: text.clone(),
            memory: device.memory,
            number: message,
        };
        self.trace.tell(|| format!("device {number} sends {id} to {to:?}"));
        self.trace.count("a message was sent");
        self.model.send(id.clone(), sent);
        self.ask(number, SendMessageRequest { message_id: id, to, text })
    }

    /// An app sends something under an id that is taken.
    pub(crate) fn send_taken(&mut self, number: usize, id: MessageId) -> Verdict {
        let to = self.any_recipient(number);
        self.trace.tell(|| format!("device {number} sends something else as {id}"));
        self.ask(number, SendMessageRequest { message_id: id, to, text: STOLEN.to_owned() })
    }

    fn any_recipient(&mut self, number: usize) -> Recipient {
        let user = self.devices[number].user.clone();
        let shown = self.devices[number].app.readable();
        if !shown.is_empty() && self.dice.chance(30) {
            let place = self.dice.below(shown.len());
            return Recipient { user_id: None, conversation_id: Some(shown[place].0.clone()) };
        }
        let others: Vec<_> = self.people.iter().filter(|other| **other != user).collect();
        Recipient { user_id: Some(others[self.dice.below(others.len())].clone()), conversation_id: None }
    }

    fn ask(&mut self, number: usize, message: SendMessageRequest) -> Verdict {
        let now = self.now();
        self.devices[number].ask(now, message);
        self.attend(number)
    }

    /// An app says that something was read; at times more than it shows.
    pub(crate) fn mark_read(&mut self, number: usize) -> Verdict {
        let shown = self.devices[number].app.readable();
        if shown.is_empty() {
            return Ok(());
        }
        let (conversation_id, last) = shown[self.dice.below(shown.len())].clone();
        let up_to = last + u32::from(self.dice.chance(10));
        let now = self.now();
        self.trace.tell(|| format!("device {number} has read {conversation_id} up to {up_to}"));
        let device = &mut self.devices[number];
        let ticket = device.ticket();
        device.core.handle(now, Input::Ask { ticket, ask: Ask::Read { conversation_id, up_to } });
        self.attend(number)
    }

    /// A page is loaded again: with what a store kept, which may be a little old, or of another life of the log, or nothing.
    pub(crate) fn reload(&mut self, number: usize) -> Verdict {
        let is_killed = self.dice.chance(50);
        self.shut(number, is_killed);
        let now = self.now();
        let device = &mut self.devices[number];
        let mut kept: Vec<SendMessageRequest> = Vec::new();
        let mut cursor = None;
        if self.dice.chance(60) {
            kept = device.core.unanswered().cloned().collect();
            cursor = device.core.cursor().map(|cursor| cursor.to_string());
            if let Some((epoch, seq)) = cursor.as_deref().and_then(|cursor| cursor.rsplit_once('.'))
                && epoch != OTHER_LIFE
            {
                let seq: u64 = seq.parse().map_err(|_| format!("not a number: {seq}"))?;
                if self.dice.chance(10) {
                    cursor = Some(format!("{OTHER_LIFE}.{}", self.dice.next() % (seq + 3)));
                    self.trace.count("a page came with a cursor of another life");
                } else {
                    let place = seq.saturating_sub(self.dice.next() % 3);
                    cursor = Some(format!("{epoch}.{place}"));
                    device.app.reload(place)?;
                    self.trace.count("a page was loaded again");
                }
            }
        } else {
            device.app = crate::app::App::default();
            self.trace.count("a page lost its memory");
        }
        self.trace
            .tell(|| format!("device {number} loads its page again from {cursor:?} with {}", kept.len()));
        let keeps_queue = !kept.is_empty();
        let random = Arc::clone(&self.ground.random);
        let memory = self.number();
        let device = &mut self.devices[number];
        if !keeps_queue {
            device.memory = memory;
        }
        device.reload(cursor, &random, now);
        for message in kept {
            device.ask(now, message);
        }
        self.attend(number)
    }

    /// A user ends a session from this or another device.
    pub(crate) fn end_session(&mut self, number: usize) {
        let target = &self.devices[number];
        let (user, session) = (target.user.clone(), target.session.clone());
        let own: Vec<usize> = (0..self.devices.len())
            .filter(|other| self.devices[*other].user == user && !self.devices[*other].is_over)
            .collect();
        let by = self.dice.pick(&own);
        let node = self.any_node();
        let Some(running) = &self.nodes[node] else { return };
        self.trace.tell(|| format!("device {by} ends {session} over node {node}"));
        let token = self.devices[by].token.clone();
        let task = errand::end_session(Arc::clone(&running.service), token, session.clone());
        self.doomed.insert(session);
        self.errands.push(Errand { node, device: by, page: self.devices[by].page, fetches: false, task });
    }

    /// Does what a client wants, and checks what its app is told.
    pub(crate) fn attend(&mut self, number: usize) -> Verdict {
        while let Some(output) = self.devices[number].core.next_output() {
            match output {
                Output::Open => {
                    self.shut(number, false);
                    self.devices[number].wants_socket = true;
                }
                Output::Send(text) => {
                    let id = self.devices[number].wire;
                    let wire = id.and_then(|id| self.wires.get_mut(&id));
                    wire.ok_or_else(|| format!("device {number} sends without a socket"))?
                        .send_up(Up::Text(text));
                }
                Output::Close => {
                    self.devices[number].wants_socket = false;
                    self.shut(number, false);
                }
                Output::Event { event, cursor } => {
                    self.tell(number, &event, cursor.map(|cursor| cursor.seq()))?;
                }
                Output::Answer { ticket, result } => self.answer(number, ticket, result)?,
            }
        }
        self.fetch_what_is_stale(number);
        Ok(())
    }

    fn tell(&mut self, number: usize, event: &Event, seq: Option<u64>) -> Verdict {
        let device = &mut self.devices[number];
        match event {
            Event::Message(_) | Event::Receipt(_) => {
                device.app.hear(&self.model, &device.user, event)?;
                self.trace.count("an app was told an event");
                check(device.app.seen() == seq, || format!("device {number} names {seq:?} for {event:?}"))
            }
            Event::Stopped(_) => {
                device.is_over = true;
                device.wants_socket = false;
                self.shut(number, false);
                Ok(())
            }
            Event::Stale => {
                device.app.must_be_told = false;
                check(device.app.is_stale, || format!("device {number} is stale and was resumed"))
            }
            _ => Ok(()),
        }
    }

    fn answer(&mut self, number: usize, ticket: Ticket, result: Result<Answer, Error>) -> Verdict {
        let device = &mut self.devices[number];
        // Other answers than those to messages are of no further use.
        let Some(id) = device.asked.remove(&ticket) else { return Ok(()) };
        let is_stolen = device.stolen.remove(&ticket);
        let is_over = device.core.deadline().is_none();
        match result {
            Ok(Answer::Message(message)) => {
                check(!is_stolen && message.id == id, || format!("{id} was answered as {message:?}"))?;
                self.trace.count("a message was accepted");
                self.model.check_message(&message)
            }
            Err(error) if is_stolen && error.code() == Some("message_id_taken") => {
                self.trace.count("a taken id was refused");
                Ok(())
            }
            Err(_) if is_over => {
                self.trace.count("a message was given up with its session");
                Ok(())
            }
            other => Err(format!("device {number}: {id} was answered by {other:?}")),
        }
    }

    /// An app that missed events fetches its history.
    fn fetch_what_is_stale(&mut self, number: usize) {
        let device = &self.devices[number];
        let page = device.page;
        let is_under_way = self
            .errands
            .iter()
            .any(|errand| errand.device == number && errand.page == page && errand.fetches);
        if !device.app.is_stale || !device.core.is_online() || is_under_way {
            return;
        }
        let token = device.token.clone();
        let node = self.any_node();
        let Some(running) = &self.nodes[node] else { return };
        let task = errand::fetch_history(Arc::clone(&running.service), token);
        self.errands.push(Errand { node, device: number, page, task, fetches: true });
    }

    /// Time passes: a little, or until somebody waits no longer.
    pub(crate) fn let_time_pass(&mut self) -> Verdict {
        let millis = self.dice.pick(&TIMES_MILLIS);
        self.advance(Duration::from_millis(millis))
    }

    /// So much time passes, and everyone whose time has come acts.
    pub(crate) fn advance(&mut self, time: Duration) -> Verdict {
        self.ground.clock.advance(time);
        self.trace.tell(|| format!("{time:?} pass"));
        let now = self.now();
        let has_come = |deadline: Option<Duration>| deadline.is_some_and(|deadline| deadline <= now);
        for wire in self.wires.values_mut() {
            let late = wire.line().filter(|line| has_come(line.deadline()));
            if let Some(line) = late {
                line.tick();
                wire.stir();
            }
        }
        for number in 0..self.devices.len() {
            if has_come(self.devices[number].core.deadline()) {
                self.devices[number].core.handle(now, Input::Tick);
            }
            self.attend(number)?;
        }
        Ok(())
    }
}

/// Of no account, between two acknowledgements, until the next attempt, and beyond each of the protocol's limits.
const TIMES_MILLIS: [u64; 11] = [1, 20, 100, 250, 250, 500, 500, 1_000, 3_000, 11_000, 26_000];

/// A life of the log that never was.
const OTHER_LIFE: &str = "other";

/// The text of messages that use another's id.
pub(crate) const STOLEN: &str = "stolen";
