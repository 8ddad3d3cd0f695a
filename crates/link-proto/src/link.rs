//! The state machine.

use std::sync::Arc;
use std::time::Duration;

use callbox_wire::error::{ApiError, ErrorCode};
use callbox_wire::frame::{
    Ack, ClientFrame, ErrorFrame, FrameError, Hello, LoggedFrame, Pong, ServerFrame, Welcome,
};
use callbox_wire::{CloseCode, Seq};

use crate::queue::{Kind, SendQueue};
use crate::{EVENT_QUEUE_BYTES_MAX, HEARTBEAT, HELLO_TIME_MAX, SEND_QUEUE_BYTES_MAX, SILENCE_MAX};

/// What happens to a connection.
#[derive(Debug)]
pub enum Input<'a> {
    /// A text frame came.
    Text(&'a str),
    /// A frame came that is not text, or cannot be read.
    Unreadable,
    /// A frame came that is larger than allowed.
    TooLarge,
    /// A protocol pong came; anything else that shows life counts too.
    Pong,
    /// The hello's token is good.
    Admitted(Box<Admission>),
    /// The hello leads to nothing.
    Refused(CloseCode),
    /// An event was logged for the user.
    Event {
        /// Its number.
        seq: u64,
        /// Its frame.
        frame: &'a LoggedFrame,
    },
    /// The log was found to end here.
    Head(u64),
    /// The log's answer to [`Output::Fetch`].
    Page {
        /// Numbered frames, in order.
        events: Vec<(u64, LoggedFrame)>,
        /// The newest event of the log at the moment of the look.
        head: u64,
    },
    /// A reply, or something told once.
    Send(Arc<str>),
    /// The session was renewed and ends by itself after this time.
    SessionLife(Duration),
    /// The server ends the connection.
    Close(CloseCode),
    /// The deadline came.
    Tick,
}

/// A hello that was found good.
#[derive(Debug)]
pub struct Admission {
    /// The answer.
    pub welcome: Welcome,
    /// The client has every event up to this number.
    pub start: u64,
    /// The newest event of the user's log.
    pub head: u64,
    /// The session ends by itself after this time.
    pub session_life: Duration,
}

/// What to do with the socket and the log, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a text frame.
    Send(Arc<str>),
    /// Send a protocol ping.
    Ping,
    /// Read events after this number from the log and hand them in as [`Input::Page`].
    Fetch {
        /// The last event that was sent.
        after: u64,
    },
    /// Close the socket with this code. Nothing comes after it.
    Close(CloseCode),
}

/// What the client asks for, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Check the token, and answer by [`Input::Admitted`] or [`Input::Refused`].
    Admit(Hello),
    /// The client has the events with `after < seq <= up_to`; note what that delivers.
    Acknowledge {
        /// What it had before.
        after: u64,
        /// What it has now.
        up_to: u64,
    },
    /// Any other frame, for the use cases.
    Serve(ClientFrame),
}

/// One connection.
#[derive(Debug)]
pub struct Link {
    state: State,
    queue: SendQueue,
    request: Option<Request>,
    last_heard: Duration,
    last_pinged: Duration,
    ping_due: bool,
}

#[derive(Debug)]
enum State {
    /// Nothing said yet.
    Fresh { since: Duration },
    /// The hello is being checked. Events that come meanwhile are only remembered as the log's newest.
    Greeted { head: u64 },
    /// Signed in.
    Open(Open),
    /// Over; the code is still to be put out.
    Closing(CloseCode),
    /// Over.
    Closed,
}

#[derive(Debug)]
struct Open {
    /// The last event that was put in the queue.
    sent: u64,
    /// The last event that the client has confirmed.
    acknowledged: u64,
    /// The newest event that is known to be in the log.
    head: u64,
    /// A page is on its way.
    fetching: bool,
    /// The session is over then.
    ends_at: Duration,
}

impl Link {
    /// A socket that was just accepted.
    pub fn new(now: Duration) -> Self {
        Self {
            state: State::Fresh { since: now },
            queue: SendQueue::default(),
            request: None,
            last_heard: now,
            last_pinged: now,
            ping_due: false,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Duration, input: Input<'_>) {
        match input {
            Input::Text(text) => {
                self.last_heard = now;
                self.receive(text);
            }
            Input::Pong => self.last_heard = now,
            Input::Unreadable => self.close(CloseCode::ProtocolError),
            Input::TooLarge => self.close(CloseCode::FrameTooLarge),
            Input::Admitted(admission) => self.admit(now, *admission),
            Input::Refused(code) | Input::Close(code) => self.close(code),
            Input::Event { seq, frame } => self.event(seq, frame),
            Input::Head(head) => self.head(head),
            Input::Page { events, head } => self.page(&events, head),
            Input::Send(frame) => self.send(frame),
            Input::SessionLife(life) => {
                if let State::Open(open) = &mut self.state {
                    open.ends_at = now.saturating_add(life);
                }
            }
            Input::Tick => self.tick(now),
        }
    }

    /// What to do next with the socket and the log.
    pub fn next_output(&mut self) -> Option<Output> {
        match &mut self.state {
            State::Closed => None,
            State::Closing(code) => {
                let code = *code;
                self.state = State::Closed;
                Some(Output::Close(code))
            }
            state => {
                // Before what waits: whoever reads slowly must see it in time to answer.
                if std::mem::take(&mut self.ping_due) {
                    return Some(Output::Ping);
                }
                if let Some(frame) = self.queue.pop() {
                    return Some(Output::Send(frame));
                }
                match state {
                    State::Open(open) if open.wants_page() => {
                        open.fetching = true;
                        Some(Output::Fetch { after: open.sent })
                    }
                    _ => None,
                }
            }
        }
    }

    /// Whether [`Link::next_output`] has something to do.
    pub fn has_output(&self) -> bool {
        match &self.state {
            State::Closed => false,
            State::Closing(_) => true,
            State::Fresh { .. } | State::Greeted { .. } => self.ping_due,
            State::Open(open) => !self.queue.is_empty() || self.ping_due || open.wants_page(),
        }
    }

    /// What the client asks for; take it after each [`Input::Text`].
    pub fn next_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    /// How much waits for the socket.
    pub fn waiting_bytes(&self) -> usize {
        self.queue.bytes(Kind::Event) + self.queue.bytes(Kind::Other)
    }

    /// When to hand in [`Input::Tick`] at the latest; `None` once the connection is over.
    pub fn deadline(&self) -> Option<Duration> {
        let heartbeat = (self.last_pinged + HEARTBEAT).min(self.last_heard + SILENCE_MAX);
        match &self.state {
            State::Fresh { since } => Some(*since + HELLO_TIME_MAX),
            State::Greeted { .. } => Some(heartbeat),
            State::Open(open) => Some(heartbeat.min(open.ends_at)),
            State::Closing(_) | State::Closed => None,
        }
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closing(_) | State::Closed)
    }

    fn receive(&mut self, text: &str) {
        if self.is_closed() {
            return;
        }
        match (ClientFrame::parse(text), &mut self.state) {
            (Err(FrameError::Malformed), _) => self.close(CloseCode::ProtocolError),
            (Ok(ClientFrame::Hello(hello)), State::Fresh { .. }) => {
                self.state = State::Greeted { head: 0 };
                self.request = Some(Request::Admit(hello));
            }
            // A frame before the welcome, or a second hello.
            (_, State::Fresh { .. } | State::Greeted { .. }) | (Ok(ClientFrame::Hello(_)), _) => {
                self.close(CloseCode::ProtocolError);
            }
            (Err(FrameError::Invalid { id, problem }), _) => {
                let error = ApiError::with_message(ErrorCode::InvalidRequest, problem);
                self.reply(&ErrorFrame { re: id, error: error.into_info(None) }.into());
            }
            (Ok(ClientFrame::Ack(Ack { seq })), State::Open(open)) => match open.acknowledge(seq) {
                Ok(request) => self.request = request,
                Err(code) => self.close(code),
            },
            (Ok(ClientFrame::Ping(ping)), _) => self.reply(&Pong { re: ping.id }.into()),
            (Ok(frame), _) => self.request = Some(Request::Serve(frame)),
        }
    }

    fn admit(&mut self, now: Duration, admission: Admission) {
        let State::Greeted { head } = self.state else { return };
        self.state = State::Open(Open {
            sent: admission.start,
            acknowledged: admission.start,
            head: head.max(admission.head),
            fetching: false,
            ends_at: now.saturating_add(admission.session_life),
        });
        self.reply(&admission.welcome.into());
    }

    fn head(&mut self, newest: u64) {
        if let State::Greeted { head } | State::Open(Open { head, .. }) = &mut self.state {
            *head = newest.max(*head);
        }
    }

    fn event(&mut self, seq: u64, frame: &LoggedFrame) {
        match &mut self.state {
            State::Greeted { head } => *head = seq.max(*head),
            State::Open(open) => {
                let next = seq == open.sent + 1 && open.sent == open.head;
                open.head = seq.max(open.head);
                let has_room = self.queue.bytes(Kind::Event) < EVENT_QUEUE_BYTES_MAX;
                if next && !open.fetching && has_room {
                    open.sent = seq;
                    self.queue.push(Kind::Event, frame.with_seq(seq).into());
                }
            }
            _ => {}
        }
    }

    fn page(&mut self, events: &[(u64, LoggedFrame)], head: u64) {
        let State::Open(open) = &mut self.state else { return };
        open.fetching = false;
        if events.first().is_none_or(|(seq, _)| *seq != open.sent + 1) {
            // The log does not have what it should: pruned meanwhile. A new hello finds out.
            return self.close(CloseCode::TryAgain);
        }
        // Up to the end of the log everything is told as it was at this look, or later. What is told live of it is older: a
        // watermark would go back.
        open.head = open.head.max(head);
        for (seq, frame) in events {
            open.head = open.head.max(*seq);
            // What finds no room is fetched again when this has gone.
            if *seq == open.sent + 1 && self.queue.bytes(Kind::Event) < EVENT_QUEUE_BYTES_MAX {
                open.sent = *seq;
                self.queue.push(Kind::Event, frame.with_seq(*seq).into());
            }
        }
    }

    fn reply(&mut self, frame: &ServerFrame) {
        self.send(frame.to_text().into());
    }

    fn send(&mut self, frame: Arc<str>) {
        if !matches!(self.state, State::Open(_)) {
            return;
        }
        if self.queue.bytes(Kind::Other) + frame.len() > SEND_QUEUE_BYTES_MAX {
            return self.close(CloseCode::SlowReader);
        }
        self.queue.push(Kind::Other, frame);
    }

    fn tick(&mut self, now: Duration) {
        match &self.state {
            State::Fresh { since } if now >= *since + HELLO_TIME_MAX => self.close(CloseCode::HelloTimeout),
            // Whether the session is over, or was renewed meanwhile, the next hello tells.
            State::Open(open) if now >= open.ends_at => self.close(CloseCode::TryAgain),
            State::Greeted { .. } | State::Open(_) if now >= self.last_heard + SILENCE_MAX => {
                self.close(CloseCode::HeartbeatLost);
            }
            State::Greeted { .. } | State::Open(_) if now >= self.last_pinged + HEARTBEAT => {
                self.last_pinged = now;
                self.ping_due = true;
            }
            _ => {}
        }
    }

    fn close(&mut self, code: CloseCode) {
        if !self.is_closed() {
            self.queue.clear();
            self.request = None;
            self.state = State::Closing(code);
        }
    }
}

impl Open {
    /// Whether the log has events that were not sent, and nobody reads them.
    fn wants_page(&self) -> bool {
        self.sent < self.head && !self.fetching
    }

    /// Notes what the client has. Going back is ignored; confirming what was never sent is an error.
    fn acknowledge(&mut self, seq: Seq) -> Result<Option<Request>, CloseCode> {
        let up_to = seq.number();
        if up_to > self.sent {
            return Err(CloseCode::ProtocolError);
        }
        if up_to <= self.acknowledged {
            return Ok(None);
        }
        let after = std::mem::replace(&mut self.acknowledged, up_to);
        Ok(Some(Request::Acknowledge { after, up_to }))
    }
}
