//! JWTs that an identity provider signed with a key of its own.

use callbox_domain::Timestamp;
use callbox_domain::settings::JwtIssuer;
use jsonwebtoken::Algorithm;

use super::{Jwt, JwtProblem, JwtUser, KeySet};

impl Jwt {
    /// The identity provider that this JWT claims to come from, byte for byte. Where a provider is listed more than once,
    /// for several audiences, the one whose audience fits.
    pub fn issuer_among<'a>(&self, issuers: &'a [JwtIssuer]) -> Option<&'a JwtIssuer> {
        let named = || issuers.iter().filter(|issuer| issuer.issuer == self.claims.issuer);
        named().find(|issuer| self.is_for(&issuer.audience)).or_else(|| named().next())
    }

    /// Checks a JWT of an identity provider by its keys.
    pub fn verify_by_keys(
        &self,
        issuer: &JwtIssuer,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<JwtUser, JwtProblem> {
        let user = self.claimed_user(issuer, now)?;
        let key = keys.find(self.key_id.as_deref(), self.algorithm)?;
        match jsonwebtoken::crypto::verify(&self.signature, self.signed_text.as_bytes(), key, self.algorithm)
        {
            Ok(true) => Ok(user),
            Ok(false) | Err(_) => Err(JwtProblem::SignatureInvalid),
        }
    }

    /// What the JWT would say if its signature were good: everything that needs no key.
    pub(super) fn claimed_user(&self, issuer: &JwtIssuer, now: Timestamp) -> Result<JwtUser, JwtProblem> {
        if self.claims.issuer != issuer.issuer {
            return Err(JwtProblem::WrongIssuer);
        }
        if !issuer.algorithms.iter().any(|name| name.parse().is_ok_and(|it: Algorithm| it == self.algorithm))
        {
            return Err(JwtProblem::AlgorithmNotAllowed);
        }
        if !self.is_for(&issuer.audience) {
            return Err(JwtProblem::WrongAudience);
        }
        self.check_times(now)?;
        let claim = &issuer.user_id_claim;
        let user_id = self.claims.text(claim);
        self.user(user_id.ok_or_else(|| JwtProblem::NoUserId(format!("the claim {claim} is not text")))?)
    }

    fn is_for(&self, audience: &str) -> bool {
        self.claims.audience.iter().any(|one| one == audience)
    }
}
