//! How the store's failures become answers.

use callbox_storage::{StoreError, WriteError};
use callbox_wire::{ApiError, ErrorCode};

/// What every use case returns.
pub type ServiceResult<T> = Result<T, ApiError>;

/// The error type of write closures: a refusal for the caller, or a failure of the store inside the closure.
#[derive(Debug)]
pub(crate) enum Refusal {
    Api(ApiError),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::Api(code.into())
    }
}

/// Turns a failed write into the caller's answer.
pub(crate) fn written<T>(result: Result<T, WriteError<Refusal>>) -> ServiceResult<T> {
    result.map_err(|error| match error {
        WriteError::Refused(Refusal::Api(error)) => error,
        WriteError::Refused(Refusal::Store(error)) | WriteError::Store(error) => store_failure(&error),
    })
}

/// Turns a failed read into the caller's answer.
pub(crate) fn read<T>(result: Result<T, StoreError>) -> ServiceResult<T> {
    result.map_err(|error| store_failure(&error))
}

fn store_failure(error: &StoreError) -> ApiError {
    match error {
        StoreError::Overloaded => ErrorCode::Overloaded.into(),
        StoreError::Unavailable(_) | StoreError::Closed => {
            tracing::error!(%error, "the store did not answer");
            ErrorCode::StoreUnavailable.into()
        }
        StoreError::Corrupt(_) | StoreError::Panicked => {
            tracing::error!(%error, "the store answered what it must not");
            ErrorCode::Internal.into()
        }
    }
}
