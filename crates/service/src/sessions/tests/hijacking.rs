//! A name belongs to whoever vouched for it first: nobody signs up under another's name and waits for them.

use callbox_domain::IdentityType;
use callbox_wire::ErrorCode;

use super::super::ticket::{Ticket, TicketContents};
use super::contents;
use crate::testing::{World, code, open_sign_in, ticket_sign_in};

#[test]
fn whom_a_stranger_signed_up_the_backend_does_not_open_and_the_other_way_round() {
    let world = World::new();
    world.sign_in(open_sign_in("ann")).expect("a stranger");
    let by_backend = || world.sign_in(ticket_sign_in(&world.ticket("app-one", "ann")));
    assert_eq!(code(by_backend()), ErrorCode::IdentityConflict);
    world.sign_in(open_sign_in("ann")).expect("the stranger again");

    world.sign_in(ticket_sign_in(&world.ticket("app-one", "bob"))).expect("of the backend");
    assert_eq!(code(world.sign_in(open_sign_in("bob"))), ErrorCode::IdentityConflict);
    world.sign_in(ticket_sign_in(&world.ticket("app-one", "bob"))).expect("of the backend again");
}

#[test]
fn another_kind_of_name_does_not_get_around_a_conflict() {
    let world = World::new();
    world.sign_in(open_sign_in("ann@example.com")).expect("a stranger with an address for a name");
    let contents = TicketContents {
        identity_type: IdentityType::Email,
        endpoint: "Ann@example.com".to_owned(),
        application_key: "app-one".to_owned(),
        ..contents(&world)
    };
    let ticket = Ticket::sign(&contents, world.secret("app-one")).expect("a good secret");
    assert_eq!(code(world.sign_in(ticket_sign_in(ticket.expose()))), ErrorCode::IdentityConflict);
}
