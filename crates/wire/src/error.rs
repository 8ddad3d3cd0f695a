//! The table of errors: every code that a caller can meet, with its HTTP status, whether a repeat helps, and a sentence
//! that says what to do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Whether, and when, the same request can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Not without changing the request.
    Never,
    /// After the time in `Retry-After` (HTTP) or `details.retryAfterSeconds`.
    After,
    /// At once.
    Now,
}

macro_rules! error_codes {
    ($($variant:ident $name:tt $status:literal $retry:ident $sentence:literal;)*) => {
        /// Every error code. The sentences are the defaults; an error may carry a more exact one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum ErrorCode {
            $(#[doc = $sentence] #[serde(rename = $name)] $variant,)*
        }

        impl ErrorCode {
            /// All codes, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as it travels.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status that it answers with.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Whether a repeat helps.
            pub fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)* }
            }

            /// What happened and what to do.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

error_codes! {
    InvalidRequest "invalid_request" 400 Never "The request is not understood; the details name the field.";
    InvalidCursor "invalid_cursor" 400 Never "This cursor is not one that the server gave out; start again without it.";
    PasswordWeak "password_weak" 400 Never "Choose a stronger password: 8 to 256 characters, hard to guess, and more than the user's own name, address or number; details.rule names what it breaks.";
    CredentialsMissing "credentials_missing" 401 Never "Send an Authorization header: 'Application <appKey>' to sign in, 'Bearer <sessionToken>' for everything else.";
    AppKeyUnknown "app_key_unknown" 401 Never "No app has this key; check the app key of the client.";
    TokenUnknown "token_unknown" 401 Never "This session token is not known; sign in again.";
    SessionEnded "session_ended" 401 Never "This session is over; sign in again.";
    TicketMalformed "ticket_malformed" 401 Never "The ticket is not of the form Base64(json):Base64(signature) with identity, applicationKey and created.";
    TicketSignatureInvalid "ticket_signature_invalid" 401 Never "The ticket's signature does not verify: sign the JSON bytes by HMAC-SHA256 with the Base64-decoded secret of this app.";
    TicketWrongApp "ticket_wrong_app" 401 Never "The ticket was made for another app key.";
    TicketExpired "ticket_expired" 401 Never "The ticket is too old; let the backend make a new one for each sign-in.";
    TicketFromFuture "ticket_from_future" 401 Never "The ticket was created in the future; check the clock of the backend that made it.";
    CredentialsWrong "credentials_wrong" 401 Never "The name or the password is wrong.";
    AccessTokenUnknown "access_token_unknown" 401 Never "This access token is not one of this user's, or has expired or been revoked.";
    OneTimeTokenUnknown "one_time_token_unknown" 401 Never "This token was used already or has expired; ask for a new one.";
    AppCredentialsRequired "app_credentials_required" 401 Never "This operation is for the app's backend: send 'Authorization: Basic Base64(<appKey>:<secret>)', or sign the request as 'Application <appKey>:<signature>'.";
    OperatorTokenWrong "operator_token_wrong" 401 Never "This operation is for the server's operator: send 'Authorization: Bearer <operatorToken>' with the token that the running server keeps in operator.json in its data folder.";
    SignatureInvalid "signature_invalid" 401 Never "The request's signature does not verify: sign verb, Content-MD5, Content-Type, x-timestamp and path by HMAC-SHA256 with the Base64-decoded secret.";
    ClockSkew "clock_skew" 401 Never "The header x-timestamp is more than 5 minutes from the server's time; check the clock; GET /v1/timestamp tells the server's time.";
    RequestReplayed "request_replayed" 401 Never "A request with this signature was taken before; sign each request anew, with the present time in x-timestamp.";
    JwtMalformed "jwt_malformed" 401 Never "The JWT is not a compact JWS whose claims name a user and an end; the message says what is wrong.";
    JwtSignatureInvalid "jwt_signature_invalid" 401 Never "The JWT's signature does not verify: sign by HS256 with the Base64-decoded secret of this app, or with a key that the identity provider publishes.";
    JwtAlgorithmNotAllowed "jwt_algorithm_not_allowed" 401 Never "The JWT is signed by an algorithm that its issuer may not use: HS256 under the app's secret, one of its algorithms for an identity provider.";
    JwtIssuerUnknown "jwt_issuer_unknown" 401 Never "The JWT's iss is neither a key of this app nor one of its identity providers; add the provider to jwtIssuers.";
    JwtAudienceWrong "jwt_audience_wrong" 401 Never "The JWT was made for another audience; its aud must be or hold the audience that jwtIssuers names.";
    JwtExpired "jwt_expired" 401 Never "The JWT has expired; let its issuer make a new one.";
    JwtFromFuture "jwt_from_future" 401 Never "The JWT is not yet valid; check the clock of the backend that made it.";
    JwtUsed "jwt_used" 401 Never "This JWT was used before; let its issuer make a new one for each sign-in.";
    OriginNotAllowed "origin_not_allowed" 403 Never "Pages of this web origin may not use the app; add it to the app's allowed origins.";
    OpenSignInOff "open_sign_in_off" 403 Never "This app does not let users sign in without a credential; send a ticket made by the app's backend.";
    SignInWayOff "sign_in_way_off" 403 Never "This app does not let users sign in this way; the operator switches ways on and off in the app's settings.";
    AppDisabled "app_disabled" 403 Never "The operator has disabled this app.";
    UserBlocked "user_blocked" 403 Never "This user may not sign in; the app's backend or the operator has blocked them.";
    RenewalNeedsCredential "renewal_needs_credential" 403 Never "Renew this session with a fresh ticket or JWT of the same user.";
    RegistrationNeedsProof "registration_needs_proof" 403 Never "Registering this user needs a ticket or a JWT of theirs, or the signature of the app's backend.";
    DirectoryClosed "directory_closed" 403 Never "The users of this app cannot be listed or watched; its directory is not open to everyone.";
    NotFound "not_found" 404 Never "There is nothing at this address; see /openapi.json for what there is.";
    AppNotFound "app_not_found" 404 Never "No app has this key; 'callbox app list' shows what apps there are.";
    AppKeyNotFound "app_key_not_found" 404 Never "No such key leads to this app.";
    UserNotFound "user_not_found" 404 Never "No such user in this app; users exist from their first sign-in.";
    SessionNotFound "session_not_found" 404 Never "The user has no such open session.";
    AccessTokenNotFound "access_token_not_found" 404 Never "The user has no such access token.";
    ConversationNotFound "conversation_not_found" 404 Never "No such conversation, or the signed-in user is not in it.";
    IdentityNotFound "identity_not_found" 404 Never "The user has no such identity, or may not remove it.";
    CallNotFound "call_not_found" 404 Never "No such call, or the signed-in user is not in it.";
    MethodNotAllowed "method_not_allowed" 405 Never "This address does not take this method; see /openapi.json.";
    AppKeyNeeded "app_key_needed" 409 Never "The app's own key cannot be removed; rotate its secret, or disable the app.";
    IdentityConflict "identity_conflict" 409 Never "A user with this id signed up without the backend; the backend must link it before its credentials open it.";
    IdentityTaken "identity_taken" 409 Never "Another user has this identity, or the user id exists; choose another.";
    SessionLimitReached "session_limit_reached" 409 Never "The user has as many sessions as the app allows; sign out elsewhere, or sign in with force.";
    IdentityNeeded "identity_needed" 409 Never "This is the only identity to sign in with; add another one first.";
    AccessTokenLimitReached "access_token_limit_reached" 409 Never "The user has as many access tokens as a user may have; revoke one that is no longer needed.";
    MessageIdTaken "message_id_taken" 409 Never "Another message has this id; choose a new random one.";
    CallIdTaken "call_id_taken" 409 Never "Another call has this id; choose a new random one.";
    CallAnsweredElsewhere "call_answered_elsewhere" 409 Never "Another device has answered this call.";
    CallEnded "call_ended" 409 Never "This call is over.";
    CallNotPossible "call_not_possible" 409 Never "The call does not take this move in its present state.";
    CallLimitReached "call_limit_reached" 409 Never "One of the two users is in as many calls as a user may be in at once.";
    CallSignalsFull "call_signals_full" 409 Never "The call has no room for more descriptions and candidates; restart ICE with the next generation, or call again.";
    PayloadTooLarge "payload_too_large" 413 Never "The body is larger than this operation takes.";
    UnsupportedMediaType "unsupported_media_type" 415 Never "Send JSON with the header Content-Type: application/json.";
    UpgradeRequired "upgrade_required" 426 Never "This address takes WebSocket connections with the subprotocol callbox.v1.";
    RateLimited "rate_limited" 429 After "Too many requests from this session; slow down.";
    Internal "internal" 500 After "The server failed; the request id leads to its log line.";
    StoreUnavailable "store_unavailable" 503 After "The server cannot write to its database at this moment; nothing was changed.";
    KeysUnavailable "keys_unavailable" 503 After "The keys of the JWT's identity provider cannot be had at this moment; try again after a moment.";
    RelayUnavailable "relay_unavailable" 503 After "The relay for the media of calls does not work at this moment; the log says why.";
    Overloaded "overloaded" 503 After "The server has more work than it takes on; try again after a moment.";
}

/// An error on its way out of the use cases: a code, a sentence and details.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// Which.
    pub code: ErrorCode,
    /// What happened and what to do. Never a secret.
    pub message: String,
    /// Whatever helps a program: field paths, times, limits. Boxed to keep `Result`s small.
    pub details: Box<Map<String, Value>>,
}

impl ApiError {
    /// With the table's sentence.
    pub fn new(code: ErrorCode) -> Self {
        Self { code, message: code.sentence().to_owned(), details: Box::default() }
    }

    /// With a more exact sentence.
    pub fn with_message(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Box::default() }
    }

    /// Bad input in the field at `path` (`device.name`, `to.userId`).
    pub fn invalid_field(path: &str, problem: &str) -> Self {
        Self::with_message(ErrorCode::InvalidRequest, format!("{path}: {problem}")).detail("path", path)
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Seconds after which a repeat makes sense, where the retry class is [`Retry::After`].
    pub fn retry_after_seconds(&self) -> Option<u32> {
        (self.code.retry() == Retry::After).then(|| {
            let told = self.details.get("retryAfterSeconds").and_then(Value::as_u64);
            told.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(RETRY_AFTER_SECONDS)
        })
    }

    /// As it travels.
    pub fn into_info(self, request_id: Option<String>) -> ErrorInfo {
        ErrorInfo {
            code: self.code,
            message: self.message,
            retry: self.code.retry(),
            request_id,
            details: *self.details,
        }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

/// The body of every HTTP answer that is not a success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorAnswer {
    /// What went wrong.
    pub error: ErrorInfo,
}

/// An error, over HTTP and over the socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorInfo {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what happened and what to do.
    pub message: String,
    /// Whether a repeat helps.
    pub retry: Retry,
    /// Leads to the server's log line; `null` over the socket.
    #[schema(required)]
    pub request_id: Option<String>,
    /// Whatever helps a program: field paths, times, limits.
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
}

/// When nothing better is known.
const RETRY_AFTER_SECONDS: u32 = 1;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_say_what_to_do() {
        let names: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert!(code.sentence().ends_with('.'), "{code:?}");
            assert_eq!(serde_json::to_value(code).expect("plain"), code.name());
        }
    }

    #[test]
    fn only_errors_of_the_class_after_carry_a_time() {
        assert_eq!(ApiError::new(ErrorCode::NotFound).retry_after_seconds(), None);
        assert_eq!(ApiError::new(ErrorCode::Overloaded).retry_after_seconds(), Some(1));
        let told = ApiError::new(ErrorCode::RateLimited).detail("retryAfterSeconds", 7);
        assert_eq!(told.retry_after_seconds(), Some(7));
    }
}
