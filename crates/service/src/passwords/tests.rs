//! Signing up, signing in and changing: who gets in by a password, and what it costs those who guess.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{
    CredentialKind, Device, IdentityType, OneTimePurpose, OneTimeToken, PasswordRecord, Timestamp, UserId,
};
use callbox_wire::ErrorCode;
use futures_executor::block_on;

use super::hash::needs_rehash;
use super::{ResetPassword, SignUp, SignedUp};
use crate::generated::sha256;
use crate::sessions::{Credential, SignIn, SignedIn};
use crate::testing::{World, address, app_key, code, open_sign_in, secret, ticket_sign_in, user_id};
use crate::{Caller, ServiceResult};

const PASSWORD: &str = "purple tractor parade";
const NEW_PASSWORD: &str = "seven quiet lighthouses";
const EMAIL: &str = "ann@example.com";

/// From the test vectors of the reference implementation: `password`, at a price that nobody feels.
const CHEAP: (&str, &str) =
    ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");

fn request(identities: &[(IdentityType, &str)], password: &str) -> SignUp {
    SignUp {
        app_key: app_key("app-one"),
        identities: identities.iter().map(|(kind, value)| (*kind, (*value).to_owned())).collect(),
        password: secret(password),
        origin: None,
        address: None,
    }
}

fn sign_up(world: &World, request: SignUp) -> ServiceResult<SignedUp> {
    block_on(world.service.sign_up(request))
}

/// Signs `ann@example.com` up.
fn ann(world: &World) -> UserId {
    sign_up(world, request(&[(IdentityType::Email, EMAIL)], PASSWORD)).expect("signed up").user.id
}

/// A user `bob` with a hash of [`CHEAP`].
fn bob(world: &World) -> UserId {
    world.caller("bob");
    let (app, user_id, changed_at) = (world.app_id("app-one"), user_id("bob"), world.now());
    let record = PasswordRecord { user_id: user_id.clone(), hash: CHEAP.1.to_owned(), changed_at };
    world.write(move |tx| tx.set_password(app, &record));
    user_id
}

fn by_password(identity: (IdentityType, &str), password: &str) -> SignIn {
    let credential = Credential::Password(identity.0, identity.1.to_owned(), secret(password));
    SignIn { credential, ..open_sign_in("nobody") }
}

fn as_ann(password: &str) -> SignIn {
    by_password((IdentityType::Email, EMAIL), password)
}

fn as_bob(password: &str, from: Option<&str>) -> SignIn {
    SignIn { address: from.map(address), ..by_password((IdentityType::Username, "bob"), password) }
}

fn hash_of(world: &World, user: &UserId) -> Option<PasswordRecord> {
    let (app, user) = (world.app_id("app-one"), user.clone());
    world.write(move |tx| tx.password(app, &user))
}

fn change(world: &World, caller: &Caller, current: Option<&str>, new: &str) -> ServiceResult<()> {
    block_on(world.service.change_password(caller, current.map(secret), secret(new), None))
}

fn end_reason(world: &World, signed_in: &SignedIn) -> Option<String> {
    let error = world.authenticate(signed_in).err()?;
    error.details["reason"].as_str().map(str::to_owned)
}

#[test]
fn a_user_signs_up_and_in_by_each_name() {
    let world = World::new();
    let names = [
        (IdentityType::Email, "Ann@Example.com"),
        (IdentityType::Username, "Ann"),
        (IdentityType::Number, "+46 70 000 00 00"),
    ];
    let signed_up = sign_up(&world, request(&names, PASSWORD)).expect("signed up");
    let told = world.notices().into_iter().any(
        |notice| matches!(notice, Notice::UserAdded { entry, .. } if entry.user.id == signed_up.user.id),
    );
    assert!(told, "the directory is open");
    let other_forms = [(IdentityType::Email, " ann@EXAMPLE.com"), (IdentityType::Number, "+46700000000")];
    for name in names.into_iter().chain(other_forms) {
        let signed_in = world.sign_in(by_password(name, PASSWORD)).expect("the right password");
        assert_eq!(signed_in.user.id, signed_up.user.id);
        assert_eq!(signed_in.session.credential, CredentialKind::Password);
    }
    let other_case = by_password((IdentityType::Username, "ann"), PASSWORD);
    assert_eq!(code(world.sign_in(other_case)), ErrorCode::CredentialsWrong);
}

#[test]
fn whoever_guesses_cannot_tell_a_wrong_name_from_a_wrong_password() {
    let world = World::new();
    ann(&world);
    world.caller("carl");
    let before = world.service.passwords.calls();
    let mut answers = Vec::new();
    for request in [
        as_ann("wrong password"),
        by_password((IdentityType::Email, "nobody@example.com"), PASSWORD),
        by_password((IdentityType::Username, EMAIL), PASSWORD),
        by_password((IdentityType::Username, "carl"), PASSWORD),
    ] {
        answers.push(world.sign_in(request).expect_err("nobody's"));
        assert_eq!(world.service.passwords.calls() - before, answers.len() as u64, "one hash each");
    }
    assert_eq!(answers[0].code, ErrorCode::CredentialsWrong);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    world.sign_in(as_ann(PASSWORD)).expect("the right one");
    assert_eq!(world.service.passwords.calls() - before, 5, "and the right one costs as much");
}

#[test]
fn a_password_of_another_app_opens_nothing() {
    let world = World::new();
    ann(&world);
    world.change_app("app-two", |app| app.settings.password_sign_in = true);
    let elsewhere = SignIn { app_key: Some(app_key("app-two")), ..as_ann(PASSWORD) };
    assert_eq!(code(world.sign_in(elsewhere)), ErrorCode::CredentialsWrong);
}

#[test]
fn a_weak_hash_is_made_again_at_the_next_sign_in() {
    let world = World::new();
    let bob = bob(&world);
    let refused = world.sign_in(as_bob("wrong", None));
    assert_eq!(code(refused), ErrorCode::CredentialsWrong);
    assert_eq!(hash_of(&world, &bob).expect("kept").hash, CHEAP.1, "a wrong password makes nothing");
    let changed_at = world.now();
    world.clock.advance(Duration::from_secs(1));
    let first = world.sign_in(as_bob(CHEAP.0, None)).expect("the right one");
    let fresh = hash_of(&world, &bob).expect("kept");
    assert!(!needs_rehash(&fresh.hash));
    assert_eq!(fresh.changed_at, changed_at, "the password is the same");
    world.sign_in(as_bob(CHEAP.0, None)).expect("the right one, by its new hash");
    assert_eq!(hash_of(&world, &bob).expect("kept").hash, fresh.hash);
    world.authenticate(&first).expect("nobody is signed out by it");
}

#[test]
fn a_change_ends_the_other_sessions_and_keeps_ones_own() {
    let world = World::new();
    ann(&world);
    let [own, other] = [(); 2].map(|()| world.sign_in(as_ann(PASSWORD)).expect("signed in"));
    let caller = world.authenticate(&own).expect("open");
    world.notices();
    change(&world, &caller, Some(PASSWORD), NEW_PASSWORD).expect("changed");
    world.authenticate(&own).expect("open");
    assert_eq!(end_reason(&world, &other).as_deref(), Some("password_changed"));
    let told = world.notices();
    assert!(
        matches!(told.as_slice(), [Notice::SessionEnded { session_id, .. }] if *session_id == other.session.id)
    );
    assert_eq!(code(world.sign_in(as_ann(PASSWORD))), ErrorCode::CredentialsWrong);
    world.sign_in(as_ann(NEW_PASSWORD)).expect("the new one");
}

#[test]
fn a_change_needs_the_right_current_password() {
    let world = World::new();
    let user = ann(&world);
    let caller = world.authenticate(&world.sign_in(as_ann(PASSWORD)).expect("signed in")).expect("open");
    let before = hash_of(&world, &user);
    assert_eq!(code(change(&world, &caller, Some("wrong"), NEW_PASSWORD)), ErrorCode::CredentialsWrong);
    let missing = change(&world, &caller, None, NEW_PASSWORD).expect_err("missing");
    assert_eq!(
        (missing.code, &missing.details["path"]),
        (ErrorCode::InvalidRequest, &"currentPassword".into())
    );
    assert_eq!(code(change(&world, &caller, Some(PASSWORD), "short")), ErrorCode::PasswordWeak);
    assert_eq!(hash_of(&world, &user), before);
    for _ in 0..4 {
        assert_eq!(code(change(&world, &caller, Some("wrong"), NEW_PASSWORD)), ErrorCode::CredentialsWrong);
        world.clock.advance(Duration::from_millis(1));
    }
}

#[test]
fn a_stolen_session_does_not_guess_the_password_for_long() {
    let world = World::new();
    bob(&world);
    let caller = world.caller_with(as_bob(CHEAP.0, None));
    for _ in 0..5 {
        assert_eq!(code(change(&world, &caller, Some("wrong"), NEW_PASSWORD)), ErrorCode::CredentialsWrong);
    }
    assert_eq!(code(change(&world, &caller, Some(CHEAP.0), NEW_PASSWORD)), ErrorCode::RateLimited);
    world.clock.advance(Duration::from_secs(1));
    change(&world, &caller, Some(CHEAP.0), NEW_PASSWORD).expect("after the wait");
}

#[test]
fn whoever_has_no_password_yet_sets_one() {
    let world = World::new();
    let carl = world.caller_with(ticket_sign_in(&world.ticket("app-one", "carl")));
    change(&world, &carl, None, PASSWORD).expect("set");
    world.sign_in(by_password((IdentityType::Username, "carl"), PASSWORD)).expect("by password");
    assert_eq!(
        code(change(&world, &carl, None, NEW_PASSWORD)),
        ErrorCode::InvalidRequest,
        "now there is one"
    );

    let dora = world.caller("dora");
    block_on(world.service.remove_identity(&dora, IdentityType::Username, "dora")).expect("removed");
    let nameless = change(&world, &dora, None, PASSWORD).expect_err("no name to sign in with");
    assert_eq!(
        (nameless.code, &nameless.details["path"]),
        (ErrorCode::InvalidRequest, &"newPassword".into())
    );
}

#[test]
fn of_two_changes_at_once_one_wins() {
    let world = World::new();
    bob(&world);
    let callers = [(); 2].map(|()| world.caller_with(as_bob(CHEAP.0, None)));
    let passwords = [PASSWORD, NEW_PASSWORD];
    let start = Barrier::new(2);
    let results = thread::scope(|scope| {
        let all = [0, 1].map(|index| {
            let (world, start, caller, new) = (&world, &start, &callers[index], passwords[index]);
            scope.spawn(move || {
                start.wait();
                change(world, caller, Some(CHEAP.0), new)
            })
        });
        all.map(|one| one.join().expect("no panic"))
    });
    let winner = results.iter().position(Result::is_ok).expect("one wins");
    assert_eq!(code(results[1 - winner].clone()), ErrorCode::CredentialsWrong);
    world.sign_in(as_bob(passwords[winner], None)).expect("the winner's password");
    assert_eq!(code(world.sign_in(as_bob(passwords[1 - winner], None))), ErrorCode::CredentialsWrong);
}

/// A reset token, as the app's backend asks for it.
fn reset_token(world: &World, user: &UserId, token: &str, purpose: OneTimePurpose, expires_at: Timestamp) {
    let app = world.app_id("app-one");
    let token = OneTimeToken { hash: sha256(token), purpose, user_id: user.clone(), expires_at };
    world.write(move |tx| tx.insert_one_time_token(app, &token));
}

fn reset(world: &World, app: &str, token: &str, new: &str) -> ServiceResult<()> {
    block_on(world.service.reset_password(ResetPassword {
        app_key: app_key(app),
        token: secret(token),
        new_password: secret(new),
        origin: None,
    }))
}

#[test]
fn a_reset_token_sets_a_password_once_and_ends_all_sessions() {
    let world = World::new();
    let user = ann(&world);
    let signed_in = world.sign_in(as_ann(PASSWORD)).expect("signed in");
    reset_token(&world, &user, "token", OneTimePurpose::PasswordReset, world.now().plus(HOUR));
    assert_eq!(code(reset(&world, "app-one", "token", "short")), ErrorCode::PasswordWeak);
    world.authenticate(&signed_in).expect("nothing happened");
    reset(&world, "app-one", "token", NEW_PASSWORD).expect("a weak password does not use it up");
    assert_eq!(end_reason(&world, &signed_in).as_deref(), Some("password_changed"));
    assert_eq!(code(world.sign_in(as_ann(PASSWORD))), ErrorCode::CredentialsWrong);
    world.sign_in(as_ann(NEW_PASSWORD)).expect("the new one");
    assert_eq!(code(reset(&world, "app-one", "token", PASSWORD)), ErrorCode::OneTimeTokenUnknown);
}

#[test]
fn a_reset_token_that_is_late_foreign_or_for_something_else_sets_nothing() {
    let world = World::new();
    let user = ann(&world);
    let before = hash_of(&world, &user);
    let calls = world.service.passwords.calls();
    world.change_app("app-two", |app| app.settings.password_sign_in = true);
    reset_token(&world, &user, "late", OneTimePurpose::PasswordReset, world.now());
    assert_eq!(code(reset(&world, "app-one", "late", NEW_PASSWORD)), ErrorCode::OneTimeTokenUnknown);
    reset_token(&world, &user, "token", OneTimePurpose::PasswordReset, world.now().plus(HOUR));
    assert_eq!(code(reset(&world, "app-two", "token", NEW_PASSWORD)), ErrorCode::OneTimeTokenUnknown);
    reset_token(&world, &user, "other", OneTimePurpose::SignUp, world.now().plus(HOUR));
    assert_eq!(code(reset(&world, "app-one", "other", NEW_PASSWORD)), ErrorCode::OneTimeTokenUnknown);
    assert_eq!(code(reset(&world, "app-one", "nothing", NEW_PASSWORD)), ErrorCode::OneTimeTokenUnknown);
    assert_eq!(hash_of(&world, &user), before);
    assert_eq!(world.service.passwords.calls(), calls, "a guessed token costs no hash");
}

#[test]
fn the_rule_that_a_weak_password_breaks_is_named() {
    let world = World::new();
    let user = ann(&world);
    let caller = world.authenticate(&world.sign_in(as_ann(PASSWORD)).expect("signed in")).expect("open");
    reset_token(&world, &user, "token", OneTimePurpose::PasswordReset, world.now().plus(HOUR));
    let long = "x".repeat(257);
    let cases = [
        ("too_short", "tractor"),
        ("too_long", long.as_str()),
        ("is_identity", EMAIL),
        ("easy_to_guess", "password1"),
    ];
    for (rule, weak) in cases {
        let answers = [
            sign_up(&world, request(&[(IdentityType::Email, "ann@example.com")], weak)).map(drop),
            change(&world, &caller, Some(PASSWORD), weak),
            reset(&world, "app-one", "token", weak),
        ];
        for answer in answers {
            let refused = answer.expect_err(rule);
            assert_eq!((refused.code, &refused.details["rule"]), (ErrorCode::PasswordWeak, &rule.into()));
        }
    }
}

fn by_one_time_ticket(signed_up: &SignedUp) -> SignIn {
    let credential = Credential::Ticket(signed_up.ticket.expose().to_owned());
    SignIn { credential, ..open_sign_in("nobody") }
}

#[test]
fn the_ticket_of_a_sign_up_opens_one_session_within_ten_minutes() {
    let world = World::new();
    let signed_up = sign_up(&world, request(&[(IdentityType::Email, EMAIL)], PASSWORD)).expect("signed up");
    let ten_minutes = Duration::from_mins(10);
    world.clock.advance(ten_minutes.checked_sub(Duration::from_millis(1)).expect("positive"));
    let elsewhere = SignIn { app_key: Some(app_key("app-two")), ..by_one_time_ticket(&signed_up) };
    assert_eq!(code(world.sign_in(elsewhere.clone())), ErrorCode::SignInWayOff);
    world.change_app("app-two", |app| app.settings.password_sign_in = true);
    assert_eq!(code(world.sign_in(elsewhere)), ErrorCode::OneTimeTokenUnknown);
    let first = world.sign_in(by_one_time_ticket(&signed_up)).expect("the last moment");
    assert_eq!((&first.user.id, first.session.credential), (&signed_up.user.id, CredentialKind::Password));
    assert_eq!(code(world.sign_in(by_one_time_ticket(&signed_up))), ErrorCode::OneTimeTokenUnknown);

    let names = [(IdentityType::Email, "late@example.com")];
    let late = sign_up(&world, request(&names, PASSWORD)).expect("signed up");
    world.clock.advance(ten_minutes);
    assert_eq!(code(world.sign_in(by_one_time_ticket(&late))), ErrorCode::OneTimeTokenUnknown);
}

#[test]
fn a_reset_token_is_no_ticket() {
    let world = World::new();
    let user = ann(&world);
    reset_token(&world, &user, "cbt_reset", OneTimePurpose::PasswordReset, world.now().plus(HOUR));
    let credential = Credential::Ticket("cbt_reset".to_owned());
    let refused = world.sign_in(SignIn { credential, ..open_sign_in("nobody") });
    assert_eq!(code(refused), ErrorCode::OneTimeTokenUnknown);
    reset(&world, "app-one", "cbt_reset", NEW_PASSWORD).expect("and it was not used up by that");
}

#[test]
fn a_sign_up_has_one_to_three_names_that_nobody_has() {
    let world = World::new();
    let long = [(IdentityType::Username, "a"); 4];
    let mixed = [(IdentityType::Username, "ann"), (IdentityType::Number, "0700")];
    for (names, path) in [(&long[..0], "identities"), (&long, "identities"), (&mixed, "identities[1].value")]
    {
        let refused = sign_up(&world, request(names, PASSWORD)).expect_err(path);
        assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &path.into()));
    }
    ann(&world);
    let taken = [(IdentityType::Username, "anna"), (IdentityType::Email, "ANN@example.com")];
    let refused = sign_up(&world, request(&taken, PASSWORD)).expect_err("taken");
    assert_eq!((refused.code, &refused.details["type"]), (ErrorCode::IdentityTaken, &"email".into()));
    sign_up(&world, request(&taken[..1], PASSWORD)).expect("the refused one left nothing behind");
    let twice = [(IdentityType::Number, "+46700000000"), (IdentityType::Number, "+46 70 000 00 00")];
    assert_eq!(code(sign_up(&world, request(&twice, PASSWORD))), ErrorCode::IdentityTaken);
}

#[test]
fn pages_of_foreign_origins_sign_nobody_up_and_reset_nothing() {
    let world = World::new();
    let user = ann(&world);
    reset_token(&world, &user, "token", OneTimePurpose::PasswordReset, world.now().plus(HOUR));
    world.change_app("app-one", |app| app.settings.allowed_origins = Vec::new());
    let origin = Some("https://evil.example".to_owned());
    let names = [(IdentityType::Username, "new")];
    let refused = sign_up(&world, SignUp { origin: origin.clone(), ..request(&names, PASSWORD) });
    assert_eq!(code(refused), ErrorCode::OriginNotAllowed);
    let refused = block_on(world.service.reset_password(ResetPassword {
        app_key: app_key("app-one"),
        token: secret("token"),
        new_password: secret(NEW_PASSWORD),
        origin,
    }));
    assert_eq!(code(refused), ErrorCode::OriginNotAllowed);
}

#[test]
fn sign_ups_of_one_address_are_counted() {
    let world = World::new();
    let from = |number: usize, text: &str| {
        let name = format!("user-{number}");
        // Refused for the password, which is cheap to find out, and counted all the same.
        let weak = request(&[(IdentityType::Username, name.as_str())], "short");
        code(sign_up(&world, SignUp { address: Some(address(text)), ..weak }))
    };
    for number in 0..10 {
        assert_eq!(from(number, "203.0.113.1"), ErrorCode::PasswordWeak);
    }
    assert_eq!(from(10, "203.0.113.1"), ErrorCode::RateLimited);
    assert_eq!(from(10, "203.0.113.2"), ErrorCode::PasswordWeak, "another address");
    world.clock.advance(Duration::from_mins(6));
    assert_eq!(from(10, "203.0.113.1"), ErrorCode::PasswordWeak, "one every six minutes");
    assert_eq!(from(11, "203.0.113.1"), ErrorCode::RateLimited);
}

#[test]
fn an_address_waits_after_five_wrong_passwords_and_others_do_not() {
    let world = World::new();
    bob(&world);
    for _ in 0..5 {
        let wrong = world.sign_in(as_bob("wrong", Some("203.0.113.1")));
        assert_eq!(code(wrong), ErrorCode::CredentialsWrong);
    }
    let calls = world.service.passwords.calls();
    let refused = world.sign_in(as_bob(CHEAP.0, Some("203.0.113.1"))).expect_err("too many");
    assert_eq!((refused.code, refused.retry_after_seconds()), (ErrorCode::RateLimited, Some(1)));
    assert_eq!(world.service.passwords.calls(), calls, "nothing is hashed for it");
    world.sign_in(as_bob(CHEAP.0, Some("203.0.113.2"))).expect("another address");
    let other = by_password((IdentityType::Username, "nobody"), "wrong");
    let other = world.sign_in(SignIn { address: Some(address("203.0.113.1")), ..other });
    assert_eq!(code(other), ErrorCode::CredentialsWrong, "another account");
    world.clock.advance(Duration::from_secs(1));
    world.sign_in(as_bob(CHEAP.0, Some("203.0.113.1"))).expect("after the wait");
}

#[test]
fn a_known_device_gets_past_what_strangers_do_to_the_account() {
    let world = World::new();
    let bob = bob(&world);
    let on = |device: &str| {
        let device = Device { id: Some(device.to_owned()), ..Device::default() };
        SignIn { device, ..as_bob(CHEAP.0, Some("203.0.113.200")) }
    };
    world.sign_in(on("phone")).expect("signed in");
    // The first sign-in made the hash dear; strangers are to guess at the cheap one.
    let (app, changed_at) = (world.app_id("app-one"), world.now());
    let record = PasswordRecord { user_id: bob, hash: CHEAP.1.to_owned(), changed_at };
    world.write(move |tx| tx.set_password(app, &record));
    for number in 0..100 {
        let from = format!("203.0.113.{}", number / 4);
        assert_eq!(code(world.sign_in(as_bob("wrong", Some(&from)))), ErrorCode::CredentialsWrong);
    }
    assert_eq!(code(world.sign_in(on("laptop"))), ErrorCode::RateLimited);
    world.sign_in(on("phone")).expect("the user was signed in on it before");
}

const HOUR: Duration = Duration::from_hours(1);
