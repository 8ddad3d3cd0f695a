//! `callbox app rotate-secret`

use axum::http::Method;
use callbox_wire::operator::{RotateSecretAnswer, RotateSecretRequest};
use clap::Args;

use super::KeyArguments;
use crate::data_folder::{Access, StartError};

#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    #[command(flatten)]
    app: KeyArguments,
    /// How long the old secret stays good, in minutes; 0 ends it at once
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    grace: u32,
    /// Sign all users of the app out, for a secret that others may have used
    #[arg(long)]
    end_sessions: bool,
}

pub(super) async fn run(arguments: &RotateArguments) -> Result<(), StartError> {
    let operations = arguments.app.open(Access::Own)?;
    let request = RotateSecretRequest {
        grace_seconds: Some(arguments.grace.saturating_mul(60)),
        end_sessions: Some(arguments.end_sessions),
    };
    let path = arguments.app.path("/secret-rotations");
    let rotated: RotateSecretAnswer = operations.send(Method::POST, &path, &request).await?;
    println!("App secret  {}", rotated.secret);
    eprintln!("\nThe old secret is good until {}.", rotated.old_good_until);
    if arguments.end_sessions {
        eprintln!("{} sessions ended.", rotated.ended_sessions);
    }
    operations.close();
    Ok(())
}
