//! coturn's own client as a stranger to the relay: over every transport and in every mode, all that it sends must come back,
//! and whoever has no good credential gets nowhere.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use callbox_domain::testing::MovableClock;
use callbox_server::SystemClock;
use tempfile::TempDir;

use crate::harness::Running;
use crate::strangers::{Access, IPV4, IPV6, relaying};

#[tokio::test]
async fn all_packets_of_coturns_client_come_back_whichever_way_they_go() {
    let server = Running::start_with(relaying).await;
    let peers = Peers::start();
    let mut running = Vec::new();
    for (number, (name, flags, door)) in WAYS.into_iter().enumerate() {
        // Of a session of its own: one has few allocations.
        let access = Access::of(&server, &format!("user-{number}")).await;
        let mut command = uclient(&access, door(&access), flags);
        command.args(["-r", &peers.port.to_string()]);
        running.push((name, tokio::task::spawn_blocking(move || output(command))));
    }
    for (name, output) in running {
        let output = output.await.expect("no panic");
        let said = said(&output);
        assert!(output.status.success(), "{name}: {said}");
        let all = format!("tot_send_msgs={PACKETS}, tot_recv_msgs={PACKETS}");
        let last = said.lines().rfind(|line| line.contains("tot_send_msgs="));
        assert!(last.is_some_and(|last| last.ends_with(&all)), "{name}: {said}");
        assert!(said.contains("Total lost packets 0 "), "{name}: {said}");
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_has_no_good_credential_gets_no_allocation() {
    let clock = Arc::new(MovableClock::new(SystemClock::new()));
    let folder = TempDir::new().expect("a folder");
    let server = Running::start_in_by(folder, clock.clone(), relaying).await;
    let elsewhere = Running::start_with(relaying).await;
    let good = Access::of(&server, "ann").await;
    let of_bob = Access::of(&server, "bob").await;
    let of_elsewhere = Access::of(&elsewhere, "ann").await;
    let bad = [
        ("a wrong password", Access { password: "correct-horse".to_owned(), ..good.clone() }),
        ("an unknown name", Access { username: "ann".to_owned(), ..good.clone() }),
        ("the name of another session", Access { username: of_bob.username, ..good.clone() }),
        ("a credential of another server", Access { urls: good.urls.clone(), ..of_elsewhere }),
    ];
    for (name, access) in bad {
        assert_refused(name, access).await;
    }
    assert_accepted("a fresh credential", good.clone()).await;
    clock.advance(11 * 60);
    assert_refused("an expired credential", good).await;
    assert_accepted("a newer credential", Access::of(&server, "ann").await).await;
    server.stop().await;
    elsewhere.stop().await;
}

async fn assert_accepted(name: &str, access: Access) {
    let output = between_clients(access).await;
    assert!(output.status.success(), "{name}: {}", said(&output));
}

async fn assert_refused(name: &str, access: Access) {
    let output = between_clients(access).await;
    assert!(!output.status.success(), "{name}: {}", said(&output));
    assert!(said(&output).contains("Cannot complete Allocation"), "{name}: {}", said(&output));
}

/// Two clients that send each other a little, over TCP: there every request is answered, however many there are.
async fn between_clients(access: Access) -> Output {
    let command = uclient(&access, tcp(&access), &["-t", "-y"]);
    tokio::task::spawn_blocking(move || output(command)).await.expect("no panic")
}

/// Two clients that send some packets. `-c`: without asking for a pair of ports, as nobody does any more.
fn uclient(access: &Access, server: SocketAddr, flags: &[&str]) -> Command {
    let mut command = Command::new("turnutils_uclient");
    command
        .args(["-c", "-m", "2", "-n", &(PACKETS / 2).to_string(), "-z", "5"])
        .args(["-u", &access.username, "-w", &access.password])
        .args(["-p", &server.port().to_string()])
        .args(flags)
        .arg(server.ip().to_string());
    command
}

fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().expect(COTURN_IS_NEEDED)
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

/// What sends everything back that comes to it, on both loopback addresses. Killed when dropped.
struct Peers {
    port: u16,
    child: Child,
}

impl Peers {
    fn start() -> Self {
        let port = UdpSocket::bind((IPV6, 0)).and_then(|socket| socket.local_addr()).expect("bound").port();
        let mut command = Command::new("turnutils_peer");
        command.args(["-L", "127.0.0.1", "-L", "::1", "-p", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { port, child: command.spawn().expect(COTURN_IS_NEEDED) }
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn udp(access: &Access) -> SocketAddr {
    (IPV4, access.ports("turn", "udp")[0]).into()
}

fn udp_by_ipv6(access: &Access) -> SocketAddr {
    (IPV6, access.ports("turn", "udp")[1]).into()
}

fn tcp(access: &Access) -> SocketAddr {
    (IPV4, access.ports("turn", "tcp")[0]).into()
}

fn tcp_by_ipv6(access: &Access) -> SocketAddr {
    (IPV6, access.ports("turn", "tcp")[1]).into()
}

fn tls(access: &Access) -> SocketAddr {
    (IPV4, access.ports("turns", "tcp")[0]).into()
}

/// What it is, the client's flags, and where it connects to.
type Way = (&'static str, &'static [&'static str], fn(&Access) -> SocketAddr);

/// `-s`: by indications, where there would be channels. `-x`: a relay address of IPv6. `-y`: to each other.
const WAYS: [Way; 12] = [
    ("UDP, channels", &["-e", "127.0.0.1"], udp),
    ("UDP, indications", &["-s", "-e", "127.0.0.1"], udp),
    ("TCP, channels", &["-t", "-e", "127.0.0.1"], tcp),
    ("TCP, indications", &["-t", "-s", "-e", "127.0.0.1"], tcp),
    ("TLS, channels", &["-t", "-S", "-e", "127.0.0.1"], tls),
    ("TLS, indications", &["-t", "-S", "-s", "-e", "127.0.0.1"], tls),
    ("UDP over IPv4 to peers of IPv6", &["-x", "-e", "::1"], udp),
    ("UDP over IPv6, channels", &["-x", "-e", "::1"], udp_by_ipv6),
    ("UDP over IPv6, indications", &["-x", "-s", "-e", "::1"], udp_by_ipv6),
    ("TCP over IPv6 to peers of IPv4", &["-t", "-X", "-e", "127.0.0.1"], tcp_by_ipv6),
    ("from client to client, channels", &["-y"], udp),
    ("from client to client, indications", &["-y", "-s"], udp),
];

/// Of both clients together.
const PACKETS: usize = 50;

const COTURN_IS_NEEDED: &str = "coturn's client is installed (`cargo xtask test` does it, or says how)";
