//! JSON bodies, path parameters and queries, with errors that name the field.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use callbox_wire::{ApiError, ErrorCode};
use serde::de::DeserializeOwned;

use crate::error::{HttpError, HttpResult};

/// A JSON body of at most 64 KiB.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, HttpError> {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type.is_some_and(|text| {
            text.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
        if !is_json {
            return Err(ErrorCode::UnsupportedMediaType.into());
        }
        let bytes = read_body(request.into_body()).await?;
        if depth(&bytes) > DEPTH_MAX {
            let error = ApiError::with_message(
                ErrorCode::InvalidRequest,
                "The body is nested deeper than 32 levels.",
            );
            return Err(error.into());
        }
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            // Where the text is not JSON at all, no field is to blame.
            let path = if path == "." || !error.inner().is_data() { "body" } else { &path };
            HttpError(ApiError::invalid_field(path, &error.inner().to_string()))
        })?;
        deserializer.end().map_err(|error| HttpError(ApiError::invalid_field("body", &error.to_string())))?;
        Ok(Self(value))
    }
}

/// The bytes of a body of at most 64 KiB.
pub(crate) async fn read_body(body: Body) -> HttpResult<Bytes> {
    let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await;
    Ok(bytes.map_err(|_| ApiError::new(ErrorCode::PayloadTooLarge).detail("bytesMax", BODY_BYTES_MAX))?)
}

/// A path parameter, percent-decoded.
pub(crate) struct PathParameter(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathParameter {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.map_err(|_| ErrorCode::NotFound)?.0))
    }
}

/// Two path parameters, percent-decoded.
pub(crate) struct TwoPathParameters(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for TwoPathParameters {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        let (first, second) = path.map_err(|_| ErrorCode::NotFound)?.0;
        Ok(Self(first, second))
    }
}

/// The query.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, HttpError> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        let query = query.map_err(|error| ApiError::invalid_field("query", &error.body_text()))?;
        Ok(Self(query.0))
    }
}

/// How deep brackets nest, outside of strings.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Largest body, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// Deepest JSON body.
const DEPTH_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use super::{BODY_BYTES_MAX, depth};
    use crate::testing::{Api, Call};

    fn post(api: &Api) -> Call<'_> {
        api.call("POST", "/v1/sessions").header("authorization", "Application app-one")
    }

    #[test]
    fn only_json_is_taken() {
        let api = Api::new();
        let body = r#"{"userId":"ann"}"#;
        post(&api).body(body).send().is_error(ErrorCode::UnsupportedMediaType);
        let plain = post(&api).header("content-type", "text/plain").body(body).send();
        plain.is_error(ErrorCode::UnsupportedMediaType);
        let typed = post(&api).header("content-type", "Application/JSON; charset=utf-8").body(body).send();
        assert_eq!(typed.status, 201);
        for bad in ["", "{", r#"{"userId":"ann"} {}"#] {
            post(&api).header("content-type", "application/json").body(bad).send().is_invalid("body");
        }
    }

    #[test]
    fn large_and_deep_bodies_are_refused() {
        let api = Api::new();
        let send = |body: String| post(&api).header("content-type", "application/json").body(body).send();
        let head = r#"{"userId":"ann","more":""#;
        let sized = |size: usize| format!("{head}{}\"}}", "x".repeat(size - head.len() - 2));
        assert_eq!(send(sized(BODY_BYTES_MAX)).status, 201);
        let refused = send(sized(BODY_BYTES_MAX + 1));
        assert_eq!(refused.is_error(ErrorCode::PayloadTooLarge)["bytesMax"], BODY_BYTES_MAX);
        let nested = |depth: usize| {
            format!(r#"{{"userId":"ann","more":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1))
        };
        assert_eq!(send(nested(32)).status, 201);
        send(nested(33)).is_error(ErrorCode::InvalidRequest);
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(b"1"), 0);
        assert_eq!(depth(br#"{"a":[1,{"b":2}],"c":"[[[["}"#), 3);
        assert_eq!(depth(br#"["\"[[[", "\\"]"#), 1);
    }
}
