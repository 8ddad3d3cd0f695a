//! Signing in, who may, for how long, and how it ends.

mod ending;
mod hijacking;
mod tickets;
mod ways;

use std::time::Duration;

use callbox_domain::IdentityType;

use super::SignIn;
use super::ticket::{Ticket, TicketContents};
use crate::testing::{World, ticket_sign_in};

const HOUR: Duration = Duration::from_hours(1);

fn contents(world: &World) -> TicketContents {
    TicketContents {
        identity_type: IdentityType::Username,
        endpoint: "ann".to_owned(),
        application_key: "app-two".to_owned(),
        created: world.now(),
        expires_in: 3_600,
    }
}

fn signed(world: &World, contents: &TicketContents) -> SignIn {
    let ticket = Ticket::sign(contents, world.secret("app-two")).expect("a good secret");
    ticket_sign_in(ticket.expose())
}

/// The life of the session that a request opens.
fn life(world: &World, request: SignIn) -> Duration {
    let session = world.sign_in(request).expect("signed in").session;
    session.expires_at.since(session.created_at)
}
