//! Requests that their sender signs.

use std::time::{SystemTime, UNIX_EPOCH};

use callbox_domain::{Secret, Timestamp};
use callbox_service::signature::{ContentMd5, Covered, SignedPaths};
use serde_json::Value;

use crate::harness::{Answer, call};

/// A request that is signed once and may be sent again and again.
#[derive(Clone)]
pub struct Signed {
    pub verb: &'static str,
    pub path: &'static str,
    pub authorization: String,
    pub timestamp: String,
    pub body: String,
}

impl Signed {
    /// `signer` is the scheme and the key, such as `Instance ses_…`.
    pub fn new(signer: &str, secret: &str, verb: &'static str, path: &'static str, body: &Value) -> Self {
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

    pub async fn send(&self, address: &str) -> Answer {
        let headers = [("authorization", self.authorization.as_str()), ("x-timestamp", &self.timestamp)];
        call(address, self.verb, self.path, &headers, &self.body).await
    }
}

/// The server under test goes by the wall clock.
#[expect(clippy::disallowed_methods, reason = "what is signed must be signed about now")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(since.as_millis()).expect("not so late"))
}
