//! A user is erased on a whole server, while others are connected.

use std::path::Path;

use serde_json::json;

use crate::harness::Running;
use crate::steps::{accept, start};

/// Nothing else in the data folder has this in it.
const ANN: &str = "ann-unmistakable";
const TEXT: &str = "nobody else writes about zinnias";

#[tokio::test]
async fn nothing_of_an_erased_user_is_left_on_the_server() {
    let server = Running::start().await;
    let (ann_token, bob_token) = (server.sign_in(ANN).await, server.sign_in("bob").await);
    let mut ann = server.socket(&ann_token, "ann-tab1").await;
    let (mut bob, welcome) = server.connect(&bob_token, "bob-tab1").await;
    let message = json!({ "messageId": "m-from-ann", "to": { "userId": "bob" }, "text": TEXT });
    ann.send(json!({ "type": "message.send", "id": "1", "message": message })).await;
    let (accepted, _) = ann.expect_both("message.accepted", "message.created").await;
    let conversation = accepted["message"]["conversationId"].as_str().expect("an id").to_owned();
    bob.expect("message.created").await;
    ann.send(start("call-0001", "bob")).await;
    ann.expect("call.started").await;
    bob.expect("call.incoming").await;
    bob.send(accept("call-0001")).await;
    bob.expect("call.accepted").await;

    let path = format!("/v1/app/users/{ANN}");
    let (status, answer) = server.as_backend("DELETE", &path, "").await;
    assert_eq!(status, 204, "{answer}");
    // The code of a session that has ended.
    assert_eq!(ann.close_code().await, 4_401);
    loop {
        let frame = bob.receive().await;
        if frame["type"] == "call.ended" {
            assert_eq!(frame["call"]["cause"], "session_ended");
            break;
        }
    }

    let history = format!("/v1/conversations/{conversation}/messages");
    let bearer = format!("Bearer {bob_token}");
    let (_, seen) = server.request("GET", &history, &bearer, "").await;
    let tombstone = seen["items"][0]["senderId"].as_str().expect("an id");
    assert!(tombstone.starts_with("deleted_"), "{seen}");
    assert_eq!(seen["items"][0]["text"], "");
    let (mut phone, _) = server.connect_with(&bob_token, "bob-phone", welcome["cursor"].as_str()).await;
    let replayed = phone.expect("message.created").await;
    assert_eq!(
        (&replayed["message"]["senderId"], &replayed["message"]["text"]),
        (&json!(tombstone), &json!(""))
    );
    loop {
        let frame = phone.receive().await;
        assert!(!frame.to_string().contains(ANN), "{frame}");
        if frame["type"] == "call.ended" {
            assert_eq!(frame["call"]["callerId"], tombstone);
            break;
        }
    }

    let again = server.sign_in(ANN).await;
    let lists = server.request("GET", "/v1/conversations", &format!("Bearer {again}"), "").await;
    assert_eq!(lists.1["items"], json!([]), "whoever gets the id next is somebody else");
    assert_eq!(server.as_backend("DELETE", &path, "").await.0, 204);

    // The next start writes the file anew; from then on not even copies are left.
    let folder = server.restart().await.stop().await;
    let mut searched = 0;
    for entry in folder.path().join("data").read_dir().expect("a folder") {
        let file = entry.expect("an entry").path();
        if file.is_file() {
            assert!(!holds(&file, ANN) && !holds(&file, TEXT), "{} tells of ann", file.display());
            searched += 1;
            assert!(holds(&file, "bob") || file.extension().is_none_or(|ending| ending != "db"));
        }
    }
    assert!(searched > 0, "there is a database");
}

fn holds(file: &Path, text: &str) -> bool {
    let bytes = std::fs::read(file).expect("a file");
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
