//! The operator: whoever may read the server's data folder, where a running server keeps the token of the operator API.

use std::sync::OnceLock;

use callbox_domain::{AppKey, Random, Secret};
use callbox_wire::ErrorCode;
use subtle::ConstantTimeEq as _;

use crate::accounts::no_such_app;
use crate::audit::Actor;
use crate::generated::{random_secret, sha256};
use crate::{Manager, Service, ServiceResult};

/// What opens the operator API: 256 random bits, made anew by each start of a server.
#[derive(Debug, Clone)]
pub struct OperatorToken(Secret<String>);

impl OperatorToken {
    /// A new random token.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_secret("cbo_", random))
    }

    /// A token as it was sent. Any text will do; a wrong one opens nothing.
    pub fn from_client(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }

    /// The token itself, for the file that only the operator reads.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    fn hash(&self) -> [u8; 32] {
        sha256(self.0.expose())
    }
}

/// Which token opens the operator API, by its SHA-256, and as whom the audit log knows those who hold it.
pub(crate) type OperatorDoor = OnceLock<([u8; 32], Actor)>;

impl Service {
    /// Takes whoever has this token for the operator, whom the audit log calls `actor`. Until this is called nobody is,
    /// and the first call stands.
    pub fn admit_operator(&self, token: &OperatorToken, actor: Actor) {
        let _ = self.operator.set((token.hash(), actor));
    }

    /// As whom the holder of this token acts. Failures are not counted: 256 bits are not guessed.
    ///
    /// Errors: `operator_token_wrong`.
    pub fn authenticate_operator(&self, token: &OperatorToken) -> ServiceResult<Actor> {
        match self.operator.get() {
            Some((hash, actor)) if bool::from(hash.ct_eq(&token.hash())) => Ok(*actor),
            _ => Err(ErrorCode::OperatorTokenWrong.into()),
        }
    }

    /// An app in the hands of the operator, also one that is disabled.
    ///
    /// Errors: `app_not_found`.
    pub async fn manage(&self, operator: Actor, key: &AppKey) -> ServiceResult<Manager> {
        let app = self.find_app(key).await.map_err(no_such_app)?;
        Ok(Manager { app: self.apps.share(app), actor: operator })
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::testing::{SeededRandom, World, app_key, code};

    #[test]
    fn one_token_opens_and_none_before_it_is_set() {
        let (world, random) = (World::new(), SeededRandom::new(3));
        let [good, other] = [(); 2].map(|()| OperatorToken::generate(&random));
        assert_eq!(code(world.service.authenticate_operator(&good)), ErrorCode::OperatorTokenWrong);
        world.service.admit_operator(&good, Actor::Operator);
        world.service.admit_operator(&other, Actor::CommandLine);
        let sent = OperatorToken::from_client(good.expose());
        assert_eq!(world.service.authenticate_operator(&sent), Ok(Actor::Operator));
        for wrong in [other, OperatorToken::from_client(""), OperatorToken::from_client("cbo_")] {
            assert_eq!(code(world.service.authenticate_operator(&wrong)), ErrorCode::OperatorTokenWrong);
        }
        assert!(good.expose().starts_with("cbo_") && good.expose().len() == 4 + 43);
        assert_eq!(format!("{good:?}"), "OperatorToken([redacted])");
    }

    #[test]
    fn the_operator_manages_every_app_there_is() {
        let world = World::new();
        let manager = block_on(world.service.manage(Actor::Operator, &app_key("app-two"))).expect("known");
        assert_eq!((manager.actor, manager.app.now().name.as_str()), (Actor::Operator, "app-two"));
        let unknown = block_on(world.service.manage(Actor::Operator, &app_key("app-three")));
        assert_eq!(code(unknown), ErrorCode::AppNotFound);
    }
}
