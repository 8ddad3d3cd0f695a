//! JWTs that the app's own backend signed, under the app's secret or a key derived from it for a day.
//!
//! A header without `kid` means HS256 under the Base64-decoded secret. A `kid` of `hkdfv1-YYYYMMDD` means HS256 under
//! `HMAC-SHA256(Base64Decode(secret), "YYYYMMDD")`, which is good on that day and its neighbours in UTC.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbox_domain::{Timestamp, UserId};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::Algorithm;
use sha2::Sha256;

use super::{Jwt, JwtProblem, JwtUser};
use crate::accounts::AppSecret;
use crate::signature::LENIENT;

impl Jwt {
    /// The app's key that `iss` names, if it is the app itself that claims to have issued this: what to look the app up
    /// by where the request names none.
    pub fn app_key(&self) -> &str {
        self.claims.issuer.strip_prefix(APPLICATIONS).unwrap_or(&self.claims.issuer)
    }

    /// Checks a JWT of the app's own backend. Any of `secrets` may have signed it; `leads_to_app` says whether a key is
    /// the app's own or one of its aliases.
    pub fn verify_by_secrets(
        &self,
        secrets: &[AppSecret],
        leads_to_app: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> Result<JwtUser, JwtProblem> {
        if self.algorithm != Algorithm::HS256 {
            return Err(JwtProblem::AlgorithmNotAllowed);
        }
        let day = self.key_id.as_deref().map(|key_id| signing_day(key_id, now)).transpose()?;
        let signature = URL_SAFE_NO_PAD.decode(&self.signature).map_err(|_| JwtProblem::SignatureInvalid)?;
        let signed = secrets.iter().filter_map(|secret| signing_key(secret, day)).any(|key| {
            mac(&key, self.signed_text.as_bytes()).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
        });
        if !signed {
            return Err(JwtProblem::SignatureInvalid);
        }
        // Signed with the app's secret; now whether it says the right things.
        if !leads_to_app(self.app_key()) {
            return Err(JwtProblem::WrongIssuer);
        }
        self.check_times(now)?;
        self.user(self.subject_of_app()?)
    }

    /// What the claims say of a user who is called `user_id`.
    pub(super) fn user(&self, user_id: &str) -> Result<JwtUser, JwtProblem> {
        let user_id = UserId::new(user_id).map_err(|error| JwtProblem::NoUserId(error.to_string()))?;
        Ok(JwtUser {
            user_id,
            expires_at: self.claims.expires_at,
            session_expires_at: self.claims.session_expires_at,
            unique_id: self.claims.unique_id.clone(),
            issuer: self.claims.issuer.clone(),
        })
    }

    /// The user id in `sub`: all of it, or what follows the issuer's path where `iss` is one.
    fn subject_of_app(&self) -> Result<&str, JwtProblem> {
        let missing = |rule: &str| JwtProblem::NoUserId(rule.to_owned());
        let subject = self.claims.subject.as_deref().ok_or_else(|| missing("there is no sub"))?;
        if self.claims.issuer.starts_with(APPLICATIONS) {
            let below = subject.strip_prefix(&self.claims.issuer).and_then(|path| path.strip_prefix(USERS));
            below.ok_or_else(|| missing("sub must be iss, then /users/ and the user id"))
        } else if subject.starts_with(APPLICATIONS) {
            Err(missing("sub is a path and iss is not; write both as paths, or both plain"))
        } else {
            Ok(subject)
        }
    }
}

/// The day `YYYYMMDD` that a `kid` names.
fn signing_day(key_id: &str, now: Timestamp) -> Result<&str, JwtProblem> {
    let unknown = JwtProblem::KeyUnknown("under the app's secret kid is left out, or hkdfv1-YYYYMMDD");
    let day =
        key_id.strip_prefix(DAY_KEY).filter(|day| day.len() == 8 && day.is_ascii()).ok_or(unknown.clone())?;
    let midnight = format!("{}-{}-{}T00:00:00Z", &day[..4], &day[4..6], &day[6..]);
    let day_number = |moment: Timestamp| moment.as_millis().div_euclid(DAY_MILLIS);
    let named = day_number(Timestamp::parse_rfc3339(&midnight).ok_or(unknown)?);
    if named.abs_diff(day_number(now)) > DAYS_APART_MAX {
        return Err(JwtProblem::KeyUnknown(
            "the day in kid must be today in UTC, or the day before or after",
        ));
    }
    Ok(day)
}

/// The key that a secret signs with: itself, or the one derived for a day.
pub(super) fn signing_key(secret: &AppSecret, day: Option<&str>) -> Option<Vec<u8>> {
    // A key without bytes is everybody's.
    let key = LENIENT.decode(secret.0.expose().trim()).ok().filter(|key| !key.is_empty())?;
    match day {
        None => Some(key),
        Some(day) => mac(&key, day.as_bytes()).map(|mac| mac.finalize().into_bytes().to_vec()),
    }
}

/// HMAC-SHA256, ready to be compared or taken.
pub(super) fn mac(key: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac)
}

/// How `iss` and `sub` begin where they are paths.
const APPLICATIONS: &str = "//rtc.sinch.com/applications/";

/// What stands between the two in `sub`.
const USERS: &str = "/users/";

/// How the `kid` of a day's key begins.
const DAY_KEY: &str = "hkdfv1-";

const DAY_MILLIS: i64 = 86_400_000;

const DAYS_APART_MAX: u64 = 1;
