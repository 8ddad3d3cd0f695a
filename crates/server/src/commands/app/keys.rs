//! `callbox app alias`, `callbox app import-key`, `callbox app remove-key`

use std::path::{Path, PathBuf};
use std::{fs, io};

use axum::http::Method;
use callbox_domain::AppKey;
use callbox_wire::operator::{AddAppKeyAnswer, AddAppKeyRequest};
use clap::Args;

use super::KeyArguments;
use crate::commands::parse_app_key;
use crate::data_folder::{Access, StartError};

#[derive(Debug, Args)]
pub(crate) struct AliasArguments {
    #[command(flatten)]
    app: KeyArguments,
    /// The key that leads to the app from now on
    #[arg(value_parser = parse_app_key)]
    alias: AppKey,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    app: KeyArguments,
    /// The key on the other server
    #[arg(value_parser = parse_app_key)]
    imported: AppKey,
    /// A file that holds its secret in standard Base64; - reads what is piped in
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    #[command(flatten)]
    app: KeyArguments,
    /// The key that leads to the app no longer
    #[arg(value_parser = parse_app_key)]
    removed: AppKey,
}

pub(super) async fn alias(arguments: AliasArguments) -> Result<(), StartError> {
    add(&arguments.app, AddAppKeyRequest { key: arguments.alias, secret: None }).await
}

pub(super) async fn import(arguments: ImportArguments) -> Result<(), StartError> {
    let secret = read_secret(&arguments.secret_file)?;
    add(&arguments.app, AddAppKeyRequest { key: arguments.imported, secret: Some(secret) }).await
}

pub(super) async fn remove(arguments: &RemoveArguments) -> Result<(), StartError> {
    let RemoveArguments { app, removed } = arguments;
    let operations = app.open(Access::Own)?;
    let path = app.path(&format!("/keys/{removed}"));
    let () = operations.send(Method::DELETE, &path, &serde_json::json!({})).await?;
    operations.close();
    println!("{removed} leads to {} no longer.", app.key);
    Ok(())
}

async fn add(app: &KeyArguments, request: AddAppKeyRequest) -> Result<(), StartError> {
    let operations = app.open(Access::Own)?;
    let added: AddAppKeyAnswer = operations.send(Method::POST, &app.path("/keys"), &request).await?;
    operations.close();
    println!("{} leads to {} from now on.", added.key.key, app.key);
    Ok(())
}

fn read_secret(file: &Path) -> Result<String, StartError> {
    let text =
        if file == Path::new("-") { io::read_to_string(io::stdin()) } else { fs::read_to_string(file) };
    let text = text
        .map_err(|error| StartError::Other(format!("cannot read the secret {}: {error}", file.display())))?;
    Ok(text.trim().to_owned())
}
