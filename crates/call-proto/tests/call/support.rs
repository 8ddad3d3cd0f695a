//! Ann calls Bob; Bob has a phone and a laptop.

use std::time::Duration;

use callbox_call_proto::{
    Call, CallState, EndReason, Endpoint, EventKind, IllegalMove, Input, KeptSignal, MediaReport, Muted,
    Output, ServerCause, SignalKind, StartCall, Timers,
};
use callbox_domain::call::CallEnd;
use callbox_domain::{AppId, CallEventRecord, CallId, CallMedia, ConnectionId, SessionId, Timestamp, UserId};

pub const APP: AppId = AppId(1);

/// A call, and the time.
#[derive(Debug, Clone)]
pub struct Scene {
    pub call: Call,
    pub now: Timestamp,
}

impl Scene {
    pub fn start() -> Self {
        Self::start_with(Timers::default())
    }

    pub fn start_with(timers: Timers) -> Self {
        let (call, outputs) = Call::start(noon(), start_call(timers)).expect("Ann may call Bob");
        assert_eq!(kinds(&outputs), [EventKind::Started]);
        assert_eq!(outputs.len(), 1);
        Self { call, now: noon() }
    }

    pub fn ringing() -> Self {
        let mut scene = Self::start();
        scene.does(ring(&phone()));
        scene
    }

    /// Bob's phone answered.
    pub fn accepted() -> Self {
        let mut scene = Self::ringing();
        scene.does(accept(&phone()));
        scene
    }

    pub fn connected() -> Self {
        let mut scene = Self::accepted();
        scene.does(report(&ann(), MediaReport::Connected));
        scene.does(report(&phone(), MediaReport::Connected));
        assert_eq!(scene.state(), CallState::Connected);
        scene
    }

    /// One scene of each state, and one after the end.
    pub fn all() -> [Self; 5] {
        let mut over = Self::connected();
        over.does(end(&ann(), EndReason::HangUp));
        [Self::start(), Self::ringing(), Self::accepted(), Self::connected(), over]
    }

    pub fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.plus(Duration::from_secs(seconds));
        self
    }

    /// Handles an input that must be allowed.
    pub fn does(&mut self, input: Input) -> Vec<Output> {
        let told = format!("{input:?}");
        self.call.handle(self.now, input).unwrap_or_else(|error| panic!("{told}: {error}"))
    }

    /// Handles an input that must be refused, and checks that it changed nothing.
    pub fn refuses(&mut self, input: Input) -> IllegalMove {
        let before = self.call.clone();
        let error = self.call.handle(self.now, input).expect_err("it must be refused");
        assert_eq!(self.call, before);
        error
    }

    /// Lets only time pass; how the call ended, if it did.
    pub fn tick(&mut self, seconds: u64) -> Option<CallEnd> {
        self.wait(seconds);
        let outputs = self.call.handle_timeout(self.now);
        ended(&outputs)
    }

    pub fn state(&self) -> CallState {
        self.call.view().expect("the call lives").state
    }

    /// How many seconds until the deadline.
    pub fn left(&self) -> u64 {
        self.call.deadline().expect("the call lives").since(self.now).as_secs()
    }
}

pub fn noon() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00.000Z").expect("valid")
}

pub fn start_call(timers: Timers) -> StartCall {
    StartCall {
        id: CallId::new("call-0001").expect("valid"),
        caller: ann(),
        callee_id: user("bob"),
        media: CallMedia::Video,
        timers,
    }
}

pub fn user(name: &str) -> UserId {
    UserId::new(name).expect("valid")
}

pub fn endpoint(name: &str, session: &str, connection: &str) -> Endpoint {
    Endpoint {
        user_id: user(name),
        session_id: SessionId::new(session).expect("valid"),
        connection_id: ConnectionId::new(connection).expect("valid"),
    }
}

/// The caller.
pub fn ann() -> Endpoint {
    endpoint("ann", "ses_ann_desk", "con_ann_desk")
}

/// Another tab of the caller's browser.
pub fn ann_other_tab() -> Endpoint {
    endpoint("ann", "ses_ann_desk", "con_ann_tab2")
}

/// The callee's phone.
pub fn phone() -> Endpoint {
    endpoint("bob", "ses_bob_phone", "con_bob_phone")
}

/// The callee's laptop.
pub fn laptop() -> Endpoint {
    endpoint("bob", "ses_bob_laptop", "con_bob_laptop")
}

/// A stranger, with a connection named like the caller's.
pub fn eve() -> Endpoint {
    endpoint("eve", "ses_eve_desk", "con_ann_desk")
}

pub fn ring(from: &Endpoint) -> Input {
    Input::Ring { from: from.clone() }
}

pub fn accept(from: &Endpoint) -> Input {
    Input::Accept { from: from.clone() }
}

pub fn end(from: &Endpoint, reason: EndReason) -> Input {
    Input::end(from, reason)
}

/// An end over HTTP, which names no connection.
pub fn end_by_session(from: &Endpoint, reason: EndReason) -> Input {
    Input::End {
        user_id: from.user_id.clone(),
        session_id: from.session_id.clone(),
        connection_id: None,
        reason,
    }
}

pub fn signal(from: &Endpoint, kind: SignalKind, generation: u32, bytes: usize) -> Input {
    Input::Signal { from: from.clone(), kind, generation, bytes }
}

pub fn report(from: &Endpoint, media: MediaReport) -> Input {
    Input::Report { from: from.clone(), media }
}

pub fn mute(from: &Endpoint, audio: bool, video: bool) -> Input {
    Input::Mute { from: from.clone(), muted: Muted { audio, video } }
}

pub fn lost(connection: &Endpoint) -> Input {
    Input::ConnectionLost { connection: connection.clone() }
}

pub fn back(connection: &Endpoint) -> Input {
    Input::ConnectionBack { connection: connection.clone() }
}

pub fn session_ended(endpoint: &Endpoint) -> Input {
    Input::SessionEnded { session_id: endpoint.session_id.clone() }
}

pub fn server_end(cause: ServerCause) -> Input {
    Input::ServerEnd { cause }
}

/// The lines of the timeline among outputs.
pub fn lines(outputs: &[Output]) -> Vec<CallEventRecord> {
    let line = |output: &Output| match output {
        Output::Record(line) => Some(line.clone()),
        _ => None,
    };
    outputs.iter().filter_map(line).collect()
}

pub fn kinds(outputs: &[Output]) -> Vec<EventKind> {
    lines(outputs).iter().map(|line| EventKind::parse(&line.kind).expect("a known kind")).collect()
}

/// The outputs that are not lines of the timeline.
pub fn facts(outputs: &[Output]) -> Vec<Output> {
    outputs.iter().filter(|output| !matches!(output, Output::Record(_))).cloned().collect()
}

pub fn ended(outputs: &[Output]) -> Option<CallEnd> {
    outputs.iter().find_map(|output| match output {
        Output::Ended(end) => Some(end.clone()),
        _ => None,
    })
}

pub fn kept(outputs: &[Output]) -> KeptSignal {
    let signal = outputs.iter().find_map(|output| match output {
        Output::Signal(signal) => Some(signal.clone()),
        _ => None,
    });
    signal.expect("a kept signal")
}
