use std::sync::Barrier;
use std::thread;

use callbox_wire::{ErrorCode, ServerFrame};

use super::super::EndReason;
use super::world::{Tab, World};

/// Runs both at the same moment.
fn at_once<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    let gate = Barrier::new(2);
    thread::scope(|scope| {
        let one = scope.spawn(|| {
            gate.wait();
            one()
        });
        gate.wait();
        let other = other();
        (one.join().expect("no panic"), other)
    })
}

#[test]
fn of_two_accepts_at_once_exactly_one_wins() {
    let world = World::new();
    let ann = world.tab("ann", "ann-tab1");
    let bobs: [Tab; 2] = [world.tab("bob", "bob-tab1"), world.tab("bob", "bob-phone")];
    for round in 0..50 {
        let call = format!("call-{round:04}");
        world.start(&ann, &call, "bob").expect("started");
        world.heard(&ann);
        let (one, other) = at_once(|| world.accept(&bobs[0], &call), || world.accept(&bobs[1], &call));
        let (winner, lost) = match (one, other) {
            (Ok(joined), Err(error)) => ((0, joined), error),
            (Err(error), Ok(joined)) => ((1, joined), error),
            both => panic!("round {round}: {both:?}"),
        };
        assert_eq!(lost.code, ErrorCode::CallAnsweredElsewhere);
        let heard = world.heard(&ann);
        let [ServerFrame::CallAccepted(accepted)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(accepted.call, winner.1.call);
        let leg = accepted.call.accepted_by.as_ref().expect("answered");
        assert_eq!(leg.connection_id, bobs[winner.0].connection);
        world.end(&ann, &call, EndReason::HangUp).expect("hung up");
    }
}

#[test]
fn two_who_call_each_other_at_once_are_in_one_call() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    for round in 0..50 {
        let (of_ann, of_bob) = (format!("ann-{round:05}"), format!("bob-{round:05}"));
        let (one, other) =
            at_once(|| world.start(&ann, &of_ann, "bob"), || world.start(&bob, &of_bob, "ann"));
        let (one, other) = (one.expect("in a call"), other.expect("in a call"));
        assert_eq!(one.call.id, other.call.id);
        let call = one.call.id.as_str();
        assert_eq!(world.kinds(call), ["started", "accepted"]);
        let live = world.live_calls(&ann);
        assert_eq!(live.len(), 1);
        world.end(&ann, call, EndReason::HangUp).expect("hung up");
    }
}

#[test]
fn an_accept_and_a_cancel_at_once_agree() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    for round in 0..50 {
        let call = format!("call-{round:04}");
        world.start(&ann, &call, "bob").expect("started");
        world.heard(&ann);
        world.heard(&bob);
        let (accepted, ended) =
            at_once(|| world.accept(&bob, &call), || world.end(&ann, &call, EndReason::HangUp));
        ended.expect("an end is always fine");
        let told = world.ended(&ann);
        assert_eq!(told.accepted_at.is_some(), world.kinds(&call).contains(&"accepted".to_owned()));
        if let Err(error) = accepted {
            assert_eq!(error.code, ErrorCode::CallEnded);
        }
        assert!(world.live_calls(&bob).is_empty());
    }
}
