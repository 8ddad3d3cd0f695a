//! Names of one's own: which may be added, and which may be taken back.

use callbox_domain::{AssertedBy, IdentityType};
use callbox_wire::ErrorCode;
use futures_executor::block_on;

use crate::sessions::{Credential, SignIn};
use crate::testing::{World, code, open_sign_in, secret, ticket_sign_in};
use crate::{Caller, ServiceResult};

use IdentityType::{Email, Number, Username};

fn add(world: &World, caller: &Caller, kind: IdentityType, value: &str) -> ServiceResult<String> {
    block_on(world.service.add_identity(caller, kind, value)).map(|added| added.value)
}

fn remove(world: &World, caller: &Caller, kind: IdentityType, value: &str) -> ServiceResult<()> {
    block_on(world.service.remove_identity(caller, kind, value))
}

/// What the caller is known by, in a fixed order.
fn names(world: &World, caller: &Caller) -> Vec<String> {
    let identities = block_on(world.service.list_identities(caller)).expect("a list");
    let mut names: Vec<_> = identities.into_iter().map(|identity| identity.value).collect();
    names.sort_unstable();
    names
}

#[test]
fn names_are_added_in_their_normal_form() {
    let world = World::new();
    let ann = world.caller("ann");
    assert_eq!(add(&world, &ann, Email, " Ann@Example.com").as_deref(), Ok("ann@example.com"));
    assert_eq!(add(&world, &ann, Number, "+46 (70) 000-00.00").as_deref(), Ok("+46700000000"));
    assert_eq!(add(&world, &ann, Username, "Ann").as_deref(), Ok("Ann"));
    assert_eq!(names(&world, &ann), ["+46700000000", "Ann", "ann", "ann@example.com"]);
    for (kind, bad) in [(Number, "0700"), (Username, "Ann Lee"), (Email, "")] {
        let refused = add(&world, &ann, kind, bad).expect_err(bad);
        assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &"value".into()));
    }
}

#[test]
fn ones_own_name_may_be_added_again_and_anothers_not() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    add(&world, &ann, Email, "ann@example.com").expect("free");
    add(&world, &ann, Email, "ANN@example.com").expect("her own");
    assert_eq!(names(&world, &ann).len(), 2);
    assert_eq!(code(add(&world, &bob, Email, "ann@example.com")), ErrorCode::IdentityTaken);
    assert_eq!(code(add(&world, &bob, Username, "ann")), ErrorCode::IdentityTaken);
    add(&world, &bob, Username, "ann@example.com").expect("a user name is no address");
    world.change_app("app-two", |app| app.settings.password_sign_in = true);
    let other = world.caller_in("app-two", "zoe");
    add(&world, &other, Email, "ann@example.com").expect("another app");
}

#[test]
fn what_the_backend_said_is_not_said_again_by_the_user() {
    let world = World::new();
    let ann = world.caller_with(ticket_sign_in(&world.ticket("app-one", "ann")));
    let again = block_on(world.service.add_identity(&ann, Username, "ann")).expect("her own");
    assert_eq!(again.asserted_by, AssertedBy::Backend);
    assert_eq!(names(&world, &ann), ["ann"]);
}

#[test]
fn a_user_has_at_most_ten_names() {
    let world = World::new();
    let ann = world.caller("ann");
    for number in 1..10 {
        add(&world, &ann, Username, &format!("ann-{number}")).expect("room");
    }
    assert_eq!(code(add(&world, &ann, Username, "ann-10")), ErrorCode::InvalidRequest);
    add(&world, &ann, Username, "ann-9").expect("a repeat, as after a lost answer");
    remove(&world, &ann, Username, "ann-1").expect("hers");
    add(&world, &ann, Username, "ann-10").expect("room again");
}

#[test]
fn only_names_that_the_user_added_are_removed() {
    let world = World::new();
    let ann = world.caller_with(ticket_sign_in(&world.ticket("app-one", "ann")));
    let bob = world.caller("bob");
    add(&world, &ann, Email, "ann@example.com").expect("free");
    assert_eq!(code(remove(&world, &bob, Email, "ann@example.com")), ErrorCode::IdentityNotFound);
    assert_eq!(code(remove(&world, &ann, Username, "nothing")), ErrorCode::IdentityNotFound);
    assert_eq!(code(remove(&world, &ann, Username, "ann@example.com")), ErrorCode::IdentityNotFound);
    assert_eq!(
        code(remove(&world, &ann, Username, "ann")),
        ErrorCode::IdentityNotFound,
        "the backend's word"
    );
    remove(&world, &ann, Email, "ANN@example.com").expect("hers, in any form");
    assert_eq!(names(&world, &ann), ["ann"]);
    add(&world, &bob, Email, "ann@example.com").expect("it is free");
}

#[test]
fn the_last_name_of_a_user_with_a_password_stays() {
    let world = World::new();
    let ann = world.caller("ann");
    let set = world.service.change_password(&ann, None, secret("purple tractor parade"), None);
    block_on(set).expect("set");
    assert_eq!(code(remove(&world, &ann, Username, "ann")), ErrorCode::IdentityNeeded);
    add(&world, &ann, Email, "ann@example.com").expect("free");
    remove(&world, &ann, Username, "ann").expect("not the last any more");
    assert_eq!(code(remove(&world, &ann, Email, "ann@example.com")), ErrorCode::IdentityNeeded);
    let credential =
        Credential::Password(Email, "ann@example.com".to_owned(), secret("purple tractor parade"));
    let signed_in = world.sign_in(SignIn { credential, ..open_sign_in("nobody") });
    assert_eq!(signed_in.expect("by the new name").user.id, ann.user_id);
}

#[test]
fn names_are_added_only_where_passwords_are_on() {
    let world = World::new();
    let ann = world.caller_in("app-two", "ann");
    assert_eq!(code(add(&world, &ann, Email, "ann@example.com")), ErrorCode::SignInWayOff);
}
