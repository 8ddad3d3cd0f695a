use callbox_client::wire::people::PresenceStatus;
use callbox_client::{Client, Credential, Event, Events};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::bot::Bot;
use crate::load::{next_message, sign_in, within};
use crate::process::Process;
use crate::relay::Relay;

#[tokio::test]
async fn the_bot_answers_also_after_the_server_and_the_bot_were_killed() {
    let folder = TempDir::new().expect("a folder");
    let place = folder.path().join("place");
    let data = folder.path().join("data");
    let relay = Relay::start().await;
    let server = Process::start(&data);
    relay.lead_to(Some(server.address.clone()));
    let bot = || Bot {
        url: relay.url.clone(),
        app_key: "demo".into(),
        credential: Credential::Open("bot".into()),
        place: Some(place.clone()),
    };
    let (ann, mut events) = sign_in(&relay.url, "ann").await;
    let mut bots = JoinSet::new();
    let first = bot();
    bots.spawn(async move { first.run().await });
    wait_until_online(&ann, &mut events).await;

    for (said, answered) in [("ping", "pong"), ("Hello there", "Hello there")] {
        within(ann.send("bot", said)).await.expect("accepted");
        assert_eq!(answer(&mut events).await, answered);
    }
    relay.lead_to(None);
    server.kill();
    let server = Process::start(&data);
    relay.lead_to(Some(server.address.clone()));
    within(ann.send("bot", "help")).await.expect("accepted");
    assert_eq!(answer(&mut events).await, "I answer 'ping', and repeat everything else.");

    bots.shutdown().await;
    within(ann.send("bot", "Are you there?")).await.expect("accepted");
    let second = bot();
    bots.spawn(async move { second.run().await });
    assert_eq!(answer(&mut events).await, "Are you there?");
    within(ann.send("bot", "ping")).await.expect("accepted");
    assert_eq!(answer(&mut events).await, "pong", "nothing was answered twice");
}

/// The bot of now hears what is said from its first connection on.
async fn wait_until_online(ann: &Client, events: &mut Events) {
    while !matches!(within(events.next()).await, Some(Event::UserAdded(_))) {}
    let now = within(ann.watch(["bot"])).await.expect("an answer");
    let mut status = now[0].status;
    while status == PresenceStatus::Offline {
        if let Some(Event::Presence(told)) = within(events.next()).await {
            status = told.status;
        }
    }
}

/// The next message that the bot wrote.
async fn answer(events: &mut Events) -> String {
    loop {
        let message = next_message(events).await;
        if message.sender_id.as_str() == "bot" {
            return message.text;
        }
    }
}
