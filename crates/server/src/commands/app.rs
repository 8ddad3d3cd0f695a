//! `callbox app …`

use std::time::Duration;

use callbox_domain::{AppKey, AppSettings, Directory};
use callbox_service::accounts::{AppWithKeys, CreateApp, Rotation};
use callbox_service::audit::Actor;
use callbox_storage::Store;
use clap::{Args, Subcommand, ValueEnum};

use super::{FolderArguments, open_service, parse_app_key, refused};
use crate::data_folder::{Access, StartError};

#[derive(Debug, Subcommand)]
pub(super) enum AppCommand {
    /// Make an app and print its key and secret
    ///
    /// The secret is printed this once. It belongs to the app's backend, which signs tickets with it; never put it into
    /// a page or a mobile app.
    Create(CreateArguments),
    /// List the apps of a server
    List(FolderArguments),
    /// Show one app: its keys and settings, no secret
    Show(KeyArguments),
    /// Give an app a new secret and print it
    ///
    /// The old secret stays good for the grace time, so that every backend can be moved over.
    RotateSecret(RotateArguments),
}

#[derive(Debug, Args)]
pub(super) struct CreateArguments {
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DirectoryArgument {
    /// Users who listed each other
    Contacts,
    /// Every user of the app
    Everyone,
}

#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// The app's key
    #[arg(value_parser = parse_app_key)]
    key: AppKey,
}

#[derive(Debug, Args)]
pub(super) struct RotateArguments {
    #[command(flatten)]
    app: KeyArguments,
    /// How long the old secret stays good, in minutes; 0 ends it at once
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    grace: u32,
}

pub(super) async fn run(command: AppCommand) -> Result<(), StartError> {
    match command {
        AppCommand::Create(arguments) => create(arguments).await,
        AppCommand::List(folder) => list(&folder).await,
        AppCommand::Show(arguments) => show(&arguments).await,
        AppCommand::RotateSecret(arguments) => rotate_secret(&arguments).await,
    }
}

async fn create(arguments: CreateArguments) -> Result<(), StartError> {
    for origin in &arguments.allow_origins {
        check_origin(origin)?;
    }
    let directory = match arguments.directory {
        DirectoryArgument::Contacts => Directory::Contacts,
        DirectoryArgument::Everyone => Directory::Everyone,
    };
    let settings =
        AppSettings { allowed_origins: arguments.allow_origins, directory, ..AppSettings::default() };
    let (service, folder) = open_service(&arguments.folder.storage()?, Access::Own)?;
    let request = CreateApp { name: arguments.name, key: arguments.key, settings };
    let created = service.create_app(Actor::CommandLine, request).await.map_err(refused)?;
    println!("App key     {}", created.app.key);
    println!("App secret  {}", created.secret.expose());
    eprintln!("\nThe secret is shown this once. Keep it on the app's backend.");
    close(folder);
    Ok(())
}

async fn list(arguments: &FolderArguments) -> Result<(), StartError> {
    let (service, _folder) = open_service(&arguments.storage()?, Access::Look)?;
    let apps = service.list_apps().await.map_err(refused)?;
    if apps.is_empty() {
        println!("No apps yet. Make one with 'callbox app create --name <name>'.");
    }
    for AppWithKeys { app, .. } in apps {
        println!("{:<32}  {}  {}", app.key, app.created_at, app.name);
    }
    Ok(())
}

async fn show(arguments: &KeyArguments) -> Result<(), StartError> {
    let (service, _folder) = open_service(&arguments.folder.storage()?, Access::Look)?;
    let id = service.find_app(&arguments.key).await.map_err(refused)?.id;
    let apps = service.list_apps().await.map_err(refused)?;
    let Some(AppWithKeys { app, keys }) = apps.into_iter().find(|found| found.app.id == id) else {
        return Ok(());
    };
    let settings = &app.settings;
    println!("Name             {}", app.name);
    println!("App key          {}", app.key);
    println!("Made             {}", app.created_at);
    println!("Open sign-in     {}", if settings.open_sign_in { "on (development only)" } else { "off" });
    println!(
        "Directory        {}",
        if settings.directory == Directory::Everyone { "everyone" } else { "contacts" }
    );
    println!(
        "Allowed origins  {}",
        if settings.allowed_origins.is_empty() { "none".into() } else { settings.allowed_origins.join(", ") }
    );
    for key in keys {
        let until = key.not_after.map_or("no end".to_owned(), |until| format!("good until {until}"));
        println!("Key              {} #{}  made {}  {until}", key.key, key.generation, key.created_at);
    }
    Ok(())
}

async fn rotate_secret(arguments: &RotateArguments) -> Result<(), StartError> {
    let (service, folder) = open_service(&arguments.app.folder.storage()?, Access::Own)?;
    let grace = Duration::from_secs(u64::from(arguments.grace) * 60);
    let rotation = Rotation { grace, end_sessions: false };
    let rotated =
        service.rotate_secret(Actor::CommandLine, &arguments.app.key, rotation).await.map_err(refused)?;
    println!("App secret  {}", rotated.secret.expose());
    eprintln!("\nThe old secret is good until {}.", rotated.old_good_until);
    close(folder);
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

fn close(folder: super::DataFolder) {
    debug_assert!(folder.store.health().is_ok());
    folder.store.close();
}
