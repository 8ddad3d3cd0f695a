//! Every end has a cause, and somebody who ended it.

use callbox_call_proto::{EndReason, EventKind, IllegalMove, MediaReport, ServerCause, SignalKind};
use callbox_domain::CallEndCause;

use crate::support::*;

#[track_caller]
fn ends(mut scene: Scene, input: callbox_call_proto::Input, cause: CallEndCause, by: Option<&str>) {
    let accepted_at = scene.call.accepted_at();
    let outputs = scene.wait(1).does(input);
    let told = ended(&outputs).expect("it ended");
    assert_eq!((told.cause, told.by.clone(), told.at), (cause, by.map(user), scene.now));
    assert_eq!(kinds(&outputs), [EventKind::Ended]);
    assert_eq!(lines(&outputs)[0].user_id, told.by);
    assert_eq!(scene.call.end(), Some(&told));
    assert_eq!(scene.call.accepted_at(), accepted_at);
    assert_eq!((scene.call.view(), scene.call.deadline()), (None, None));
}

#[test]
fn before_the_answer_the_callee_declines() {
    for scene in [Scene::start, Scene::ringing] {
        ends(scene(), end(&phone(), EndReason::HangUp), CallEndCause::Declined, Some("bob"));
        ends(scene(), end(&laptop(), EndReason::Busy), CallEndCause::Busy, Some("bob"));
        ends(scene(), end(&phone(), EndReason::Failed), CallEndCause::Failed, Some("bob"));
        ends(scene(), end_by_session(&laptop(), EndReason::HangUp), CallEndCause::Declined, Some("bob"));
    }
}

#[test]
fn before_the_answer_the_caller_cancels() {
    for scene in [Scene::start, Scene::ringing] {
        ends(scene(), end(&ann(), EndReason::HangUp), CallEndCause::Canceled, Some("ann"));
        ends(scene(), end(&ann(), EndReason::Busy), CallEndCause::Canceled, Some("ann"));
        ends(scene(), end(&ann(), EndReason::Failed), CallEndCause::Failed, Some("ann"));
        ends(
            scene(),
            end_by_session(&ann_other_tab(), EndReason::HangUp),
            CallEndCause::Canceled,
            Some("ann"),
        );
    }
}

#[test]
fn after_the_answer_either_leg_hangs_up() {
    for scene in [Scene::accepted, Scene::connected] {
        ends(scene(), end(&ann(), EndReason::HangUp), CallEndCause::Completed, Some("ann"));
        ends(scene(), end(&phone(), EndReason::HangUp), CallEndCause::Completed, Some("bob"));
        ends(scene(), end(&phone(), EndReason::Busy), CallEndCause::Completed, Some("bob"));
        ends(scene(), end(&phone(), EndReason::Failed), CallEndCause::Failed, Some("bob"));
        ends(scene(), end_by_session(&phone(), EndReason::HangUp), CallEndCause::Completed, Some("bob"));
        ends(scene(), end_by_session(&ann(), EndReason::HangUp), CallEndCause::Completed, Some("ann"));
    }
}

#[test]
fn after_the_answer_no_other_device_ends_it() {
    for scene in [Scene::accepted, Scene::connected] {
        let mut scene = scene();
        let phones_other_tab = endpoint("bob", "ses_bob_phone", "con_bob_tab2");
        for other in [laptop(), phones_other_tab] {
            assert_eq!(scene.refuses(end(&other, EndReason::HangUp)), IllegalMove::AlreadyAnswered);
        }
        let by_session = end_by_session(&laptop(), EndReason::HangUp);
        assert_eq!(scene.refuses(by_session), IllegalMove::AlreadyAnswered);
    }
}

#[test]
fn another_connection_of_the_caller_never_ends_it() {
    for mut scene in [Scene::start(), Scene::ringing(), Scene::accepted(), Scene::connected()] {
        let other_device = endpoint("ann", "ses_ann_phone", "con_ann_phone");
        for input in [
            end(&ann_other_tab(), EndReason::HangUp),
            end(&other_device, EndReason::HangUp),
            end_by_session(&other_device, EndReason::HangUp),
        ] {
            assert_eq!(scene.refuses(input), IllegalMove::NotTheCallersLeg);
        }
    }
}

#[test]
fn a_legs_session_ends_the_call_with_it() {
    for scene in [Scene::start, Scene::ringing, Scene::accepted, Scene::connected] {
        ends(scene(), session_ended(&ann()), CallEndCause::SessionEnded, Some("ann"));
    }
    for scene in [Scene::accepted, Scene::connected] {
        ends(scene(), session_ended(&phone()), CallEndCause::SessionEnded, Some("bob"));
    }
}

#[test]
fn the_session_of_a_device_that_only_rings_does_not_matter() {
    let mut ringing = Scene::ringing();
    assert_eq!(ringing.does(session_ended(&phone())), []);
    let mut accepted = Scene::accepted();
    assert_eq!(accepted.does(session_ended(&laptop())), []);
}

#[test]
fn the_server_ends_a_call_at_any_time() {
    for scene in [Scene::start, Scene::ringing] {
        ends(scene(), server_end(ServerCause::ServerEnded), CallEndCause::ServerEnded, None);
        ends(scene(), server_end(ServerCause::Blocked), CallEndCause::Blocked, None);
        ends(scene(), server_end(ServerCause::NotAllowed), CallEndCause::NotAllowed, None);
        ends(scene(), server_end(ServerCause::Unreachable), CallEndCause::Unreachable, None);
    }
    for cause in
        [ServerCause::ServerEnded, ServerCause::Blocked, ServerCause::NotAllowed, ServerCause::Unreachable]
    {
        ends(Scene::accepted(), server_end(cause), CallEndCause::ServerEnded, None);
        ends(Scene::connected(), server_end(cause), CallEndCause::ServerEnded, None);
    }
}

#[test]
fn after_the_end_only_what_repeats_it_is_fine() {
    let mut scene = Scene::connected();
    scene.does(end(&ann(), EndReason::HangUp));
    let first = scene.call.clone();
    for input in [
        end(&ann(), EndReason::HangUp),
        end(&phone(), EndReason::Failed),
        end(&laptop(), EndReason::HangUp),
        end_by_session(&ann(), EndReason::HangUp),
        session_ended(&ann()),
        server_end(ServerCause::ServerEnded),
        lost(&ann()),
        back(&ann()),
        callbox_call_proto::Input::Tick,
    ] {
        assert_eq!(scene.wait(100).does(input), []);
    }
    let over = IllegalMove::Ended { cause: CallEndCause::Completed };
    for input in [
        ring(&laptop()),
        accept(&phone()),
        signal(&ann(), SignalKind::Candidate, 0, 1),
        report(&ann(), MediaReport::Interrupted),
        mute(&phone(), true, true),
    ] {
        assert_eq!(scene.refuses(input), over);
    }
    assert_eq!(scene.call, first);
    assert_eq!(over.to_string(), "this call is over (completed)");
}
