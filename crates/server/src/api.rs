//! The whole API: every operation of every edge, and the document that describes them.

use std::sync::Arc;

use axum::Router;
use callbox_hub::Hub;
use callbox_service::Service;
use callbox_wire::schema::SocketSchema;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of all edges, with the document that they make up.
pub struct Api {
    /// What everyone reaches.
    pub public: Router,
    /// What only the operator's listener serves.
    pub operator: Router,
    /// Every operation of both.
    pub document: Document,
}

/// Puts the edges together.
pub fn assemble(service: Arc<Service>, hub: Arc<Hub>) -> Api {
    let (operator, operations) = callbox_http_api::operator_routes(service.clone()).split_for_parts();
    let (public, mut document) = OpenApiRouter::with_openapi(SocketSchema::openapi())
        .merge(callbox_http_api::routes(service))
        .merge(callbox_hub::routes(hub))
        .routes(routes!(describe_api))
        .split_for_parts();
    document.merge(operations);
    describe(&mut document);
    Api { public, operator, document }
}

/// The API's description
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describeApi",
    tag = "health",
    responses((status = 200, description = "This document.", content_type = "application/json")),
)]
async fn describe_api(
    axum::Extension(document): axum::Extension<Arc<str>>,
) -> ([(axum::http::HeaderName, &'static str); 1], String) {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], document.as_ref().to_owned())
}

fn describe(document: &mut Document) {
    "Callbox".clone_into(&mut document.info.title);
    document.info.description = Some(DESCRIPTION.to_owned());
    let components = document.components.get_or_insert_default();
    let http = |scheme| SecurityScheme::Http(Http::new(scheme));
    components.add_security_scheme("sessionToken", http(HttpAuthScheme::Bearer));
    components.add_security_scheme("operatorToken", http(HttpAuthScheme::Bearer));
    components.add_security_scheme("appSecret", http(HttpAuthScheme::Basic));
    for (name, form) in SIGNATURES {
        let header = ApiKeyValue::with_description("Authorization", *form);
        components.add_security_scheme(*name, SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorAnswer"))).build();
            let other = ResponseBuilder::new()
                .description("Any other error: `rate_limited` (429), `internal` (500), `overloaded` and `store_unavailable` (503).")
                .content("application/json", content);
            operation.responses.responses.insert("default".to_owned(), RefOr::T(other.build()));
        }
    }
}

const DESCRIPTION: &str = "Sign-in, messaging and calls for any app. Errors always have the body `ErrorAnswer`; \
    every answer carries the header `x-request-id`. The socket's frames are the schemas `ClientFrame` and `ServerFrame`. \
    Operations below `/v1/operator` are for whoever runs the server: only a listener on loopback serves them, whose address and \
    token a running server keeps in `operator.json` in its data folder.";

/// Schemes of signed requests: the name, and the form of the header.
const SIGNATURES: &[(&str, &str)] = &[
    (
        "sessionSignature",
        "`Instance <sessionId>:<signature>`, with the header `x-timestamp`; signed with the session's secret.",
    ),
    (
        "appSignature",
        "`Application <appKey>:<signature>`, with the header `x-timestamp`; signed with the app's secret.",
    ),
];
