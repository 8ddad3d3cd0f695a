//! One side of a relayed call, as small as it can be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::Secret;
use callbox_turn_proto::client::{Event, Family, Transport, TurnClient};

use super::line::Line;
use super::{Pass, Target, Way};
use crate::commands::doctor::site::{Unreachable, in_time};
use crate::system::SystemRandom;

/// A client of the relay.
pub(super) struct Side {
    line: Line,
    client: TurnClient,
    /// Whether it has a credential to show.
    has_pass: bool,
    at: String,
}

/// What a server answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Mapped(SocketAddr),
    Allocated { relayed: SocketAddr, mapped: SocketAddr },
    Done,
    AsksForCredential,
    Refused(u16),
}

impl Side {
    /// Goes to the server; without a pass only to see whether it is there.
    pub(super) async fn open(target: &Target, pass: Option<&Pass>) -> Result<Self, Unreachable> {
        let transport = if target.way == Way::Udp { Transport::Udp } else { Transport::Stream };
        let (username, password) = match pass {
            Some(pass) => (pass.username.clone(), pass.password.clone()),
            None => ("doctor".to_owned(), Secret::new(String::new())),
        };
        let client = TurnClient::new(username, password, Arc::new(SystemRandom), transport);
        Ok(Self { line: Line::open(target).await?, client, has_pass: pass.is_some(), at: target.to_string() })
    }

    /// The address of this end's socket, where the server would see it without a NAT between.
    pub(super) fn own_address(&self) -> Option<SocketAddr> {
        self.line.own_address()
    }

    /// Asks for the address that the server sees.
    pub(super) async fn bind(&mut self) -> Result<Told, Unreachable> {
        let request = self.client.bind();
        self.ask(request).await
    }

    /// Opens an allocation, of IPv6 where the relay has no other.
    pub(super) async fn allocate(&mut self) -> Result<Told, Unreachable> {
        let request = self.client.allocate(Family::V4);
        match self.ask(request).await? {
            Told::Refused(FAMILY_NOT_SUPPORTED) => {
                let request = self.client.allocate(Family::V6);
                self.ask(request).await
            }
            told => Ok(told),
        }
    }

    pub(super) async fn permit(&mut self, peer: SocketAddr) -> Result<Told, Unreachable> {
        let request = self.client.permit(peer);
        self.ask(request).await
    }

    /// Closes the allocation, as a courtesy.
    pub(super) async fn close(mut self) {
        let request = self.client.refresh(Duration::ZERO);
        let _ = self.line.send(&request).await;
    }

    /// Sends to the other side, which must hear it from `from`.
    pub(super) async fn send_to(
        &mut self,
        other: &mut Self,
        to: SocketAddr,
        from: SocketAddr,
    ) -> Result<(), Unreachable> {
        let at = self.at.clone();
        in_time(&at, async {
            loop {
                let sent = self.client.send(to, GREETING);
                self.line.send(&sent).await.map_err(|error| failed(&at, &error))?;
                while let Some(frame) = other.line.receive().await.map_err(|error| failed(&at, &error))? {
                    match other.client.handle(&frame) {
                        Ok(Event::Data { peer, bytes: GREETING }) if peer == from => return Ok(()),
                        // Late answers, or somebody else's.
                        _ => {}
                    }
                }
            }
        })
        .await
    }

    /// Sends a request until it is answered, and shows who asks when that is wanted.
    async fn ask(&mut self, mut request: Vec<u8>) -> Result<Told, Unreachable> {
        let at = self.at.clone();
        in_time(&at, async {
            loop {
                self.line.send(&request).await.map_err(|error| failed(&at, &error))?;
                while let Some(frame) = self.line.receive().await.map_err(|error| failed(&at, &error))? {
                    match self.client.handle(&frame) {
                        Ok(Event::Challenged(_)) if !self.has_pass => return Ok(Told::AsksForCredential),
                        Ok(Event::Challenged(again)) => {
                            request = again;
                            break;
                        }
                        Ok(event) => {
                            if let Some(told) = told(&event) {
                                return Ok(told);
                            }
                        }
                        // Answers to what was sent twice, or somebody else's.
                        Err(_) => {}
                    }
                }
            }
        })
        .await
    }
}

fn told(event: &Event<'_>) -> Option<Told> {
    match event {
        Event::Mapped(address) => Some(Told::Mapped(*address)),
        Event::Allocated { relayed, mapped, .. } => {
            Some(Told::Allocated { relayed: *relayed.first()?, mapped: *mapped })
        }
        Event::Permitted | Event::ChannelBound | Event::Refreshed { .. } => Some(Told::Done),
        Event::Refused { code, .. } => Some(Told::Refused(*code)),
        Event::Challenged(_) | Event::Data { .. } | Event::ChannelData { .. } => None,
    }
}

fn failed(at: &str, error: &io::Error) -> Unreachable {
    let at = at.to_owned();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreachable::Refused { at },
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            Unreachable::NoTurn { at }
        }
        _ => Unreachable::Failed { at, reason: error.to_string() },
    }
}

/// RFC 8656, section 18.12.
const FAMILY_NOT_SUPPORTED: u16 = 440;
const GREETING: &[u8] = b"callbox doctor";
