//! The row of a call, and its timeline.

use callbox_call_proto::{
    Call, EndReason, EventKind, Input, MediaReport, NOISE_ROWS_MAX, SignalKind, Timers,
};
use callbox_domain::{CallEndCause, CallEventRecord};

use crate::support::*;

#[test]
fn a_row_is_the_whole_call() {
    for scene in Scene::all() {
        let record = scene.call.to_record(APP);
        assert_eq!(Call::from_record(&record).expect("readable"), scene.call);
        assert_eq!(record.accepted_at, scene.call.accepted_at());
        assert_eq!(record.end.is_some(), record.snapshot.is_empty());
    }
    let mut over = Scene::start();
    over.does(end(&phone(), EndReason::HangUp));
    let summary = over.call.to_record(APP).summary().expect("it is over");
    assert_eq!((summary.cause, summary.ended_by), (CallEndCause::Declined, Some(user("bob"))));
    assert_eq!((summary.created_at, summary.accepted_at, summary.ended_at), (noon(), None, noon()));
}

#[test]
fn rows_of_the_first_version_stay_readable() {
    let mut written = Scene::accepted();
    written.does(signal(&ann(), SignalKind::Offer, 0, 100));
    written.does(report(&ann(), MediaReport::Connected));
    written.does(report(&ann(), MediaReport::Interrupted));
    written.wait(1).does(lost(&ann()));
    written.does(mute(&phone(), true, false));
    let mut record = written.call.to_record(APP);
    let kept: serde_json::Value = serde_json::from_str(V1_ACCEPTED).expect("valid JSON");
    let now: serde_json::Value = serde_json::from_str(&record.snapshot).expect("valid JSON");
    assert_eq!(now, kept, "the form changed: keep this one readable and add a version");
    V1_ACCEPTED.clone_into(&mut record.snapshot);
    assert_eq!(Call::from_record(&record).expect("readable"), written.call);
}

#[test]
fn a_bad_row_says_whose_it_is() {
    let mut record = Scene::start().call.to_record(APP);
    for snapshot in ["", "{}", r#"{"version":"99"}"#, r#"{"version":"1"}"#] {
        snapshot.clone_into(&mut record.snapshot);
        let error = Call::from_record(&record).expect_err("unreadable");
        assert!(error.to_string().starts_with("the snapshot of call call-0001 cannot be read: "), "{error}");
    }
}

#[test]
fn a_timeline_reads_like_a_story() {
    let (mut call, outputs) = Call::start(noon(), start_call(Timers::default())).expect("allowed");
    let mut timeline = lines(&outputs);
    for input in [
        ring(&phone()),
        signal(&ann(), SignalKind::Offer, 0, 3000),
        accept(&phone()),
        signal(&phone(), SignalKind::Answer, 0, 3000),
        report(&ann(), MediaReport::Connected),
        lost(&phone()),
        end(&ann(), EndReason::HangUp),
    ] {
        timeline.extend(lines(&call.handle(noon(), input).expect("allowed")));
    }
    let told = |line: &CallEventRecord| {
        let user = line.user_id.as_ref().map_or("-", |user| user.as_str());
        format!("{user} {} {}", line.kind, line.details).trim_end().to_owned()
    };
    assert_eq!(
        timeline.iter().map(told).collect::<Vec<_>>(),
        [
            r#"ann started {"media":"video","sessionId":"ses_ann_desk","connectionId":"con_ann_desk"}"#,
            r#"bob ringing {"sessionId":"ses_bob_phone","connectionId":"con_bob_phone"}"#,
            r#"ann described {"description":"offer","generation":0,"signal":1}"#,
            r#"bob accepted {"sessionId":"ses_bob_phone","connectionId":"con_bob_phone"}"#,
            r#"bob described {"description":"answer","generation":0,"signal":2}"#,
            "ann media_connected",
            "bob connection_lost",
            concat!(
                r#"ann ended {"cause":"completed","caller":{"media":"connected","goneSince":null},"#,
                r#""callee":{"media":"unreported","goneSince":"2026-11-21T12:00:00.000Z"}}"#
            ),
        ]
    );
}

#[test]
fn a_timeline_is_bounded_and_says_what_it_left_out() {
    let mut scene = Scene::connected();
    let mut noted = 0;
    for number in 0..2 * NOISE_ROWS_MAX {
        let outputs = scene.does(mute(&ann(), number % 2 == 0, false));
        assert_eq!(facts(&outputs).len(), 1, "the other side is told all the same");
        noted += lines(&outputs).len();
    }
    assert!(noted < usize::try_from(NOISE_ROWS_MAX).expect("small"));
    let outputs = scene.does(Input::SessionEnded { session_id: ann().session_id });
    assert_eq!(kinds(&outputs), [EventKind::Ended]);
    assert!(lines(&outputs)[0].details.contains("\"omittedLines\":503"), "{outputs:?}");
}

const V1_ACCEPTED: &str = r#"{
    "version": "1",
    "timers": {
        "reachMs": 10000, "ringMs": 60000, "connectMs": 60000, "callerGoneMs": 10000,
        "legGoneMs": 60000, "bothGoneMs": 900000, "longestMs": 86400000
    },
    "latest": "2026-11-21T12:00:01.000Z",
    "caller": {
        "endpoint": {"userId": "ann", "sessionId": "ses_ann_desk", "connectionId": "con_ann_desk"},
        "media": {"word": "interrupted", "since": "2026-11-21T12:00:00.000Z"},
        "muted": {"audio": false, "video": false},
        "goneSince": "2026-11-21T12:00:01.000Z"
    },
    "phase": {
        "word": "accepted",
        "at": "2026-11-21T12:00:00.000Z",
        "connectBy": "2026-11-21T12:01:00.000Z",
        "callee": {
            "endpoint": {"userId": "bob", "sessionId": "ses_bob_phone", "connectionId": "con_bob_phone"},
            "media": {"word": "unreported"},
            "muted": {"audio": true, "video": false},
            "goneSince": null
        }
    },
    "signals": {"count": 1, "generation": 0, "generationBytes": 164, "callBytes": 164},
    "timeline": {"noise": 6, "omitted": 0}
}"#;
