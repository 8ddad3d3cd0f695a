//! Session descriptions and candidates.

use callbox_call_proto::{
    EventKind, IllegalMove, KeptSignal, SIGNAL_BYTES_PER_GENERATION_MAX, SIGNAL_OVERHEAD_BYTES, SignalKind,
};

use crate::support::*;

#[test]
fn the_callers_signals_wait_for_the_answer() {
    let mut scene = Scene::start();
    let offer = scene.does(signal(&ann(), SignalKind::Offer, 0, 4000));
    assert_eq!(kept(&offer), KeptSignal { number: 1, from: user("ann"), to: None, generation: 0 });
    assert_eq!(kinds(&offer), [EventKind::Described]);
    assert_eq!(lines(&offer)[0].details, r#"{"description":"offer","generation":0,"signal":1}"#);

    let candidate = scene.does(signal(&ann(), SignalKind::Candidate, 0, 150));
    assert_eq!((kept(&candidate).number, kinds(&candidate)), (2, vec![]));

    scene.does(accept(&laptop()));
    let next = kept(&scene.does(signal(&ann(), SignalKind::Candidate, 0, 150)));
    assert_eq!((next.number, next.to), (3, Some(laptop())));
    let answer = kept(&scene.does(signal(&laptop(), SignalKind::Answer, 0, 4000)));
    assert_eq!((answer.number, answer.from, answer.to), (4, user("bob"), Some(ann())));
}

#[test]
fn a_signal_for_a_leg_without_a_socket_is_kept_all_the_same() {
    let mut scene = Scene::connected();
    scene.does(lost(&phone()));
    let offer = kept(&scene.does(signal(&ann(), SignalKind::Offer, 1, 4000)));
    assert_eq!((offer.to, offer.generation), (Some(phone()), 1));
}

#[test]
fn only_legs_send_signals() {
    let offer = |from: &callbox_call_proto::Endpoint| signal(from, SignalKind::Offer, 0, 1);
    assert_eq!(Scene::ringing().refuses(offer(&phone())), IllegalMove::NotAnswered);
    assert_eq!(Scene::accepted().refuses(offer(&laptop())), IllegalMove::AlreadyAnswered);
    assert_eq!(Scene::accepted().refuses(offer(&ann_other_tab())), IllegalMove::NotTheCallersLeg);
}

#[test]
fn a_full_generation_refuses_and_a_restart_makes_room() {
    let mut scene = Scene::connected();
    let bytes = usize::try_from(SIGNAL_BYTES_PER_GENERATION_MAX - SIGNAL_OVERHEAD_BYTES).expect("small");
    assert_eq!(kept(&scene.does(signal(&ann(), SignalKind::Offer, 0, bytes))).number, 1);
    let error = scene.refuses(signal(&phone(), SignalKind::Answer, 0, 1));
    assert_eq!(error, IllegalMove::GenerationFull { left: 0 });
    assert!(error.to_string().contains("restart ICE"));
    assert_eq!(kept(&scene.does(signal(&phone(), SignalKind::Offer, 1, 4000))).number, 2);
}
