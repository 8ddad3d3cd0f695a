//! The thread: waits for sockets, hands what comes to the server, and does what the server says.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::Clock;
use callbox_turn_proto::frames::{Frame, next_frame};
use callbox_turn_proto::{Client, Input, Now, Output, RelayPort, Revoked, Server, Via};
use mio::{Events, Poll};
use tokio::sync::mpsc;

use crate::accept::{ARRIVALS_MAX, Arrival};
use crate::arena::{Arena, PACKET_BYTES_MAX};
use crate::bind::RelayBinding;
use crate::datagrams::{Arrived, Receiver};
use crate::doors::{Door, Doors};
use crate::mailbox::{Command, Mailbox};
use crate::outbox::{Content, Outbox};
use crate::relay::EARLY_BYTES_MAX;
use crate::report::{self, Dropped};
use crate::source::Source;
use crate::stream::Rest;
use crate::streams::{Streams, Written};

/// Everything that the thread has.
pub(crate) struct Driver {
    poll: Poll,
    server: Server,
    clock: Arc<dyn Clock>,
    mailbox: Arc<Mailbox>,
    arrivals: mpsc::Receiver<Arrival>,
    doors: Doors,
    streams: Streams,
    /// What may have something to read, each once.
    listed: VecDeque<Source>,
    arena: Arena,
    outbox: Outbox,
    /// What came with one call.
    arrived: Vec<Arrived>,
    /// What was read from one stream.
    stream_bytes: Box<[u8]>,
    dropped: Dropped,
    /// When to do what is done once a second.
    next_second: Duration,
}

impl Driver {
    pub(crate) fn new(
        poll: Poll,
        listeners: Vec<UdpSocket>,
        addresses: &[RelayBinding],
        server: Server,
        clock: Arc<dyn Clock>,
        mailbox: Arc<Mailbox>,
        arrivals: mpsc::Receiver<Arrival>,
    ) -> io::Result<Self> {
        let bind = addresses.iter().map(|binding| binding.bind).collect();
        let doors = Doors::new(listeners, bind, poll.registry())?;
        Ok(Self {
            poll,
            server,
            clock,
            mailbox,
            arrivals,
            doors,
            streams: Streams::default(),
            listed: VecDeque::new(),
            arena: Arena::new(),
            outbox: Outbox::default(),
            arrived: Vec::new(),
            stream_bytes: vec![0; STREAM_BYTES_AT_ONCE].into_boxed_slice(),
            dropped: Dropped::default(),
            next_second: Duration::ZERO,
        })
    }

    /// Works until it is told to stop.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut receiver = Receiver::new();
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, Some(self.patience())) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.list(&events);
            if self.obey() == Obeyed::Stop {
                self.flush();
                self.streams.close_all(self.poll.registry());
                return Ok(());
            }
            self.welcome();
            // Each has its turn once, so that none keeps the others waiting.
            for _ in 0..self.listed.len() {
                match self.listed.pop_front() {
                    Some(Source::Door(door)) => self.receive(door, &mut receiver),
                    Some(Source::Stream(number)) => self.read(number),
                    Some(Source::Mail) | None => {}
                }
                if self.arena.is_full() {
                    self.flush();
                }
            }
            self.let_time_pass();
            self.flush();
        }
    }

    /// How long to wait for sockets. The clock may be one that does not run with the system's, so it is looked at each second.
    fn patience(&self) -> Duration {
        if !self.listed.is_empty() || !self.outbox.is_empty() || self.streams.are_dirty() {
            return Duration::ZERO;
        }
        let until_deadline =
            self.server.deadline().map(|deadline| deadline.saturating_sub(self.clock.elapsed()));
        until_deadline.unwrap_or(Duration::MAX).min(SECOND)
    }

    fn list(&mut self, events: &Events) {
        for event in events {
            let source = Source::of(event.token());
            match source {
                Source::Mail => {}
                Source::Door(door) => {
                    if let Some(door) = self.doors.find_mut(door)
                        && !std::mem::replace(&mut door.is_listed, true)
                    {
                        self.listed.push_back(source);
                    }
                }
                Source::Stream(number) => {
                    if event.is_writable() {
                        self.streams.touch(number);
                    }
                    // An error is a thing to read, too.
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        self.list_stream(number);
                    }
                }
            }
        }
    }

    fn list_stream(&mut self, number: u32) {
        if let Some(stream) = self.streams.find_mut(number)
            && !std::mem::replace(&mut stream.is_listed, true)
        {
            self.listed.push_back(Source::Stream(number));
        }
    }

    fn obey(&mut self) -> Obeyed {
        for command in self.mailbox.take_commands() {
            match command {
                Command::EndSession(session) => {
                    self.handle(self.now(), Input::Revoked(Revoked::Session(&session)));
                }
                Command::EndCall(call) => self.handle(self.now(), Input::Revoked(Revoked::Call(&call))),
                Command::DropAllocations => self.handle(self.now(), Input::DropAllocations),
                Command::Stop => return Obeyed::Stop,
            }
        }
        Obeyed::GoOn
    }

    /// Takes in new streams.
    fn welcome(&mut self) {
        for _ in 0..ARRIVALS_MAX {
            let Ok(arrival) = self.arrivals.try_recv() else { return };
            match self.streams.add(arrival, self.clock.elapsed(), self.poll.registry()) {
                // Its first bytes may have come before it did.
                Ok(number) => self.list_stream(number),
                Err(error) => tracing::warn!(%error, "the relay cannot take a stream"),
            }
        }
        // There may be more, after others had their turn.
        self.mailbox.wake();
    }

    /// Receives datagrams with one call.
    fn receive(&mut self, source: Door, receiver: &mut Receiver) {
        let Some(door) = self.doors.find_mut(source) else { return };
        let mut arrived = std::mem::take(&mut self.arrived);
        let is_drained = receiver.receive(&door.socket, door.is_v6, self.arena.free(), &mut arrived);
        door.is_listed = !is_drained;
        if !is_drained {
            self.listed.push_back(Source::Door(source));
        }
        let slots = self.arena.take(arrived.len());
        let now = self.now();
        for (slot, &Arrived { from, length }) in slots.zip(&arrived) {
            let Some(length) = length else {
                self.dropped.too_long += 1;
                continue;
            };
            let packet = self.arena.packet(slot, length);
            self.server.handle(
                now,
                match source {
                    Door::Listener(number) => {
                        Input::FromClient { client: Client { via: Via::Udp(number), address: from }, packet }
                    }
                    Door::Relay(relay) => {
                        // A scope is this machine's own affair: clients name peers without.
                        let peer = SocketAddr::new(from.ip(), from.port());
                        Input::FromPeer { relay, peer, packet }
                    }
                },
            );
            self.settle(now, Some(slot));
        }
        arrived.clear();
        self.arrived = arrived;
    }

    /// Reads from a stream, and handles the whole frames.
    fn read(&mut self, number: u32) {
        let Some(stream) = self.streams.find_mut(number) else { return };
        stream.is_listed = false;
        let client = stream.client;
        // There may be any number of strangers, and a frame from one costs more to answer than to send.
        let is_known = self.server.has_allocation(&client);
        let share =
            if is_known { STREAM_BYTES_AT_ONCE } else { stream.kept_bytes() + STRANGER_BYTES_AT_ONCE };
        let (length, rest) = stream.read(&mut self.stream_bytes[..share]);
        // TLS may have something to say on its own.
        self.streams.touch(number);
        let now = self.now();
        let mut used = 0;
        // The server may close it.
        while self.streams.find_mut(number).is_some() {
            let bytes = &self.stream_bytes[used..length];
            match next_frame(bytes) {
                Frame::Whole(size) if size <= PACKET_BYTES_MAX => {
                    let slot = self.arena.keep(&bytes[..size]);
                    used += size;
                    let packet = self.arena.packet(slot, size);
                    self.server.handle(now, Input::FromClient { client, packet });
                    self.settle(now, Some(slot));
                    if self.arena.is_full() {
                        self.flush();
                    }
                }
                Frame::Incomplete if will_fit(bytes) && rest != Rest::Ended => break,
                _ => {
                    self.streams.close_later(number);
                    return self.settle(now, None);
                }
            }
        }
        let Some(stream) = self.streams.find_mut(number) else { return };
        stream.keep(&self.stream_bytes[used..length]);
        if rest == Rest::More {
            self.list_stream(number);
        }
    }

    fn handle(&mut self, now: Now, input: Input<'_>) {
        self.server.handle(now, input);
        self.settle(now, None);
    }

    /// Does what the server says, until it says no more. `slot` is where the packet is that it was told of.
    fn settle(&mut self, now: Now, slot: Option<usize>) {
        loop {
            while let Some(output) = self.server.next_output() {
                self.fulfil(now, output, slot);
            }
            let Some(client) = self.streams.close_next(self.poll.registry()) else { return };
            tracing::debug!(peer = %client.address, "stream closed");
            self.server.handle(now, Input::ClientGone(client));
        }
    }

    fn fulfil(&mut self, now: Now, output: Output, slot: Option<usize>) {
        match output {
            Output::ToClient { client, bytes } => {
                let bytes = Content::of(bytes, slot);
                match client.via {
                    Via::Udp(listener) => self.outbox.push(Door::Listener(listener), client.address, bytes),
                    Via::Tcp(number) | Via::Tls(number) => {
                        let is_taken = self.streams.send(number, bytes.bytes(&self.arena));
                        self.dropped.stream_full += u64::from(!is_taken);
                    }
                }
            }
            Output::ToPeer { relay, peer, bytes } => {
                self.outbox.push(Door::Relay(relay), peer, Content::of(bytes, slot));
            }
            Output::OpenRelay(port) => self.open_relay(now, port),
            Output::CloseRelay(port) => {
                // What was sent before goes out before.
                self.send_datagrams();
                self.doors.close_relay(port, self.poll.registry());
                tracing::debug!(address = port.address, port = port.port, "relay port closed");
            }
            Output::Disconnect(client) => {
                if let Via::Tcp(number) | Via::Tls(number) = client.via {
                    self.streams.close_later(number);
                }
            }
        }
    }

    fn open_relay(&mut self, now: Now, port: RelayPort) {
        let opened = self.doors.open_relay(port, self.poll.registry());
        match &opened {
            Ok(()) => tracing::debug!(address = port.address, port = port.port, "relay port opened"),
            Err(error) => {
                tracing::debug!(address = port.address, port = port.port, %error, "relay port not to be had");
            }
        }
        let became = if opened.is_ok() { Input::RelayOpened(port) } else { Input::RelayFailed(port) };
        self.server.handle(now, became);
    }

    fn let_time_pass(&mut self) {
        let now = self.now();
        if self.server.deadline().is_some_and(|deadline| deadline <= now.elapsed) {
            self.handle(now, Input::Tick);
        }
        if now.elapsed < self.next_second {
            return;
        }
        self.next_second = now.elapsed + SECOND;
        self.streams.close_useless(now.elapsed, |client| self.server.has_allocation(client));
        self.settle(now, None);
        report::report(&self.server.figures(), self.streams.count(), &self.dropped);
    }

    /// Sends what waits, and frees all slots.
    fn flush(&mut self) {
        self.send_datagrams();
        self.arena.clear();
        if self.streams.write() == Written::SomeAreGone {
            self.settle(self.now(), None);
        }
    }

    fn send_datagrams(&mut self) {
        self.outbox.flush(&self.arena, &self.doors, &mut self.dropped.unsent);
    }

    fn now(&self) -> Now {
        Now { elapsed: self.clock.elapsed(), wall: self.clock.now() }
    }
}

/// Whether the frame that begins like this fits into a slot. Every kind says its length in the same place.
fn will_fit(bytes: &[u8]) -> bool {
    let length = bytes.get(2..4).map_or(0, |length| usize::from(u16::from_be_bytes([length[0], length[1]])));
    FRAME_HEAD_BYTES_MAX + length <= PACKET_BYTES_MAX
}

/// Whether to go on after commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obeyed {
    GoOn,
    Stop,
}

/// Events that one poll tells.
const EVENTS_MAX: usize = 1_024;

/// What is read from a stream before others have their turn.
const STREAM_BYTES_AT_ONCE: usize = 32 << 10;

/// The same of a stream without an allocation: about as many requests as datagrams that one call receives.
const STRANGER_BYTES_AT_ONCE: usize = 1 << 10;

/// What came early fits in too.
const _: () = assert!(EARLY_BYTES_MAX + STRANGER_BYTES_AT_ONCE <= STREAM_BYTES_AT_ONCE);

/// A frame says how long it is without its head, the longer of which is that of STUN.
const FRAME_HEAD_BYTES_MAX: usize = 20;

const SECOND: Duration = Duration::from_secs(1);
