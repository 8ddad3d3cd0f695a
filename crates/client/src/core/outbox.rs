//! Requests with their answers, across lost sockets.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use callbox_domain::{ConversationId, MessageId, UserId};
use callbox_wire::frame::FRAME_BYTES_MAX;
use callbox_wire::messaging::{Message, SendMessageRequest};

use super::ask::{Answer, Ask, Ticket};
use super::frames;
use super::machine::Output;
use crate::error::{Error, Refusal};
use crate::event::Event;

/// What waits for the server, in the order in which it was asked.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    newest: u64,
    entries: BTreeMap<u64, Entry>,
    /// Messages by destination. Only the first of each is on its way, so that the server keeps their order.
    lanes: BTreeMap<Lane, VecDeque<u64>>,
    messages: BTreeMap<MessageId, u64>,
    /// Messages that the socket of now took, with the time.
    on_their_way: BTreeMap<u64, Duration>,
    /// When requests take too long.
    limits: BTreeSet<(Duration, u64)>,
    /// The server takes no messages before.
    paused_until: Option<Duration>,
    /// Whom each new socket watches.
    watched: Option<Vec<UserId>>,
    online: bool,
}

#[derive(Debug)]
struct Entry {
    /// None for what the core itself asks.
    ticket: Option<Ticket>,
    ask: Ask,
    text: String,
    limit: Option<Duration>,
}

type Lane = (Option<UserId>, Option<ConversationId>);

impl Outbox {
    /// Takes a request, and sends it if it can be sent now.
    pub(super) fn ask(&mut self, now: Duration, ticket: Ticket, ask: Ask, outputs: &mut VecDeque<Output>) {
        if self.entries.len() >= REQUESTS_MAX {
            return outputs.push_back(Output::Answer { ticket, result: Err(Error::Full) });
        }
        let watched = if let Ask::Watch(users) = &ask { Some(users.clone()) } else { None };
        match self.add(now, Some(ticket), ask, outputs) {
            Ok(()) => self.watched = watched.or(self.watched.take()),
            Err(error) => outputs.push_back(Output::Answer { ticket, result: Err(error) }),
        }
    }

    /// The server listens: sends what waits, in the order in which it was asked.
    pub(super) fn handle_welcome(&mut self, now: Duration, outputs: &mut VecDeque<Output>) {
        self.online = true;
        let waiting: Vec<u64> = self.entries.keys().copied().collect();
        for id in waiting {
            self.transmit(now, id, outputs);
        }
        let asked = self.entries.values().any(|entry| matches!(entry.ask, Ask::Watch(_)));
        if let Some(users) = self.watched.clone().filter(|_| !asked) {
            // It was small enough before.
            let _ = self.add(now, None, Ask::Watch(users), outputs);
        }
    }

    /// The socket is gone: everything that has no answer is to be sent again.
    pub(super) fn handle_lost(&mut self) {
        self.online = false;
        self.on_their_way.clear();
    }

    /// The server answered.
    pub(super) fn handle_reply(
        &mut self,
        now: Duration,
        re: &str,
        result: Result<Answer, Refusal>,
        outputs: &mut VecDeque<Output>,
    ) {
        let Some((id, entry)) = re.parse().ok().and_then(|id| Some((id, self.entries.get(&id)?))) else {
            return;
        };
        match result {
            Ok(answer) if entry.ask.takes(&answer) => self.finish(now, id, Ok(answer), outputs),
            Ok(_) => {}
            Err(refusal) => match refusal.retry_after().filter(|_| entry.ask.message_id().is_some()) {
                // Not refused, only not now. Those behind it wait too, or they would overtake it.
                Some(wait) => {
                    self.on_their_way.remove(&id);
                    let until = now + wait.max(REPEAT_WAIT_MIN);
                    self.paused_until = self.paused_until.max(Some(until));
                }
                None => self.finish(now, id, Err(refusal.into()), outputs),
            },
        }
    }

    /// A message of this user is in the log: the first of its event and its answer counts.
    pub(super) fn handle_own_message(
        &mut self,
        now: Duration,
        message: &Message,
        outputs: &mut VecDeque<Output>,
    ) {
        let Some(id) = self.messages.get(&message.id).copied() else { return };
        let Some(Ask::Send(asked)) = self.entries.get(&id).map(|entry| &entry.ask) else { return };
        // An id that the app used for another text before is refused, and the server says so.
        if asked.text == message.text {
            self.finish(now, id, Ok(Answer::Message(Box::new(message.clone()))), outputs);
        }
    }

    /// When there is something to do without an answer.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let limit = self.limits.first().map(|(limit, _)| *limit);
        let silence = self.on_their_way.values().min().map(|since| *since + SILENCE_MAX);
        [limit, silence, self.paused_until].into_iter().flatten().min()
    }

    /// The deadline came. `true`: the server took a message and never answered, on a socket that seems to work.
    pub(super) fn tick(&mut self, now: Duration, outputs: &mut VecDeque<Output>) -> bool {
        while let Some((_, id)) = self.limits.first().copied().filter(|(limit, _)| *limit <= now) {
            let error = if self.online { Error::Timeout } else { Error::Network(NOT_CONNECTED.into()) };
            self.finish(now, id, Err(error), outputs);
        }
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
            let first: BTreeSet<u64> = self.lanes.values().filter_map(|lane| lane.front().copied()).collect();
            for id in first {
                self.transmit(now, id, outputs);
            }
        }
        self.on_their_way.values().any(|since| *since + SILENCE_MAX <= now)
    }

    /// Nothing is answered any more.
    pub(super) fn close(&mut self, error: &Error, outputs: &mut VecDeque<Output>) {
        for entry in std::mem::take(self).entries.into_values() {
            if let Some(ticket) = entry.ticket {
                outputs.push_back(Output::Answer { ticket, result: Err(error.clone()) });
            }
        }
    }

    /// The messages that have no answer, in the order in which they were asked for.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &SendMessageRequest> {
        self.entries.values().filter_map(|entry| match &entry.ask {
            Ask::Send(message) => Some(message),
            _ => None,
        })
    }

    fn add(
        &mut self,
        now: Duration,
        ticket: Option<Ticket>,
        ask: Ask,
        outputs: &mut VecDeque<Output>,
    ) -> Result<(), Error> {
        let id = self.newest + 1;
        let text = frames::text(&ask.frame(id.to_string()));
        // A server closes the connection for good at a frame that is too large.
        if text.len() > FRAME_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        self.newest = id;
        let limit = match &ask {
            Ask::Send(message) => {
                self.lanes.entry(lane(message)).or_default().push_back(id);
                self.messages.insert(message.message_id.clone(), id);
                None
            }
            _ => Some(now + ANSWER_TIME_MAX),
        };
        self.limits.extend(limit.map(|limit| (limit, id)));
        self.entries.insert(id, Entry { ticket, ask, text, limit });
        self.transmit(now, id, outputs);
        Ok(())
    }

    /// Sends a request if it may go now.
    fn transmit(&mut self, now: Duration, id: u64, outputs: &mut VecDeque<Output>) {
        let Some(entry) = self.entries.get(&id).filter(|_| self.online) else { return };
        if let Ask::Send(message) = &entry.ask {
            let is_first = self.lanes.get(&lane(message)).and_then(VecDeque::front) == Some(&id);
            if !is_first || self.paused_until.is_some() || self.on_their_way.contains_key(&id) {
                return;
            }
            self.on_their_way.insert(id, now);
        }
        outputs.push_back(Output::Send(entry.text.clone()));
    }

    fn finish(
        &mut self,
        now: Duration,
        id: u64,
        result: Result<Answer, Error>,
        outputs: &mut VecDeque<Output>,
    ) {
        let Some(entry) = self.entries.remove(&id) else { return };
        self.on_their_way.remove(&id);
        if let Some(limit) = entry.limit {
            self.limits.remove(&(limit, id));
        }
        match (&entry.ask, entry.ticket) {
            (Ask::Watch(_), _) if matches!(result, Err(Error::Refused(_))) => self.watched = None,
            (Ask::Watch(_), None) => {
                let presences =
                    if let Ok(Answer::Presences(presences)) = &result { presences } else { &vec![] };
                let events = presences.iter().cloned().map(Event::Presence);
                outputs.extend(events.map(|event| Output::Event { event, cursor: None }));
            }
            _ => {}
        }
        outputs.extend(entry.ticket.map(|ticket| Output::Answer { ticket, result }));
        if let Ask::Send(message) = &entry.ask {
            self.leave_lane(now, id, message, outputs);
        }
    }

    fn leave_lane(
        &mut self,
        now: Duration,
        id: u64,
        message: &SendMessageRequest,
        outputs: &mut VecDeque<Output>,
    ) {
        if self.messages.get(&message.message_id) == Some(&id) {
            self.messages.remove(&message.message_id);
        }
        let lane = lane(message);
        let Some(waiting) = self.lanes.get_mut(&lane) else { return };
        waiting.retain(|other| *other != id);
        match waiting.front().copied() {
            Some(next) => self.transmit(now, next, outputs),
            None => drop(self.lanes.remove(&lane)),
        }
    }
}

fn lane(message: &SendMessageRequest) -> Lane {
    (message.to.user_id.clone(), message.to.conversation_id.clone())
}

/// Requests that may wait at once.
const REQUESTS_MAX: usize = 1_024;
/// Requests other than messages are given up after this.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
/// A message without an answer for so long means that the socket, or the server, is not well.
const SILENCE_MAX: Duration = Duration::from_secs(20);
const REPEAT_WAIT_MIN: Duration = Duration::from_millis(250);
const NOT_CONNECTED: &str = "there is no connection";
