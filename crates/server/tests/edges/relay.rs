//! The relay of a whole server: credentials from the server open it on every line, and what ends them closes it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::testing::ManualClock;
use callbox_server::config::Config;
use callbox_turn_proto::credential::CREDENTIAL_LIFE;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use crate::harness::{Running, Socket};
use crate::turn::{Answer, Ice, Turn, connect_tls};

/// A server that relays to this machine.
async fn start() -> Running {
    Running::start_with(relaying).await
}

fn relaying(config: &mut Config) {
    config.relay.listen = vec!["127.0.0.1:0".to_owned()];
    config.relay.allow_peers = vec!["127.0.0.0/8".to_owned()];
}

/// As [`relaying`], with HTTPS, and TLS on a port of the relay too.
fn relaying_with_tls(config: &mut Config) {
    relaying(config);
    config.relay.tls_listen = vec!["127.0.0.1:0".to_owned()];
    // The certificate names no address, and these clients look nothing up.
    config.relay.host = "127.0.0.1".into();
    let folder = config.storage.master_key_file.parent().expect("a folder").to_owned();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("writable");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("writable");
    (config.tls.cert, config.tls.key) = (Some(folder.join("cert.pem")), Some(folder.join("key.pem")));
}

async fn peer() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.expect("a free port")
}

async fn ice_for(server: &Running, token: &str, call: Option<&str>) -> Ice {
    let query = call.map(|call| format!("?callId={call}")).unwrap_or_default();
    let path = format!("/v1/ice-servers{query}");
    let (status, answer) = server.request("GET", &path, &format!("Bearer {token}"), "").await;
    assert_eq!(status, 200, "{answer}");
    Ice::read(&answer)
}

/// A server, and a credential of ann for no call.
async fn ann() -> (Running, String, Ice) {
    let server = start().await;
    let token = server.sign_in("ann").await;
    let ice = ice_for(&server, &token, None).await;
    (server, token, ice)
}

#[tokio::test]
async fn credentials_from_the_server_relay_over_udp_and_tcp() {
    let (server, _token, ice) = ann().await;
    let stun = ice.address("stun:", "");
    assert_eq!((ice.udp(), ice.tcp()), (stun, stun));
    let peer = peer().await;
    let mut udp = Turn::udp(&ice, ice.udp()).await;
    assert!(matches!(udp.bind().await, Answer::Mapped(address) if address.ip().is_loopback()));
    udp.relay(&peer).await;
    Turn::tcp(&ice, ice.tcp()).await.relay(&peer).await;
    server.stop().await;
}

#[tokio::test]
async fn tls_leads_to_the_relay_on_its_own_port_and_on_that_of_https() {
    let server = Running::start_with(relaying_with_tls).await;
    let cert = server.folder().join("cert.pem");
    let https: SocketAddr = server.address.parse().expect("an address");
    let token = ask(https, &cert, "POST /v1/sessions", "Application test-app", r#"{"userId":"ann"}"#).await;
    let token = format!("Bearer {}", token["token"].as_str().expect("a token"));
    let ice = Ice::read(&ask(https, &cert, "GET /v1/ice-servers", &token, "").await);
    assert_eq!(ice.address("turns:", "?transport=tcp"), https, "what gets through the most firewalls");
    let own = server.relay_tls.expect("it listens");
    let peer = peer().await;
    for (address, protocols) in [(https, &[][..]), (https, &["stun.turn"]), (own, &[]), (own, &["stun.turn"])]
    {
        Turn::tls(&ice, address, &cert, protocols).await.relay(&peer).await;
    }
    assert_eq!(
        ask(https, &cert, "GET /v1/session", &token, "").await["user"]["id"],
        "ann",
        "and HTTP goes on"
    );
    server.stop().await;
}

/// A request over TLS: the body of the answer.
async fn ask(server: SocketAddr, cert: &Path, line: &str, authorization: &str, body: &str) -> Value {
    let mut stream = connect_tls(server, cert, &["http/1.1"]).await;
    let request = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {authorization}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
}

#[tokio::test]
async fn what_is_not_exactly_a_credential_of_this_server_opens_nothing() {
    let (server, _token, ice) = ann().await;
    let (other, other_token, others) = ann().await;
    let other_app = server.sign_in_to_other_app("ann").await;
    let foreign = ice_for(&server, &other_app, None).await;
    let later: i64 = ice.username.split(':').next().and_then(|time| time.parse().ok()).expect("a time");
    let session = ice.username.split(':').nth(1).expect("a session");
    let wrong = [
        Ice { password: others.password.clone(), ..ice.clone() },
        Ice { username: others.username.clone(), password: others.password.clone(), ..ice.clone() },
        Ice { password: foreign.password.clone(), ..ice.clone() },
        Ice { username: foreign.username.clone(), ..ice.clone() },
        Ice { username: format!("{}:{session}:", later + 1), ..ice.clone() },
        Ice { username: format!("{later}:{session}:1.call-0001"), ..ice.clone() },
        Ice { username: "ann".to_owned(), ..ice.clone() },
        Ice { password: other_token.clone(), ..ice.clone() },
    ];
    for (number, wrong) in wrong.iter().enumerate() {
        for mut turn in [Turn::udp(wrong, ice.udp()).await, Turn::tcp(wrong, ice.tcp()).await] {
            assert_eq!(turn.allocate().await, Answer::Refused(401), "{number}: {wrong:?}");
        }
    }
    assert!(matches!(Turn::udp(&ice, ice.udp()).await.allocate().await, Answer::Allocated(_)));
    assert!(
        matches!(Turn::udp(&foreign, ice.udp()).await.allocate().await, Answer::Allocated(_)),
        "its own user"
    );
    for server in [server, other] {
        server.stop().await;
    }
}

#[tokio::test]
async fn a_credential_opens_allocations_for_ten_minutes_and_those_go_on() {
    let clock = Arc::new(ManualClock::default());
    let server = Running::start_by(clock.clone(), relaying).await;
    let token = server.sign_in("ann").await;
    let ice = ice_for(&server, &token, None).await;
    let mut turn = Turn::udp(&ice, ice.udp()).await;
    assert!(matches!(turn.allocate().await, Answer::Allocated(_)));
    clock.advance(CREDENTIAL_LIFE / 2);
    assert_eq!(turn.refresh().await, Answer::Done);
    assert!(matches!(Turn::udp(&ice, ice.udp()).await.allocate().await, Answer::Allocated(_)));
    clock.advance(CREDENTIAL_LIFE / 2 + Duration::from_secs(1));
    assert_eq!(Turn::udp(&ice, ice.udp()).await.allocate().await, Answer::Refused(401));
    assert_eq!(turn.refresh().await, Answer::Done, "what is open goes on");
    let fresh = ice_for(&server, &token, None).await;
    assert!(matches!(Turn::udp(&fresh, ice.udp()).await.allocate().await, Answer::Allocated(_)));
    server.stop().await;
}

#[tokio::test]
async fn a_credential_of_before_a_restart_opens_nothing_after_it() {
    let clock = Arc::new(ManualClock::default());
    let server = Running::start_by(clock.clone(), relaying).await;
    let token = server.sign_in("ann").await;
    let before = ice_for(&server, &token, None).await;
    let folder = server.stop().await;
    clock.advance(Duration::from_secs(1));
    let server = Running::start_in_by(folder, clock, relaying).await;
    let now = ice_for(&server, &token, None).await;
    let answer = Turn::udp(&before, now.udp()).await.allocate().await;
    assert_eq!(answer, Answer::Refused(401), "who was let go meanwhile is not known");
    assert!(matches!(Turn::udp(&now, now.udp()).await.allocate().await, Answer::Allocated(_)));
    server.stop().await;
}

#[tokio::test]
async fn whoever_is_signed_out_relays_no_more_over_any_line() {
    let (server, token, ice) = ann().await;
    let other = ice_for(&server, &server.sign_in("ann").await, None).await;
    let peer = peer().await;
    let (mut udp, mut tcp) = (Turn::udp(&ice, ice.udp()).await, Turn::tcp(&ice, ice.tcp()).await);
    let mut stays = Turn::tcp(&other, ice.tcp()).await;
    for turn in [&mut udp, &mut tcp, &mut stays] {
        turn.relay(&peer).await;
    }
    let mut socket = server.socket(&token, "page-of-ann").await;
    let (status, _) = server.request("DELETE", "/v1/session", &format!("Bearer {token}"), "").await;
    assert_eq!(status, 204);
    assert_eq!(socket.close_code().await, 4401);
    tcp.until_closed().await;
    assert_eq!(udp.refresh().await, Answer::Refused(437), "there is no such allocation");
    assert_eq!(udp.allocate().await, Answer::Refused(401));
    assert_eq!(Turn::tcp(&ice, ice.tcp()).await.allocate().await, Answer::Refused(401));
    assert_eq!(stays.refresh().await, Answer::Done, "another device");
    server.stop().await;
}

/// Starts a call from ann to bob, who answers: the sockets, and what each of the two was told of the relay.
async fn talk(server: &Running, ann: &str, bob: &str, call: &str) -> ([Socket; 2], [Ice; 2]) {
    let mut ann = server.socket(ann, "page-of-ann").await;
    let mut bob = server.socket(bob, "page-of-bob").await;
    ann.send(json!({ "type": "call.start", "id": "1", "callId": call, "calleeId": "bob", "media": "audio" }))
        .await;
    let started = ann.expect("call.started").await;
    bob.expect("call.incoming").await;
    bob.send(json!({ "type": "call.accept", "id": "2", "callId": call })).await;
    let (joined, _) = bob.expect_both("call.joined", "call.accepted").await;
    ([ann, bob], [Ice::read(&started["ice"]), Ice::read(&joined["ice"])])
}

#[tokio::test]
async fn a_call_that_is_over_relays_no_more_and_the_session_may_go_on() {
    let server = start().await;
    let (ann, bob) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let (_sockets, [of_ann, of_bob]) = talk(&server, &ann, &bob, "call-0001").await;
    assert_ne!(of_ann.username, of_bob.username);
    let again = ice_for(&server, &bob, Some("call-0001")).await;
    let for_no_call = ice_for(&server, &bob, None).await;
    let peer = peer().await;
    let mut lines = Vec::new();
    for ice in [&of_ann, &of_bob, &again] {
        let mut line = Turn::tcp(ice, ice.tcp()).await;
        line.relay(&peer).await;
        lines.push(line);
    }
    let mut stays = Turn::tcp(&for_no_call, of_bob.tcp()).await;
    stays.relay(&peer).await;
    assert_eq!(server.end_call(&ann, "call-0001", "hang_up").await, (204, None));
    for line in &mut lines {
        line.until_closed().await;
    }
    for ice in [&of_ann, &of_bob, &again] {
        assert_eq!(Turn::udp(ice, ice.udp()).await.allocate().await, Answer::Refused(401));
    }
    assert_eq!(stays.refresh().await, Answer::Done);
    server.stop().await;
}

#[tokio::test]
async fn both_sides_of_a_call_meet_inside_the_relay() {
    let server = start().await;
    let (ann, bob) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let (_sockets, [of_ann, of_bob]) = talk(&server, &ann, &bob, "call-0001").await;
    let mut one = Turn::udp(&of_ann, of_ann.udp()).await;
    let mut other = Turn::tcp(&of_bob, of_bob.tcp()).await;
    let (Answer::Allocated(of_one), Answer::Allocated(of_other)) =
        (one.allocate().await, other.allocate().await)
    else {
        panic!("not allocated");
    };
    assert_eq!((one.permit(of_other).await, other.permit(of_one).await), (Answer::Done, Answer::Done));
    assert_eq!(one.exchange(of_other, &mut other, of_one, b"hello").await, b"hello");
    assert_eq!(other.exchange(of_one, &mut one, of_other, b"hello yourself").await, b"hello yourself");
    server.stop().await;
}

#[tokio::test]
async fn peers_that_are_not_public_are_refused_unless_they_are_named() {
    let server = Running::start_with(|config| config.relay.listen = vec!["127.0.0.1:0".to_owned()]).await;
    let ice = ice_for(&server, &server.sign_in("ann").await, None).await;
    let mut turn = Turn::udp(&ice, ice.udp()).await;
    assert!(matches!(turn.allocate().await, Answer::Allocated(_)));
    for peer in ["127.0.0.2:22", "10.0.0.1:80", "169.254.169.254:80", "0.0.0.0:80", "224.0.0.1:80"] {
        let peer = peer.parse().expect("an address");
        assert_eq!(turn.permit(peer).await, Answer::Refused(403), "{peer}");
    }
    assert_eq!(turn.permit("1.1.1.1:53".parse().expect("an address")).await, Answer::Done, "a public one");
    // The relay's own address may be another client's, but leads to no other port of this machine.
    let service = peer().await;
    let address = service.local_addr().expect("bound");
    assert_eq!(turn.permit(address).await, Answer::Done);
    turn.tell(address, b"let me in").await;
    assert_eq!(turn.refresh().await, Answer::Done, "what came before is done");
    assert!(service.try_recv_from(&mut [0; 64]).is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_stop_closes_the_relay_and_a_start_opens_it_again() {
    let (server, token, ice) = ann().await;
    let mut turn = Turn::tcp(&ice, ice.tcp()).await;
    turn.relay(&peer().await).await;
    let server = server.restart().await;
    turn.until_closed().await;
    let ice = ice_for(&server, &token, None).await;
    Turn::udp(&ice, ice.udp()).await.relay(&peer().await).await;
    server.stop().await;
}

#[test]
fn a_taken_port_is_told_before_the_data_folder_is_touched() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound");
    let data: PathBuf = folder.path().join("data");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_callbox"))
        .arg("serve")
        .env("CALLBOX_SERVER_LISTEN", "127.0.0.1:0")
        .env("CALLBOX_METRICS_LISTEN", "")
        .env("CALLBOX_STORAGE_FOLDER", &data)
        .env("CALLBOX_STORAGE_MASTER_KEY_FILE", folder.path().join("key"))
        .env("CALLBOX_RELAY_LISTEN", format!("[\"{address}\"]"))
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| line.starts_with("callbox: ")).expect("a line");
    assert!(
        !output.status.success() && line.contains("the port is taken") && line.contains(&address.to_string()),
        "{line}"
    );
    assert!(!data.exists());
}
