use callbox_call_proto::SIGNAL_BYTES_PER_GENERATION_MAX;
use callbox_wire::{ErrorCode, ServerFrame};

use super::super::MediaReport;
use super::world::{Tab, World, call_id, candidate, code};

const CALL: &str = "call-0001";

/// The texts and numbers of signals.
fn texts(frames: &[ServerFrame]) -> Vec<(u32, &str)> {
    frames
        .iter()
        .map(|frame| match frame {
            ServerFrame::CallDescribed(frame) => (frame.signal, frame.description.sdp.as_str()),
            ServerFrame::CallCandidateAdded(frame) => {
                (frame.signal, frame.candidate.as_ref().map_or("", |candidate| candidate.candidate.as_str()))
            }
            other => panic!("{} is no signal", other.name()),
        })
        .collect()
}

fn three(world: &World) -> (Tab, Tab, Tab) {
    (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"), world.tab("bob", "bob-phone"))
}

#[test]
fn what_was_sent_before_the_answer_is_handed_to_who_answers_in_order() {
    let world = World::new();
    let (ann, bob, bob_phone) = three(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.heard(&bob);
    world.heard(&bob_phone);
    world.offer(&ann, CALL, 0, "v=0 offer").expect("described");
    for line in ["one", "two"] {
        world.candidate(&ann, CALL, 0, line).expect("added");
    }
    let (caller, connection) = (&ann.caller, &ann.connection);
    let no_more = world.service.add_candidate(caller, connection, call_id(CALL), 0, None);
    futures_executor::block_on(no_more).expect("added");
    for tab in [&ann, &bob, &bob_phone] {
        assert!(world.names(tab).is_empty(), "kept for who answers");
    }
    let early = world.live_calls(&bob);
    assert_eq!(early[0].signals, [], "who rings has no part in it yet");
    let joined = world.accept(&bob, CALL).expect("accepted");
    assert_eq!(texts(&joined.signals), [(1, "v=0 offer"), (2, "one"), (3, "two"), (4, "")]);
    let ServerFrame::CallCandidateAdded(last) = &joined.signals[3] else { panic!("no candidate") };
    assert_eq!((last.candidate.as_ref(), last.generation), (None, 0));
    world.accept(&bob_phone, CALL).expect_err("answered elsewhere");
    assert_eq!(world.live_calls(&bob_phone)[0].signals, []);
    assert_eq!(world.start(&ann, CALL, "bob").expect("a repeat").signals, [], "not one's own");
}

#[test]
fn after_the_answer_signals_go_to_the_other_leg_alone() {
    let world = World::new();
    let (ann, bob, bob_phone) = three(&world);
    let ann_beside = world.tab_beside(&ann, "ann-tab2");
    world.accepted(&ann, &bob, CALL);
    for tab in [&ann_beside, &bob_phone] {
        world.heard(tab);
    }
    world.offer(&ann, CALL, 0, "v=0 offer").expect("described");
    world.candidate(&bob, CALL, 0, "bob one").expect("added");
    assert_eq!(texts(&world.heard(&bob)), [(1, "v=0 offer")]);
    let heard = world.heard(&ann);
    assert_eq!(texts(&heard), [(2, "bob one")]);
    let ServerFrame::CallCandidateAdded(frame) = &heard[0] else { panic!("no candidate") };
    assert_eq!(frame.candidate, Some(candidate("bob one")));
    assert_eq!((&frame.user_id, frame.call_id.as_str()), (&bob.caller.user_id, CALL));
    for tab in [&ann_beside, &bob_phone] {
        assert!(world.names(tab).is_empty());
    }
    assert_eq!(code(world.offer(&ann_beside, CALL, 0, "v=0")), ErrorCode::CallNotPossible);
    assert_eq!(code(world.offer(&bob_phone, CALL, 0, "v=0")), ErrorCode::CallAnsweredElsewhere);
    assert_eq!(code(world.report(&ann_beside, CALL, MediaReport::Connected)), ErrorCode::CallNotPossible);
}

#[test]
fn a_callee_who_has_not_answered_sends_no_signals() {
    let world = World::new();
    let (ann, bob, _) = three(&world);
    world.start(&ann, CALL, "bob").expect("started");
    assert_eq!(code(world.offer(&bob, CALL, 0, "v=0")), ErrorCode::CallNotPossible);
    assert_eq!(world.kept_signals(CALL), 0);
}

#[test]
fn a_generation_has_room_for_so_much_and_a_restart_for_as_much_again() {
    let world = World::new();
    let (ann, bob, _) = three(&world);
    world.accepted(&ann, &bob, CALL);
    let half = "x".repeat(SIGNAL_BYTES_PER_GENERATION_MAX as usize / 2);
    world.offer(&ann, CALL, 0, &half).expect("the first half");
    assert_eq!(code(world.offer(&bob, CALL, 0, &half)), ErrorCode::CallSignalsFull);
    assert_eq!(world.kept_signals(CALL), 1);
    world.heard(&ann);
    world.offer(&bob, CALL, 1, &half).expect("a new generation");
    assert_eq!(texts(&world.heard(&ann)), [(2, half.as_str())], "a refused signal has no number");
}

#[test]
fn every_text_of_a_candidate_counts() {
    let world = World::new();
    let (ann, bob, _) = three(&world);
    world.accepted(&ann, &bob, CALL);
    let half = "x".repeat(SIGNAL_BYTES_PER_GENERATION_MAX as usize / 2);
    let big = callbox_wire::call::IceCandidate {
        sdp_mid: Some(half.clone()),
        username_fragment: Some(half),
        ..candidate("small")
    };
    let (caller, connection) = (&ann.caller, &ann.connection);
    let added = world.service.add_candidate(caller, connection, call_id(CALL), 0, Some(big));
    assert_eq!(code(futures_executor::block_on(added)), ErrorCode::CallSignalsFull);
}

#[test]
fn a_leg_that_comes_back_is_told_the_newest_exchange_of_the_other() {
    let world = World::new();
    let (ann, bob, bob_phone) = three(&world);
    world.accepted(&ann, &bob, CALL);
    world.offer(&ann, CALL, 1, "old offer").expect("described");
    world.candidate(&ann, CALL, 1, "old candidate").expect("added");
    world.answer(&bob, CALL, 1, "answer").expect("described");
    world.offer(&ann, CALL, 2, "new offer").expect("described");
    world.candidate(&ann, CALL, 2, "new candidate").expect("added");
    let live = |tab: &Tab| world.live_calls(tab).remove(0).signals;
    assert_eq!(texts(&live(&bob)), [(4, "new offer"), (5, "new candidate")]);
    assert_eq!(texts(&live(&ann)), [(3, "answer")], "bob has not answered the new one yet");
    assert_eq!(live(&bob_phone), []);
}

#[test]
fn a_leg_that_comes_back_is_told_the_answer_that_it_waits_for_too() {
    let world = World::new();
    let (ann, bob, _) = three(&world);
    world.accepted(&ann, &bob, CALL);
    world.offer(&ann, CALL, 1, "first offer").expect("described");
    world.answer(&bob, CALL, 1, "first answer").expect("described");
    world.offer(&ann, CALL, 2, "offer of ann").expect("described");
    world.close(&ann);
    world.answer(&bob, CALL, 2, "answer of bob").expect("described");
    world.candidate(&bob, CALL, 2, "candidate of bob").expect("added");
    for generation in [3, 4] {
        world.offer(&bob, CALL, generation, &format!("offer {generation}")).expect("described");
    }
    world.open(&ann);
    let live = world.live_calls(&ann).remove(0).signals;
    assert_eq!(texts(&live), [(4, "answer of bob"), (5, "candidate of bob"), (7, "offer 4")]);
}
