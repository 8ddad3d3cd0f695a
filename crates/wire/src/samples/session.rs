//! Samples of signing in and of sessions.

use crate::session::{
    CredentialKind, Device, Identity, IdentityType, ListedSession, RenewSessionRequest, Session,
    SessionAnswer, SessionDevice, SignInAnswer, SignInRequest,
};

use super::{Sample, moment, page, sample, session_id, user, user_id};

pub(super) fn bodies() -> Vec<Sample> {
    let device = Device { platform: Some("web".into()), ..Device::default() };
    let sign_in = SignInRequest {
        identity: Some(Identity { identity_type: IdentityType::Email, value: "ann@example.com".into() }),
        user_id: Some(user_id("ann")),
        password: Some("correct horse battery".into()),
        device: Some(device),
        expires_in: Some(86_400),
        force: Some(true),
        ..SignInRequest::default()
    };
    let signed_in = SignInAnswer {
        token: "cbs_kq3v…".into(),
        secret: "9J2s…".into(),
        session: session(),
        user: user("ann"),
    };
    let renew = RenewSessionRequest {
        ticket: Some("eyJpZ…:9Xk…".into()),
        expires_in: Some(3_600),
        ..RenewSessionRequest::default()
    };
    let listed = ListedSession { session: session(), current: true, connected: true };
    vec![
        sample("SignInRequest", "SignInRequest", &sign_in),
        sample("SignInAnswer", "SignInAnswer", &signed_in),
        sample("SessionAnswer", "SessionAnswer", &SessionAnswer { session: session(), user: user("ann") }),
        sample("RenewSessionRequest", "RenewSessionRequest", &renew),
        sample("Page_ListedSession", "Page_ListedSession", &page(listed)),
    ]
}

pub(super) fn session() -> Session {
    Session {
        id: session_id(),
        created_at: moment(),
        expires_at: moment(),
        last_used_at: moment(),
        credential: CredentialKind::Ticket,
        device: SessionDevice { id: None, name: None, platform: Some("web".into()), app_version: None },
    }
}
