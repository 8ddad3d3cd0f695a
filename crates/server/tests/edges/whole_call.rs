use serde_json::json;

use crate::harness::Running;
use crate::steps::{CALL, Stage, accept, candidate, describe, end, ice_candidate, report, ring, start};

#[tokio::test]
async fn a_call_from_the_first_ring_to_the_end() {
    let server = Running::start().await;
    let mut stage = Stage::set(&server).await;

    let call = stage.start(CALL).await;
    let expected = json!({
        "id": CALL, "callerId": "ann", "calleeId": "bob", "media": "audio", "state": "reaching",
        "createdAt": call["createdAt"], "acceptedAt": null, "connectedAt": null,
        "callerConnectionId": "ann-tab1", "acceptedBy": null, "muted": [],
    });
    assert_eq!(call, expected);
    stage.ann.send(describe(CALL, "offer", "v=0 ann")).await;
    stage.ann.send(candidate(CALL, "ann one")).await;
    stage.ann.quiet().await;
    stage.bob.send(ring(CALL)).await;
    assert_eq!(stage.ann.receive().await, json!({ "type": "call.ringing", "callId": CALL }));
    stage.phone.send(ring(CALL)).await;
    stage.phone.quiet().await;
    stage.ann.quiet().await;

    answer(&mut stage).await;
    talk(&mut stage).await;

    stage.ann.send(end(CALL)).await;
    let (left, ended) = stage.ann.expect_both("call.left", "call.ended").await;
    assert_eq!(left, json!({ "type": "call.left", "re": "e", "callId": CALL }));
    let summary = &ended["call"];
    let expected = json!({
        "id": CALL, "callerId": "ann", "calleeId": "bob", "media": "audio", "createdAt": call["createdAt"],
        "acceptedAt": summary["acceptedAt"], "endedAt": summary["endedAt"],
        "cause": "completed", "sentence": "The call ended.", "endedBy": "ann",
    });
    assert_eq!(ended, json!({ "type": "call.ended", "seq": 1, "call": expected }));
    assert!(summary["acceptedAt"].is_string() && summary["endedAt"].is_string());
    for tab in [&mut stage.bob, &mut stage.phone] {
        assert_eq!(tab.receive().await, ended);
    }
    stage.bob.send(end(CALL)).await;
    stage.bob.expect("call.left").await;
    stage.bob.send(report(CALL, "interrupted")).await;
    let late = stage.bob.expect("error").await;
    assert_eq!((&late["re"], &late["error"]["code"]), (&json!("m"), &json!("call_ended")));
    for tab in [&mut stage.ann, &mut stage.bob, &mut stage.phone] {
        tab.quiet().await;
    }
    server.stop().await;
}

/// `bob` answers on one of two devices and gets what `ann` has sent.
async fn answer(stage: &mut Stage) {
    stage.bob.send(accept(CALL)).await;
    let accepted = stage.bob.expect("call.accepted").await;
    assert_eq!(accepted["call"]["state"], "accepted");
    assert_eq!(accepted["call"]["acceptedBy"], json!({ "userId": "bob", "connectionId": "bob-tab1" }));
    let joined = stage.bob.expect("call.joined").await;
    let ice = json!({ "iceServers": [], "iceTransportPolicy": "all", "expiresAt": null });
    let expected = json!({ "type": "call.joined", "re": "a", "call": accepted["call"], "ice": ice });
    assert_eq!(joined, expected);
    let described = json!({
        "type": "call.described", "callId": CALL, "userId": "ann", "signal": 1, "generation": 0,
        "description": { "type": "offer", "sdp": "v=0 ann" },
    });
    assert_eq!(stage.bob.receive().await, described);
    let added = json!({
        "type": "call.candidate_added", "callId": CALL, "userId": "ann", "signal": 2, "generation": 0,
        "candidate": ice_candidate("ann one"),
    });
    assert_eq!(stage.bob.receive().await, added);
    for tab in [&mut stage.ann, &mut stage.phone] {
        assert_eq!(tab.receive().await, accepted);
    }
    stage.phone.send(accept(CALL)).await;
    let late = stage.phone.expect("error").await;
    assert_eq!((&late["re"], &late["error"]["code"]), (&json!("a"), &json!("call_answered_elsewhere")));
}

/// Signals, media and a mute, between the legs alone.
async fn talk(stage: &mut Stage) {
    stage.bob.send(describe(CALL, "answer", "v=0 bob")).await;
    let described = stage.ann.expect("call.described").await;
    assert_eq!((&described["signal"], &described["userId"]), (&json!(3), &json!("bob")));
    stage.ann.send(candidate(CALL, "ann two")).await;
    assert_eq!(stage.bob.expect("call.candidate_added").await["signal"], 4);
    stage.ann.send(report(CALL, "connected")).await;
    stage.ann.quiet().await;
    stage.bob.send(report(CALL, "connected")).await;
    let connected = stage.bob.expect("call.connected").await;
    assert_eq!(stage.ann.receive().await, connected);
    stage
        .ann
        .send(json!({ "type": "call.mute", "id": "u", "callId": CALL, "audio": true, "video": false }))
        .await;
    let muted =
        json!({ "type": "call.muted", "callId": CALL, "userId": "ann", "audio": true, "video": false });
    assert_eq!(stage.bob.receive().await, muted);
    for tab in [&mut stage.ann, &mut stage.bob, &mut stage.phone] {
        tab.quiet().await;
    }
}

#[tokio::test]
async fn a_page_on_its_way_out_ends_its_call_over_http() {
    let server = Running::start().await;
    let mut stage = Stage::set(&server).await;
    let cid = server.sign_in("cid").await;
    for tab in [&mut stage.ann, &mut stage.bob, &mut stage.phone] {
        tab.expect("directory.changed").await;
    }
    stage.start(CALL).await;
    let code = |code: &str| Some(code.to_owned());
    assert_eq!(server.end_call(&cid, CALL, "hang_up").await, (404, code("call_not_found")));
    assert_eq!(server.end_call(&cid, "x", "hang_up").await, (404, code("call_not_found")));
    assert_eq!(server.end_call(&stage.ann_token, CALL, "bored").await, (400, code("invalid_request")));
    assert_eq!(server.end_call(&stage.phone_token, CALL, "hang_up").await, (204, None));
    for tab in [&mut stage.ann, &mut stage.bob, &mut stage.phone] {
        let ended = tab.expect("call.ended").await;
        assert_eq!((&ended["call"]["cause"], &ended["call"]["endedBy"]), (&json!("declined"), &json!("bob")));
    }
    assert_eq!(server.end_call(&stage.phone_token, CALL, "hang_up").await, (204, None), "a repeat");

    stage.accepted("call-0002").await;
    let refused = server.end_call(&stage.phone_token, "call-0002", "hang_up").await;
    assert_eq!(refused, (409, code("call_answered_elsewhere")));
    assert_eq!(server.end_call(&stage.ann_token, "call-0002", "hang_up").await, (204, None));
    let ended = stage.bob.expect("call.ended").await;
    assert_eq!((&ended["seq"], &ended["call"]["cause"]), (&json!(2), &json!("completed")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_two_sockets_that_accept_at_once_exactly_one_wins() {
    let server = Running::start().await;
    let Stage { mut ann, mut bob, mut phone, .. } = Stage::set(&server).await;
    for round in 0..50 {
        let call = format!("call-{round:04}");
        ann.send(start(&call, "bob")).await;
        ann.expect("call.started").await;
        bob.expect("call.incoming").await;
        phone.expect("call.incoming").await;
        tokio::join!(bob.send(accept(&call)), phone.send(accept(&call)));
        let by = ann.expect("call.accepted").await["call"]["acceptedBy"]["connectionId"].clone();
        let (winner, other) = if by == "bob-tab1" { (&mut bob, &mut phone) } else { (&mut phone, &mut bob) };
        let (told, joined) = winner.expect_both("call.accepted", "call.joined").await;
        assert_eq!(told["call"], joined["call"]);
        let (_, refused) = other.expect_both("call.accepted", "error").await;
        assert_eq!(refused["error"]["code"], "call_answered_elsewhere");
        ann.send(end(&call)).await;
        ann.expect_both("call.left", "call.ended").await;
        bob.expect("call.ended").await;
        phone.expect("call.ended").await;
    }
    server.stop().await;
}
