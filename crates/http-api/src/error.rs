//! Errors on their way into a response.

use axum::response::{IntoResponse, Response};
use callbox_wire::{ApiError, ErrorCode};

/// What a handler fails with. The body is written by the outermost layer, which knows the request's id.
#[derive(Debug)]
pub(crate) struct HttpError(pub(crate) ApiError);

/// What a handler returns.
pub(crate) type HttpResult<T> = Result<T, HttpError>;

impl From<ApiError> for HttpError {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<ErrorCode> for HttpError {
    fn from(code: ErrorCode) -> Self {
        Self(code.into())
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self.0);
        response
    }
}
