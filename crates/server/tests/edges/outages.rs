use std::path::Path;
use std::sync::Arc;

use callbox_domain::{AppId, CallId};
use callbox_storage::Store;
use callbox_storage_sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use crate::harness::{Running, Socket, config};
use crate::steps::{CALL, Stage, accept, candidate, end, report};

/// Opens a socket of a user who is in [`CALL`]: the socket, and the call as it is told.
async fn rejoin(server: &Running, token: &str, connection: &str) -> (Socket, Value) {
    let (mut socket, welcome) = server.connect(token, connection).await;
    assert_eq!(welcome["liveCallIds"], json!([CALL]));
    let live = socket.expect("call.live").await;
    assert_eq!(live["ice"]["iceServers"], json!([]));
    (socket, live["call"].clone())
}

#[tokio::test]
async fn a_leg_that_comes_back_goes_on() {
    let server = Running::start().await;
    let mut stage = Stage::set(&server).await;
    stage.connected(CALL).await;
    stage.bob.close().await;
    stage.ann.send(candidate(CALL, "ann two")).await;
    stage.ann.quiet().await;

    let (mut bob, call) = rejoin(&server, &stage.bob_token, "bob-tab1").await;
    assert_eq!((&call["state"], &call["id"]), (&json!("connected"), &json!(CALL)));
    assert_eq!(bob.expect("call.described").await["description"]["sdp"], "v=0 ann");
    for (signal, line) in [(2, "ann one"), (4, "ann two")] {
        let added = bob.expect("call.candidate_added").await;
        assert_eq!((&added["signal"], &added["candidate"]["candidate"]), (&json!(signal), &json!(line)));
    }
    bob.send(candidate(CALL, "bob one")).await;
    assert_eq!(stage.ann.expect("call.candidate_added").await["signal"], 5);
    stage.ann.send(candidate(CALL, "ann three")).await;
    assert_eq!(bob.expect("call.candidate_added").await["signal"], 6);
    bob.quiet().await;
    server.stop().await;
}

#[tokio::test]
async fn a_leg_that_takes_over_its_own_socket_goes_on() {
    let server = Running::start().await;
    let mut stage = Stage::set(&server).await;
    stage.connected(CALL).await;
    let (mut ann, _) = rejoin(&server, &stage.ann_token, "ann-tab1").await;
    ann.expect("call.described").await;
    assert_eq!(stage.ann.close_code().await, 4409);
    stage.bob.send(candidate(CALL, "bob one")).await;
    ann.expect("call.candidate_added").await;
    let (mut other_tab, _) = rejoin(&server, &stage.ann_token, "ann-tab2").await;
    other_tab.quiet().await;
    other_tab.send(end(CALL)).await;
    assert_eq!(other_tab.expect("error").await["error"]["code"], "call_not_possible");
    ann.send(end(CALL)).await;
    ann.expect_both("call.left", "call.ended").await;
    let folder = server.stop().await;
    let kinds = kinds(folder.path()).await;
    assert!(!kinds.contains(&"connection_lost".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn a_call_goes_on_after_a_restart_of_the_server() {
    let server = Running::start().await;
    let mut stage = Stage::set(&server).await;
    stage.connected(CALL).await;
    let server = tokio::spawn(server.restart());
    for tab in [&mut stage.ann, &mut stage.bob, &mut stage.phone] {
        assert_eq!(tab.close_code().await, 4000);
    }
    let server = server.await.expect("no panic");

    let (mut ann, call) = rejoin(&server, &stage.ann_token, "ann-tab1").await;
    assert_eq!(call["state"], "connected");
    assert_eq!(ann.expect("call.described").await["description"]["sdp"], "v=0 bob");
    let (mut bob, _) = rejoin(&server, &stage.bob_token, "bob-tab1").await;
    bob.expect("call.described").await;
    bob.expect("call.candidate_added").await;
    let (mut phone, call) = rejoin(&server, &stage.phone_token, "bob-phone").await;
    assert_eq!(call["acceptedBy"]["connectionId"], "bob-tab1");
    phone.quiet().await;
    phone.send(accept(CALL)).await;
    assert_eq!(phone.expect("error").await["error"]["code"], "call_answered_elsewhere");

    ann.send(candidate(CALL, "ann two")).await;
    assert_eq!(bob.expect("call.candidate_added").await["signal"], 4);
    bob.send(end(CALL)).await;
    let (_, ended) = bob.expect_both("call.left", "call.ended").await;
    assert_eq!(ended["call"]["cause"], "completed");
    for tab in [&mut ann, &mut phone] {
        assert_eq!(tab.receive().await, ended);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_socket_that_has_no_part_in_a_call_may_go() {
    let server = Running::start().await;
    let mut stage = Stage::set(&server).await;
    stage.connected(CALL).await;
    stage.phone.close().await;
    stage.ann.send(report(CALL, "interrupted")).await;
    stage.ann.send(report(CALL, "connected")).await;
    stage.ann.quiet().await;
    stage.bob.quiet().await;
    let (mut phone, call) = rejoin(&server, &stage.phone_token, "bob-phone").await;
    assert_eq!(call["state"], "connected");
    phone.quiet().await;
    stage.ann.send(end(CALL)).await;
    for tab in [&mut stage.bob, &mut phone] {
        assert_eq!(tab.expect("call.ended").await["call"]["cause"], "completed");
    }
    let folder = server.stop().await;
    let kinds = kinds(folder.path()).await;
    assert!(!kinds.contains(&"connection_lost".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn signing_out_ends_the_call() {
    let server = Running::start().await;
    let mut stage = Stage::set(&server).await;
    stage.connected(CALL).await;
    let bearer = format!("Bearer {}", stage.bob_token);
    let (status, _) = server.request("DELETE", "/v1/session", &bearer, "").await;
    assert_eq!(status, 204);
    for tab in [&mut stage.ann, &mut stage.phone] {
        let ended = tab.expect("call.ended").await;
        assert_eq!(
            (&ended["call"]["cause"], &ended["call"]["endedBy"]),
            (&json!("session_ended"), &json!("bob"))
        );
    }
    assert_eq!(stage.bob.close_code().await, 4401);
    server.stop().await;
}

/// The timeline of [`CALL`] in a database that no server has open.
async fn kinds(folder: &Path) -> Vec<String> {
    let database = config(folder).storage.folder.join("callbox.sqlite");
    assert!(database.exists(), "{}", database.display());
    let store = SqliteStore::open(SqliteOptions::file(database), Box::new(|_| {})).expect("a database");
    let call = CallId::new(CALL).expect("valid");
    let store: Arc<dyn Store> = store;
    let events = store.read(move |read| read.call_events(AppId(1), &call)).await.expect("a timeline");
    assert!(!events.is_empty());
    events.into_iter().map(|event| event.kind).collect()
}
