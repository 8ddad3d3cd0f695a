//! Users and their sessions as answers to whoever manages them: an app's backend and the operator.

use callbox_domain::{SessionId, UserId};
use callbox_service::sessions::OpenSession;
use callbox_service::users::{ManagedUser, ManagedUserPage};
use callbox_service::{Manager, Service};
use callbox_wire::managed::AppUser;
use callbox_wire::page::Page;
use callbox_wire::session::{ListedSession, Session};
use callbox_wire::{ApiError, ErrorCode};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::cursor::{self, LIMIT_DEFAULT};
use crate::error::HttpResult;

/// Which users of an app.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserPageQuery {
    /// Items in a page, 1 to 100; 50 where it is left out.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A user id of a path. What can be none names nobody.
pub(super) fn user_id(text: &str) -> Result<UserId, ApiError> {
    UserId::new(text).map_err(|_| ApiError::new(ErrorCode::UserNotFound).detail("userId", text))
}

/// A session id of a path. What can be none names no session.
pub(super) fn session_id(text: String) -> Result<SessionId, ErrorCode> {
    SessionId::new(text).map_err(|_| ErrorCode::SessionNotFound)
}

/// One user.
pub(super) fn app_user(managed: ManagedUser) -> AppUser {
    AppUser::from_domain(managed.user, managed.identities)
}

/// A page of the app's users.
pub(super) async fn user_page(
    service: &Service,
    manager: &Manager,
    query: UserPageQuery,
) -> HttpResult<Page<AppUser>> {
    let after = cursor::parse(query.cursor.as_deref(), |text| UserId::new(text).ok())?;
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    let ManagedUserPage { users, next_after } = service.list_managed_users(manager, after, limit).await?;
    let next_cursor = next_after.map(|user| cursor::write(user.as_str()));
    Ok(Page { items: users.into_iter().map(app_user).collect(), next_cursor })
}

/// All open sessions of a user. None of them asks, for users do not manage.
pub(super) fn session_page(sessions: Vec<OpenSession>) -> Page<ListedSession> {
    let listed = sessions.into_iter().map(|open| ListedSession {
        current: false,
        connected: open.connected,
        session: Session::from(open.session),
    });
    Page { items: listed.collect(), next_cursor: None }
}
