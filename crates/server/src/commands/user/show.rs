//! `callbox user list`, `callbox user show`, `callbox user sessions`

use callbox_domain::{IdentityType, Timestamp};
use callbox_wire::managed::{AppUser, AssertedBy};
use callbox_wire::page::Page;
use callbox_wire::session::{ListedSession, SessionDevice};
use clap::Args;
use serde_json::json;

use super::{AppArguments, UserArguments};
use crate::commands::operations::percent_encoded;
use crate::data_folder::{Access, StartError};

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    app: AppArguments,
    /// How many users
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the list before ended, as that one said
    #[arg(long)]
    cursor: Option<String>,
}

pub(super) async fn list(arguments: &ListArguments) -> Result<(), StartError> {
    let operations = arguments.app.open(Access::Look)?;
    let cursor = arguments.cursor.as_deref().map(percent_encoded);
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let path = arguments.app.path(&format!("?limit={}{cursor}", arguments.limit));
    let users: Page<AppUser> = operations.get(&path).await?;
    for user in users.items {
        let state = if user.blocked_at.is_some() { "  (blocked)" } else { "" };
        println!(
            "{:<32}  {}  seen {}{state}",
            user.id.as_str(),
            user.created_at,
            or_never(user.last_seen_at)
        );
    }
    if let Some(cursor) = users.next_cursor {
        eprintln!("\nThere may be more: --cursor {cursor}");
    }
    Ok(())
}

pub(super) async fn show(arguments: &UserArguments) -> Result<(), StartError> {
    let operations = arguments.open(Access::Look)?;
    let user: AppUser = operations.get(&arguments.path("")).await?;
    println!("User       {}", user.id);
    println!("Made       {}", user.created_at);
    println!("Last seen  {}", or_never(user.last_seen_at));
    match user.blocked_at {
        Some(since) => println!("State      blocked since {since}"),
        None => println!("State      may sign in"),
    }
    println!("\nNames");
    for identity in user.identities {
        let by = match identity.asserted_by {
            AssertedBy::Backend => "by the app's backend",
            AssertedBy::Myself => "by the user alone",
        };
        let kind = IdentityType::from(identity.identity_type).as_str();
        println!("  {kind:<8}  {:<32}  {by}", for_terminal(&identity.value));
    }
    Ok(())
}

pub(super) async fn sessions(arguments: &UserArguments) -> Result<(), StartError> {
    let operations = arguments.open(Access::Look)?;
    let sessions: Page<ListedSession> = operations.get(&arguments.path("/sessions")).await?;
    if sessions.items.is_empty() {
        println!("{} is not signed in.", arguments.id);
    }
    for ListedSession { session, connected, .. } in sessions.items {
        let way = json!(session.credential);
        println!(
            "{}  by {:<12}  from {} to {}  {}{}",
            session.id,
            way.as_str().unwrap_or_default(),
            session.created_at,
            session.expires_at,
            told_of(session.device),
            if connected { "  (connected)" } else { "" },
        );
    }
    Ok(())
}

fn or_never(at: Option<Timestamp>) -> String {
    at.map_or("never".to_owned(), Timestamp::to_rfc3339)
}

/// What the client said of its device, in one line.
fn told_of(device: SessionDevice) -> String {
    let told = [device.name, device.platform, device.app_version];
    let told: Vec<_> = told.into_iter().flatten().map(|text| for_terminal(&text)).collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

/// A text of a client, who may have put orders to the terminal into it.
fn for_terminal(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_gives_the_terminal_no_orders() {
        let device = |name: Option<&str>, platform: Option<&str>| SessionDevice {
            id: None,
            name: name.map(str::to_owned),
            platform: platform.map(str::to_owned),
            app_version: None,
        };
        assert_eq!(told_of(device(Some("Zoë's phone"), Some("web"))), "Zoë's phone, web");
        assert_eq!(told_of(device(Some("\u{1b}[2J\nann"), None)), "\u{fffd}[2J\u{fffd}ann");
        assert_eq!(told_of(device(None, None)), "-");
    }
}
