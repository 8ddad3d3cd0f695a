//! Every operation of the API document, and who may use it.

use serde_json::{Value, json};

/// Who may use an operation.
pub enum Access {
    /// Anyone; a request without credentials gets this status.
    Anyone(u16),
    /// A signed-in user; one who has nothing to do with what the request names gets this status and code.
    SignedIn(u16, &'static str),
    /// The same, where the settings of the two apps make a difference: in the open app, and in the strict one.
    ByApp((u16, &'static str), (u16, &'static str)),
    /// An app's backend; that of another app, which has none of the users, gets this status and code.
    AppBackend(u16, &'static str),
    /// The operator, who gets this status and code at a listener of their own; nobody else, and nobody at the public one.
    Operator(u16, &'static str),
}

pub struct Operation {
    pub id: &'static str,
    pub verb: &'static str,
    pub path: String,
    pub body: Value,
    pub access: Access,
}

/// What belongs to ann and bob, and is nobody else's business.
pub struct Private {
    pub conversation: String,
    pub call: String,
}

/// Every operation, those that end the session that asks at the end.
pub fn operations(private: &Private) -> Vec<Operation> {
    let groups = [
        anyones(),
        own_account(),
        of_users(private),
        backend_operations(),
        operators(),
        operators_on_users(),
        ending(),
    ];
    groups.into_iter().flatten().collect()
}

fn operators() -> Vec<Operation> {
    let operation = |id, verb, path: &str, body, status| {
        let path = format!("/v1/operator{path}");
        Operation { id, verb, path, body, access: Access::Operator(status, "") }
    };
    let (none, empty) = (Value::Null, json!({}));
    vec![
        operation("listApps", "GET", "/apps", none.clone(), 200),
        operation("createApp", "POST", "/apps", json!({ "name": "Walk" }), 201),
        operation("showApp", "GET", "/apps/test-app", none.clone(), 200),
        operation("updateApp", "PATCH", "/apps/test-app", empty.clone(), 200),
        operation("rotateSecret", "POST", "/apps/test-app/secret-rotations", empty, 201),
        operation("listAppKeys", "GET", "/apps/test-app/keys", none.clone(), 200),
        operation("addAppKey", "POST", "/apps/test-app/keys", json!({ "key": "walk" }), 201),
        operation("removeAppKey", "DELETE", "/apps/test-app/keys/walk", none.clone(), 204),
        operation("listSettings", "GET", "/settings", none.clone(), 200),
        operation("listAudit", "GET", "/audit", none, 200),
    ]
}

/// What the operator does to a user, here to eve, who comes again each time.
fn operators_on_users() -> Vec<Operation> {
    let operation = |id, verb, path: &str, body, (status, code)| {
        let path = format!("/v1/operator/apps/test-app/users{path}");
        Operation { id, verb, path, body, access: Access::Operator(status, code) }
    };
    let (none, unblock) = (Value::Null, json!({ "blocked": false }));
    let missing = (404, "session_not_found");
    vec![
        operation("listOperatorUsers", "GET", "", none.clone(), (200, "")),
        operation("showOperatorUser", "GET", "/eve", none.clone(), (200, "")),
        operation("updateOperatorUser", "PATCH", "/eve", unblock, (200, "")),
        operation("listOperatorUserSessions", "GET", "/eve/sessions", none.clone(), (200, "")),
        operation("endOperatorUserSession", "DELETE", "/eve/sessions/ses_of_ann", none.clone(), missing),
        operation("endOperatorUserSessions", "DELETE", "/eve/sessions", none.clone(), (204, "")),
        operation("eraseOperatorUser", "DELETE", "/eve", none, (204, "")),
    ]
}

fn operation(id: &'static str, verb: &'static str, path: &str, body: Value, access: Access) -> Operation {
    Operation { id, verb, path: path.to_owned(), body, access }
}

/// What needs no session.
fn anyones() -> Vec<Operation> {
    let ask = |id, path: &str, status| operation(id, "GET", path, Value::Null, Access::Anyone(status));
    let bare = |id, path: &str, body| operation(id, "POST", path, body, Access::Anyone(401));
    vec![
        ask("processHealth", "/healthz", 200),
        ask("readiness", "/readyz", 200),
        ask("describeApi", "/openapi.json", 200),
        ask("tellTime", "/v1/timestamp", 200),
        ask("openSocket", "/v1/socket", 426),
        bare("signIn", "/v1/sessions", json!({ "userId": "eve" })),
        bare("signUp", "/v1/users", json!({ "identities": [], "password": "" })),
        bare("resetPassword", "/v1/password-resets", json!({ "token": "cbr_x", "newPassword": "x" })),
        bare("register", "/v1/register", json!({ "identifier": "eve" })),
    ]
}

/// What users do with their own accounts; nothing of others' is within reach.
fn own_account() -> Vec<Operation> {
    let own = |id, path: &str| operation(id, "GET", path, Value::Null, Access::SignedIn(200, ""));
    let by_app = |code| Access::ByApp((400, code), (403, "sign_in_way_off"));
    let remove =
        |id, path: &str, code| operation(id, "DELETE", path, Value::Null, Access::SignedIn(404, code));
    let (identity, password) = (json!({ "type": "number", "value": "eve" }), json!({ "newPassword": "x" }));
    vec![
        own("listIdentities", "/v1/me/identities"),
        operation("addIdentity", "POST", "/v1/me/identities", identity, by_app("invalid_request")),
        remove("removeIdentity", "/v1/me/identities/username/ann", "identity_not_found"),
        operation("changePassword", "PUT", "/v1/me/password", password, by_app("password_weak")),
        own("resumeSession", "/v1/session"),
        own("listSessions", "/v1/sessions"),
        remove("endSession", "/v1/sessions/ses_of_somebody_else", "session_not_found"),
    ]
}

/// What users do with each other, here with what is ann's and bob's.
fn of_users(private: &Private) -> Vec<Operation> {
    let Private { conversation, call } = private;
    let message =
        json!({ "messageId": "m-stranger", "to": { "conversationId": conversation }, "text": "hi" });
    let history = format!("/v1/conversations/{conversation}/messages");
    let end = format!("/v1/calls/{call}/end");
    let ice = format!("/v1/ice-servers?callId={call}");
    let none = Value::Null;
    let missing = |code| Access::SignedIn(404, code);
    let listed = Access::ByApp((200, ""), (403, "directory_closed"));
    vec![
        operation("listUsers", "GET", "/v1/users", none.clone(), listed),
        operation("listConversations", "GET", "/v1/conversations", none.clone(), Access::SignedIn(200, "")),
        operation("listMessages", "GET", &history, none.clone(), missing("conversation_not_found")),
        operation("sendMessage", "POST", "/v1/messages", message, missing("conversation_not_found")),
        operation("endCall", "POST", &end, json!({ "reason": "hang_up" }), missing("call_not_found")),
        operation("listIceServers", "GET", &ice, none, missing("call_not_found")),
    ]
}

/// They change or end the session that asks, or others of the same user.
fn ending() -> Vec<Operation> {
    let (none, fine) = (Value::Null, |status| Access::SignedIn(status, ""));
    vec![
        operation("endOtherSessions", "DELETE", "/v1/sessions", none.clone(), fine(204)),
        operation("renewSession", "POST", "/v1/session/renew", json!({}), fine(200)),
        operation("issueSessionToken", "POST", "/v1/session/token", none.clone(), fine(200)),
        operation("signOut", "DELETE", "/v1/session", none, fine(204)),
    ]
}

/// What an app's backend does, here to ann.
fn backend_operations() -> Vec<Operation> {
    let not_found = (404, "user_not_found");
    let operation = |id, verb, path: &str, body, (status, code)| Operation {
        id,
        verb,
        path: format!("/v1/app/users{path}"),
        body,
        access: Access::AppBackend(status, code),
    };
    let (none, identity) =
        (Value::Null, json!({ "type": "email", "value": "ann@example.com", "move": true }));
    vec![
        operation("createUser", "POST", "", json!({ "userId": "walker" }), (201, "")),
        operation("listAppUsers", "GET", "", none.clone(), (200, "")),
        operation("getUser", "GET", "/ann", none.clone(), not_found),
        operation("updateUser", "PATCH", "/ann", json!({ "blocked": true }), not_found),
        operation("deleteUser", "DELETE", "/ann", none.clone(), not_found),
        operation("linkIdentity", "PUT", "/ann/identities", identity, not_found),
        operation("unlinkIdentity", "DELETE", "/ann/identities/username/ann", none.clone(), not_found),
        operation("listUserSessions", "GET", "/ann/sessions", none.clone(), not_found),
        operation("endUserSessions", "DELETE", "/ann/sessions", none.clone(), not_found),
        operation("endUserSession", "DELETE", "/ann/sessions/ses_of_somebody", none.clone(), not_found),
        operation("issueAccessToken", "POST", "/ann/access-tokens", json!({}), not_found),
        operation("listAccessTokens", "GET", "/ann/access-tokens", none.clone(), not_found),
        operation("revokeAccessToken", "DELETE", "/ann/access-tokens/tok_1", none.clone(), not_found),
        operation("issuePasswordReset", "POST", "/ann/password-resets", none, (403, "sign_in_way_off")),
        operation("issueTicket", "POST", "/ann/tickets", json!({}), not_found),
    ]
}
