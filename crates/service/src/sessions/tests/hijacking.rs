//! A name belongs to whoever vouched for it first: nobody signs up under another's name and waits for them.

use callbox_domain::{AppSettings, IdentityType};
use callbox_wire::ErrorCode;
use futures_executor::block_on;
use proptest::prelude::*;

use super::super::SignedIn;
use super::super::ticket::{Ticket, TicketContents};
use super::{contents, issue_access_token, jwt, jwt_sign_in, register, registration, sign_up};
use crate::ServiceResult;
use crate::testing::{World, code, open_sign_in, ticket_sign_in, user_id};

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

/// Everyone whom a name's backend could let in.
fn by_backend(world: &World, user: &str) -> [ServiceResult<SignedIn>; 2] {
    let ticket = world.sign_in(ticket_sign_in(&world.ticket("app-one", user)));
    let jwt = world.sign_in(jwt_sign_in(&jwt(world, user, "an-id")));
    [ticket, jwt]
}

#[track_caller]
fn backend_conflicts(world: &World, user: &str) {
    for result in by_backend(world, user) {
        assert_eq!(code(result), ErrorCode::IdentityConflict);
    }
}

#[test]
fn the_backend_does_not_enter_whom_open_sign_in_made() {
    let world = World::new();
    world.sign_in(open_sign_in("ann")).expect("a stranger");
    backend_conflicts(&world, "ann");
}

#[test]
fn the_backend_does_not_enter_whom_a_sandbox_registration_made() {
    let world = World::new();
    register(&world, registration("ann")).expect("a stranger's device");
    backend_conflicts(&world, "ann");
    register(&world, registration("ann")).expect("still the stranger's");
}

#[test]
fn the_backend_does_not_enter_whom_a_password_sign_up_made() {
    let world = World::new();
    sign_up(&world, (IdentityType::Email, "Ann@example.com")).expect("a stranger");
    sign_up(&world, (IdentityType::Username, "ann")).expect("a stranger");
    backend_conflicts(&world, "ann");
    let contents = TicketContents {
        identity_type: IdentityType::Email,
        endpoint: "ann@EXAMPLE.com".to_owned(),
        application_key: "app-one".to_owned(),
        ..contents(&world)
    };
    let ticket = Ticket::sign(&contents, world.secret("app-one")).expect("a good secret");
    assert_eq!(code(world.sign_in(ticket_sign_in(ticket.expose()))), ErrorCode::IdentityConflict);
}

#[test]
fn the_backend_does_not_enter_whom_an_added_name_leads_to() {
    let world = World::new();
    let stranger = world.caller("mallory");
    block_on(world.service.add_identity(&stranger, IdentityType::Username, "ann")).expect("free");
    backend_conflicts(&world, "ann");
}

#[test]
fn nobody_enters_whom_the_backend_knows() {
    for way in 0..2 {
        let world = World::new();
        let [ticket, jwt] = [world.ticket("app-one", "ann"), jwt(&world, "ann", "one")];
        let request = if way == 0 { ticket_sign_in(&ticket) } else { jwt_sign_in(&jwt) };
        world.sign_in(request).expect("of the backend");
        assert_eq!(code(world.sign_in(open_sign_in("ann"))), ErrorCode::IdentityConflict);
        assert_eq!(code(register(&world, registration("ann"))), ErrorCode::IdentityConflict);
        assert_eq!(code(sign_up(&world, (IdentityType::Username, "ann"))), ErrorCode::IdentityTaken);
        let stranger = world.caller("mallory");
        let added = world.service.add_identity(&stranger, IdentityType::Username, "ann");
        assert_eq!(code(block_on(added)), ErrorCode::IdentityTaken);
    }
}

#[test]
fn nobody_enters_a_user_with_a_password() {
    let world = World::new();
    sign_up(&world, (IdentityType::Username, "ann")).expect("signed up");
    assert_eq!(code(world.sign_in(open_sign_in("ann"))), ErrorCode::OpenSignInOff);
    assert_eq!(code(register(&world, registration("ann"))), ErrorCode::RegistrationNeedsProof);
    assert_eq!(code(sign_up(&world, (IdentityType::Username, "ann"))), ErrorCode::IdentityTaken);
}

#[test]
fn nobody_enters_a_user_with_a_device_or_an_access_token() {
    let world = World::new();
    register(&world, registration("ann")).expect("a sandbox device");
    assert_eq!(code(world.sign_in(open_sign_in("ann"))), ErrorCode::OpenSignInOff);

    world.caller("bob");
    issue_access_token(&world, "bob", "token", None);
    assert_eq!(code(world.sign_in(open_sign_in("bob"))), ErrorCode::OpenSignInOff);
    assert_eq!(code(register(&world, registration("bob"))), ErrorCode::RegistrationNeedsProof);

    register(&world, registration("eve")).expect("a sandbox device");
    issue_access_token(&world, "eve", "another", None);
    assert_eq!(code(register(&world, registration("eve"))), ErrorCode::RegistrationNeedsProof);
}

#[test]
fn whoever_came_openly_is_not_of_the_sandbox() {
    let world = World::new();
    world.sign_in(open_sign_in("ann")).expect("a stranger");
    assert_eq!(code(register(&world, registration("ann"))), ErrorCode::RegistrationNeedsProof);
}

#[test]
fn a_refused_entry_leaves_nobody_behind() {
    let world = World::new();
    world.caller("mallory");
    issue_access_token(&world, "mallory", "token", None);
    assert_eq!(code(register(&world, registration("mallory"))), ErrorCode::RegistrationNeedsProof);
    let app = world.app_id("app-one");
    let devices = world.write(move |tx| tx.device_credentials_of(app, &user_id("mallory")));
    assert!(devices.is_empty());
}

#[test]
fn a_sign_up_takes_no_id_that_the_backend_could_mean() {
    let world = World::new();
    let id = |name: &str| {
        let signed_up = sign_up(&world, (IdentityType::Username, name)).expect("signed up");
        signed_up.user.id.to_string()
    };
    let ways: [fn(&mut AppSettings); 3] = [
        |settings| settings.ticket_sign_in = true,
        |settings| settings.jwt_sign_in = true,
        |settings| settings.access_token_sign_in = true,
    ];
    for (index, switch_on) in ways.into_iter().enumerate() {
        world.change_app("app-one", |app| {
            app.settings.ticket_sign_in = false;
            app.settings.jwt_sign_in = false;
            app.settings.access_token_sign_in = false;
            switch_on(&mut app.settings);
        });
        let id = id(&format!("user-{index}"));
        assert!(id.starts_with("usr_") && !id.contains("user-"), "{id}");
    }
    world.change_app("app-one", |app| {
        app.settings.ticket_sign_in = false;
        app.settings.jwt_sign_in = false;
        app.settings.access_token_sign_in = false;
    });
    assert_eq!(id("ann"), "ann", "nobody else names users here");
}

/// Who brings a name first, and who brings it second.
#[derive(Debug, Clone, Copy)]
enum Way {
    Ticket,
    Jwt,
    Open,
    Sandbox,
    SignUp,
}

/// Brings a name in; the id of the user whom it leads to.
fn bring(world: &World, way: Way, name: &str, number: usize) -> ServiceResult<String> {
    let user = match way {
        Way::Ticket => world.sign_in(ticket_sign_in(&world.ticket("app-one", name)))?.user,
        Way::Jwt => world.sign_in(jwt_sign_in(&jwt(world, name, &number.to_string())))?.user,
        Way::Open => world.sign_in(open_sign_in(name))?.user,
        Way::Sandbox => register(world, registration(name))?.signed_in.user,
        Way::SignUp => sign_up(world, (IdentityType::Username, name))?.user,
    };
    Ok(user.id.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever order the ways come in: the first decides who vouches for the name, and no way of the other side ever leads
    /// to the same user.
    #[test]
    fn the_first_to_bring_a_name_decides_whose_it_is(
        ways in prop::collection::vec(
            prop::sample::select(vec![Way::Ticket, Way::Jwt, Way::Open, Way::Sandbox, Way::SignUp]),
            2..6,
        ),
    ) {
        let world = World::new();
        let of_backend = |way| matches!(way, Way::Ticket | Way::Jwt);
        let first = bring(&world, ways[0], "ann", 0).expect("the name is free");
        for (number, way) in ways.iter().copied().enumerate().skip(1) {
            match bring(&world, way, "ann", number) {
                Ok(id) => {
                    prop_assert_eq!(&id, &first);
                    prop_assert_eq!(of_backend(way), of_backend(ways[0]), "{:?}", ways);
                }
                Err(error) if of_backend(way) != of_backend(ways[0]) => {
                    let codes = [ErrorCode::IdentityConflict, ErrorCode::IdentityTaken];
                    prop_assert!(codes.contains(&error.code), "{:?}: {:?}", ways, error);
                }
                Err(error) => prop_assert!(!of_backend(way), "{:?}: {:?}", ways, error),
            }
        }
    }
}
