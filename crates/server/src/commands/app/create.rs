//! `callbox app create`

use axum::http::Method;
use callbox_domain::AppKey;
use callbox_wire::operator::{CreateAppAnswer, CreateAppRequest};
use clap::{Args, ValueEnum};
use serde_json::{Map, json};

use crate::commands::operations::Operations;
use crate::commands::{FolderArguments, parse_app_key};
use crate::data_folder::{Access, StartError};

#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// A name for people
    #[arg(long)]
    name: String,
    /// The app's key; a random one where it is left out
    #[arg(long, value_parser = parse_app_key)]
    key: Option<AppKey>,
    /// A web origin whose pages may use the app, such as `https://app.example.com`; may be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    allow_origins: Vec<String>,
    /// Who may list the app's users and see their presence
    #[arg(long, value_enum, default_value = "contacts")]
    directory: DirectoryArgument,
}

#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum DirectoryArgument {
    /// Users who listed each other
    Contacts,
    /// Every user of the app
    Everyone,
}

pub(super) async fn run(arguments: CreateArguments) -> Result<(), StartError> {
    arguments.allow_origins.iter().try_for_each(|origin| check_origin(origin))?;
    let mut settings = Map::new();
    if !arguments.allow_origins.is_empty() {
        settings.insert("allowedOrigins".to_owned(), json!(arguments.allow_origins));
    }
    if arguments.directory == DirectoryArgument::Everyone {
        settings.insert("directory".to_owned(), json!("everyone"));
    }
    let operations = Operations::open(&arguments.folder.storage()?, Access::Own)?;
    let request = CreateAppRequest { name: arguments.name, key: arguments.key, settings };
    let created: CreateAppAnswer = operations.send(Method::POST, "/v1/operator/apps", &request).await?;
    println!("App key     {}", created.app.key);
    println!("App secret  {}", created.secret);
    eprintln!("\nThe secret is shown this once. Keep it on the app's backend.");
    operations.close();
    Ok(())
}

fn check_origin(origin: &str) -> Result<(), StartError> {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let good = rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ', '*']));
    good.then_some(()).ok_or_else(|| {
        StartError::Other(format!(
            "--allow-origin {origin}: give scheme and host, such as https://app.example.com"
        ))
    })
}
