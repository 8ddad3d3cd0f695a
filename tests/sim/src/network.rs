//! Steps of sockets: frames on their way, and ends that go.

use std::sync::Arc;

use callbox_client::core::Input;
use callbox_domain::MessageId;
use callbox_hub::testing::Line;
use callbox_link_proto::Output;
use callbox_wire::frame::Welcome;
use callbox_wire::{ClientFrame, CloseCode};

use crate::model::{Verdict, check};
use crate::people::STOLEN;
use crate::step::Work;
use crate::task::Task;
use crate::wire::{Down, ServerEnd, Up, Wire};
use crate::world::World;

impl World {
    /// A client that waits for a socket gets one to any node.
    pub(crate) fn connect(&mut self, number: usize) -> Verdict {
        let (id, node) = (self.number(), self.any_node());
        let Some(running) = &self.nodes[node] else { return Ok(()) };
        let line = Line::open(&running.hub);
        let device = &mut self.devices[number];
        self.trace.tell(|| format!("device {number} opens socket {id} to node {node}"));
        self.wires.insert(id, Wire::new(number, node, device.session.clone(), line));
        device.wants_socket = false;
        device.wire = Some(id);
        let now = self.now();
        self.devices[number].core.handle(now, Input::Opened);
        self.attend(number)
    }

    /// A server takes the next frame of a client.
    pub(crate) fn take_frame(&mut self, id: u64) -> Verdict {
        let Some(wire) = self.wires.get_mut(&id) else { return Ok(()) };
        let (Some(up), ServerEnd::Open { line, serving, .. }) = (wire.up.pop_front(), &mut wire.server)
        else {
            return Ok(());
        };
        self.trace.tell(|| format!("socket {id}: node {} takes {up:?}", wire.node));
        match up {
            Up::Text(text) => {
                if sent_message(&text).is_some_and(|id| self.model.is_kept(&id)) {
                    self.trace.count("a message that was kept was sent again");
                }
                let line = line.clone();
                *serving = Some(Task::new(async move { line.receive(&text).await }));
                self.go_on(Work::Serving(id))
            }
            Up::Pong => {
                line.pong();
                Ok(())
            }
            Up::End => {
                self.leave(id);
                Ok(())
            }
        }
    }

    /// A server sends what is next.
    pub(crate) fn put(&mut self, id: u64) -> Verdict {
        let fails = self.dice.chance(30);
        let Some(wire) = self.wires.get_mut(&id) else { return Ok(()) };
        let ServerEnd::Open { line, fetching, is_quiet, .. } = &mut wire.server else { return Ok(()) };
        let Some(output) = line.next_output() else {
            *is_quiet = true;
            return Ok(());
        };
        if wire.is_cut && fails {
            self.trace.count("a server could not write");
            self.trace.tell(|| format!("socket {id}: node {} cannot write", wire.node));
            self.leave(id);
            return Ok(());
        }
        self.trace.tell(|| format!("socket {id}: node {} puts {output:?}", wire.node));
        match output {
            Output::Send(text) => {
                let knows =
                    self.nodes[wire.node].as_ref().is_some_and(|node| node.ended.contains(&wire.session));
                check(!knows, || format!("socket {id} is told {text} after the end of its session"))?;
                let seq = numbered(&text)?;
                let is_next = seq.is_none_or(|seq| wire.sent.is_none_or(|sent| seq == sent + 1));
                check(is_next, || format!("socket {id} is told {text} after event {:?}", wire.sent))?;
                wire.sent = seq.or(wire.sent);
                wire.send_down(Down::Text(text));
                if wire.down.len() >= self.temper.window {
                    self.trace.count("a server waited for a slow network");
                }
            }
            Output::Ping => wire.send_down(Down::Ping),
            Output::Fetch { after } => {
                let (line, page) = (line.clone(), self.temper.page);
                *fetching = Some(Task::new(async move { line.fetch(after, page).await }));
                self.trace.count("a page of the log was fetched");
                return self.go_on(Work::Fetching(id));
            }
            Output::Close(code) => {
                // Any other would be told to a client that does something wrong.
                let why = closed(code).ok_or_else(|| format!("socket {id} was closed as {}", code.name()))?;
                self.trace.count(why);
                wire.send_down(Down::Close(code));
                self.leave(id);
            }
        }
        Ok(())
    }

    /// A client takes what is next.
    pub(crate) fn hear(&mut self, id: u64) -> Verdict {
        let now = self.now();
        let Some(wire) = self.wires.get_mut(&id) else { return Ok(()) };
        let number = wire.device;
        let Some(down) = wire.down.pop_front() else { return Ok(()) };
        self.trace.tell(|| format!("socket {id}: device {number} hears {down:?}"));
        match down {
            Down::Text(text) => {
                self.hear_welcome(number, &text)?;
                self.devices[number].core.handle(now, Input::Text(&text));
            }
            Down::Ping => {
                wire.send_up(Up::Pong);
                self.devices[number].core.handle(now, Input::Life);
            }
            Down::Close(code) => self.lose(id, Some(code)),
            Down::End => self.lose(id, None),
        }
        self.attend(number)?;
        check(!self.devices[number].app.must_be_told, || {
            format!("device {number} is not told that it is stale")
        })
    }

    /// The place where a server goes on is read from the frame itself, not from what the client makes of it.
    fn hear_welcome(&mut self, number: usize, text: &Arc<str>) -> Verdict {
        if !is_welcome(text) {
            return Ok(());
        }
        let welcome: Welcome = serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
        let start = place(&welcome)?;
        let device = &mut self.devices[number];
        if welcome.resumed {
            self.trace.count("a cursor was resumed");
        } else {
            self.trace.count("a cursor was not resumed");
            // What is on its way may be older than the new place.
            self.errands.retain(|errand| errand.device != number || errand.page != device.page);
        }
        device.app.welcome(start, welcome.resumed, device.core.cursor().is_some());
        Ok(())
    }

    /// The client's end learns that the socket is gone.
    fn lose(&mut self, id: u64, code: Option<CloseCode>) {
        let now = self.now();
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.shut(&mut self.dice, false);
        self.devices[wire.device].lose(now, code);
        self.bury(id);
    }

    /// The client closes its end.
    pub(crate) fn shut(&mut self, number: usize, is_killed: bool) {
        let Some(id) = self.devices[number].wire.take() else { return };
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.shut(&mut self.dice, is_killed);
        }
        self.bury(id);
    }

    /// The server's end is over; what it was at is dropped where it stands.
    fn leave(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if wire.leave() {
            self.trace.count("a server dropped what it was at");
        }
    }

    /// The network of a socket is gone.
    pub(crate) fn cut(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let (up, down) = wire.cut(&mut self.dice);
        self.trace
            .tell(|| format!("socket {id} is cut: {up} frames of the client, {down} of the server are lost"));
        self.trace.count_more("frames of clients were lost", up);
        self.trace.count_more("frames of servers were lost", down);
    }

    /// A socket with both ends gone is forgotten.
    pub(crate) fn bury(&mut self, id: u64) {
        if self.wires.get(&id).is_some_and(Wire::is_over) {
            self.wires.remove(&id);
        }
    }
}

fn is_welcome(text: &str) -> bool {
    text.starts_with("{\"type\":\"welcome\"")
}

/// Where a server goes on.
fn place(welcome: &Welcome) -> Result<u64, String> {
    let seq = welcome.cursor.rsplit('.').next().and_then(|digits| digits.parse().ok());
    seq.ok_or_else(|| format!("no place in the log: {}", welcome.cursor))
}

/// The place in the log that a frame is at: a welcome at that of its cursor.
fn numbered(text: &str) -> Result<Option<u64>, String> {
    if is_welcome(text) {
        let welcome: Welcome = serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
        return place(&welcome).map(Some);
    }
    // Frames begin with their type, and those of the log go on with their number.
    let rest = text.split_once(",\"seq\":").filter(|(kind, _)| !kind.contains(','));
    let digits = rest.and_then(|(_, rest)| rest.split(',').next());
    digits.map(|digits| digits.parse().map_err(|_| format!("not a number: {digits}"))).transpose()
}

/// The message in a frame that sends one.
fn sent_message(text: &str) -> Option<MessageId> {
    let frame = text.starts_with("{\"type\":\"message.send\"").then(|| ClientFrame::parse(text))?.ok()?;
    match frame {
        ClientFrame::MessageSend(frame) if frame.message.text != STOLEN => Some(frame.message.message_id),
        _ => None,
    }
}

/// Why a server closes sockets of clients that keep to the protocol.
fn closed(code: CloseCode) -> Option<&'static str> {
    Some(match code {
        CloseCode::HeartbeatLost => "a silent client was let go",
        CloseCode::HelloTimeout => "a client said no hello in time",
        CloseCode::TryAgain => "a client was told to try again",
        CloseCode::SessionEnded => "a socket of an ended session was closed",
        CloseCode::Replaced => "a socket was replaced",
        _ => return None,
    })
}
