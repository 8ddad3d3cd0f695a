//! `callbox user block`, `callbox user unblock`, `callbox user erase`, `callbox user end-sessions`

use axum::http::Method;
use callbox_domain::SessionId;
use callbox_wire::managed::{AppUser, UpdateUserRequest};
use clap::Args;
use serde_json::json;

use super::UserArguments;
use crate::data_folder::{Access, StartError};

#[derive(Debug, Args)]
pub(crate) struct EraseArguments {
    #[command(flatten)]
    user: UserArguments,
    /// Needed, for there is no way back
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EndSessionsArguments {
    #[command(flatten)]
    user: UserArguments,
    /// Only this session, as 'callbox user sessions' lists it
    #[arg(long, value_parser = parse_session_id)]
    session: Option<SessionId>,
}

pub(super) async fn block(arguments: &UserArguments, blocked: bool) -> Result<(), StartError> {
    let operations = arguments.open(Access::Own)?;
    let request = UpdateUserRequest { blocked };
    let user: AppUser = operations.send(Method::PATCH, &arguments.path(""), &request).await?;
    operations.close();
    match user.blocked_at {
        Some(since) => println!("{} is blocked since {since}, and signed out everywhere.", user.id),
        None => println!("{} may sign in.", user.id),
    }
    Ok(())
}

pub(super) async fn erase(arguments: &EraseArguments) -> Result<(), StartError> {
    let EraseArguments { user, yes } = arguments;
    if !yes {
        return Err(StartError::Other(format!(
            "erasing {} cannot be undone; add --yes to do it, or keep them out with 'callbox user block'",
            user.id
        )));
    }
    delete(user, "").await?;
    println!("{} is erased.", user.id);
    Ok(())
}

pub(super) async fn end_sessions(arguments: &EndSessionsArguments) -> Result<(), StartError> {
    let EndSessionsArguments { user, session } = arguments;
    if let Some(session) = session {
        delete(user, &format!("/sessions/{session}")).await?;
        println!("{} is signed out of {session}.", user.id);
    } else {
        delete(user, "/sessions").await?;
        println!("{} is signed out everywhere.", user.id);
    }
    Ok(())
}

async fn delete(user: &UserArguments, rest: &str) -> Result<(), StartError> {
    let operations = user.open(Access::Own)?;
    let () = operations.send(Method::DELETE, &user.path(rest), &json!({})).await?;
    operations.close();
    Ok(())
}

fn parse_session_id(text: &str) -> Result<SessionId, String> {
    SessionId::new(text).map_err(|error| error.to_string())
}
