//! The walk of every operation of the API document as everyone who must not get in: a stranger, a wrong token, an ended
//! session, another user, a user of another app, a page of a foreign origin. An operation that is not in the table
//! fails the test.

use std::collections::BTreeSet;

use callbox_domain::Secret;
use callbox_wire::ClientFrame;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Running, Socket};
use crate::operations::{Access, Operation, Private, operations};

#[tokio::test]
async fn every_operation_keeps_strangers_out() {
    let server = Running::start().await;
    let (private, _sockets) = private_things(&server).await;
    let operations = operations(&private);
    assert_eq!(
        documented(&server).await,
        operations.iter().map(|operation| operation.id.to_owned()).collect()
    );

    let backend = server.create_app("backend-app").await;
    let ended = server.sign_in("zoe").await;
    assert_eq!(ask(&server, &operations[operations.len() - 1], &bearer(&ended)).await.0, 204);
    let foreign_backend = basic("foreign-app", server.create_app("foreign-app").await.expose());
    let others = Others { backend, ended, foreign_backend };
    for operation in &operations {
        let anonymous = ask(&server, operation, &[]).await;
        match operation.access {
            Access::Anyone(status) => assert_eq!(anonymous.0, status, "{}", operation.id),
            Access::Operator(status, code) => {
                assert_eq!(anonymous, (401, "operator_token_wrong".into()), "{}", operation.id);
                check_operators(&server, operation, &others, (status, code)).await;
            }
            Access::AppBackend(status, code) => {
                assert_eq!(anonymous, (401, "app_credentials_required".into()), "{}", operation.id);
                check_backends(&server, operation, &others, (status, code)).await;
            }
            Access::SignedIn(status, code) => {
                assert_eq!(anonymous, (401, "credentials_missing".into()), "{}", operation.id);
                check_users(&server, operation, &others, [(status, code); 2]).await;
            }
            Access::ByApp(open, strict) => {
                assert_eq!(anonymous, (401, "credentials_missing".into()), "{}", operation.id);
                check_users(&server, operation, &others, [open, strict]).await;
            }
        }
    }
    let eve = server.sign_in("eve").await;
    let seen = ask_body(&server.address, "GET", "/v1/conversations", &Value::Null, &bearer(&eve)).await.1;
    assert_eq!(seen["items"], json!([]), "a list holds nothing of others");
    let users =
        ask_body(&server.address, "GET", "/v1/app/users", &Value::Null, &others.foreign_backend).await.1;
    let ids: Vec<_> = users["items"].as_array().into_iter().flatten().map(|user| &user["id"]).collect();
    assert_eq!(ids, ["walker"], "a backend sees the users of its own app");
    server.stop().await;
}

/// Those who must not get in.
struct Others {
    /// The secret of an app.
    backend: Secret<String>,
    /// The token of a session that is over.
    ended: String,
    /// What the backend of another app sends.
    foreign_backend: Vec<(&'static str, String)>,
}

async fn check_operators(server: &Running, operation: &Operation, others: &Others, expected: (u16, &str)) {
    let wrong = (401, "operator_token_wrong".into());
    let secret = basic("backend-app", others.backend.expose());
    for other in [bearer(&server.sign_in("eve").await), bearer("cbo_unknown"), secret] {
        assert_eq!(ask(server, operation, &other).await, wrong, "{}", operation.id);
    }
    let token = bearer(&server.operator().1);
    let Operation { verb, path, body, .. } = operation;
    let public = ask_body(&server.address, verb, path, body, &token).await;
    assert_eq!((public.0, &public.1["error"]["code"]), (404, &"not_found".into()));
    assert_eq!(ask(server, operation, &token).await, (expected.0, expected.1.into()), "{}", operation.id);
}

async fn check_backends(server: &Running, operation: &Operation, others: &Others, foreign: (u16, &str)) {
    let required = (401, "app_credentials_required".into());
    let user = bearer(&server.sign_in("eve").await);
    for wrong in [user, basic("test-app", "d3Jvbmc="), basic("no-app", "d3Jvbmc=")] {
        assert_eq!(ask(server, operation, &wrong).await, required, "{}", operation.id);
    }
    let answer = ask(server, operation, &others.foreign_backend).await;
    assert_eq!(answer, (foreign.0, foreign.1.into()), "{}", operation.id);
}

/// `expected` is what outsiders get: one of the same app, which is open, and one of another, strict app.
async fn check_users(server: &Running, operation: &Operation, others: &Others, expected: [(u16, &str); 2]) {
    // Anew for each, for some operations end or renew the session that asks.
    let outsiders = [server.sign_in("eve").await, server.sign_in_to_other_app("eve").await];
    let unknown = ask(server, operation, &bearer("cbs_unknown")).await;
    assert_eq!(unknown, (401, "token_unknown".into()), "{}", operation.id);
    let over = ask(server, operation, &bearer(&others.ended)).await;
    assert_eq!(over, (401, "session_ended".into()), "{}", operation.id);
    let mut foreign = bearer(&outsiders[1]);
    foreign.push(("origin", "https://evil.example".into()));
    let page = ask(server, operation, &foreign).await;
    assert_eq!(page, (403, "origin_not_allowed".into()), "{}", operation.id);
    for (token, (status, code)) in outsiders.iter().zip(expected) {
        let outsider = ask(server, operation, &bearer(token)).await;
        assert_eq!(outsider, (status, code.to_owned()), "{}", operation.id);
    }
}

#[tokio::test]
async fn every_frame_keeps_outsiders_out() {
    let server = Running::start().await;
    let (private, _sockets) = private_things(&server).await;
    let (conversation, call) = (&private.conversation, &private.call);
    let to = json!({ "conversationId": conversation });
    let frames = [
        json!({ "type": "message.send", "message": { "messageId": "m-outsider", "to": to, "text": "hi" } }),
        json!({ "type": "receipt.read", "conversationId": conversation, "upTo": 1 }),
        json!({ "type": "typing.set", "to": to, "active": true }),
        json!({ "type": "call.ring", "callId": call }),
        json!({ "type": "call.accept", "callId": call }),
        json!({ "type": "call.end", "callId": call, "reason": "hang_up" }),
        json!({ "type": "call.describe", "callId": call, "generation": 1, "description": { "type": "offer", "sdp": "v=0" } }),
        json!({ "type": "call.candidate", "callId": call, "generation": 1, "candidate": null }),
        json!({ "type": "call.report", "callId": call, "media": "connected" }),
        json!({ "type": "call.mute", "callId": call, "audio": true, "video": true }),
    ];
    // These name nothing that could be another's: they are about the connection itself, or about a new call.
    let harmless = ["hello", "ack", "ping", "presence.watch", "call.start"];
    let walked = frames.iter().filter_map(|frame| frame["type"].as_str()).chain(harmless);
    assert_eq!(walked.collect::<BTreeSet<_>>(), ClientFrame::NAMES.iter().copied().collect());

    for token in [server.sign_in("eve").await, server.sign_in_to_other_app("eve").await] {
        let mut socket = server.socket(&token, "connection-eve").await;
        for frame in &frames {
            let mut frame = frame.clone();
            frame["id"] = "walk".into();
            socket.send(frame.clone()).await;
            let answer = socket.expect("error").await;
            let expected =
                if frame["callId"].is_null() { "conversation_not_found" } else { "call_not_found" };
            assert_eq!(answer["error"]["code"], expected, "{frame}");
            assert_eq!(answer["re"], "walk");
        }
        socket.quiet().await;
    }
    server.stop().await;
}

/// A conversation and a live call between ann and bob, and the socket that keeps the call alive.
async fn private_things(server: &Running) -> (Private, Socket) {
    let (ann, _) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let mut socket = server.socket(&ann, "connection-ann").await;
    let message = json!({ "messageId": "m-private", "to": { "userId": "bob" }, "text": "between us" });
    socket.send(json!({ "type": "message.send", "id": "1", "message": message })).await;
    let (accepted, _) = socket.expect_both("message.accepted", "message.created").await;
    let conversation = accepted["message"]["conversationId"].as_str().expect("an id").to_owned();
    let call = "call-private".to_owned();
    socket
        .send(json!({ "type": "call.start", "id": "2", "callId": call, "calleeId": "bob", "media": "audio" }))
        .await;
    socket.expect("call.started").await;
    (Private { conversation, call }, socket)
}

async fn documented(server: &Running) -> BTreeSet<String> {
    let document = ask_body(&server.address, "GET", "/openapi.json", &Value::Null, &[]).await.1;
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|item| item.as_object().expect("an item").values());
    operations.filter_map(|operation| operation["operationId"].as_str().map(str::to_owned)).collect()
}

type Headers<'a> = &'a [(&'a str, String)];

fn bearer(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

/// What the backend of an app sends.
fn basic(app: &str, secret: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", crate::harness::basic(app, secret))]
}

/// The status, and the error's code if there is one.
async fn ask(server: &Running, operation: &Operation, headers: Headers<'_>) -> (u16, String) {
    let address = match operation.access {
        Access::Operator(..) => server.operator().0,
        _ => server.address.clone(),
    };
    let (status, body) = ask_body(&address, operation.verb, &operation.path, &operation.body, headers).await;
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

async fn ask_body(address: &str, verb: &str, path: &str, body: &Value, headers: Headers<'_>) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let request = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{headers}\r\n{body}",
        address,
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("an open connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_default())
}
