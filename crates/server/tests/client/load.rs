//! What the tests of this folder do with clients.

use std::time::Duration;

use callbox_client::wire::messaging::Message;
use callbox_client::{Client, Credential, Event, Events, History};

/// Signs a user in to the app of a development server.
pub async fn sign_in(url: &str, user: &str) -> (Client, Events) {
    let signed_in = within(Client::sign_in(url, "demo", Credential::Open(user.into()))).await;
    let (client, mut events) = signed_in.expect("a session");
    assert!(matches!(within(events.next()).await, Some(Event::Online { .. })));
    (client, events)
}

/// The next message of someone.
pub async fn next_message(events: &mut Events) -> Message {
    loop {
        if let Event::Message(told) = within(events.next()).await.expect("a running client") {
            return told.message;
        }
    }
}

/// Every message of every conversation of a user.
pub async fn whole_history(client: &Client) -> Vec<Vec<Message>> {
    let conversations = within(client.conversations(None)).await.expect("a page").items;
    let mut histories = Vec::new();
    for conversation in conversations {
        let mut messages: Vec<Message> = Vec::new();
        loop {
            let after = messages.last().map_or(0, |message| message.position);
            let page = client.history(&conversation.id, History::After(after), 100);
            let page = within(page).await.expect("a page").items;
            if page.is_empty() {
                break;
            }
            messages.extend(page);
        }
        assert_eq!(messages.len(), conversation.last_position as usize);
        histories.push(messages);
    }
    histories
}

/// What must not take long.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

const PATIENCE: Duration = Duration::from_secs(30);
