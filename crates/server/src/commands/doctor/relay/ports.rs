//! Whether a relay that does not run would get its ports.

use std::net::SocketAddr;

use tokio::net::{TcpListener, UdpSocket};

use super::{Way, listen, one_for_each_port, tcp_listen};
use crate::commands::doctor::finding::Finding;
use crate::commands::doctor::listeners::judge_port;
use crate::commands::doctor::subject::Local;

/// Tries every port for an instant.
pub(super) async fn examine(local: &Local) -> Vec<Finding> {
    let relay = &local.config.relay;
    let mut findings = Vec::new();
    for address in listen(local) {
        findings.push(judge_port(Way::Udp.check(), address, UdpSocket::bind(address).await.map(drop)));
    }
    for address in tcp_listen(local) {
        findings.push(of_tcp(Way::Tcp, address).await);
    }
    if local.has_relay_certificate() {
        for address in one_for_each_port(relay.tls_listen_addresses().unwrap_or_default()) {
            findings.push(of_tcp(Way::Tls, address).await);
        }
    }
    findings
}

async fn of_tcp(way: Way, address: SocketAddr) -> Finding {
    judge_port(way.check(), address, TcpListener::bind(address).await.map(drop))
}
