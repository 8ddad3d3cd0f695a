//! Tickets for trying: what the app's backend would sign, signed here.

use std::time::Duration;

use callbox_domain::{AppId, AssertedBy, CredentialKind, IdentityType, Secret, UserId};
use callbox_storage::Tx;
use callbox_wire::{ApiError, ErrorCode};
use serde_json::json;

use super::{Change, IdentityName};
use crate::caller::Manager;
use crate::error::{Refusal, written};
use crate::sessions::ticket::{Ticket, TicketContents};
use crate::{Service, ServiceResult};

impl Service {
    /// A ticket that opens a session of `life` for a user, an hour where nothing is wished.
    ///
    /// Errors: `user_not_found`, `identity_conflict` for a user for whom the backend vouches by no name,
    /// `sign_in_way_off`, `invalid_request`.
    pub async fn issue_ticket(
        &self,
        manager: &Manager,
        user_id: UserId,
        life: Option<Duration>,
    ) -> ServiceResult<Secret<String>> {
        let app = manager.app.now();
        let life = life.unwrap_or(TICKET_SESSION_LIFE);
        if life.as_secs() == 0 {
            return Err(ApiError::invalid_field("expiresIn", "at least 1 second"));
        }
        if !app.settings.ticket_sign_in {
            let way = CredentialKind::Ticket.as_str();
            return Err(ApiError::new(ErrorCode::SignInWayOff).detail("credential", way));
        }
        let secrets = self.app_secrets(&app).await?;
        let newest = secrets.first().ok_or(ErrorCode::Internal)?;
        let change = Change::new(manager, &user_id, self.clock.now());
        let now = change.now;
        let named = self.store.write(move |tx| {
            change.user(tx)?;
            let name = name_of(tx, change.app, &change.user_id)?;
            change.note(tx, "user.ticket_issued", &json!({ "expiresIn": life.as_secs() }))?;
            Ok::<_, Refusal>(name)
        });
        let name = written(named.await)?;
        let contents = TicketContents {
            identity_type: name.identity_type,
            endpoint: name.value,
            application_key: app.key.to_string(),
            created: now,
            expires_in: u32::try_from(life.as_secs()).unwrap_or(u32::MAX),
        };
        let ticket = Ticket::sign(&contents, &newest.0).ok_or(ErrorCode::Internal)?;
        tracing::info!(app = %app.key, user = %user_id, by = manager.actor.as_str(), "ticket issued");
        Ok(ticket)
    }
}

/// A name by which a ticket leads to this user and nobody else.
fn name_of(tx: &dyn Tx, app: AppId, user_id: &UserId) -> Result<IdentityName, Refusal> {
    let identities = tx.identities_of(app, user_id)?;
    if let Some(good) = identities.iter().find(|one| one.asserted_by == AssertedBy::Backend) {
        return Ok(IdentityName { identity_type: good.identity_type, value: good.value.clone() });
    }
    let own = IdentityName { identity_type: IdentityType::Username, value: user_id.to_string() };
    if identities.is_empty() && tx.identity(app, own.identity_type, &own.value)?.is_none() {
        Ok(own)
    } else {
        Err(ErrorCode::IdentityConflict.into())
    }
}

const TICKET_SESSION_LIFE: Duration = Duration::from_hours(1);
