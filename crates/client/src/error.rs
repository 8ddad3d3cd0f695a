//! What goes wrong, as an app meets it.

use std::time::Duration;

use callbox_wire::{ErrorInfo, Retry};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Every error of this crate. Its text says what happened and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The server said no.
    #[error("{}", .0.message)]
    Refused(Box<Refusal>),
    /// There is no way to the server at this moment.
    #[error("The server cannot be reached ({0}). Check the address and the network, and try again.")]
    Network(String),
    /// The server took the request and said nothing.
    #[error("The server did not answer in time. Try again after a moment.")]
    Timeout,
    /// The client was closed before this was done.
    #[error("The client was closed before this was done. Sign in and try again.")]
    Closed,
    /// A frame would be larger than a server takes.
    #[error("This is larger than the 64 KiB that fit into one frame. Send less at once.")]
    TooLarge,
    /// As many requests wait as may wait.
    #[error("Too many requests wait for the server. Wait until some of them are answered.")]
    Full,
    /// What the app gave cannot be sent.
    #[error("{0}")]
    Invalid(String),
}

/// What the server said when it said no.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// For programs: a name of the table of error codes, or of a close code. Newer servers may have more of them.
    pub code: String,
    /// For people: what happened and what to do.
    pub message: String,
    /// Whether the same request can succeed later.
    #[serde(default = "never")]
    pub retry: Retry,
    /// Leads to the server's log line; none over the socket.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Whatever helps a program: field paths, times, limits.
    #[serde(default)]
    pub details: Map<String, Value>,
}

impl Error {
    /// The server's code, where it was the server that said no.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }

    /// How long to wait before the same can succeed; `None` where a repeat never helps.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after(),
            Self::Network(_) | Self::Timeout | Self::Full => Some(WHEN_NOT_TOLD),
            Self::Closed | Self::TooLarge | Self::Invalid(_) => None,
        }
    }

    /// Whether it means that the session is over: sign in again.
    pub fn ends_session(&self) -> bool {
        matches!(self.code(), Some("session_ended" | "token_unknown"))
    }
}

impl Refusal {
    /// How long to wait before the same can succeed; `None` where a repeat never helps.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.retry {
            Retry::Never => None,
            Retry::Now => Some(Duration::ZERO),
            Retry::After => {
                let told = self.details.get("retryAfterSeconds").and_then(Value::as_u64);
                Some(told.map_or(WHEN_NOT_TOLD, Duration::from_secs))
            }
        }
    }
}

impl From<ErrorInfo> for Refusal {
    fn from(info: ErrorInfo) -> Self {
        let ErrorInfo { code, message, retry, request_id, details } = info;
        Self { code: code.name().to_owned(), message, retry, request_id, details }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

fn never() -> Retry {
    Retry::Never
}

const WHEN_NOT_TOLD: Duration = Duration::from_secs(1);
