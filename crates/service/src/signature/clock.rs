//! How old a signature may be.

use std::time::Duration;

use callbox_domain::Timestamp;
use callbox_wire::{ApiError, ErrorCode};

use super::{SignedRequest, parse_date_time};
use crate::ServiceResult;

/// How far the signer's clock and the server's may lie apart, in either direction.
pub const SIGNATURE_WINDOW: Duration = Duration::from_mins(5);

impl SignedRequest {
    /// When the request says that it was signed; ISO 8601, as in tickets.
    pub fn timestamp(&self) -> Option<Timestamp> {
        parse_date_time(&self.covered.timestamp_text)
    }

    /// Whether the request was signed about now; if so, the last moment at which this will be true. Until it has passed,
    /// the request must be remembered by its [`SignedRequest::replay_key`].
    ///
    /// Errors: `clock_skew`, with the server's time.
    pub fn check_clock(&self, now: Timestamp) -> ServiceResult<Timestamp> {
        let error = match self.timestamp() {
            Some(signed) if signed.since(now).max(now.since(signed)) <= SIGNATURE_WINDOW => {
                return Ok(signed.plus(SIGNATURE_WINDOW));
            }
            Some(_) => ApiError::new(ErrorCode::ClockSkew),
            None => {
                let sentence = "A signed request needs the header x-timestamp with the present time, such as 2026-11-21T10:02:03Z (ISO 8601).";
                ApiError::with_message(ErrorCode::ClockSkew, sentence)
            }
        };
        Err(error
            .detail("timestamp", self.covered.timestamp_text.as_str())
            .detail("serverTime", now.to_rfc3339()))
    }
}
