//! Samples of operating a server.

use callbox_domain::{AppKey, AppSettings};
use serde_json::{Map, Value, json};

use crate::operator::{
    AddAppKeyAnswer, AddAppKeyRequest, App, AppAnswer, AppKeyKind, AuditEntry, CreateAppAnswer,
    CreateAppRequest, ListedAppKey, RotateSecretAnswer, RotateSecretRequest, Setting, UpdateAppRequest,
};

use super::{Sample, moment, page, sample};

const SECRET: &str = "JViE5vDor0Sw3WllZka15Q==";

pub(super) fn bodies() -> Vec<Sample> {
    let create = CreateAppRequest {
        name: "Shop".into(),
        key: Some(key("shop")),
        settings: object(json!({ "allowedOrigins": ["https://shop.example.com"] })),
    };
    let update = UpdateAppRequest {
        name: Some("Shop".into()),
        disabled: Some(false),
        settings: object(json!({ "directory": "everyone", "ringSeconds": null })),
    };
    let rotate = RotateSecretRequest { grace_seconds: Some(0), end_sessions: Some(true) };
    let rotated = RotateSecretAnswer { secret: SECRET.into(), old_good_until: moment(), ended_sessions: 12 };
    let add = AddAppKeyRequest { key: key("legacy"), secret: Some(SECRET.into()) };
    let audit = AuditEntry {
        at: moment(),
        actor: "operator".into(),
        action: "app.updated".into(),
        app_key: Some(key("shop")),
        subject: "shop".into(),
        details: object(json!({ "settings": { "directory": "everyone" } })),
    };
    let settings = Setting::all().into_iter().next().expect("a setting");
    vec![
        sample("CreateAppRequest", "CreateAppRequest", &create),
        sample("CreateAppAnswer", "CreateAppAnswer", &CreateAppAnswer { app: app(), secret: SECRET.into() }),
        sample("AppAnswer", "AppAnswer", &AppAnswer { app: app() }),
        sample("Page_App", "Page_App", &page(app())),
        sample("UpdateAppRequest", "UpdateAppRequest", &update),
        sample("RotateSecretRequest", "RotateSecretRequest", &rotate),
        sample("RotateSecretAnswer", "RotateSecretAnswer", &rotated),
        sample("AddAppKeyRequest", "AddAppKeyRequest", &add),
        sample("AddAppKeyAnswer", "AddAppKeyAnswer", &AddAppKeyAnswer { key: listed_key() }),
        sample("Page_ListedAppKey", "Page_ListedAppKey", &page(listed_key())),
        sample("Page_Setting", "Page_Setting", &page(settings)),
        sample("Page_AuditEntry", "Page_AuditEntry", &page(audit)),
    ]
}

fn app() -> App {
    let app = callbox_domain::App {
        id: callbox_domain::AppId(1),
        key: key("shop"),
        name: "Shop".into(),
        settings: AppSettings::default(),
        created_at: moment(),
        disabled_at: None,
    };
    app.into()
}

fn listed_key() -> ListedAppKey {
    ListedAppKey {
        key: key("legacy"),
        generation: 1,
        kind: AppKeyKind::Imported,
        created_at: moment(),
        good_until: None,
    }
}

fn key(text: &str) -> AppKey {
    AppKey::new(text).expect("valid")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
