//! The HTTP API: one file for each operation, with its documentation, its handler and its tests.
//!
//! Handlers translate: from HTTP to a use case of `service`, and from its answer to a body of `wire`. No permission is
//! decided here. What is not registered with its documentation does not exist. This crate must never import a store's
//! implementation, the socket hub, or the server.

mod authorization;
mod body;
mod client_address;
mod credentials;
mod cursor;
mod error;
mod health;
mod layers;
mod signed;
mod v1;

#[cfg(test)]
mod testing;

pub use client_address::{ClientAt, TrustedProxies, TrustedProxyError};
pub use layers::wrap;

use std::sync::Arc;

use axum::middleware;
use callbox_service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every operation of the public listener, documented.
pub fn routes(service: Arc<Service>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(health::process_health))
        .routes(routes!(health::readiness))
        .routes(routes!(
            v1::sessions::sign_in::sign_in,
            v1::sessions::list_sessions::list_sessions,
            v1::sessions::end_other_sessions::end_other_sessions
        ))
        .routes(routes!(v1::sessions::end_session::end_session))
        .routes(routes!(v1::sessions::renew::renew_session))
        .routes(routes!(v1::sessions::issue_token::issue_session_token))
        .routes(routes!(v1::sessions::resume::resume_session, v1::sessions::sign_out::sign_out))
        .routes(routes!(v1::people::list_users::list_users, v1::me::sign_up::sign_up))
        .routes(routes!(v1::me::change_password::change_password))
        .routes(routes!(v1::me::reset_password::reset_password))
        .routes(routes!(v1::me::list_identities::list_identities, v1::me::add_identity::add_identity))
        .routes(routes!(v1::me::remove_identity::remove_identity))
        .routes(routes!(v1::me::register::register))
        .routes(routes!(v1::messaging::send_message::send_message))
        .routes(routes!(v1::messaging::list_conversations::list_conversations))
        .routes(routes!(v1::messaging::list_messages::list_messages))
        .routes(routes!(v1::calls::end_call::end_call))
        .routes(routes!(v1::calls::ice_servers::list_ice_servers))
        .routes(routes!(v1::time::tell_time::tell_time))
        .routes(routes!(v1::app::users::create_user::create_user, v1::app::users::list_users::list_users))
        .routes(routes!(
            v1::app::users::get_user::get_user,
            v1::app::users::update_user::update_user,
            v1::app::users::delete_user::delete_user
        ))
        .routes(routes!(v1::app::users::link_identity::link_identity))
        .routes(routes!(v1::app::users::unlink_identity::unlink_identity))
        .routes(routes!(
            v1::app::users::list_sessions::list_sessions,
            v1::app::users::end_sessions::end_sessions
        ))
        .routes(routes!(v1::app::users::end_session::end_session))
        .routes(routes!(
            v1::app::users::issue_access_token::issue_access_token,
            v1::app::users::list_access_tokens::list_access_tokens
        ))
        .routes(routes!(v1::app::users::revoke_access_token::revoke_access_token))
        .routes(routes!(v1::app::users::issue_password_reset::issue_password_reset))
        .routes(routes!(v1::app::users::issue_ticket::issue_ticket))
        .layer(middleware::from_fn(signed::buffer))
        .with_state(service)
}

/// Every operation of the operator's listener, documented.
pub fn operator_routes(service: Arc<Service>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(v1::operator::list_apps::list_apps, v1::operator::create_app::create_app))
        .routes(routes!(v1::operator::show_app::show_app, v1::operator::update_app::update_app))
        .routes(routes!(v1::operator::rotate_secret::rotate_secret))
        .routes(routes!(v1::operator::list_app_keys::list_app_keys, v1::operator::add_app_key::add_app_key))
        .routes(routes!(v1::operator::remove_app_key::remove_app_key))
        .routes(routes!(v1::operator::users::list_users::list_users))
        .routes(routes!(
            v1::operator::users::show_user::show_user,
            v1::operator::users::update_user::update_user,
            v1::operator::users::erase_user::erase_user
        ))
        .routes(routes!(
            v1::operator::users::list_sessions::list_sessions,
            v1::operator::users::end_sessions::end_sessions
        ))
        .routes(routes!(v1::operator::users::end_session::end_session))
        .routes(routes!(v1::operator::list_settings::list_settings))
        .routes(routes!(v1::operator::list_audit::list_audit))
        .with_state(service)
}
