//! Signed requests that come a second time.

use std::time::{SystemTime, UNIX_EPOCH};

use callbox_domain::{AppSettings, Secret, Timestamp};
use callbox_service::signature::{ContentMd5, Covered, SignedPaths};
use serde_json::{Value, json};

use crate::harness::{Answer, Running};

const APP: &str = "devices";

/// A request that is signed once and may be sent again and again.
struct Signed {
    verb: &'static str,
    path: &'static str,
    authorization: String,
    timestamp: String,
    body: String,
}

impl Signed {
    fn new(signer: &str, secret: &str, verb: &'static str, path: &'static str, body: &Value) -> Self {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let covered = Covered {
            method: verb.to_owned(),
            paths: SignedPaths::exact(path),
            content_type: "application/json".to_owned(),
            timestamp_text: now().to_rfc3339(),
            content_md5: ContentMd5::of(body.as_bytes()),
        };
        let signature = covered.sign(&Secret::new(secret.to_owned())).expect("a good secret");
        let authorization = format!("{signer}:{}", signature.to_text());
        Self { verb, path, authorization, timestamp: covered.timestamp_text, body }
    }

    async fn send(&self, server: &Running) -> Answer {
        self.send_as(server, &self.authorization).await
    }

    async fn send_as(&self, server: &Running, authorization: &str) -> Answer {
        let headers = [("authorization", authorization), ("x-timestamp", self.timestamp.as_str())];
        server.call(self.verb, self.path, &headers, &self.body).await
    }

    /// Sends it again, as it was and in the other spelling that means the same signature.
    async fn is_refused(&self, server: &Running) {
        let bare = self.authorization.trim_end_matches('=');
        for authorization in [self.authorization.as_str(), bare] {
            let again = self.send_as(server, authorization).await;
            assert_eq!((again.status, again.code()), (401, "request_replayed"), "{again:?}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the server under test goes by the wall clock")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(since.as_millis()).expect("not so late"))
}

#[tokio::test]
async fn what_changes_something_is_taken_once_and_a_restart_does_not_forget_it() {
    let server = Running::start().await;
    let settings = AppSettings { register: true, ..AppSettings::default() };
    let secret = server.create_app_with(APP, settings).await;

    let backend = format!("Application {APP}");
    let register =
        Signed::new(&backend, secret.expose(), "POST", "/v1/register", &json!({ "identifier": "ann" }));
    let registered = register.send(&server).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let text = |pointer: &str| registered.body.pointer(pointer).and_then(Value::as_str).expect("text");
    let (id, session_secret) = (text("/session/id"), text("/secret"));

    let instance = format!("Instance {id}");
    let issue = Signed::new(&instance, session_secret, "POST", "/v1/session/token", &Value::Null);
    let issued = issue.send(&server).await;
    assert_eq!(issued.status, 200, "{issued:?}");
    let leave = Signed::new(&instance, session_secret, "DELETE", "/v1/sessions", &Value::Null);
    assert_eq!(leave.send(&server).await.status, 204);
    let resume = Signed::new(&instance, session_secret, "GET", "/v1/session", &Value::Null);

    for signed in [&register, &issue, &leave] {
        signed.is_refused(&server).await;
    }
    let server = server.restart().await;
    for signed in [&register, &issue, &leave] {
        signed.is_refused(&server).await;
    }
    for _ in 0..2 {
        assert_eq!(resume.send(&server).await.status, 200, "what only asks may be asked again");
    }
    let sessions = resume_list(&server, &instance, session_secret).await;
    assert_eq!(sessions, 1, "no repeat has registered a second device");
    server.stop().await;
}

async fn resume_list(server: &Running, instance: &str, secret: &str) -> usize {
    let listed = Signed::new(instance, secret, "GET", "/v1/sessions", &Value::Null).send(server).await;
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
        let refused = signed.send(&server).await;
        assert_eq!((refused.status, refused.code()), (401, "signature_invalid"), "{refused:?}");
    }
    let sent = good();
    assert_eq!(sent.send(&server).await.status, 201, "and none of them has used the good one up");
    server.stop().await;
}
