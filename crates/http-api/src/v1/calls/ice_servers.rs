//! `GET /v1/ice-servers`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CACHE_CONTROL;
use callbox_domain::CallId;
use callbox_service::Service;
use callbox_wire::call::IceConfiguration;
use callbox_wire::{ErrorAnswer, ErrorCode};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::body::Query;
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// The query of `listIceServers`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListIceServersQuery {
    /// For which call; without one the credentials are for none in particular.
    call_id: Option<String>,
}

/// List STUN and TURN servers
///
/// With fresh credentials of the caller's session, for an ICE restart or for finding out what a network lets through.
/// Those for a call stop working when it is over.
#[utoipa::path(
    get,
    path = "/v1/ice-servers",
    operation_id = "listIceServers",
    tag = "calls",
    security(("sessionToken" = [])),
    params(ListIceServersQuery),
    responses(
        (status = 200, description = "What the server has to say of an `RTCConfiguration`.", body = IceConfiguration),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 403, description = "`origin_not_allowed`", body = ErrorAnswer),
        (status = 404, description = "`call_not_found`", body = ErrorAnswer),
        (status = 503, description = "`overloaded`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_ice_servers(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    Query(query): Query<ListIceServersQuery>,
) -> HttpResult<([(HeaderName, &'static str); 1], Json<IceConfiguration>)> {
    let call = query.call_id.map(CallId::new).transpose().map_err(|_| ErrorCode::CallNotFound)?;
    let ice = service.ice_servers(&caller, call.as_ref()).await?;
    // It holds a password.
    Ok(([(CACHE_CONTROL, "no-store")], Json(ice)))
}

#[cfg(test)]
mod tests {
    use callbox_domain::{CallId, CallMedia, Clock as _, ConnectionId, UserId};
    use callbox_media_control::{CREDENTIAL_LIFE, Credential, RelayUrls};
    use callbox_service::calls::StartRequest;
    use callbox_service::sessions::SessionToken;
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    const CALL: &str = "call-0001";
    const PATH: &str = "/v1/ice-servers";

    /// Calls bob from a connection of this session.
    fn start(api: &Api, token: &str) {
        let caller = api.wait(api.service.authenticate(&SessionToken::from_client(token)));
        let request = StartRequest {
            call_id: CallId::new(CALL).expect("valid"),
            callee_id: UserId::new("bob").expect("valid"),
            media: CallMedia::Audio,
            ring: None,
        };
        let connection = ConnectionId::new("page-of-ann").expect("valid");
        api.wait(api.service.start_call(&caller, &connection, request));
    }

    fn ask(api: &Api, token: &str, query: &str) -> Answer {
        api.call_as(token, "GET", &format!("{PATH}{query}")).send()
    }

    fn credential(turn: &Value) -> Credential {
        assert!(turn["credential"].as_str().is_some_and(|password| password.len() == 44), "{turn}");
        Credential::parse(turn["username"].as_str().expect("a name")).expect("a good one")
    }

    #[test]
    fn a_session_gets_servers_and_a_credential_that_nobody_keeps() {
        let api = Api::new();
        let session = api.signed_in("app-one", "ann");
        let answer = ask(&api, session["token"].as_str().expect("a token"), "");
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
        assert_eq!(answer.body["iceTransportPolicy"], "all");
        let servers = answer.body["iceServers"].as_array().expect("servers");
        assert_eq!(servers.len(), 2);
        assert_eq!(
            servers[0],
            json!({ "urls": ["stun:call.example.com:3478"], "username": null, "credential": null })
        );
        assert_eq!(servers[1]["urls"], json!(["turn:call.example.com:3478?transport=udp"]));
        let credential = credential(&servers[1]);
        assert_eq!(
            (credential.session(), credential.call()),
            (session["session"]["id"].as_str().expect("an id"), "")
        );
        assert_eq!(credential.expires_at(), api.clock.now().plus(CREDENTIAL_LIFE));
        assert_eq!(answer.body["expiresAt"], credential.expires_at().to_rfc3339());
    }

    #[test]
    fn a_credential_for_a_call_is_for_those_in_it() {
        let api = Api::new();
        let [ann, bob, eve] = ["ann", "bob", "eve"].map(|user| api.sign_in("app-one", user));
        let foreign = api.sign_in("app-two", "bob");
        let query = format!("?callId={CALL}");
        ask(&api, &ann, &query).is_error(ErrorCode::CallNotFound);
        start(&api, &ann);
        for token in [&ann, &bob] {
            let answer = ask(&api, token, &query);
            assert_eq!(
                (answer.status, answer.header("cache-control")),
                (200, Some("no-store")),
                "{answer:?}"
            );
            assert!(credential(&answer.body["iceServers"][1]).call().ends_with(CALL));
        }
        for token in [&eve, &foreign] {
            ask(&api, token, &query).is_error(ErrorCode::CallNotFound);
        }
        let end = api.call_as(&ann, "POST", &format!("/v1/calls/{CALL}/end"));
        assert_eq!(end.json(&json!({ "reason": "hang_up" })).send().status, 204);
        ask(&api, &ann, &query).is_error(ErrorCode::CallNotFound);
    }

    #[test]
    fn what_is_no_call_is_not_found_and_strangers_get_nothing() {
        let api = Api::new();
        let ann = api.sign_in("app-one", "ann");
        for call in ["", "x", "a%2Fb", "call-unknown"] {
            ask(&api, &ann, &format!("?callId={call}")).is_error(ErrorCode::CallNotFound);
        }
        ask(&api, &ann, "?callId=a&callId=b").is_invalid("query");
        api.check_credentials("GET", PATH);
    }

    #[test]
    fn a_server_without_a_relay_has_no_servers_to_name() {
        let api = Api::new();
        api.media.set_urls(RelayUrls::default());
        let answer = ask(&api, &api.sign_in("app-one", "ann"), "");
        assert_eq!(answer.body, json!({ "iceServers": [], "iceTransportPolicy": "all", "expiresAt": null }));
    }

    #[test]
    fn it_counts_as_a_request() {
        let api = Api::new();
        let ann = api.sign_in("app-one", "ann");
        for _ in 0..200 {
            assert_eq!(ask(&api, &ann, "").status, 200);
        }
        ask(&api, &ann, "").is_error(ErrorCode::RateLimited);
    }
}
