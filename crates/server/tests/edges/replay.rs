//! Signed requests that come a second time.

use callbox_domain::{AppSettings, Timestamp};
use serde_json::{Value, json};

use crate::harness::Running;
use crate::signed::{Signed, now};

const APP: &str = "devices";

/// Sends a request again, as it was and in the other spelling that means the same signature.
async fn is_refused(server: &Running, signed: &Signed) {
    let bare = signed.authorization.trim_end_matches('=');
    for authorization in [signed.authorization.as_str(), bare] {
        let again = Signed { authorization: authorization.to_owned(), ..signed.clone() };
        let again = again.send(&server.address).await;
        assert_eq!((again.status, again.code()), (401, "request_replayed"), "{again:?}");
    }
}

#[tokio::test]
async fn what_changes_something_is_taken_once_and_a_restart_does_not_forget_it() {
    let server = Running::start().await;
    let settings = AppSettings { register: true, ..AppSettings::default() };
    let secret = server.create_app_with(APP, settings).await;

    let backend = format!("Application {APP}");
    let register =
        Signed::new(&backend, secret.expose(), "POST", "/v1/register", &json!({ "identifier": "ann" }));
    let registered = register.send(&server.address).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let text = |pointer: &str| registered.body.pointer(pointer).and_then(Value::as_str).expect("text");
    let (id, session_secret) = (text("/session/id"), text("/secret"));

    let instance = format!("Instance {id}");
    let issue = Signed::new(&instance, session_secret, "POST", "/v1/session/token", &Value::Null);
    let issued = issue.send(&server.address).await;
    assert_eq!(issued.status, 200, "{issued:?}");
    let leave = Signed::new(&instance, session_secret, "DELETE", "/v1/sessions", &Value::Null);
    assert_eq!(leave.send(&server.address).await.status, 204);
    let resume = Signed::new(&instance, session_secret, "GET", "/v1/session", &Value::Null);

    for signed in [&register, &issue, &leave] {
        is_refused(&server, signed).await;
    }
    let server = server.restart().await;
    for signed in [&register, &issue, &leave] {
        is_refused(&server, signed).await;
    }
    for _ in 0..2 {
        assert_eq!(resume.send(&server.address).await.status, 200, "what only asks may be asked again");
    }
    let sessions = count_sessions(&server, &instance, session_secret).await;
    assert_eq!(sessions, 1, "no repeat has registered a second device");
    server.stop().await;
}

async fn count_sessions(server: &Running, instance: &str, secret: &str) -> usize {
    let listed =
        Signed::new(instance, secret, "GET", "/v1/sessions", &Value::Null).send(&server.address).await;
    listed.body["items"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_signature_does_not_move_to_another_request() {
    let server = Running::start().await;
    let settings = AppSettings { register: true, ..AppSettings::default() };
    let secret = server.create_app_with(APP, settings).await;
    let good = || {
        let body = json!({ "identifier": "ann" });
        Signed::new(&format!("Application {APP}"), secret.expose(), "POST", "/v1/register", &body)
    };
    let later = Timestamp::from_millis(now().as_millis() + 1_000).to_rfc3339();
    let altered = [
        Signed { body: json!({ "identifier": "bob" }).to_string(), ..good() },
        Signed { path: "/v1/register?x=1", ..good() },
        Signed { timestamp: later, ..good() },
        Signed { timestamp: good().timestamp.replace('Z', "+00:00"), ..good() },
    ];
    for signed in altered {
        let refused = signed.send(&server.address).await;
        assert_eq!((refused.status, refused.code()), (401, "signature_invalid"), "{refused:?}");
    }
    let sent = good();
    assert_eq!(sent.send(&server.address).await.status, 201, "and none of them has used the good one up");
    server.stop().await;
}
