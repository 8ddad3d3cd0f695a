use callbox_client::wire::people::PresenceStatus;
use callbox_client::{Client, Credential, Error, Event, Options};
use tempfile::TempDir;

use crate::load::{next_message, sign_in, whole_history, within};
use crate::process::Process;

#[tokio::test]
async fn a_message_is_accepted_heard_read_and_kept() {
    let folder = TempDir::new().expect("a folder");
    let server = Process::start(folder.path());
    let (ann, mut anns) = sign_in(&server.url(), "ann").await;
    let (bob, mut bobs) = sign_in(&server.url(), "bob").await;
    assert_eq!((ann.user().id.as_str(), ann.session().id != bob.session().id), ("ann", true));

    let sent = within(ann.send("bob", "Hello")).await.expect("accepted");
    let heard = next_message(&mut bobs).await;
    assert_eq!((&heard, sent.position), (&sent, 1));
    let again = within(ann.send_as(sent.id.clone(), "bob", "Hello")).await.expect("accepted");
    assert_eq!(again, sent, "a repeat is answered as the first time");
    let other = within(ann.send_as(sent.id.clone(), "bob", "Bye")).await.expect_err("taken");
    assert_eq!(other.code(), Some("message_id_taken"));

    let receipt = within(bob.mark_read(&sent.conversation_id, 1)).await.expect("recorded");
    assert_eq!(receipt.read_up_to, 1);
    let told = loop {
        if let Some(Event::Receipt(told)) = within(anns.next()).await
            && told.read_up_to == 1
        {
            break told;
        }
    };
    assert_eq!(told, receipt);
    let answer = within(bob.send(&sent.conversation_id, "Hi")).await.expect("accepted");
    assert_eq!(next_message(&mut anns).await, answer);
    assert_eq!(whole_history(&ann).await, [vec![sent, answer]]);
}

#[tokio::test]
async fn watched_users_come_and_go() {
    let folder = TempDir::new().expect("a folder");
    let server = Process::start(folder.path());
    let (ann, mut anns) = sign_in(&server.url(), "ann").await;
    let (bob, bobs) = sign_in(&server.url(), "bob").await;
    let presences = within(ann.watch(["bob", "nobody"])).await.expect("an answer");
    assert_eq!((presences.len(), presences[0].status), (1, PresenceStatus::Online));
    drop((bob, bobs));
    loop {
        if let Some(Event::Presence(told)) = within(anns.next()).await {
            break assert_eq!((told.user_id.as_str(), told.status), ("bob", PresenceStatus::Offline));
        }
    }
}

#[tokio::test]
async fn another_process_goes_on_where_the_first_one_was() {
    let folder = TempDir::new().expect("a folder");
    let server = Process::start(folder.path());
    let (ann, _) = sign_in(&server.url(), "ann").await;
    let (bob, mut bobs) = sign_in(&server.url(), "bob").await;
    within(ann.send("bob", "one")).await.expect("accepted");
    assert_eq!(next_message(&mut bobs).await.text, "one");
    let (token, cursor) = (bob.token(), bobs.cursor().expect("a place"));
    within(bob.close()).await;
    while within(bobs.next()).await.is_some() {}
    within(ann.send("bob", "two")).await.expect("accepted");

    let resumed = Client::resume(server.url(), token.expose().clone(), Some(cursor.clone()));
    let (bob, mut bobs) = within(resumed).await.expect("a session");
    assert_eq!(next_message(&mut bobs).await.text, "two");
    let renewed = within(bob.renew(None)).await.expect("renewed");
    assert_eq!(renewed, bob.session());
    assert_ne!(bob.token(), token);

    within(bob.sign_out()).await.expect("signed out");
    let late = within(bob.send("ann", "late")).await.expect_err("nobody is signed in");
    assert_eq!(late, Error::Closed);
    let over = within(Client::resume(server.url(), token.expose().clone(), None)).await;
    assert!(over.is_err_and(|error| error.ends_session()));
    let options = Options::new(server.url(), "demo", Credential::Open("bob".into())).cursor(cursor);
    let (_bob, mut bobs) = within(Client::sign_in_with(options)).await.expect("a session");
    assert_eq!(next_message(&mut bobs).await.text, "two", "the place is the user's, not the session's");
}

#[tokio::test]
async fn a_session_that_is_ended_elsewhere_stops_the_client() {
    let folder = TempDir::new().expect("a folder");
    let server = Process::start(folder.path());
    let (ann, mut events) = sign_in(&server.url(), "ann").await;
    let resumed = Client::resume(server.url(), ann.token().expose().clone(), None);
    let (tab, _) = within(resumed).await.expect("a session");
    within(tab.sign_out()).await.expect("signed out");
    loop {
        match within(events.next()).await.expect("a last event") {
            Event::Stopped(error) => break assert!(error.ends_session(), "{error:?}"),
            event => assert!(!matches!(event, Event::Offline { .. }), "{event:?}"),
        }
    }
    assert_eq!(within(events.next()).await, None);
}

#[tokio::test]
async fn who_may_not_sign_in_is_told_why() {
    let folder = TempDir::new().expect("a folder");
    let server = Process::start(folder.path());
    let ticket = Credential::Ticket("no ticket".into());
    let refused = within(Client::sign_in(server.url(), "demo", ticket)).await.err().expect("refused");
    assert_eq!(refused.code(), Some("ticket_malformed"));
    let nobody = within(Client::sign_in("http://127.0.0.1:1", "demo", Credential::Open("ann".into()))).await;
    assert!(matches!(nobody.err(), Some(Error::Network(_))));
}
