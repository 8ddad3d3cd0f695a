//! `callbox app set`, `callbox app disable`, `callbox app enable`

use axum::http::Method;
use callbox_wire::operator::{AppAnswer, UpdateAppRequest};
use clap::Args;
use serde_json::Value;

use super::KeyArguments;
use crate::data_folder::{Access, StartError};

#[derive(Debug, Args)]
pub(crate) struct SetArguments {
    #[command(flatten)]
    app: KeyArguments,
    /// Settings and their values; `name=` goes back to the default
    #[arg(value_name = "NAME=VALUE", required = true, value_parser = parse_setting)]
    settings: Vec<(String, Value)>,
}

pub(super) async fn set(arguments: SetArguments) -> Result<(), StartError> {
    let names: Vec<_> = arguments.settings.iter().map(|(name, _)| name.clone()).collect();
    let request = UpdateAppRequest {
        settings: arguments.settings.into_iter().collect(),
        ..UpdateAppRequest::default()
    };
    let app = change(&arguments.app, &request).await?.app;
    for name in names {
        println!("{name}={}", app.settings.get(&name).unwrap_or(&Value::Null));
    }
    Ok(())
}

pub(super) async fn disable(arguments: &KeyArguments, disabled: bool) -> Result<(), StartError> {
    let request = UpdateAppRequest { disabled: Some(disabled), ..UpdateAppRequest::default() };
    let app = change(arguments, &request).await?.app;
    match app.disabled_at {
        Some(since) => println!("{} is disabled since {since}. Its users are signed out.", app.key),
        None => println!("{} is open.", app.key),
    }
    Ok(())
}

async fn change(arguments: &KeyArguments, request: &UpdateAppRequest) -> Result<AppAnswer, StartError> {
    let operations = arguments.open(Access::Own)?;
    let answer = operations.send(Method::PATCH, &arguments.path(""), request).await;
    operations.close();
    answer
}

/// Without a value the default, which travels as `null`; what is not JSON is text.
fn parse_setting(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("give name=value, or name= for the default")?;
    let value = match value {
        "" => Value::Null,
        value => serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())),
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_json_or_else_text_or_else_the_default() {
        for (text, value) in [
            ("x=true", json!(true)),
            ("x=5", json!(5)),
            ("x=everyone", json!("everyone")),
            (r#"x="everyone""#, json!("everyone")),
            (r#"x=["https://a.example/?b=c"]"#, json!(["https://a.example/?b=c"])),
            ("x=a=b", json!("a=b")),
            ("x=", Value::Null),
        ] {
            assert_eq!(parse_setting(text), Ok(("x".to_owned(), value)), "{text}");
        }
        assert!(parse_setting("x").is_err());
    }
}
