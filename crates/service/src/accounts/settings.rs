//! Changes settings of an app by their names.

use callbox_domain::{AppSettings, SettingInfo};
use callbox_wire::ApiError;
use serde_json::{Map, Value};

use crate::ServiceResult;

/// The settings with these changed; `null` stands for the default. Errors name the setting and say what it takes.
pub fn change_settings(present: &AppSettings, changes: &Map<String, Value>) -> ServiceResult<AppSettings> {
    let (mut object, defaults) = (as_object(present), as_object(&AppSettings::default()));
    let mut settings = present.clone();
    for (name, value) in changes {
        let info = find(name)?;
        let value = if value.is_null() { &defaults[name] } else { value };
        object.insert(name.clone(), value.clone());
        settings = serde_json::from_value(Value::Object(object.clone()))
            .map_err(|error| refuse(name, &format!("{} ({error})", info.values)))?;
    }
    check_settings(&settings)?;
    Ok(settings)
}

/// Settings within their bounds.
pub(super) fn check_settings(settings: &AppSettings) -> ServiceResult<()> {
    settings.validate().map_err(|error| refuse(&error.name, &error.rule))
}

fn find(name: &str) -> ServiceResult<&'static SettingInfo> {
    AppSettings::TABLE.iter().find(|info| info.name == name).ok_or_else(|| {
        let known: Vec<_> = AppSettings::TABLE.iter().map(|info| info.name).collect();
        refuse(name, &format!("no such setting; there are {}", known.join(", ")))
    })
}

fn refuse(name: &str, rule: &str) -> ApiError {
    ApiError::invalid_field(&format!("settings.{name}"), rule)
}

fn as_object(settings: &AppSettings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use callbox_domain::Directory;
    use serde_json::json;

    use super::*;

    fn change(present: &AppSettings, changes: &Value) -> Result<AppSettings, String> {
        change_settings(present, changes.as_object().expect("an object")).map_err(|error| {
            assert!(error.details["path"].as_str().is_some_and(|path| error.message.starts_with(path)));
            error.message
        })
    }

    #[test]
    fn what_is_not_named_stays_and_null_is_the_default() {
        let present = AppSettings { ring_seconds: 7, sandbox: true, ..AppSettings::default() };
        let changed = change(&present, &json!({ "directory": "everyone", "sandbox": null })).expect("good");
        let expected = AppSettings { directory: Directory::Everyone, sandbox: false, ..present.clone() };
        assert_eq!(changed, expected);
        assert_eq!(change(&present, &json!({})), Ok(present));
    }

    #[test]
    fn every_setting_of_the_table_can_be_reset_and_is_there() {
        let object = as_object(&AppSettings::default());
        let names: Vec<_> = AppSettings::TABLE.iter().map(|info| info.name).collect();
        assert_eq!(object.len(), names.len());
        for name in names {
            let reset = change(&AppSettings::development(), &json!({ name: null })).expect(name);
            assert_eq!(as_object(&reset)[name], object[name], "{name}");
        }
    }

    #[test]
    fn refusals_name_the_setting_and_what_it_takes() {
        let cases = [
            (json!({ "ringSecond": 60 }), "settings.ringSecond: no such setting; there are ticketSignIn, "),
            (json!({ "ringSeconds": 301 }), "settings.ringSeconds: a whole number from 5 to 300"),
            (json!({ "ringSeconds": -1 }), "settings.ringSeconds: a whole number from 5 to 300 ("),
            (json!({ "ringSeconds": "60" }), "settings.ringSeconds: a whole number from 5 to 300 ("),
            (json!({ "directory": "all" }), "settings.directory: contacts or everyone ("),
            (json!({ "register": 1 }), "settings.register: true or false ("),
            (json!({ "allowedOrigins": "https://a.example" }), "settings.allowedOrigins: a list of origins"),
            (json!({ "allowedOrigins": ["a.example"] }), "settings.allowedOrigins: a list of origins"),
            (json!({ "jwtIssuers": [{ "issuer": "x" }] }), "settings.jwtIssuers: a list of {issuer"),
        ];
        for (changes, expected) in cases {
            let refused = change(&AppSettings::default(), &changes).expect_err("refused");
            assert!(refused.starts_with(expected), "{refused}");
        }
    }
}
