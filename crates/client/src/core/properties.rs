//! Whatever happens to the sockets, each event is told once and in order, and each message is answered once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::testing::CountingRandom;
use callbox_domain::{ConnectionId, MessageId, Secret, Timestamp, UserId};
use callbox_wire::messaging::{Recipient, SendMessageRequest};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::Event;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// The app sends a message to one of three users.
    Send(u8),
    /// Someone else sends one.
    Receive,
    /// The socket that is being opened opens, or does not.
    Open(bool),
    /// The server takes the next frame.
    Serve,
    /// The server takes the next frame and says no for now, if it is a message.
    Refuse,
    /// The client hears the next frame.
    Hear,
    /// The next frame comes twice.
    Repeat,
    /// The next frame never comes, and those behind it do.
    Swallow,
    /// The socket is lost with everything that is on its way.
    Cut,
    /// Time passes, at most until the client's deadline.
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Step::Send),
        2 => Just(Step::Receive),
        3 => prop::bool::weighted(0.8).prop_map(Step::Open),
        6 => Just(Step::Serve),
        1 => Just(Step::Refuse),
        6 => Just(Step::Hear),
        1 => Just(Step::Repeat),
        1 => Just(Step::Swallow),
        1 => Just(Step::Cut),
        4 => (0..40_000_u16).prop_map(Step::Wait),
    ]
}

/// A client, a server as simple as can be, and the socket between them.
struct World {
    core: Core,
    now: Duration,
    is_opening: bool,
    socket: Option<Socket>,
    server: Server,
    asked: Vec<SendMessageRequest>,
    answers: BTreeMap<u64, u32>,
    told: Vec<(u64, String)>,
    acknowledged_at: Option<Duration>,
}

#[derive(Default)]
struct Socket {
    to_server: VecDeque<Value>,
    to_client: VecDeque<Value>,
    /// How far the client was told on this socket; none before the hello.
    sent: Option<u64>,
}

#[derive(Default)]
struct Server {
    /// Ids of messages: an event each.
    log: Vec<String>,
    messages: BTreeMap<String, Value>,
    acknowledged: u64,
}

impl World {
    fn new() -> Self {
        let options = Options {
            token: Secret::new("cbs_token".into()),
            connection_id: ConnectionId::new("client-01").expect("valid"),
            cursor: Some("e.0".into()),
        };
        let now = Duration::ZERO;
        let mut world = Self {
            core: Core::new(now, options, Arc::new(CountingRandom::default())),
            now,
            is_opening: false,
            socket: None,
            server: Server::default(),
            asked: Vec::new(),
            answers: BTreeMap::new(),
            told: Vec::new(),
            acknowledged_at: None,
        };
        world.follow();
        world
    }

    fn handle(&mut self, input: Input<'_>) {
        self.core.handle(self.now, input);
        self.follow();
    }

    /// Does what the client says.
    fn follow(&mut self) {
        while let Some(output) = self.core.next_output() {
            match output {
                Output::Open => {
                    assert!(self.socket.is_none() && !self.is_opening, "one socket at a time");
                    self.is_opening = true;
                }
                Output::Send(text) => {
                    let socket = self.socket.as_mut().expect("nothing is said on no socket");
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    if frame["type"] == "ack"
                        && let Some(before) = self.acknowledged_at.replace(self.now)
                    {
                        assert!(self.now >= before + Duration::from_millis(250), "too soon");
                    }
                    socket.to_server.push_back(frame);
                }
                Output::Close => (self.socket, self.is_opening) = (None, false),
                Output::Event { event: Event::Message(told), cursor } => {
                    self.told.push((cursor.expect("a place").seq(), told.message.id.to_string()));
                }
                Output::Event { .. } => {}
                Output::Answer { ticket, result } => {
                    let Ok(Answer::Message(message)) = result else { panic!("{result:?}") };
                    let place = usize::try_from(ticket.0).expect("small");
                    assert_eq!(message.id, self.asked[place].message_id, "the answer to another message");
                    assert_eq!(self.answers.insert(ticket.0, message.position), None, "answered twice");
                }
            }
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Send(to) => self.send(*to),
            Step::Receive => {
                let id = format!("other-{:04}", self.server.log.len());
                self.server.keep(&id, "bob", "whatever", self.socket.as_mut());
            }
            Step::Open(success) if self.is_opening => {
                self.is_opening = false;
                if *success {
                    self.socket = Some(Socket::default());
                    self.handle(Input::Opened);
                } else {
                    self.handle(Input::Lost { code: None, reason: "refused".into() });
                }
            }
            Step::Serve => self.serve(false),
            Step::Refuse => self.serve(true),
            Step::Hear | Step::Repeat => {
                let Some(frame) = self.socket.as_mut().and_then(|socket| socket.to_client.pop_front()) else {
                    return;
                };
                let text = frame.to_string();
                if matches!(step, Step::Repeat) && self.socket.is_some() {
                    self.handle(Input::Text(&text));
                }
                // The first may have made the client leave the socket.
                if self.socket.is_some() {
                    self.handle(Input::Text(&text));
                }
            }
            Step::Swallow => {
                if let Some(socket) = &mut self.socket {
                    socket.to_client.pop_front();
                }
            }
            Step::Cut => {
                if self.socket.take().is_some() {
                    self.handle(Input::Lost { code: Some(4000), reason: "draining: Come back.".into() });
                }
            }
            Step::Wait(millis) => self.wait(Duration::from_millis((*millis).into())),
            Step::Open(_) => {}
        }
    }

    fn wait(&mut self, time: Duration) {
        let deadline = self.core.deadline().expect("a deadline");
        self.now = self.now.saturating_add(time).min(deadline);
        if self.now == deadline {
            self.handle(Input::Tick);
        }
    }

    fn send(&mut self, to: u8) {
        let number = self.asked.len();
        let to = UserId::new(format!("user-{to}")).expect("valid");
        let message = SendMessageRequest {
            message_id: MessageId::new(format!("mine-{number:04}")).expect("valid"),
            to: Recipient { user_id: Some(to), conversation_id: None },
            text: format!("text {number}"),
        };
        self.asked.push(message.clone());
        self.handle(Input::Ask { ticket: Ticket(number as u64), ask: Ask::Send(message) });
    }

    fn serve(&mut self, is_busy: bool) {
        let Some(socket) = &mut self.socket else { return };
        let Some(frame) = socket.to_server.pop_front() else { return self.server.push(socket) };
        if frame["type"] == "hello" {
            let cursor = frame["cursor"].as_str().expect("a cursor");
            let start = cursor.strip_prefix("e.").and_then(|seq| seq.parse().ok()).expect("a place");
            assert!(socket.sent.is_none() && self.server.log.len() as u64 >= start);
            socket.to_client.push_back(welcome(cursor));
            socket.sent = Some(start);
            return;
        }
        let sent = socket.sent.expect("nothing is said before hello");
        match frame["type"].as_str() {
            Some("ack") => {
                let seq = frame["seq"].as_u64().expect("a number");
                assert!(seq <= sent, "of what was never sent");
                self.server.acknowledged = self.server.acknowledged.max(seq);
            }
            Some("ping") => socket.to_client.push_back(json!({ "type": "pong", "re": frame["id"] })),
            Some("message.send") if is_busy => {
                let error = json!({ "code": "rate_limited", "message": "Slow down.", "retry": "after" });
                socket.to_client.push_back(json!({ "type": "error", "re": frame["id"], "error": error }));
            }
            Some("message.send") => {
                let id = frame["message"]["messageId"].as_str().expect("an id").to_owned();
                let text = frame["message"]["text"].as_str().expect("a text");
                if !self.server.messages.contains_key(&id) {
                    self.server.keep(&id, "ann", text, Some(&mut *socket));
                }
                let message = &self.server.messages[&id];
                let answer = json!({ "type": "message.accepted", "re": frame["id"], "message": message });
                socket.to_client.push_back(answer);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Nothing goes wrong any more, until everything is told and answered; and acknowledged, if there is time for that.
    /// What was swallowed last of all is only missed on the next socket.
    fn settle(&mut self, has_time: bool) {
        self.take(&Step::Cut);
        for _ in 0..SETTLING_STEPS_MAX {
            let events = self.server.log.len();
            let idle = match &self.socket {
                None => !self.is_opening,
                Some(Socket { to_server, to_client, sent }) => {
                    to_server.is_empty() && to_client.is_empty() && *sent == Some(events as u64)
                }
            };
            let acknowledged = !has_time || self.server.acknowledged == events as u64;
            let done = acknowledged && self.told.len() == events && self.answers.len() == self.asked.len();
            if done && (idle || !has_time) {
                return;
            }
            if idle {
                self.wait(Duration::MAX);
            }
            for step in [Step::Open(true), Step::Serve, Step::Hear] {
                self.take(&step);
            }
            if has_time {
                self.wait(Duration::ZERO);
            }
        }
        panic!("{} of {} answered", self.answers.len(), self.asked.len());
    }

    fn check(&self) {
        let logged = self.server.log.iter().enumerate();
        let expected: Vec<_> = logged.map(|(place, id)| (place as u64 + 1, id.clone())).collect();
        assert_eq!(self.told, expected, "each event once and in order");
        let mut latest = BTreeMap::new();
        for (number, message) in self.asked.iter().enumerate() {
            let kept = &self.server.messages[message.message_id.as_str()];
            assert_eq!(kept["text"], message.text);
            let position = self.answers[&(number as u64)];
            assert_eq!(kept["position"], position);
            let before = latest.insert(&message.to.user_id, position);
            assert!(before < Some(position), "messages to one user keep their order");
        }
        assert_eq!(self.core.unanswered().count(), 0);
    }
}

impl Server {
    fn keep(&mut self, id: &str, sender: &str, text: &str, socket: Option<&mut Socket>) {
        self.log.push(id.to_owned());
        let message = json!({
            "id": id, "conversationId": "cnv_00000001", "position": self.log.len(), "senderId": sender,
            "recipientId": null, "text": text, "createdAt": Timestamp::from_millis(0),
        });
        self.messages.insert(id.to_owned(), message);
        if let Some(socket) = socket {
            self.push(socket);
        }
    }

    /// Tells the next event.
    fn push(&self, socket: &mut Socket) {
        let Some(sent) = &mut socket.sent else { return };
        let Some(id) = self.log.get(usize::try_from(*sent).expect("small")) else { return };
        *sent += 1;
        let message = &self.messages[id];
        let frame = json!({ "type": "message.created", "seq": *sent, "message": message, "origin": null });
        socket.to_client.push_back(frame);
    }
}

fn welcome(cursor: &str) -> Value {
    json!({
        "type": "welcome", "re": "hello", "userId": "ann", "sessionId": "ses_00000001", "cursor": cursor,
        "resumed": true, "heartbeatSeconds": 25, "serverTime": Timestamp::from_millis(0), "liveCallIds": [],
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn each_event_is_told_once_and_each_message_is_answered_once(steps in prop::collection::vec(step(), 0..160)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.settle(false);
        world.settle(true);
        world.check();
    }
}

/// Waits of half a minute and twenty-second silences included, far more than it ever takes.
const SETTLING_STEPS_MAX: u32 = 10_000;
