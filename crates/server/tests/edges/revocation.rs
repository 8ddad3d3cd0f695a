//! What is true at the moment when the answer to a revocation arrives.

use serde_json::{Value, json};

use crate::harness::Running;
use crate::steps::{CALL, Stage, end};

#[tokio::test]
async fn a_revoked_session_can_do_nothing_once_the_answer_is_there() {
    let server = Running::start().await;
    let mut stage = Stage::set(&server).await;
    stage.connected(CALL).await;
    let bearer = |token: &str| format!("Bearer {token}");
    let (_, resumed) = server.request("GET", "/v1/session", &bearer(&stage.bob_token), "").await;
    let session = resumed["session"]["id"].as_str().expect("an id").to_owned();

    // Bob's phone signs his browser out, which is in the call.
    let path = format!("/v1/sessions/{session}");
    assert_eq!(server.request("DELETE", &path, &bearer(&stage.phone_token), "").await.0, 204);
    let (status, refused) = server.request("GET", "/v1/session", &bearer(&stage.bob_token), "").await;
    assert_eq!((status, &refused["error"]["code"]), (401, &json!("session_ended")));
    assert_eq!(refused["error"]["details"]["reason"], "ended_by_user");

    // What its page says in the next moment comes too late, whether or not the socket still takes it.
    let message = json!({ "messageId": "too-late", "to": { "userId": "ann" }, "text": "still here" });
    stage.bob.try_send(&json!({ "type": "message.send", "id": "m", "message": message })).await;
    stage.bob.try_send(&end(CALL)).await;
    assert_eq!(stage.bob.close_code().await, 4401);

    let ended = stage.ann.expect("call.ended").await;
    assert_eq!((&ended["call"]["id"], &ended["call"]["cause"]), (&json!(CALL), &json!("session_ended")));
    stage.ann.quiet().await;
    let (status, page) = server.request("GET", "/v1/conversations", &bearer(&stage.ann_token), "").await;
    assert_eq!((status, page["items"].as_array().map(Vec::len)), (200, Some(0)), "no message was written");
    assert_eq!(server.request("GET", "/v1/session", &bearer(&stage.phone_token), "").await.0, 200);

    let mut again = server.open(None).await;
    let hello = json!({ "type": "hello", "id": "h", "token": stage.bob_token, "connectionId": "bob-tab1" });
    again.send(hello).await;
    assert_eq!(again.close_code().await, 4401);
    server.stop().await;
}

#[tokio::test]
async fn every_socket_of_every_revoked_session_is_closed() {
    let server = Running::start().await;
    let keeper = server.sign_in("ann").await;
    let mut kept = server.socket(&keeper, "connection-kept").await;
    let mut sockets = Vec::new();
    for number in 0..5 {
        let token = server.sign_in("ann").await;
        for tab in 0..2 {
            sockets.push(server.socket(&token, &format!("connection-{number}-{tab}")).await);
        }
    }
    let bearer = format!("Bearer {keeper}");
    assert_eq!(server.request("DELETE", "/v1/sessions", &bearer, "").await, (204, Value::Null));
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, 4401);
    }
    kept.quiet().await;
    server.stop().await;
}
