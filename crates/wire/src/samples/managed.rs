//! Samples of what those see and send who manage an app.

use crate::managed::{
    AccessToken, AppIdentity, AppUser, AssertedBy, CreateUserRequest, IssueAccessTokenRequest,
    IssueTicketRequest, IssuedAccessToken, IssuedTicket, LinkIdentityRequest, PasswordReset,
    UpdateUserRequest,
};
use crate::session::{Identity, IdentityType};

use super::{Sample, moment, page, sample, user_id};

pub(super) fn bodies() -> Vec<Sample> {
    let email = "ann@example.com".to_owned();
    let create = CreateUserRequest {
        user_id: user_id("ann"),
        identities: vec![Identity { identity_type: IdentityType::Email, value: email.clone() }],
    };
    let link = LinkIdentityRequest { identity_type: IdentityType::Email, value: email, take: Some(true) };
    let issued = IssuedAccessToken { token: "cba_4nQx7R…".into(), access_token: access_token() };
    let reset = PasswordReset { token: "cbr_Zt81c…".into(), expires_at: moment() };
    let token_life = IssueAccessTokenRequest { expires_in: Some(2_592_000) };
    let session_life = IssueTicketRequest { expires_in: Some(3_600) };
    vec![
        sample("AppUser", "AppUser", &app_user()),
        sample("Page_AppUser", "Page_AppUser", &page(app_user())),
        sample("CreateUserRequest", "CreateUserRequest", &create),
        sample("UpdateUserRequest", "UpdateUserRequest", &UpdateUserRequest { blocked: true }),
        sample("LinkIdentityRequest", "LinkIdentityRequest", &link),
        sample("IssueAccessTokenRequest", "IssueAccessTokenRequest", &token_life),
        sample("IssuedAccessToken", "IssuedAccessToken", &issued),
        sample("Page_AccessToken", "Page_AccessToken", &page(access_token())),
        sample("PasswordReset", "PasswordReset", &reset),
        sample("IssueTicketRequest", "IssueTicketRequest", &session_life),
        sample("IssuedTicket", "IssuedTicket", &IssuedTicket { ticket: "eyJpZ…:9Xk…".into() }),
    ]
}

fn app_user() -> AppUser {
    let identity = |identity_type, value: &str, asserted_by| AppIdentity {
        identity_type,
        value: value.to_owned(),
        asserted_by,
    };
    AppUser {
        id: user_id("ann"),
        created_at: moment(),
        last_seen_at: Some(moment()),
        blocked_at: None,
        identities: vec![
            identity(IdentityType::Username, "ann", AssertedBy::Backend),
            identity(IdentityType::Email, "ann@example.com", AssertedBy::Myself),
        ],
    }
}

fn access_token() -> AccessToken {
    AccessToken {
        id: "tok_7w2k9m4x1c3v5b8n".into(),
        prefix: "cba_4nQx7R".into(),
        created_at: moment(),
        expires_at: Some(moment()),
    }
}
