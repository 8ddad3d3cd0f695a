//! The state machine: one line to the server that comes back by itself, and what travels over it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::{ConnectionId, Random, Secret, UserId};
use callbox_wire::frame::{Ack, Ping, Welcome};
use callbox_wire::messaging::SendMessageRequest;
use callbox_wire::{ClientFrame, Retry, Seq};
use serde_json::Map;

use super::ask::{Answer, Ask, Tell, Ticket};
use super::backoff::full_jitter;
use super::frames::{self, HELLO_ID, Heard};
use super::log::{Cursor, EventLog, Verdict};
use super::outbox::Outbox;
use super::signals::Signals;
use crate::error::{Error, Refusal};
use crate::event::{CallEvent, Event};

/// With what a client connects.
#[derive(Debug, Clone)]
pub struct Options {
    /// The session's token.
    pub token: Secret<String>,
    /// Names this client among those of the session: another one with the same name takes its place.
    pub connection_id: ConnectionId,
    /// Where to go on; at the newest event where it is left out.
    pub cursor: Option<String>,
}

/// What happens to a client.
#[derive(Debug)]
pub enum Input<'a> {
    /// The socket is open and speaks the subprotocol.
    Opened,
    /// A text came.
    Text(&'a str),
    /// Something else came that shows life, such as a ping of the protocol.
    Life,
    /// The socket is closed, or could not be opened.
    Lost {
        /// The code of the close frame, if one came.
        code: Option<u16>,
        /// The reason in it, or what the network says.
        reason: String,
    },
    /// The app asks for something. It is answered once by [`Output::Answer`].
    Ask {
        /// By which the answer is known.
        ticket: Ticket,
        /// What.
        ask: Ask,
    },
    /// The app tells something; lost where the server does not listen.
    Tell(Tell),
    /// The session was renewed: the token for the next hello.
    Token(Secret<String>),
    /// The way to the server may be better now: do not wait any longer for the next attempt.
    Hurry,
    /// The app is done. Nothing comes after it but the last outputs.
    Stop,
    /// The deadline came.
    Tick,
}

/// What to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Open a socket.
    Open,
    /// Send a text on it.
    Send(String),
    /// Close it.
    Close,
    /// Tell the app.
    Event {
        /// What.
        event: Event,
        /// The place behind it, for what comes from the log and for [`Event::Online`].
        cursor: Option<Cursor>,
    },
    /// Answer the app.
    Answer {
        /// Which request.
        ticket: Ticket,
        /// What.
        result: Result<Answer, Error>,
    },
}

/// One client.
pub struct Core {
    options: Options,
    random: Arc<dyn Random>,
    line: Line,
    /// Attempts since the last connection that held.
    attempt: u32,
    log: EventLog,
    outbox: Outbox,
    signals: Signals,
    user: Option<UserId>,
    /// Numbers what expects no answer.
    told: u64,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Line {
    /// Nothing is open; the next attempt comes then.
    Waiting { until: Duration },
    /// A socket is being opened.
    Opening { until: Duration },
    /// Said hello. `refusal` is what the server said instead of a welcome; a close follows it.
    Greeting { until: Duration, refusal: Option<Refusal> },
    /// Welcomed.
    Online(Online),
    /// Over.
    Over(Error),
}

#[derive(Debug)]
struct Online {
    since: Duration,
    heartbeat: Duration,
    heard_at: Duration,
    /// The server was asked whether it is there, and must say so until then.
    patience_until: Option<Duration>,
}

impl Core {
    /// A client that connects at once.
    pub fn new(now: Duration, options: Options, random: Arc<dyn Random>) -> Self {
        let log = EventLog::new(options.cursor.as_deref());
        let mut core = Self {
            options,
            random,
            line: Line::Waiting { until: now },
            attempt: 0,
            log,
            outbox: Outbox::default(),
            signals: Signals::default(),
            user: None,
            told: 0,
            outputs: VecDeque::new(),
        };
        core.open(now);
        core
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Duration, input: Input<'_>) {
        if let Line::Over(error) = &self.line {
            if let Input::Ask { ticket, .. } = input {
                self.outputs.push_back(Output::Answer { ticket, result: Err(error.clone()) });
            }
            return;
        }
        match input {
            Input::Opened => self.greet(now),
            Input::Text(text) => self.hear(now, text),
            Input::Life => self.note_life(now),
            Input::Lost { code, reason } => self.handle_lost(now, code, reason),
            Input::Ask { ticket, ask } => self.outbox.ask(now, ticket, ask, &mut self.outputs),
            Input::Tell(tell) => self.tell(tell),
            Input::Token(token) => self.options.token = token,
            Input::Hurry => {
                if matches!(self.line, Line::Waiting { .. }) {
                    self.attempt = 0;
                    self.open(now);
                }
            }
            Input::Stop => self.stop(Error::Closed),
            Input::Tick => self.tick(now),
        }
    }

    /// What to do next.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to hand in [`Input::Tick`] at the latest; `None` once the client is over.
    pub fn deadline(&self) -> Option<Duration> {
        let line = match &self.line {
            Line::Waiting { until } | Line::Opening { until } | Line::Greeting { until, .. } => *until,
            Line::Online(online) => online.deadline(),
            Line::Over(_) => return None,
        };
        [Some(line), self.log.deadline(), self.outbox.deadline()].into_iter().flatten().min()
    }

    /// Whether the server listens at this moment.
    pub fn is_online(&self) -> bool {
        matches!(self.line, Line::Online(_))
    }

    /// The place behind the last event that came out; `None` before the first welcome.
    pub fn cursor(&self) -> Option<Cursor> {
        self.log.cursor()
    }

    /// The messages without an answer, in the order in which they were asked for: to be sent again, with the same ids, by
    /// the next client where this one goes away.
    pub fn unanswered(&self) -> impl Iterator<Item = &SendMessageRequest> {
        self.outbox.unanswered()
    }

    fn open(&mut self, now: Duration) {
        self.line = Line::Opening { until: now + HANDSHAKE_TIME_MAX };
        self.outputs.push_back(Output::Open);
    }

    fn greet(&mut self, now: Duration) {
        if let Line::Opening { .. } = self.line {
            self.line = Line::Greeting { until: now + HANDSHAKE_TIME_MAX, refusal: None };
            self.send(&frames::hello(&self.options, self.log.hello_cursor()));
        }
    }

    fn hear(&mut self, now: Duration, text: &str) {
        let heard = Heard::read(text, self.user.as_ref());
        match &mut self.line {
            Line::Online(_) => {
                self.note_life(now);
                self.take(now, heard);
            }
            Line::Greeting { refusal, .. } => match heard {
                Heard::Welcome(welcome) => self.handle_welcome(now, *welcome),
                Heard::Reply { re, result: Err(told) } if re == HELLO_ID => *refusal = Some(told),
                _ => {}
            },
            _ => {}
        }
    }

    fn handle_welcome(&mut self, now: Duration, welcome: Welcome) {
        let Welcome { user_id, session_id, cursor, resumed, heartbeat_seconds, live_call_ids, .. } = welcome;
        let heartbeat = Duration::from_secs(heartbeat_seconds.max(1).into());
        self.line = Line::Online(Online { since: now, heartbeat, heard_at: now, patience_until: None });
        self.user = Some(user_id.clone());
        self.signals.keep(&live_call_ids);
        let is_stale = self.log.handle_welcome(&cursor, resumed);
        self.event(Event::Online { user_id, session_id, live_calls: live_call_ids }, true);
        if is_stale {
            self.event(Event::Stale, true);
        }
        self.outbox.handle_welcome(now, &mut self.outputs);
    }

    fn take(&mut self, now: Duration, heard: Heard) {
        match heard {
            Heard::Logged { seq, event } => match self.log.take(now, seq) {
                Verdict::Next => self.take_logged(now, event),
                Verdict::Seen => {}
                Verdict::Gap => self.lose(now, Error::Network("an event is missing".into()), true),
            },
            Heard::Reply { re, result: Err(refusal) } if re.starts_with(TOLD_PREFIX) => {
                if !is_too_late(&refusal) {
                    self.event(Event::Refused(refusal), false);
                }
            }
            Heard::Reply { re, result } => self.outbox.handle_reply(now, &re, result, &mut self.outputs),
            Heard::Told(event) => {
                if self.is_news(&event) {
                    self.event(event, false);
                }
            }
            Heard::Welcome(_) | Heard::Pong => {}
        }
    }

    fn take_logged(&mut self, now: Duration, event: Event) {
        match &event {
            Event::Message(told) if told.mine => {
                self.outbox.handle_own_message(now, &told.message, &mut self.outputs);
            }
            Event::Call(CallEvent::Ended(call)) => self.signals.forget(&call.id),
            _ => {}
        }
        self.event(event, true);
    }

    fn is_news(&mut self, event: &Event) -> bool {
        match event {
            Event::Call(CallEvent::Described(told)) => self.signals.take(&told.call_id, told.signal),
            Event::Call(CallEvent::CandidateAdded(told)) => self.signals.take(&told.call_id, told.signal),
            _ => true,
        }
    }

    fn note_life(&mut self, now: Duration) {
        if let Line::Online(online) = &mut self.line {
            online.heard_at = now;
            online.patience_until = None;
        }
    }

    fn handle_lost(&mut self, now: Duration, code: Option<u16>, reason: String) {
        match (&mut self.line, code) {
            (Line::Waiting { .. } | Line::Over(_), _) => {}
            (line, Some(code)) if STOP_CODES.contains(&code) => {
                let told = if let Line::Greeting { refusal, .. } = line { refusal.take() } else { None };
                self.stop(told.unwrap_or_else(|| refusal_of_close(code, &reason)).into());
            }
            (_, code) => {
                let code = code.map(|code| format!("closed with {code}"));
                let reason = code.into_iter().chain(Some(reason).filter(|it| !it.is_empty()));
                self.lose(now, Error::Network(reason.collect::<Vec<_>>().join(": ")), false);
            }
        }
    }

    /// The socket is of no use any more: wait, then open the next one.
    fn lose(&mut self, now: Duration, error: Error, is_open: bool) {
        if let Line::Online(online) = &self.line
            && now.saturating_sub(online.since) >= STABLE_TIME_MIN
        {
            self.attempt = 0;
        }
        let retry_in = full_jitter(self.attempt, &*self.random);
        self.attempt = self.attempt.saturating_add(1);
        self.line = Line::Waiting { until: now + retry_in };
        self.leave(is_open);
        self.event(Event::Offline { error, retry_in }, false);
    }

    fn stop(&mut self, error: Error) {
        let is_open = matches!(self.line, Line::Opening { .. } | Line::Greeting { .. } | Line::Online(_));
        let is_wanted = error == Error::Closed;
        if let Some(seq) = self.log.flush().filter(|_| is_wanted && self.is_online()) {
            self.send(&Ack { seq: Seq::new(seq) }.into());
        }
        if !is_wanted {
            self.drop_unsent();
        }
        self.line = Line::Over(error.clone());
        if is_wanted && is_open {
            self.outputs.push_back(Output::Close);
        }
        self.outbox.close(&error, &mut self.outputs);
        self.event(Event::Stopped(error), false);
    }

    /// Nothing of what was to be said on this socket is said any more.
    fn drop_unsent(&mut self) {
        self.outputs.retain(|output| !matches!(output, Output::Send(_)));
    }

    fn leave(&mut self, is_open: bool) {
        self.drop_unsent();
        if is_open {
            self.outputs.push_back(Output::Close);
        }
        self.log.handle_lost();
        self.outbox.handle_lost();
    }

    fn tick(&mut self, now: Duration) {
        match &mut self.line {
            Line::Waiting { until } if *until <= now => self.open(now),
            Line::Opening { until } | Line::Greeting { until, .. } if *until <= now => {
                self.lose(now, Error::Timeout, true);
            }
            Line::Online(online) if online.deadline() <= now => {
                if online.patience_until.is_some() {
                    self.lose(now, Error::Timeout, true);
                } else {
                    online.patience_until = Some(now + PONG_TIME_MAX);
                    let id = self.next_told();
                    self.send(&Ping { id }.into());
                }
            }
            _ => {}
        }
        if let Some(seq) = self.log.acknowledge(now) {
            self.send(&Ack { seq: Seq::new(seq) }.into());
        }
        if self.outbox.tick(now, &mut self.outputs) && self.is_online() {
            self.lose(now, Error::Timeout, true);
        }
    }

    fn tell(&mut self, tell: Tell) {
        if self.is_online() {
            let frame = tell.frame(self.next_told());
            self.send(&frame);
        }
    }

    fn next_told(&mut self) -> String {
        self.told += 1;
        format!("{TOLD_PREFIX}{}", self.told)
    }

    fn send(&mut self, frame: &ClientFrame) {
        self.outputs.push_back(Output::Send(frames::text(frame)));
    }

    fn event(&mut self, event: Event, has_place: bool) {
        let cursor = self.log.cursor().filter(|_| has_place);
        self.outputs.push_back(Output::Event { event, cursor });
    }
}

impl Online {
    fn deadline(&self) -> Duration {
        // The server's own pings come every heartbeat: asking is for when one of them did not.
        self.patience_until.unwrap_or(self.heard_at + self.heartbeat + self.heartbeat / 2)
    }
}

/// The reason of a close frame reads `name: sentence`.
fn refusal_of_close(code: u16, reason: &str) -> Refusal {
    let (name, sentence) = reason.split_once(": ").unwrap_or((CLOSED, CLOSED_FOR_GOOD));
    let details = Map::from_iter([("closeCode".to_owned(), code.into())]);
    let (code, message) = (name.to_owned(), sentence.to_owned());
    Refusal { code, message, retry: Retry::Never, request_id: None, details }
}

/// What was told of a call that somebody ended or answered meanwhile: other frames tell that too.
fn is_too_late(refusal: &Refusal) -> bool {
    matches!(refusal.code.as_str(), "call_ended" | "call_answered_elsewhere" | "call_not_found")
}

/// How the ids of frames begin that are answered only when they are wrong.
const TOLD_PREFIX: char = 't';
const STOP_CODES: std::ops::Range<u16> = 4400..4500;
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
const PONG_TIME_MAX: Duration = Duration::from_secs(10);
/// A connection that held this long starts its waiting anew.
const STABLE_TIME_MIN: Duration = Duration::from_secs(5);
const CLOSED: &str = "closed";
const CLOSED_FOR_GOOD: &str = "The server closed the connection for good. Connect or sign in again.";
