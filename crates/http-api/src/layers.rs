//! What is around every operation: request ids, error bodies, CORS, logs, counters, caught panics.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    RETRY_AFTER, VARY,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use callbox_service::Service;
use callbox_wire::{ApiError, ErrorAnswer, ErrorCode};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::HttpError;

/// Puts the layers around a router. Whatever leaves it carries `x-request-id`, and every error is an `ErrorAnswer`.
pub fn wrap(router: Router, service: Arc<Service>) -> Router {
    router
        .fallback(async || HttpError::from(ErrorCode::NotFound))
        .method_not_allowed_fallback(async || HttpError::from(ErrorCode::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(service, around))
}

async fn around(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let request_id = service.new_request_id();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".to_owned());
    let allowed_origin = allowed_origin(&service, request.headers().get(ORIGIN).cloned()).await;
    let is_preflight =
        method == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let began = service.clock().elapsed();

    let mut response = if is_preflight {
        preflight(allowed_origin.is_some())
    } else {
        with_error_body(next.run(request).await, &request_id)
    };

    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed_origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-request-id, retry-after"));
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let milliseconds = service.clock().elapsed().saturating_sub(began).as_millis();
    // The route and not the path: e-mail addresses and numbers stand in some paths, and anything in what leads nowhere.
    tracing::debug!(%request_id, %method, route, status, milliseconds, "request");
    metrics::counter!("callbox_http_requests_total", "route" => route, "status" => status.to_string())
        .increment(1);
    response
}

/// The request's origin, when some app allows it. Whether the session's own app does is checked with the session.
async fn allowed_origin(service: &Service, origin: Option<HeaderValue>) -> Option<HeaderValue> {
    let origin = origin?;
    let text = String::from_utf8_lossy(origin.as_bytes()).into_owned();
    service.is_origin_of_some_app(&text).await.unwrap_or(false).then_some(origin)
}

fn preflight(allowed: bool) -> Response {
    if !allowed {
        return StatusCode::NO_CONTENT.into_response();
    }
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, x-timestamp, content-type, idempotency-key"),
        (ACCESS_CONTROL_MAX_AGE, "3600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn with_error_body(mut response: Response, request_id: &str) -> Response {
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_server_error() {
        tracing::warn!(request_id, code = error.code.name(), "request failed");
    }
    let retry_after = error.retry_after_seconds();
    let body = ErrorAnswer { error: error.into_info(Some(request_id.to_owned())) };
    let mut answer = (status, Json(body)).into_response();
    // What the routing said stays, such as the methods that an address does take.
    for (name, value) in response.headers() {
        if *name != axum::http::header::CONTENT_LENGTH {
            answer.headers_mut().entry(name).or_insert(value.clone());
        }
    }
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("(no text)"), "a handler panicked");
    HttpError::from(ErrorCode::Internal).into_response()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::{Api, ORIGIN};

    #[test]
    fn what_is_not_there_and_what_is_not_taken_answer_with_errors() {
        let api = Api::new();
        api.call("GET", "/v1/nothing").send().is_error(ErrorCode::NotFound);
        let answer = api.call("PUT", "/v1/session").send();
        answer.is_error(ErrorCode::MethodNotAllowed);
        let allow = answer.header("allow").expect("the methods");
        assert!(allow.contains("GET") && allow.contains("DELETE"), "{allow}");
    }

    #[test]
    fn health_is_plain_text_with_a_request_id() {
        let api = Api::new();
        for (path, text) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
            let answer = api.call("GET", path).send();
            assert_eq!((answer.status, answer.body.as_str()), (200, Some(text)));
            assert!(answer.header("x-request-id").is_some());
        }
    }

    #[test]
    fn preflights_are_granted_to_allowed_origins_only() {
        let api = Api::new();
        let preflight = |origin| {
            let call = api.call("OPTIONS", "/v1/messages").header("origin", origin);
            call.header("access-control-request-method", "POST").send()
        };
        let allowed = preflight(ORIGIN);
        assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, Some(ORIGIN)));
        for name in ["access-control-allow-methods", "access-control-allow-headers", "access-control-max-age"]
        {
            assert!(allowed.header(name).is_some(), "{name}");
        }
        let foreign = preflight("https://evil.example");
        assert_eq!(foreign.status, 204);
        assert!(!foreign.headers.keys().any(|name| name.as_str().starts_with("access-control")));
        assert_eq!(foreign.header("vary"), Some("origin"));
    }

    #[test]
    fn answers_are_shown_to_pages_of_allowed_origins_only() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        let get = |origin: Option<&str>| {
            let call = api.call_as(&token, "GET", "/v1/session");
            origin.into_iter().fold(call, |call, origin| call.header("origin", origin)).send()
        };
        let allowed = get(Some(ORIGIN));
        assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, Some(ORIGIN)));
        let exposed = allowed.header("access-control-expose-headers");
        assert_eq!(exposed, Some("x-request-id, retry-after"));
        let foreign = get(Some("https://evil.example"));
        foreign.is_error(ErrorCode::OriginNotAllowed);
        assert_eq!(foreign.header("access-control-allow-origin"), None);
        let absent = get(None);
        assert_eq!((absent.status, absent.header("access-control-allow-origin")), (200, None));
        assert_eq!(absent.header("vary"), Some("origin"));
    }

    #[test]
    fn too_many_requests_are_told_when_to_come_back() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        let get = || api.call_as(&token, "GET", "/v1/session").send();
        for _ in 0..200 {
            assert_eq!(get().status, 200);
        }
        let refused = get();
        assert_eq!(refused.is_error(ErrorCode::RateLimited)["retryAfterSeconds"], 1);
        assert_eq!(refused.header("retry-after"), Some("1"));
        api.clock.advance(std::time::Duration::from_secs(1));
        assert_eq!(get().status, 200);
    }
}
