//! The relay's open doors.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::descriptors;

/// Where the relay listens, and where its relay ports are.
#[derive(Debug, Clone, Default)]
pub struct RelayOptions {
    /// For UDP and for TCP, on the same port. Port 0 is any free one. At an unspecified address, answers over UDP go out from
    /// the address that the system prefers: a machine that has several had better name each.
    pub listen: Vec<SocketAddr>,
    /// For TLS.
    pub tls_listen: Vec<SocketAddr>,
    /// Where relay ports are given out.
    pub addresses: Vec<RelayBinding>,
}

/// An address for relay ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayBinding {
    /// As peers see it.
    pub public: IpAddr,
    /// To which the sockets are bound; behind a NAT another one.
    pub bind: IpAddr,
}

/// Listeners that are bound, but which nobody serves yet.
#[derive(Debug)]
pub struct RelaySockets {
    pub(crate) udp: Vec<UdpSocket>,
    pub(crate) tcp: Vec<TcpListener>,
    pub(crate) tls: Vec<TcpListener>,
    pub(crate) addresses: Vec<RelayBinding>,
    listen: Vec<SocketAddr>,
    tls_listen: Vec<SocketAddr>,
}

impl RelaySockets {
    /// Binds all; the error says what to do. Raises the process's limit of open sockets.
    pub fn bind(options: &RelayOptions) -> Result<Self, BindError> {
        if let Some(limit) = descriptors::raise_limit() {
            tracing::debug!(limit, "sockets that may be open");
        }
        let mut sockets = Self {
            udp: Vec::new(),
            tcp: Vec::new(),
            tls: Vec::new(),
            addresses: options.addresses.clone(),
            listen: Vec::new(),
            tls_listen: Vec::new(),
        };
        for &address in &options.listen {
            let (udp, tcp, bound) = bind_both(address)?;
            sockets.udp.push(udp);
            sockets.tcp.push(tcp);
            sockets.listen.push(bound);
        }
        for &address in &options.tls_listen {
            let listener = bind_tcp(address).map_err(failed("TLS", address))?;
            sockets.tls_listen.push(listener.local_addr().map_err(failed("TLS", address))?);
            sockets.tls.push(listener);
        }
        for binding in &options.addresses {
            // Better said now than to the first client.
            let address = SocketAddr::new(binding.bind, 0);
            bind_relay(address).map_err(failed("UDP", address))?;
        }
        Ok(sockets)
    }

    /// Where it listens for UDP and TCP, with real ports, in the order of [`RelayOptions::listen`].
    pub fn listen_addresses(&self) -> &[SocketAddr] {
        &self.listen
    }

    /// Where it listens for TLS, with real ports, in the order of [`RelayOptions::tls_listen`].
    pub fn tls_listen_addresses(&self) -> &[SocketAddr] {
        &self.tls_listen
    }
}

/// A door that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the relay cannot use {address} for {transport}: {advice}")]
pub struct BindError {
    address: SocketAddr,
    transport: &'static str,
    advice: String,
    /// What the system said.
    #[source]
    source: io::Error,
}

fn failed(transport: &'static str, address: SocketAddr) -> impl Fn(io::Error) -> BindError {
    move |source| {
        let advice = match source.kind() {
            io::ErrorKind::AddrInUse => "the port is taken; stop the other program or choose another port",
            io::ErrorKind::PermissionDenied => "not allowed; ports below 1024 need a privilege",
            io::ErrorKind::AddrNotAvailable => "this machine does not have that address",
            _ => "the system refuses",
        };
        BindError { address, transport, advice: advice.to_owned(), source }
    }
}

fn bind_both(address: SocketAddr) -> Result<(UdpSocket, TcpListener, SocketAddr), BindError> {
    let mut tries = ANY_PORT_TRIES;
    loop {
        let tcp = bind_tcp(address).map_err(failed("TCP", address))?;
        let bound = tcp.local_addr().map_err(failed("TCP", address))?;
        match bind_udp_listener(bound) {
            Ok(udp) => return Ok((udp, tcp, bound)),
            // Any port would do, so another one is taken, whose twin may be free.
            Err(error) if address.port() == 0 && error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {
                tries -= 1;
            }
            Err(error) => return Err(failed("UDP", bound)(error)),
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = unbound(address, Type::STREAM, Protocol::TCP)?;
    // Elsewhere it would let two programs share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG)?;
    Ok(socket.into())
}

fn bind_udp_listener(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = unbound(address, Type::DGRAM, Protocol::UDP)?;
    // The system may allow less.
    let _ = socket.set_recv_buffer_size(LISTENER_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(LISTENER_BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A socket for a relay port.
pub(crate) fn bind_relay(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = unbound(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn unbound(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // Each family has listeners of its own: then no address comes wrapped into one of the other.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// A listener has the packets of all its clients to hold while the thread is busy.
const LISTENER_BUFFER_BYTES: usize = 4 << 20;

/// Connections that wait to be accepted.
const TCP_BACKLOG: i32 = 1_024;

/// Ports that are tried for one that is free for both UDP and TCP.
const ANY_PORT_TRIES: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn options(listen: &str) -> RelayOptions {
        RelayOptions { listen: vec![listen.parse().expect("an address")], ..RelayOptions::default() }
    }

    #[test]
    fn udp_and_tcp_get_the_same_port() {
        let sockets = RelaySockets::bind(&options("127.0.0.1:0")).expect("free");
        let [address] = sockets.listen_addresses() else { panic!("one") };
        assert_ne!(address.port(), 0);
        assert_eq!(sockets.udp[0].local_addr().ok(), Some(*address));
        assert_eq!(sockets.tcp[0].local_addr().ok(), Some(*address));
    }

    #[test]
    fn a_taken_port_and_a_foreign_address_are_told_with_advice() {
        let holder = UdpSocket::bind("127.0.0.1:0").expect("free");
        let taken = holder.local_addr().expect("bound");
        let error = RelaySockets::bind(&options(&taken.to_string())).expect_err("taken").to_string();
        assert_eq!(
            error,
            format!(
                "the relay cannot use {taken} for UDP: the port is taken; stop the other program or choose another port"
            )
        );
        let foreign = "203.0.113.7".parse().expect("an address");
        let addresses = vec![RelayBinding { public: foreign, bind: foreign }];
        let error = RelaySockets::bind(&RelayOptions { addresses, ..RelayOptions::default() });
        let error = error.expect_err("not here").to_string();
        assert!(error.ends_with("203.0.113.7:0 for UDP: this machine does not have that address"), "{error}");
    }
}
