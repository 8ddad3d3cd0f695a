//! What the legs report and switch.

use callbox_call_proto::{EventKind, IllegalMove, MediaReport, Muted, MutedUser, Output};

use crate::support::*;

#[test]
fn both_legs_with_media_make_a_connected_call() {
    let mut scene = Scene::accepted();
    let first = scene.wait(1).does(report(&phone(), MediaReport::Connected));
    assert_eq!((kinds(&first), facts(&first)), (vec![EventKind::MediaConnected], vec![]));
    let second = scene.wait(1).does(report(&ann(), MediaReport::Connected));
    assert_eq!(kinds(&second), [EventKind::MediaConnected, EventKind::Connected]);
    assert_eq!(facts(&second), [Output::Connected { at: scene.now }]);
    let view = scene.call.view().expect("it lives");
    assert_eq!(view.connected_at, Some(scene.now));
    assert_eq!(view.accepted_at, Some(noon()));
}

#[test]
fn both_must_have_it_at_the_same_time() {
    let mut scene = Scene::accepted();
    scene.does(report(&ann(), MediaReport::Connected));
    scene.does(report(&ann(), MediaReport::Interrupted));
    assert_eq!(facts(&scene.does(report(&phone(), MediaReport::Connected))), []);
    let outputs = scene.does(report(&ann(), MediaReport::Connected));
    assert_eq!(facts(&outputs), [Output::Connected { at: scene.now }]);
}

#[test]
fn a_connected_call_stays_connected_through_interruptions() {
    let mut scene = Scene::connected();
    let connected_at = scene.call.view().expect("it lives").connected_at;
    let interrupted = scene.wait(5).does(report(&ann(), MediaReport::Interrupted));
    assert_eq!((kinds(&interrupted), facts(&interrupted)), (vec![EventKind::Interrupted], vec![]));
    assert_eq!(lines(&interrupted)[0].user_id, Some(user("ann")));
    assert_eq!(scene.does(report(&ann(), MediaReport::Interrupted)), []);
    let again = scene.wait(5).does(report(&ann(), MediaReport::Connected));
    assert_eq!((kinds(&again), facts(&again)), (vec![EventKind::MediaConnected], vec![]));
    assert_eq!(scene.call.view().expect("it lives").connected_at, connected_at);
}

#[test]
fn only_legs_report_and_only_after_the_answer() {
    let mut scene = Scene::ringing();
    assert_eq!(scene.refuses(report(&ann(), MediaReport::Connected)), IllegalMove::NotAnswered);
    assert_eq!(scene.refuses(report(&phone(), MediaReport::Connected)), IllegalMove::NotAnswered);
    let mut scene = Scene::accepted();
    assert_eq!(scene.refuses(report(&laptop(), MediaReport::Connected)), IllegalMove::AlreadyAnswered);
    assert_eq!(
        scene.refuses(report(&ann_other_tab(), MediaReport::Connected)),
        IllegalMove::NotTheCallersLeg
    );
}

#[test]
fn a_mute_is_told_and_shown_until_it_is_taken_back() {
    let mut scene = Scene::connected();
    let muted = Muted { audio: true, video: false };
    let outputs = scene.does(mute(&phone(), true, false));
    assert_eq!(facts(&outputs), [Output::Muted { user_id: user("bob"), muted }]);
    assert_eq!(lines(&outputs)[0].details, r#"{"audio":true,"video":false}"#);
    assert_eq!(scene.does(mute(&phone(), true, false)), []);
    assert_eq!(scene.call.view().expect("it lives").muted, [MutedUser { user_id: user("bob"), muted }]);
    assert_eq!(scene.does(mute(&phone(), false, false)).len(), 2);
    assert!(scene.call.view().expect("it lives").muted.is_empty());
}

#[test]
fn a_caller_may_be_muted_from_the_first_moment() {
    let mut scene = Scene::start();
    scene.does(mute(&ann(), false, true));
    scene.does(accept(&phone()));
    scene.does(mute(&phone(), true, true));
    let muted = scene.call.view().expect("it lives").muted;
    let users: Vec<_> = muted.iter().map(|it| it.user_id.as_str()).collect();
    assert_eq!(users, ["ann", "bob"]);
}

#[test]
fn only_legs_mute_themselves() {
    assert_eq!(Scene::ringing().refuses(mute(&phone(), true, true)), IllegalMove::NotAnswered);
    assert_eq!(Scene::accepted().refuses(mute(&laptop(), true, true)), IllegalMove::AlreadyAnswered);
    assert_eq!(Scene::start().refuses(mute(&ann_other_tab(), true, true)), IllegalMove::NotTheCallersLeg);
}
