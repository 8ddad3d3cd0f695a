//! `callbox app list`, `callbox app show`

use callbox_wire::operator::{App, AppAnswer, AppKeyKind, ListedAppKey, Setting};
use callbox_wire::page::Page;

use super::KeyArguments;
use crate::commands::FolderArguments;
use crate::commands::operations::Operations;
use crate::data_folder::{Access, StartError};

pub(super) async fn list(arguments: &FolderArguments) -> Result<(), StartError> {
    let operations = Operations::open(&arguments.storage()?, Access::Look)?;
    let apps: Page<App> = operations.get("/v1/operator/apps").await?;
    if apps.items.is_empty() {
        println!("No apps yet. Make one with 'callbox app create --name <name>'.");
    }
    for app in apps.items {
        let state = if app.disabled_at.is_some() { "  (disabled)" } else { "" };
        println!("{:<32}  {}  {}{state}", app.key.as_str(), app.created_at, app.name);
    }
    Ok(())
}

pub(super) async fn show(arguments: &KeyArguments) -> Result<(), StartError> {
    let operations = arguments.open(Access::Look)?;
    let AppAnswer { app } = operations.get(&arguments.path("")).await?;
    let keys: Page<ListedAppKey> = operations.get(&arguments.path("/keys")).await?;
    println!("Name      {}", app.name);
    println!("App key   {}", app.key);
    println!("Made      {}", app.created_at);
    match app.disabled_at {
        Some(since) => println!("State     disabled since {since}"),
        None => println!("State     open"),
    }
    println!("\nKeys");
    for key in keys.items {
        let kind = match key.kind {
            AppKeyKind::Own => "own",
            AppKeyKind::Imported => "imported",
            AppKeyKind::Alias => "alias",
        };
        let until = key.good_until.map_or("no end".to_owned(), |until| format!("good until {until}"));
        println!(
            "  {:<32}  {kind:<8}  #{}  made {}  {until}",
            key.key.as_str(),
            key.generation,
            key.created_at
        );
    }
    println!("\nSettings ('callbox settings' says what they do)");
    for Setting { name, default, .. } in Setting::all() {
        // A server of another version may not know all of them.
        let Some(value) = app.settings.get(&name) else { continue };
        let mark = if *value == default { "" } else { "  (set)" };
        println!("  {name}={value}{mark}");
    }
    Ok(())
}
