//! Why a JWT is refused, and what its sender reads then.

use callbox_domain::Timestamp;
use callbox_wire::{ApiError, ErrorCode};

/// Why a JWT does not open a session. The sentences are for people; none holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtProblem {
    /// The text is not a JWT.
    #[error("The JWT cannot be read: {0}.")]
    Malformed(&'static str),
    /// The header's `alg` is not one that the issuer may use, or that its key serves.
    #[error("{}", ErrorCode::JwtAlgorithmNotAllowed.sentence())]
    AlgorithmNotAllowed,
    /// The header's `kid` leads to no key.
    #[error("No key verifies the JWT: {0}.")]
    KeyUnknown(&'static str),
    /// No key verifies the signature.
    #[error("{}", ErrorCode::JwtSignatureInvalid.sentence())]
    SignatureInvalid,
    /// `iss` is not one whom the app trusts.
    #[error("{}", ErrorCode::JwtIssuerUnknown.sentence())]
    WrongIssuer,
    /// `aud` names others.
    #[error("{}", ErrorCode::JwtAudienceWrong.sentence())]
    WrongAudience,
    /// It was good once.
    #[error("{}", ErrorCode::JwtExpired.sentence())]
    Expired {
        /// Until when.
        expired_at: Timestamp,
        /// The server's present.
        now: Timestamp,
    },
    /// It begins, or was made, later than now.
    #[error("{}", ErrorCode::JwtFromFuture.sentence())]
    FromFuture {
        /// From when on it is good.
        begins_at: Timestamp,
        /// The server's present.
        now: Timestamp,
    },
    /// It does not say for whom it is, or not so that it could be a user id.
    #[error("The JWT names no user: {0}.")]
    NoUserId(String),
    /// The provider's keys cannot be had. The log says why; whoever signs in is not told what the server reaches.
    #[error("{}", ErrorCode::KeysUnavailable.sentence())]
    KeysUnavailable {
        /// When to try again.
        retry_after_seconds: u32,
    },
}

impl JwtProblem {
    /// The code that it answers with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) | Self::NoUserId(_) => ErrorCode::JwtMalformed,
            Self::AlgorithmNotAllowed => ErrorCode::JwtAlgorithmNotAllowed,
            Self::KeyUnknown(_) | Self::SignatureInvalid => ErrorCode::JwtSignatureInvalid,
            Self::WrongIssuer => ErrorCode::JwtIssuerUnknown,
            Self::WrongAudience => ErrorCode::JwtAudienceWrong,
            Self::Expired { .. } => ErrorCode::JwtExpired,
            Self::FromFuture { .. } => ErrorCode::JwtFromFuture,
            Self::KeysUnavailable { .. } => ErrorCode::KeysUnavailable,
        }
    }
}

impl From<JwtProblem> for ApiError {
    fn from(problem: JwtProblem) -> Self {
        let error = Self::with_message(problem.code(), problem.to_string());
        match problem {
            JwtProblem::Expired { expired_at, now } => {
                error.detail("expiredAt", expired_at.to_rfc3339()).detail("serverTime", now.to_rfc3339())
            }
            JwtProblem::FromFuture { begins_at, now } => {
                error.detail("beginsAt", begins_at.to_rfc3339()).detail("serverTime", now.to_rfc3339())
            }
            JwtProblem::KeysUnavailable { retry_after_seconds } => {
                error.detail("retryAfterSeconds", retry_after_seconds)
            }
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_times_that_explain_it() {
        let (then, now) = (Timestamp::from_millis(0), Timestamp::from_millis(1_000));
        let answer = ApiError::from(JwtProblem::Expired { expired_at: then, now });
        assert_eq!(answer.code, ErrorCode::JwtExpired);
        assert_eq!(answer.details["expiredAt"], "1970-01-01T00:00:00.000Z");
        assert_eq!(answer.details["serverTime"], "1970-01-01T00:00:01.000Z");
        let answer = ApiError::from(JwtProblem::KeysUnavailable { retry_after_seconds: 7 });
        assert_eq!(answer.retry_after_seconds(), Some(7));
        let answer = ApiError::from(JwtProblem::Malformed("it has no end (exp)"));
        assert_eq!(answer.message, "The JWT cannot be read: it has no end (exp).");
    }
}
