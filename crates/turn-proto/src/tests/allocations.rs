//! How allocations come to be, and live on.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::world::*;
use crate::message::{Method, attribute};
use crate::{Input, RelayAddress};

fn seconds_of(answer: &Answer) -> u32 {
    let value = answer.bytes(attribute::LIFETIME).expect("a lifetime");
    u32::from_be_bytes(value.try_into().expect("four bytes"))
}

#[test]
fn an_allocation_is_opened_with_a_relayed_address_and_a_lifetime() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "1.call");
    let answer = world.allocate(&ann);
    assert_eq!(answer.error, None);
    let relayed = answer.address(attribute::XOR_RELAYED_ADDRESS);
    assert_eq!(relayed.ip(), ip(RELAY_V4));
    assert!((50_000..=50_099).contains(&relayed.port()));
    assert_eq!(answer.address(attribute::XOR_MAPPED_ADDRESS), ann.client.address);
    assert_eq!(seconds_of(&answer), 600);
    assert_eq!(answer.bytes(attribute::SOFTWARE).expect("a name"), b"callbox");
    assert_eq!(world.open.iter().map(|relay| relay.port).collect::<Vec<_>>(), [relayed.port()]);
    assert_eq!(world.server.deadline(), Some(world.now.elapsed + Duration::from_mins(10)));
    let figures = world.server.figures();
    assert_eq!((figures.allocations, figures.allocations_opened, figures.unauthorized), (1, 1, 1));
}

#[test]
fn an_answer_that_was_lost_is_given_again_and_another_request_is_refused() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "1.call");
    let id = world.transaction();
    let request = ann.request(id, Method::Allocate, udp);
    world.is_prompt = false;
    let done = world.send(ann.client, &request);
    assert!(matches!(done[..], [Done::Opened(_)]), "{done:?}");
    assert_eq!(world.send(ann.client, &request), [], "it is still being opened");
    assert_eq!(world.allocate(&ann).error, Some(437));
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, Some(437));
    assert_eq!(world.refresh(&ann, 600).error, Some(437));
    assert_eq!(world.server.figures().allocations, 0);
    let before = world.done.len();
    world.open_ports();
    let first = Answer::only(&world.done[before..]);
    assert_eq!(first.error, None);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.ask_bytes(&ann, &request), first);
    assert_eq!(world.allocate(&ann).error, Some(437));
    let other = User { client: ann.client, ..world.user("9.9.9.9:4001", "ses_bob", "1.call") };
    let other = User { nonce: ann.nonce.clone(), ..other };
    let request = other.request(id, Method::Allocate, udp);
    assert_eq!(world.ask_bytes(&other, &request).error, Some(437), "another's with the same number");
    assert_eq!(world.open.len(), 1);
    assert_eq!(world.server.figures().allocations_opened, 1);
}

#[test]
fn a_lifetime_is_within_bounds() {
    let mut world = World::new();
    for (number, (asked, granted)) in
        [(0, 600), (1, 600), (600, 600), (777, 777), (3_600, 3_600), (u32::MAX, 3_600)]
            .into_iter()
            .enumerate()
    {
        let ann = world.user(&format!("9.9.9.{number}:4000"), "ses_ann", "");
        let answer = world.ask(&ann, Method::Allocate, |request| lifetime(udp(request), asked));
        assert_eq!(seconds_of(&answer), granted, "allocate {asked}");
        let expected = if asked == 0 { 0 } else { granted };
        assert_eq!(seconds_of(&world.refresh(&ann, asked)), expected, "refresh {asked}");
    }
}

#[test]
fn requests_that_ask_for_something_else_are_refused() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let family_and = |value: u8| move |request| family(udp(request), value);
    let mut refused = |code: u16, fill: &dyn Fn(crate::message::Builder) -> crate::message::Builder| {
        assert_eq!(world.ask(&ann, Method::Allocate, fill).error, Some(code));
    };
    refused(400, &|request| request);
    refused(400, &|request| request.attribute(attribute::REQUESTED_TRANSPORT, &[17]));
    refused(442, &|request| request.attribute(attribute::REQUESTED_TRANSPORT, &[6, 0, 0, 0]));
    refused(440, &family_and(0));
    refused(440, &family_and(3));
    refused(400, &|request| udp(request).attribute(attribute::REQUESTED_ADDRESS_FAMILY, &[1]));
    refused(400, &|request| udp(request).attribute(attribute::LIFETIME, &[1, 2, 3]));
    refused(400, &|request| udp(request).attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &[1, 0, 0, 0]));
    refused(400, &|request| {
        family(udp(request), 1).attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0])
    });
    refused(508, &|request| udp(request).attribute(attribute::EVEN_PORT, &[0x80]));
    refused(400, &|request| udp(request).attribute(attribute::EVEN_PORT, &[0, 0]));
    refused(420, &|request| udp(request).attribute(attribute::RESERVATION_TOKEN, &[0; 8]));
    refused(420, &|request| udp(request).attribute(attribute::DONT_FRAGMENT, &[]));
    let answer =
        world.ask(&ann, Method::Allocate, |request| udp(request).attribute(attribute::DONT_FRAGMENT, &[]));
    assert_eq!(answer.bytes(attribute::UNKNOWN_ATTRIBUTES).expect("a list"), [0, 0x1a]);
    assert_eq!(world.open, BTreeSet::new());
    assert_eq!(world.server.deadline(), None);
    let answer = world.ask(&ann, Method::Allocate, |request| udp(request).attribute(0x9999, b"optional"));
    assert_eq!(answer.error, None, "what need not be understood");
}

#[test]
fn who_asks_for_an_even_port_gets_one() {
    let mut world = World::new();
    for number in 0..8 {
        let client = world.user(&format!("9.9.9.9:{}", 4_000 + number), "ses_ann", "");
        let even = |request| udp(request).attribute(attribute::EVEN_PORT, &[0]);
        let answer = world.ask(&client, Method::Allocate, even);
        let relayed = answer.addresses(attribute::XOR_RELAYED_ADDRESS);
        assert!(relayed[0].port().is_multiple_of(2), "{relayed:?}");
    }
}

#[test]
fn of_both_families_there_are_two_ports() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let both = |request| udp(request).attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    let answer = world.ask(&ann, Method::Allocate, both);
    let relayed = answer.addresses(attribute::XOR_RELAYED_ADDRESS);
    assert_eq!(relayed.iter().map(SocketAddr::ip).collect::<Vec<_>>(), [ip(RELAY_V4), ip(RELAY_V6)]);
    assert_eq!(answer.bytes(attribute::ADDRESS_ERROR_CODE), None);
    assert_eq!((world.open.len(), world.server.figures().allocations), (2, 1));
    assert_eq!(world.permit(&ann, &["1.1.1.1:0", "[2606:4700::1111]:0"]).error, None);

    world.advance(Duration::from_mins(5));
    let answer = world.ask(&ann, Method::Refresh, |request| family(request, 2));
    assert_eq!(answer.error, None);
    world.advance(Duration::from_mins(5));
    assert_eq!(
        world.open.iter().map(|relay| relay.address).collect::<Vec<_>>(),
        [1],
        "only IPv6 was refreshed"
    );
    assert_eq!(world.server.figures().allocations, 1);
    let ann = User { nonce: world.server_nonce(ann.client), ..ann };
    let answer = world.ask(&ann, Method::Refresh, |request| family(request, 1));
    assert_eq!(answer.error, Some(443), "there is none of IPv4 any more");
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, Some(443));
    let answer = world.ask(&ann, Method::Refresh, |request| lifetime(family(request, 2), 0));
    assert_eq!(answer.error, None);
    assert_eq!((world.open.len(), world.server.figures().allocations), (0, 0));
}

#[test]
fn a_family_that_is_not_to_be_had_is_told_of_beside_the_other() {
    let only_v4 = |settings: &mut crate::Settings| settings.relay_addresses.truncate(1);
    let mut world = World::with(only_v4);
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    assert_eq!(world.ask(&ann, Method::Allocate, |request| family(udp(request), 2)).error, Some(440));
    let both = |request| udp(request).attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    let answer = world.ask(&ann, Method::Allocate, both);
    assert_eq!(answer.addresses(attribute::XOR_RELAYED_ADDRESS).len(), 1);
    assert_eq!(answer.bytes(attribute::ADDRESS_ERROR_CODE).expect("a code"), [2, 0, 4, 40]);

    let mut world = World::with(|settings| {
        settings.relay_addresses = vec![RelayAddress { public: ip(RELAY_V6) }];
    });
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    assert_eq!(world.allocate(&ann).error, Some(440));
    let answer = world.ask(&ann, Method::Allocate, both);
    assert_eq!(answer.address(attribute::XOR_RELAYED_ADDRESS).ip(), ip(RELAY_V6));
    assert_eq!(answer.bytes(attribute::ADDRESS_ERROR_CODE).expect("a code"), [1, 0, 4, 40]);
}

#[test]
fn ports_that_others_have_are_passed_over_but_not_without_end() {
    let mut world = World::with(|settings| settings.ports = 50_000..=50_019);
    world.taken.extend(50_000..=50_007);
    for number in 0..12 {
        let ann = world.user(&format!("9.9.9.{number}:4000"), &format!("ses_{number}"), "");
        assert_eq!(world.allocate(&ann).error, None, "{number}");
    }
    assert_eq!(
        world.open.iter().map(|relay| relay.port).collect::<Vec<_>>(),
        (50_008..=50_019).collect::<Vec<_>>()
    );
    let bob = world.user("9.9.8.9:4000", "ses_bob", "");
    let before = world.done.len();
    assert_eq!(world.allocate(&bob).error, Some(508));
    let tried = world.done[before..].iter().filter(|done| matches!(done, Done::Opened(_))).count();
    assert_eq!(tried, 9);
    let figures = world.server.figures();
    assert_eq!((figures.allocations, figures.allocations_opened, figures.out_of_ports), (12, 12, 1));
    world.taken.clear();
    assert_eq!(world.allocate(&bob).error, None, "nothing is left of the attempt");
}

#[test]
fn without_a_free_port_there_is_no_allocation() {
    let mut world = World::with(|settings| settings.ports = 50_000..=50_001);
    let users: Vec<_> =
        (0..3).map(|number| world.user(&format!("9.9.9.{number}:4000"), "ses_ann", "")).collect();
    assert_eq!(world.allocate(&users[0]).error, None);
    assert_eq!(world.allocate(&users[1]).error, None);
    assert_eq!(world.allocate(&users[2]).error, Some(508));
    assert_eq!(world.server.figures().out_of_ports, 1);
    assert_eq!(world.refresh(&users[0], 0).error, None);
    assert_eq!(world.allocate(&users[2]).error, None);
}

#[test]
fn quotas_are_exact() {
    let mut world = World::with(|settings| {
        settings.limits.allocations_per_session = NonZeroU32::new(20).expect("not zero");
    });
    let mut count = 0;
    let mut next = |world: &mut World, session: &str, call: &str| {
        count += 1;
        let user = world.user(&format!("9.9.{count}.9:4000"), session, call);
        (world.allocate(&user).error, user)
    };
    let (_, first) = next(&mut world, "ses_ann", "1.call");
    for number in 1..12 {
        let session = if number % 2 == 0 { "ses_ann" } else { "ses_bob" };
        assert_eq!(next(&mut world, session, "1.call").0, None);
    }
    assert_eq!(next(&mut world, "ses_ann", "1.call").0, Some(486));
    assert_eq!(next(&mut world, "ses_bob", "1.call").0, Some(486));
    for _ in 0..12 {
        assert_eq!(next(&mut world, "ses_ann", "1.next").0, None);
    }
    for _ in 0..2 {
        assert_eq!(next(&mut world, "ses_ann", "").0, None);
    }
    assert_eq!(next(&mut world, "ses_ann", "").0, Some(486), "of the session");
    assert_eq!(world.server.figures().over_quota, 3);
    assert_eq!(world.refresh(&first, 0).error, None);
    assert_eq!(next(&mut world, "ses_ann", "1.call").0, None);
    assert_eq!(next(&mut world, "ses_ann", "").0, Some(486));
    world.handle(Input::DropAllocations, &[]);
    assert_eq!(world.open, BTreeSet::new());
    assert_eq!(next(&mut world, "ses_ann", "1.call").0, None);
}

#[test]
fn what_was_refused_counts_for_no_quota() {
    let mut world = World::with(|settings| settings.ports = 50_000..=50_000);
    world.taken.insert(50_000);
    let ann = world.user("9.9.9.9:4000", "ses_ann", "1.call");
    for _ in 0..20 {
        assert_eq!(world.allocate(&ann).error, Some(508));
    }
    assert_eq!(world.server.figures().allocations, 0);
    world.taken.clear();
    assert_eq!(world.allocate(&ann).error, None);
}
