//! Signed requests: the signature covers the body, so the body is read before the handler asks for it.

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use callbox_service::signature::{ContentMd5, Covered, SignedPaths, SignedRequest};

use crate::authorization::Authorization;
use crate::body::read_body;
use crate::credentials::authorization;

/// Where the `Authorization` header is a signature, reads the body, adds a [`SignedRequest`] to the request's extensions,
/// and puts the body back, so that the extractors of bodies work as ever. Other requests pass untouched.
///
/// Nothing is checked here: that is for the extractor that wants to know who asks.
pub(crate) async fn buffer(request: Request, next: Next) -> Response {
    let Ok(Authorization::Signed(signer, signature)) = authorization(request.headers()) else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    let bytes = match read_body(body).await {
        Ok(bytes) => bytes,
        Err(error) => return error.into_response(),
    };
    let covered = covered(&parts, ContentMd5::of(&bytes));
    parts.extensions.insert(SignedRequest { signer, signature, covered });
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

fn covered(parts: &Parts, content_md5: ContentMd5) -> Covered {
    let path_and_query = parts.uri.path_and_query().map_or("", |path| path.as_str());
    // The text that is signed is UTF-8. Of bytes that are not, something else is made, which no signer has signed.
    let text = |value: Option<&HeaderValue>| {
        value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
    };
    Covered {
        method: parts.method.as_str().to_owned(),
        paths: SignedPaths::exact(path_and_query),
        content_type: text(parts.headers.get(CONTENT_TYPE)),
        timestamp_text: text(parts.headers.get("x-timestamp")),
        content_md5,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::StatusCode;
    use axum::routing::any;
    use axum::{Extension, Router, middleware};
    use callbox_domain::{AppKey, Secret, SessionId};
    use callbox_service::signature::Signer;
    use callbox_wire::{ApiError, ErrorCode};
    use serde_json::{Value, json};
    use tower::ServiceExt as _;

    use super::*;
    use crate::body::{BODY_BYTES_MAX, JsonBody};
    use crate::testing::Api;

    const SIGNATURE: &str = "qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM=";
    const HELLO: &str = r#"{"message":"Hello world"}"#;

    type Seen = Option<Extension<SignedRequest>>;

    /// A request through the layer; what the handler saw in the extensions, and the body that it got.
    fn through(request: Request) -> (StatusCode, Option<SignedRequest>, Vec<u8>) {
        let handler = async |seen: Seen, body: Bytes| {
            let mut response = body.into_response();
            response.extensions_mut().insert(seen.map(|Extension(signed)| signed));
            response
        };
        run(Router::new().fallback(any(handler)), request)
    }

    fn run(router: Router, request: Request) -> (StatusCode, Option<SignedRequest>, Vec<u8>) {
        let router = router.layer(middleware::from_fn(buffer));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut response = router.oneshot(request).await.expect("never fails");
            let seen = response.extensions_mut().remove::<Option<SignedRequest>>().flatten();
            let status = response.extensions().get().map_or(response.status(), |error: &ApiError| {
                StatusCode::from_u16(error.code.status()).expect("a status")
            });
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
            (status, seen, body.to_vec())
        })
    }

    fn post(authorization: &str, body: impl Into<Body>) -> Request {
        let request = Request::post("/v1/sms/+46700000000").header("authorization", authorization);
        let request = request.header("content-type", "application/json");
        request.header("x-timestamp", "2014-06-04T13:41:58Z").body(body.into()).expect("a request")
    }

    #[test]
    fn a_published_example_verifies_and_its_body_goes_on() {
        let header = format!("application 5F5C418A0F914BBC8234A9BF5EDDAD97:{SIGNATURE}");
        let (status, signed, body) = through(post(&header, HELLO));
        assert_eq!((status, body), (StatusCode::OK, HELLO.as_bytes().to_vec()));
        let signed = signed.expect("a signed request");
        let key = AppKey::new("5F5C418A0F914BBC8234A9BF5EDDAD97").expect("valid");
        assert_eq!(signed.signer, Signer::App(key));
        assert!(signed.is_signed_by(&Secret::new("JViE5vDor0Sw3WllZka15Q==".to_owned())));
    }

    #[test]
    fn everything_is_taken_as_it_was_sent() {
        let request = Request::get("/v1/users?limit=1&q=a%2Fb+c")
            .header("authorization", format!("Instance ses_12345678:{SIGNATURE}"))
            .body(Body::empty())
            .expect("a request");
        let signed = through(request).1.expect("a signed request");
        assert_eq!(signed.signer, Signer::Session(SessionId::new("ses_12345678").expect("valid")));
        let covered = Covered {
            method: "GET".to_owned(),
            paths: SignedPaths::exact("/v1/users?limit=1&q=a%2Fb+c"),
            content_type: String::new(),
            timestamp_text: String::new(),
            content_md5: ContentMd5::of(b""),
        };
        assert_eq!(signed.covered, covered);
    }

    #[test]
    fn json_bodies_are_read_behind_it() {
        let handler = async |_: Extension<SignedRequest>, JsonBody(body): JsonBody<Value>| body.to_string();
        let header = format!("Application app-one:{SIGNATURE}");
        let (status, _, body) = run(Router::new().fallback(any(handler)), post(&header, HELLO));
        assert_eq!((status, body), (StatusCode::OK, HELLO.as_bytes().to_vec()));
    }

    #[test]
    fn requests_that_are_not_signed_pass_untouched() {
        let large = "x".repeat(BODY_BYTES_MAX + 1);
        for header in
            ["Application app-one", "Bearer token", "User a:b", "Application app-one:x", "Instance x"]
        {
            let (status, signed, body) = through(post(header, large.clone()));
            assert_eq!((status, signed, body.len()), (StatusCode::OK, None, large.len()), "{header}");
        }
    }

    #[test]
    fn a_signed_body_has_a_limit() {
        let header = format!("Application app-one:{SIGNATURE}");
        let sized = |size: usize| through(post(&header, "x".repeat(size)));
        let (status, signed, body) = sized(BODY_BYTES_MAX);
        assert_eq!((status, signed.is_some(), body.len()), (StatusCode::OK, true, BODY_BYTES_MAX));
        let (status, signed, _) = sized(BODY_BYTES_MAX + 1);
        assert_eq!((status, signed), (StatusCode::PAYLOAD_TOO_LARGE, None));
    }

    #[test]
    fn every_operation_is_behind_it() {
        let api = Api::new();
        let call = api.call("POST", "/v1/messages");
        let call = call.header("authorization", &format!("Application app-one:{SIGNATURE}"));
        let refused = call.json(&json!("x".repeat(BODY_BYTES_MAX))).send();
        assert_eq!(refused.is_error(ErrorCode::PayloadTooLarge)["bytesMax"], BODY_BYTES_MAX);
    }
}
