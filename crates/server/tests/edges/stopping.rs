//! How the real binary stops: what is under way is finished, and whoever hangs does not hold it up.

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{Socket, call, open_socket};
use crate::process::Process;

async fn sign_in(process: &Process, user: &str) -> String {
    let headers = [("authorization", "Application demo")];
    let body = json!({ "userId": user }).to_string();
    let answer = call(&process.address, "POST", "/v1/sessions", &headers, &body).await;
    answer.body["token"].as_str().expect("a token").to_owned()
}

async fn hello(mut socket: Socket, token: &str, connection: &str) -> Socket {
    socket.send(json!({ "type": "hello", "id": "h", "token": token, "connectionId": connection })).await;
    socket.expect("welcome").await;
    socket
}

/// A request of which the server has begun to read the body, and the rest of it.
struct Begun {
    stream: BufReader<TcpStream>,
    rest: String,
}

impl Begun {
    async fn post(process: &Process, token: &str, id: &str) -> Self {
        let body = json!({ "messageId": id, "to": { "userId": "bob" }, "text": "hello" }).to_string();
        let (first, rest) = body.split_at(10);
        let mut stream = BufReader::new(TcpStream::connect(&process.address).await.expect("it listens"));
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("it reads");
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("it answers");
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        stream.write_all(first.as_bytes()).await.expect("it reads");
        Self { stream, rest: rest.to_owned() }
    }

    /// Sends the rest: the answer.
    async fn finish(mut self) -> String {
        self.stream.write_all(self.rest.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.expect("an answer, and the end of the connection");
        answer
    }
}

async fn ended(process: Process) -> (bool, String) {
    tokio::task::spawn_blocking(move || process.ended()).await.expect("no panic")
}

#[tokio::test]
async fn requests_under_way_are_answered_and_sockets_told_to_come_back() {
    let folder = TempDir::new().expect("a folder");
    let process = Process::start(&folder.path().join("data"));
    let (ann, bob) = (sign_in(&process, "ann").await, sign_in(&process, "bob").await);
    let mut socket = hello(open_socket(&process.address, None).await, &bob, "bob-tab1").await;
    let idle = TcpStream::connect(&process.address).await.expect("it listens");
    let begun = Begun::post(&process, &ann, "message-1").await;
    process.signal("TERM");
    assert_eq!(socket.close_code().await, 4000);
    let answer = begun.finish().await;
    assert!(answer.contains("HTTP/1.1 201 Created") && answer.contains("message-1"), "{answer}");
    let (is_clean, log) = ended(process).await;
    assert!(is_clean && log.contains("\"message\":\"stopped\""), "{log}");
    assert!(!log.contains("did not finish in time"), "{log}");
    drop(idle);
}

#[tokio::test]
async fn a_socket_that_reads_nothing_does_not_hold_it_up() {
    let folder = TempDir::new().expect("a folder");
    let process = Process::start(&folder.path().join("data"));
    let (ann, bob) = (sign_in(&process, "ann").await, sign_in(&process, "bob").await);
    let mut stuck = narrow_socket(&process, &bob).await;
    let mut socket = hello(open_socket(&process.address, None).await, &ann, "ann-tab1").await;
    for number in 0..LARGE_MESSAGES {
        let text = "x".repeat(16_000);
        let message =
            json!({ "messageId": format!("message-{number}"), "to": { "userId": "bob" }, "text": text });
        socket.send(json!({ "type": "message.send", "id": "1", "message": message })).await;
        socket.expect_both("message.accepted", "message.created").await;
    }
    process.signal("TERM");
    assert_eq!(socket.close_code().await, 4000);
    let (is_clean, log) = ended(process).await;
    assert!(is_clean && !log.contains("did not finish in time"), "{log}");
    let mut received = Vec::new();
    // Cut off, so that there may be a reset at the end.
    let _ = stuck.read_to_end(&mut received).await;
    let got = String::from_utf8_lossy(&received).matches("message.created").count();
    assert!(got < LARGE_MESSAGES, "it was stuck: {got}");
}

/// The connection of a socket that has said hello and from which nothing more is read; little fits into it.
async fn narrow_socket(process: &Process, token: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a size");
    let mut stream = socket.connect(process.address.parse().expect("an address")).await.expect("it listens");
    let head = "GET /v1/socket HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                sec-websocket-protocol: callbox.v1\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let hello = json!({ "type": "hello", "id": "h", "token": token, "connectionId": "bob-tab1" }).to_string();
    // A masked text frame with a length of two bytes (RFC 6455, section 5.2); a mask of zeros leaves the text as it is.
    let length = u16::try_from(hello.len()).expect("short").to_be_bytes();
    let frame = [&[0x81, 0xfe], &length[..], &[0; 4], hello.as_bytes()].concat();
    stream.write_all(&frame).await.expect("it reads");
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"welcome\"") {
        assert!(stream.read_buf(&mut seen).await.expect("an open socket") > 0);
    }
    stream
}

#[tokio::test]
async fn the_second_signal_ends_it_at_once() {
    let folder = TempDir::new().expect("a folder");
    let process = Process::start(&folder.path().join("data"));
    let (ann, bob) = (sign_in(&process, "ann").await, sign_in(&process, "bob").await);
    let mut socket = hello(open_socket(&process.address, None).await, &bob, "bob-tab1").await;
    // Never finished: the stop would wait for it.
    let begun = Begun::post(&process, &ann, "message-1").await;
    process.signal("TERM");
    assert_eq!(socket.close_code().await, 4000);
    process.signal("INT");
    let (is_clean, log) = ended(process).await;
    assert!(!is_clean && log.contains("callbox: stopped at once, as told twice"), "{log}");
    drop(begun);
}

/// More than fits into what the system keeps for a connection.
const LARGE_MESSAGES: usize = 400;
