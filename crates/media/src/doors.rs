//! The datagram sockets: listeners, and one for each relay port.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use callbox_turn_proto::RelayPort;
use mio::net::UdpSocket;
use mio::{Interest, Registry};

use crate::bind;
use crate::source::Source;

/// A datagram socket, as the server and the poll know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Door {
    /// A listener, by its number.
    Listener(u32),
    /// A relay port.
    Relay(RelayPort),
}

/// The socket itself.
#[derive(Debug)]
pub(crate) struct OpenDoor {
    pub(crate) socket: UdpSocket,
    pub(crate) is_v6: bool,
    /// Whether it stands in the list of what may have something to receive.
    pub(crate) is_listed: bool,
}

/// All that are open.
#[derive(Debug)]
pub(crate) struct Doors {
    listeners: Vec<OpenDoor>,
    relays: HashMap<RelayPort, OpenDoor>,
    /// To what relay ports are bound, by the number of their address.
    bind: Vec<IpAddr>,
}

impl Doors {
    pub(crate) fn new(
        listeners: Vec<std::net::UdpSocket>,
        bind: Vec<IpAddr>,
        registry: &Registry,
    ) -> io::Result<Self> {
        let listeners = (0..)
            .zip(listeners)
            .map(|(number, socket)| register(socket, Door::Listener(number), registry))
            .collect::<io::Result<_>>()?;
        Ok(Self { listeners, relays: HashMap::new(), bind })
    }

    pub(crate) fn find(&self, door: Door) -> Option<&OpenDoor> {
        match door {
            Door::Listener(number) => self.listeners.get(number as usize),
            Door::Relay(port) => self.relays.get(&port),
        }
    }

    pub(crate) fn find_mut(&mut self, door: Door) -> Option<&mut OpenDoor> {
        match door {
            Door::Listener(number) => self.listeners.get_mut(number as usize),
            Door::Relay(port) => self.relays.get_mut(&port),
        }
    }

    pub(crate) fn open_relay(&mut self, port: RelayPort, registry: &Registry) -> io::Result<()> {
        let bind = self.bind.get(usize::from(port.address)).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let socket = bind::bind_relay(SocketAddr::new(*bind, port.port))?;
        let door = register(socket, Door::Relay(port), registry)?;
        self.relays.insert(port, door);
        Ok(())
    }

    pub(crate) fn close_relay(&mut self, port: RelayPort, registry: &Registry) {
        if let Some(mut door) = self.relays.remove(&port) {
            let _ = registry.deregister(&mut door.socket);
        }
    }
}

fn register(socket: std::net::UdpSocket, door: Door, registry: &Registry) -> io::Result<OpenDoor> {
    let is_v6 = socket.local_addr()?.is_ipv6();
    let mut socket = UdpSocket::from_std(socket);
    registry.register(&mut socket, Source::Door(door).token(), Interest::READABLE)?;
    Ok(OpenDoor { socket, is_v6, is_listed: false })
}
