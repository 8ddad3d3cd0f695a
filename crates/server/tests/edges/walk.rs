//! The walk of every operation of the API document as everyone who must not get in: a stranger, a wrong token, an ended
//! session, another user, a user of another app, a page of a foreign origin. An operation that is not in the table
//! fails the test.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_wire::ClientFrame;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Running, Socket};

/// Who may use an operation.
enum Access {
    /// Anyone; a request without credentials gets this status.
    Anyone(u16),
    /// A signed-in user; one who has nothing to do with what the request names gets this status and code.
    SignedIn(u16, &'static str),
    /// The same, where the settings of the two apps make a difference: in the open app, and in the strict one.
    ByApp((u16, &'static str), (u16, &'static str)),
    /// An app's backend; that of another app, which has none of the users, gets this status and code.
    AppBackend(u16, &'static str),
    /// The operator, who gets this status at a listener of their own; nobody else, and nobody at the public one.
    Operator(u16),
}

struct Operation {
    id: &'static str,
    verb: &'static str,
    path: String,
    body: Value,
    access: Access,
}

/// What belongs to ann and bob, and is nobody else's business.
struct Private {
    conversation: String,
    call: String,
}

fn operations(private: &Private) -> Vec<Operation> {
    operators().into_iter().chain(of_users(private)).collect()
}

fn operators() -> Vec<Operation> {
    let operation = |id, verb, path: &str, body, status| {
        let path = format!("/v1/operator{path}");
        Operation { id, verb, path, body, access: Access::Operator(status) }
    };
    let (none, empty) = (Value::Null, json!({}));
    vec![
        operation("listApps", "GET", "/apps", none.clone(), 200),
        operation("createApp", "POST", "/apps", json!({ "name": "Walk" }), 201),
        operation("showApp", "GET", "/apps/test-app", none.clone(), 200),
        operation("updateApp", "PATCH", "/apps/test-app", empty.clone(), 200),
        operation("rotateSecret", "POST", "/apps/test-app/secret-rotations", empty, 201),
        operation("listAppKeys", "GET", "/apps/test-app/keys", none.clone(), 200),
        operation("addAppKey", "POST", "/apps/test-app/keys", json!({ "key": "walk" }), 201),
        operation("removeAppKey", "DELETE", "/apps/test-app/keys/walk", none.clone(), 204),
        operation("listSettings", "GET", "/settings", none.clone(), 200),
        operation("listAudit", "GET", "/audit", none, 200),
    ]
}

fn of_users(private: &Private) -> Vec<Operation> {
    let Private { conversation, call } = private;
    let operation =
        |id, verb, path: &str, body, access| Operation { id, verb, path: path.to_owned(), body, access };
    let message =
        json!({ "messageId": "m-stranger", "to": { "conversationId": conversation }, "text": "hi" });
    let history = format!("/v1/conversations/{conversation}/messages");
    let end = format!("/v1/calls/{call}/end");
    let (none, fine) = (Value::Null, |status| Access::SignedIn(status, ""));
    let mut all = vec![
        operation("processHealth", "GET", "/healthz", none.clone(), Access::Anyone(200)),
        operation("readiness", "GET", "/readyz", none.clone(), Access::Anyone(200)),
        operation("describeApi", "GET", "/openapi.json", none.clone(), Access::Anyone(200)),
        operation("tellTime", "GET", "/v1/timestamp", none.clone(), Access::Anyone(200)),
        operation("openSocket", "GET", "/v1/socket", none.clone(), Access::Anyone(426)),
        operation("signIn", "POST", "/v1/sessions", json!({ "userId": "eve" }), Access::Anyone(401)),
        operation(
            "signUp",
            "POST",
            "/v1/users",
            json!({ "identities": [], "password": "" }),
            Access::Anyone(401),
        ),
        operation(
            "resetPassword",
            "POST",
            "/v1/password-resets",
            json!({ "token": "cbr_x", "newPassword": "x" }),
            Access::Anyone(401),
        ),
        operation("register", "POST", "/v1/register", json!({ "identifier": "eve" }), Access::Anyone(401)),
        operation("listIdentities", "GET", "/v1/me/identities", none.clone(), fine(200)),
        operation(
            "addIdentity",
            "POST",
            "/v1/me/identities",
            json!({ "type": "number", "value": "eve" }),
            Access::ByApp((400, "invalid_request"), (403, "sign_in_way_off")),
        ),
        operation(
            "removeIdentity",
            "DELETE",
            "/v1/me/identities/username/ann",
            none.clone(),
            Access::SignedIn(404, "identity_not_found"),
        ),
        operation(
            "changePassword",
            "PUT",
            "/v1/me/password",
            json!({ "newPassword": "x" }),
            Access::ByApp((400, "password_weak"), (403, "sign_in_way_off")),
        ),
        operation("resumeSession", "GET", "/v1/session", none.clone(), fine(200)),
        operation("listSessions", "GET", "/v1/sessions", none.clone(), fine(200)),
        operation(
            "endSession",
            "DELETE",
            "/v1/sessions/ses_of_somebody_else",
            none.clone(),
            Access::SignedIn(404, "session_not_found"),
        ),
        operation(
            "listUsers",
            "GET",
            "/v1/users",
            none.clone(),
            Access::ByApp((200, ""), (403, "directory_closed")),
        ),
        operation("listConversations", "GET", "/v1/conversations", none.clone(), fine(200)),
        operation(
            "listMessages",
            "GET",
            &history,
            none.clone(),
            Access::SignedIn(404, "conversation_not_found"),
        ),
        operation(
            "sendMessage",
            "POST",
            "/v1/messages",
            message,
            Access::SignedIn(404, "conversation_not_found"),
        ),
        operation(
            "endCall",
            "POST",
            &end,
            json!({ "reason": "hang_up" }),
            Access::SignedIn(404, "call_not_found"),
        ),
    ];
    all.extend(backend_operations());
    all.extend([
        // Last: they change or end the session that asks, or others of the same user.
        operation("endOtherSessions", "DELETE", "/v1/sessions", none.clone(), fine(204)),
        operation("renewSession", "POST", "/v1/session/renew", json!({}), fine(200)),
        operation("issueSessionToken", "POST", "/v1/session/token", none.clone(), fine(200)),
        operation("signOut", "DELETE", "/v1/session", none, fine(204)),
    ]);
    all
}

/// What an app's backend does, here to ann.
fn backend_operations() -> Vec<Operation> {
    let not_found = (404, "user_not_found");
    let operation = |id, verb, path: &str, body, (status, code)| Operation {
        id,
        verb,
        path: format!("/v1/app/users{path}"),
        body,
        access: Access::AppBackend(status, code),
    };
    let (none, identity) =
        (Value::Null, json!({ "type": "email", "value": "ann@example.com", "move": true }));
    vec![
        operation("createUser", "POST", "", json!({ "userId": "walker" }), (201, "")),
        operation("listAppUsers", "GET", "", none.clone(), (200, "")),
        operation("getUser", "GET", "/ann", none.clone(), not_found),
        operation("updateUser", "PATCH", "/ann", json!({ "blocked": true }), not_found),
        operation("deleteUser", "DELETE", "/ann", none.clone(), not_found),
        operation("linkIdentity", "PUT", "/ann/identities", identity, not_found),
        operation("unlinkIdentity", "DELETE", "/ann/identities/username/ann", none.clone(), not_found),
        operation("listUserSessions", "GET", "/ann/sessions", none.clone(), not_found),
        operation("endUserSessions", "DELETE", "/ann/sessions", none.clone(), not_found),
        operation("endUserSession", "DELETE", "/ann/sessions/ses_of_somebody", none.clone(), not_found),
        operation("issueAccessToken", "POST", "/ann/access-tokens", json!({}), not_found),
        operation("listAccessTokens", "GET", "/ann/access-tokens", none.clone(), not_found),
        operation("revokeAccessToken", "DELETE", "/ann/access-tokens/tok_1", none.clone(), not_found),
        operation("issuePasswordReset", "POST", "/ann/password-resets", none, (403, "sign_in_way_off")),
        operation("issueTicket", "POST", "/ann/tickets", json!({}), not_found),
    ]
}

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
    for operation in &operations {
        // Anew for each, for some operations end or renew the session that asks.
        let (same_app, other_app) = (server.sign_in("eve").await, server.sign_in_to_other_app("eve").await);
        let anonymous = ask(&server, operation, &[]).await;
        let (in_open_app, in_strict_app) = match operation.access {
            Access::Anyone(status) => {
                assert_eq!(anonymous.0, status, "{}", operation.id);
                continue;
            }
            Access::Operator(status) => {
                let wrong = (401, "operator_token_wrong".into());
                assert_eq!(anonymous, wrong, "{}", operation.id);
                let secret = STANDARD.encode(format!("backend-app:{}", backend.expose()));
                let secret = vec![("authorization", format!("Basic {secret}"))];
                for other in [bearer(&same_app), bearer("cbo_unknown"), secret] {
                    assert_eq!(ask(&server, operation, &other).await, wrong, "{}", operation.id);
                }
                let token = bearer(&server.operator().1);
                let Operation { verb, path, body, .. } = operation;
                let public = ask_body(&server.address, verb, path, body, &token).await;
                assert_eq!((public.0, &public.1["error"]["code"]), (404, &"not_found".into()));
                assert_eq!(
                    ask(&server, operation, &token).await,
                    (status, String::new()),
                    "{}",
                    operation.id
                );
                continue;
            }
            Access::AppBackend(status, code) => {
                let required = (401, "app_credentials_required".into());
                assert_eq!(anonymous, required, "{}", operation.id);
                for wrong in [bearer(&same_app), basic("test-app", "d3Jvbmc="), basic("no-app", "d3Jvbmc=")] {
                    assert_eq!(ask(&server, operation, &wrong).await, required, "{}", operation.id);
                }
                let foreign = ask(&server, operation, &foreign_backend).await;
                assert_eq!(foreign, (status, code.into()), "{}", operation.id);
                continue;
            }
            Access::SignedIn(status, code) => ((status, code), (status, code)),
            Access::ByApp(open, strict) => (open, strict),
        };
        assert_eq!(anonymous, (401, "credentials_missing".into()), "{}", operation.id);
        let unknown = ask(&server, operation, &bearer("cbs_unknown")).await;
        assert_eq!(unknown, (401, "token_unknown".into()), "{}", operation.id);
        let over = ask(&server, operation, &bearer(&ended)).await;
        assert_eq!(over, (401, "session_ended".into()), "{}", operation.id);
        let mut foreign = bearer(&other_app);
        foreign.push(("origin", "https://evil.example".into()));
        let page = ask(&server, operation, &foreign).await;
        assert_eq!(page, (403, "origin_not_allowed".into()), "{}", operation.id);
        for (token, (status, code)) in [(&same_app, in_open_app), (&other_app, in_strict_app)] {
            let outsider = ask(&server, operation, &bearer(token)).await;
            assert_eq!(outsider, (status, code.to_owned()), "{}", operation.id);
        }
    }
    let eve = server.sign_in("eve").await;
    let seen = ask_body(&server.address, "GET", "/v1/conversations", &Value::Null, &bearer(&eve)).await.1;
    assert_eq!(seen["items"], json!([]), "a list holds nothing of others");
    let users = ask_body(&server.address, "GET", "/v1/app/users", &Value::Null, &foreign_backend).await.1;
    let ids: Vec<_> = users["items"].as_array().into_iter().flatten().map(|user| &user["id"]).collect();
    assert_eq!(ids, ["walker"], "a backend sees the users of its own app");
    server.stop().await;
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
        Access::Operator(_) => server.operator().0,
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
