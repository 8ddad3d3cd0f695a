//! Samples of what users do with their own accounts.

use serde_json::Map;

use crate::account::{
    ChangePasswordRequest, OwnIdentity, RegisterAnswer, RegisterRequest, ResetPasswordRequest, SignUpAnswer,
    SignUpRequest,
};
use crate::managed::AssertedBy;
use crate::session::{Identity, IdentityType};

use super::session::session;
use super::{Sample, moment, page, sample, user};

pub(super) fn bodies() -> Vec<Sample> {
    let email = Identity { identity_type: IdentityType::Email, value: "ann@example.com".into() };
    let sign_up = SignUpRequest { identities: vec![email], password: "correct horse battery".into() };
    let change = ChangePasswordRequest {
        current_password: Some("correct horse battery".into()),
        new_password: "staple of the harbour".into(),
    };
    let reset =
        ResetPasswordRequest { token: "cbr_7Hq…".into(), new_password: "staple of the harbour".into() };
    let identity = OwnIdentity {
        identity_type: IdentityType::Email,
        value: "ann@example.com".into(),
        asserted_by: AssertedBy::Myself,
        created_at: moment(),
    };
    let register = RegisterRequest {
        identifier: Some("ann".into()),
        metadata: Some(Map::from_iter([("model".into(), "x".into())])),
        ..RegisterRequest::default()
    };
    let registered = RegisterAnswer {
        username: "dev_4m7q…".into(),
        password: "cbd_x9R…".into(),
        token: "cbs_kq3v…".into(),
        secret: "9J2s…".into(),
        session: session(),
        user: user("ann"),
    };
    vec![
        sample("SignUpRequest", "SignUpRequest", &sign_up),
        sample(
            "SignUpAnswer",
            "SignUpAnswer",
            &SignUpAnswer { user: user("ann"), ticket: "cbt_5tY…".into() },
        ),
        sample("ChangePasswordRequest", "ChangePasswordRequest", &change),
        sample("ResetPasswordRequest", "ResetPasswordRequest", &reset),
        sample("Page_OwnIdentity", "Page_OwnIdentity", &page(identity)),
        sample("RegisterRequest", "RegisterRequest", &register),
        sample("RegisterAnswer", "RegisterAnswer", &registered),
    ]
}
