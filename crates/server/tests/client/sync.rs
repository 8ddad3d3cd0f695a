//! A server that dies loses nothing that it had handed to the operating system; a machine that dies does. So here the order
//! of system calls is looked at: each answer leaves after the sync of what it answers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use callbox_client::Client;
use callbox_client::domain::MessageId;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::load::{next_message, sign_in, within};
use crate::process::Process;
use crate::trace::check;

/// A server whose system calls are traced.
struct Traced {
    server: Process,
    folder: TempDir,
}

impl Traced {
    fn start(more: &[(&str, &Path)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (shim, trace) = (shim(), folder.path().join("trace"));
        let mut environment = vec![
            ("LD_PRELOAD", shim.as_path()),
            ("CALLBOX_SYNC_TRACE", &trace),
            ("CALLBOX_SYNC_TRACE_PREFIX", Path::new(PREFIX)),
        ];
        environment.extend(more);
        Self { server: Process::start_with(&folder.path().join("data"), &environment), folder }
    }

    /// Ends the server: what was traced.
    fn stop(self) -> String {
        self.server.kill();
        std::fs::read_to_string(self.folder.path().join("trace")).expect("a trace")
    }
}

/// Cargo puts it where it puts this test, which depends on it.
fn shim() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let shim = test.with_file_name("libcallbox_sync_shim.so");
    assert!(shim.exists(), "{} is not there", shim.display());
    shim
}

/// Ids of one length, as the trace wants them.
fn id(number: u32) -> MessageId {
    MessageId::new(format!("{PREFIX}{number:010}")).expect("valid")
}

/// Sends messages, each after the last was accepted, until all answers have left the server.
async fn send(client: Client, to: &'static str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        within(client.send_as(id(number), to, format!("number {number}"))).await.expect("accepted");
    }
    // A message counts as accepted when its event is heard, too. What comes on one socket is answered in its order.
    within(client.watch(["ann"])).await.expect("an answer");
}

#[tokio::test]
async fn each_answer_and_each_event_follows_the_sync_of_its_commit() {
    let traced = Traced::start(&[]);
    let url = traced.server.url();
    let (ann, anns) = sign_in(&url, "ann").await;
    drop(anns);
    let (_bob, mut bobs) = sign_in(&url, "bob").await;
    send(ann.clone(), "bob", 0..20).await;

    let mut senders = JoinSet::new();
    for (user, start) in [("cid", 100), ("dan", 200), ("eve", 300), ("fay", 400)] {
        let (client, events) = sign_in(&url, user).await;
        drop(events);
        senders.spawn(send(client.clone(), "bob", start..start + 25));
        senders.spawn(send(client, "ann", start + 50..start + 75));
    }
    within(senders.join_all()).await;
    for _ in 0..120 {
        next_message(&mut bobs).await;
    }
    post(&traced.server.address, ann.token().expose(), 900).await;

    let trace = traced.stop();
    let seen = check(&trace).unwrap_or_else(|problem| panic!("{problem}\n{trace}"));
    let starts = [100, 200, 300, 400];
    let spans = starts.into_iter().flat_map(|start| [start..start + 25, start + 50..start + 75]);
    let expected: BTreeSet<_> = (0..20).chain(spans.flatten()).map(|number| id(number).to_string()).collect();
    let missing: Vec<_> = expected.symmetric_difference(&seen.accepted).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(seen.syncs >= 20, "messages one after the other are synced one by one");
    let posted = format!("send other {}", id(900));
    assert!(trace.lines().any(|line| line == posted), "an answer over HTTP is looked at too");
}

#[tokio::test]
async fn a_server_that_does_not_sync_is_found_out() {
    let traced = Traced::start(&[("CALLBOX_SYNC_TRACE_NO_SYNC", Path::new("1"))]);
    let (ann, _) = sign_in(&traced.server.url(), "ann").await;
    let (_bob, _) = sign_in(&traced.server.url(), "bob").await;
    send(ann, "bob", 0..1).await;
    let problem = check(&traced.stop()).expect_err("nothing was synced");
    assert!(problem.ends_with("leaves before its commit is synced"), "{problem}");
}

async fn post(address: &str, token: &str, number: u32) {
    let body = json!({ "messageId": id(number), "to": { "userId": "bob" }, "text": "by HTTP" }).to_string();
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

const PREFIX: &str = "trace-";
