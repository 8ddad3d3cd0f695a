//! The socket's rules over real connections: who is let in, what is replayed, why it is closed.

use serde_json::{Value, json};

use crate::harness::{Running, Socket};

fn message(id: &str, to: &str, text: &str) -> Value {
    let message = json!({ "messageId": id, "to": { "userId": to }, "text": text });
    json!({ "type": "message.send", "id": id, "message": message })
}

async fn send(socket: &mut Socket, id: &str, to: &str) -> Value {
    socket.send(message(id, to, "hello")).await;
    socket.expect_both("message.accepted", "message.created").await.1
}

#[tokio::test]
async fn hello_comes_first_and_once_and_must_be_good() {
    let server = Running::start().await;
    let token = server.sign_in("ann").await;
    let hello =
        |token: &str| json!({ "type": "hello", "id": "1", "token": token, "connectionId": "connection-1" });

    let mut early = server.open(None).await;
    early.send(json!({ "type": "ping", "id": "1" })).await;
    assert_eq!(early.close_code().await, 4400);

    let mut twice = server.socket(&token, "connection-1").await;
    twice.send(hello(&token)).await;
    assert_eq!(twice.close_code().await, 4400);

    let mut unknown = server.open(None).await;
    unknown.send(hello("cbs_unknown")).await;
    assert_eq!(unknown.close_code().await, 4401);

    let mut garbage = server.socket(&token, "connection-1").await;
    garbage.send_text("{not json").await;
    assert_eq!(garbage.close_code().await, 4400);

    let mut large = server.socket(&token, "connection-1").await;
    large.send_text(&"x".repeat(70_000)).await;
    assert_eq!(large.close_code().await, 4413);

    let mut foreign = server.open(Some("https://evil.example")).await;
    foreign.send(hello(&server.sign_in_to_other_app("eve").await)).await;
    assert_eq!(foreign.close_code().await, 4403);
    server.stop().await;
}

#[tokio::test]
async fn a_cursor_brings_back_what_was_missed_and_a_foreign_one_is_told() {
    let server = Running::start().await;
    let (ann, bob) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let (bobs, welcome) = server.connect(&bob, "connection-bob").await;
    let cursor = welcome["cursor"].as_str().expect("a cursor").to_owned();
    bobs.close().await;
    let mut anns = server.socket(&ann, "connection-ann").await;
    for number in 0..250 {
        send(&mut anns, &format!("message-{number:04}"), "bob").await;
    }
    let (mut bobs, welcome) = server.connect_with(&bob, "connection-bob", Some(&cursor)).await;
    assert_eq!((&welcome["resumed"], welcome["cursor"].as_str()), (&json!(true), Some(cursor.as_str())));
    for number in 0..250 {
        let created = bobs.expect("message.created").await;
        assert_eq!(created["message"]["id"], format!("message-{number:04}"));
        assert_eq!(created["seq"], number + 1);
        assert_eq!(created["origin"], Value::Null, "another's session is not told");
    }
    bobs.quiet().await;
    for stale in ["other.3", &format!("{cursor}9"), "nonsense"] {
        let (mut again, welcome) = server.connect_with(&bob, "connection-2", Some(stale)).await;
        assert_eq!(welcome["resumed"], false, "{stale}");
        assert!(welcome["cursor"].as_str().is_some_and(|now| now.ends_with(".250")), "{welcome}");
        again.quiet().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn messages_and_receipts_reach_every_connection_of_both() {
    let server = Running::start().await;
    let (ann, bob) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let mut first = server.socket(&ann, "connection-1").await;
    let mut second = server.socket(&ann, "connection-2").await;
    let mut bobs = server.socket(&bob, "connection-3").await;
    let own = send(&mut first, "message-1", "bob").await;
    assert!(own["origin"]["sessionId"].is_string());
    assert_eq!(second.expect("message.created").await, own);
    let created = bobs.expect("message.created").await;
    assert_eq!((&created["origin"], &created["message"]), (&Value::Null, &own["message"]));

    bobs.send(json!({ "type": "ack", "seq": created["seq"] })).await;
    for socket in [&mut first, &mut second] {
        let receipt = socket.expect("receipt.changed").await["receipt"].clone();
        assert_eq!(
            (&receipt["userId"], &receipt["deliveredUpTo"], &receipt["readUpTo"]),
            (&json!("bob"), &json!(1), &json!(0))
        );
    }
    let conversation = &created["message"]["conversationId"];
    bobs.send(json!({ "type": "receipt.read", "id": "r", "conversationId": conversation, "upTo": 9 })).await;
    let (recorded, _) = bobs.expect_both("receipt.recorded", "receipt.changed").await;
    assert_eq!(recorded["receipt"]["readUpTo"], 1, "no further than the newest message");
    assert_eq!(first.expect("receipt.changed").await["receipt"]["readUpTo"], 1);

    bobs.send(message("message-1", "ann", "mine")).await;
    assert_eq!(bobs.expect("error").await["error"]["code"], "message_id_taken");
    first.send(message("message-1", "bob", "hello")).await;
    assert_eq!(
        first.expect("message.accepted").await["message"],
        own["message"],
        "a repeat is answered as before"
    );
    server.stop().await;
}

#[tokio::test]
async fn signing_out_closes_the_sessions_sockets_and_no_others() {
    let server = Running::start().await;
    let (one, other) = (server.sign_in("ann").await, server.sign_in("ann").await);
    let mut first = server.socket(&one, "connection-1").await;
    let mut tab = server.socket(&one, "connection-2").await;
    let mut elsewhere = server.socket(&other, "connection-3").await;
    assert_eq!(server.request("DELETE", "/v1/session", &format!("Bearer {one}"), "").await.0, 204);
    assert_eq!((first.close_code().await, tab.close_code().await), (4401, 4401));
    elsewhere.quiet().await;
    let mut late = server.open(None).await;
    late.send(json!({ "type": "hello", "id": "1", "token": one, "connectionId": "connection-1" })).await;
    assert_eq!(late.close_code().await, 4401);
    server.stop().await;
}

#[tokio::test]
async fn a_session_has_eight_connections_and_each_name_once() {
    let server = Running::start().await;
    let token = server.sign_in("ann").await;
    let mut sockets = Vec::new();
    for number in 0..8 {
        sockets.push(server.socket(&token, &format!("connection-{number}")).await);
    }
    let mut ninth = server.open(None).await;
    ninth.send(json!({ "type": "hello", "id": "1", "token": token, "connectionId": "connection-9" })).await;
    assert_eq!(ninth.close_code().await, 4429);
    let mut again = server.socket(&token, "connection-0").await;
    assert_eq!(sockets[0].close_code().await, 4409);
    again.quiet().await;
    server.stop().await;
}

#[tokio::test]
async fn presence_typing_and_newcomers_are_told() {
    let server = Running::start().await;
    let (ann, bob) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let mut anns = server.socket(&ann, "connection-ann").await;
    anns.send(json!({ "type": "presence.watch", "id": "w", "userIds": ["bob", "nobody"] })).await;
    let state = anns.expect("presence.state").await;
    assert_eq!(state["presences"], json!([{ "userId": "bob", "status": "offline", "lastSeenAt": null }]));

    let mut bobs = server.socket(&bob, "connection-bob").await;
    assert_eq!(anns.expect("presence.changed").await["presence"]["status"], "online");
    bobs.send(json!({ "type": "typing.set", "id": "t", "to": { "userId": "ann" }, "active": true })).await;
    let typing = anns.expect("typing").await;
    assert_eq!(
        (&typing["userId"], &typing["conversationId"], &typing["active"]),
        (&json!("bob"), &Value::Null, &json!(true))
    );
    bobs.close().await;
    let gone = anns.expect("presence.changed").await["presence"].clone();
    assert_eq!(gone["status"], "offline");
    assert!(gone["lastSeenAt"].is_string());

    server.sign_in("carol").await;
    assert_eq!(anns.expect("directory.changed").await["entry"]["user"]["id"], "carol");
    server.stop().await;
}

#[tokio::test]
async fn a_stopping_server_asks_its_sockets_to_come_back() {
    let server = Running::start().await;
    let token = server.sign_in("ann").await;
    let mut socket = server.socket(&token, "connection-1").await;
    let stopping = tokio::spawn(server.stop());
    assert_eq!(socket.close_code().await, 4000);
    stopping.await.expect("a clean stop");
}

#[tokio::test]
async fn a_socket_needs_its_subprotocol() {
    let server = Running::start().await;
    let (status, answer) = server.request("GET", "/v1/socket", "none", "").await;
    assert_eq!((status, &answer["error"]["code"]), (426, &json!("upgrade_required")));
    server.stop().await;
}
