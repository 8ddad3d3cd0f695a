use std::sync::Arc;
use std::time::Duration;

use callbox_domain::testing::CountingRandom;
use callbox_domain::{CallId, ConnectionId, ConversationId, MessageId, Secret, Timestamp, UserId};
use callbox_wire::call::CallEndReason;
use callbox_wire::messaging::{Recipient, SendMessageRequest};
use serde_json::{Value, json};

use super::*;
use crate::error::Error;
use crate::event::{CallEvent, Event};

/// A client with a clock, and everything that came out of it.
struct Client {
    core: Core,
    now: Duration,
}

impl Client {
    fn new(cursor: Option<&str>) -> Self {
        let now = Duration::from_secs(1_000);
        let options = Options {
            token: Secret::new("cbs_token".into()),
            connection_id: ConnectionId::new("client-01").expect("valid"),
            cursor: cursor.map(str::to_owned),
        };
        let mut client = Self { core: Core::new(now, options, Arc::new(CountingRandom::default())), now };
        assert_eq!(client.outputs(), [Output::Open]);
        client
    }

    /// Connected, at the start of a log.
    fn online() -> Self {
        let mut client = Self::new(None);
        client.connect("e.0", false);
        client
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        self.core.handle(self.now, input);
        self.outputs()
    }

    fn text(&mut self, frame: &Value) -> Vec<Output> {
        self.handle(Input::Text(&frame.to_string()))
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.core.next_output()).collect()
    }

    /// Opens a socket and is welcomed: the hello, and what came after the welcome.
    fn connect(&mut self, cursor: &str, resumed: bool) -> (Value, Vec<Output>) {
        let hello = frames(&self.handle(Input::Opened));
        assert_eq!((hello.len(), &hello[0]["type"]), (1, &json!("hello")));
        (hello[0].clone(), self.text(&welcome(cursor, resumed, &json!([]))))
    }

    fn lose(&mut self, code: Option<u16>, reason: &str) -> Vec<Output> {
        self.handle(Input::Lost { code, reason: reason.into() })
    }

    /// Lets time pass until the next deadline.
    fn wait(&mut self) -> Vec<Output> {
        self.now = self.core.deadline().expect("a deadline");
        self.handle(Input::Tick)
    }

    fn send(&mut self, ticket: u64, to: &str, id: &str) -> Vec<Output> {
        self.handle(Input::Ask { ticket: Ticket(ticket), ask: Ask::Send(message(to, id)) })
    }

    /// What is left to send is that the log's events arrived.
    fn acknowledged(&mut self) -> u64 {
        let frames = frames(&self.wait());
        assert_eq!(frames[0]["type"], "ack", "{frames:?}");
        frames[0]["seq"].as_u64().expect("a number")
    }
}

fn welcome(cursor: &str, resumed: bool, live: &Value) -> Value {
    json!({
        "type": "welcome", "re": "hello", "userId": "ann", "sessionId": "ses_00000001", "cursor": cursor,
        "resumed": resumed, "heartbeatSeconds": 25, "serverTime": "2026-11-21T10:02:03.004Z", "liveCallIds": live,
    })
}

fn message(to: &str, id: &str) -> SendMessageRequest {
    let to = Recipient { user_id: Some(UserId::new(to).expect("valid")), conversation_id: None };
    SendMessageRequest { message_id: MessageId::new(id).expect("valid"), to, text: format!("text of {id}") }
}

fn accepted(id: &str, position: u32, sender: &str) -> Value {
    json!({
        "id": id, "conversationId": "cnv_00000001", "position": position, "senderId": sender, "recipientId": null,
        "text": format!("text of {id}"), "createdAt": Timestamp::from_millis(0),
    })
}

fn created(seq: u64, id: &str, sender: &str) -> Value {
    json!({ "type": "message.created", "seq": seq, "message": accepted(id, 1, sender), "origin": null })
}

fn refusal(re: &Value, code: &str, retry: &str, details: &Value) -> Value {
    let error =
        json!({ "code": code, "message": "No.", "retry": retry, "requestId": null, "details": details });
    json!({ "type": "error", "re": re, "error": error })
}

fn frames(outputs: &[Output]) -> Vec<Value> {
    let text = |output: &Output| match output {
        Output::Send(text) => Some(serde_json::from_str(text).expect("JSON")),
        _ => None,
    };
    outputs.iter().filter_map(text).collect()
}

fn events(outputs: &[Output]) -> Vec<&Event> {
    let events = outputs
        .iter()
        .map(|output| if let Output::Event { event, .. } = output { Some(event) } else { None });
    events.flatten().collect()
}

fn answers(outputs: &[Output]) -> Vec<(u64, &Result<Answer, Error>)> {
    let answers = outputs.iter().map(|output| match output {
        Output::Answer { ticket, result } => Some((ticket.0, result)),
        _ => None,
    });
    answers.flatten().collect()
}

#[test]
fn a_client_says_hello_and_is_told_where_it_is() {
    let mut client = Client::new(Some("e.7"));
    let (hello, outputs) = client.connect("e.7", true);
    let expected = json!({
        "type": "hello", "id": "hello", "token": "cbs_token", "connectionId": "client-01", "cursor": "e.7",
    });
    assert_eq!(hello, expected);
    let [Output::Event { event: Event::Online { user_id, live_calls, .. }, cursor }] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!((user_id.as_str(), live_calls.len()), ("ann", 0));
    assert_eq!(cursor.as_ref().expect("a place").seq(), 7);
    assert!(client.core.is_online());
}

#[test]
fn a_lost_socket_is_followed_by_the_next_one_from_the_same_place() {
    let mut client = Client::online();
    assert_eq!(events(&client.text(&created(1, "message-1", "bob"))).len(), 1);
    assert_eq!(client.acknowledged(), 1);
    client.text(&created(2, "message-2", "bob"));
    let lost = client.lose(Some(4000), "draining: The server is stopping.");
    assert!(matches!(events(&lost)[..], [Event::Offline { error: Error::Network(_), .. }]), "{lost:?}");
    assert_eq!(client.wait(), [Output::Open]);
    let (hello, _) = client.connect("e.1", true);
    assert_eq!(hello["cursor"], "e.1", "the second was not acknowledged");
    assert_eq!(client.text(&created(2, "message-2", "bob")), [], "the app has it");
    assert_eq!(client.acknowledged(), 2);
    assert_eq!(client.core.cursor().expect("a place").to_string(), "e.2");
}

#[test]
fn a_missing_event_is_asked_for_on_another_socket() {
    let mut client = Client::online();
    let outputs = client.text(&created(2, "message-2", "bob"));
    assert!(matches!(&outputs[..], [Output::Close, Output::Event { event: Event::Offline { .. }, .. }]));
    assert_eq!(client.wait(), [Output::Open]);
    let (hello, _) = client.connect("e.0", true);
    assert_eq!(hello["cursor"], "e.0");
}

#[test]
fn events_that_are_told_no_more_make_the_app_stale() {
    let mut client = Client::new(Some("old.7"));
    let (_, outputs) = client.connect("new.3", false);
    assert!(matches!(events(&outputs)[..], [Event::Online { .. }, Event::Stale]), "{outputs:?}");
    assert_eq!(events(&client.text(&created(4, "message-4", "bob"))).len(), 1);
}

#[test]
fn a_message_is_sent_again_until_it_is_answered() {
    let mut client = Client::online();
    let first = frames(&client.send(1, "bob", "message-1"));
    assert_eq!(first[0]["message"]["messageId"], "message-1");
    client.lose(None, "connection reset");
    client.wait();
    let (_, outputs) = client.connect("e.0", true);
    assert_eq!(frames(&outputs), first, "the same again");
    let answer = json!({ "type": "message.accepted", "re": first[0]["id"], "message": accepted("message-1", 1, "ann") });
    let outputs = client.text(&answer);
    let answered = answers(&outputs);
    assert!(matches!(&answered[..], [(1, Ok(Answer::Message(told)))] if told.position == 1), "{answered:?}");
    assert_eq!(client.text(&answer), [], "a repeated answer is no news");
    assert_eq!(client.core.unanswered().count(), 0);
}

#[test]
fn a_message_is_answered_by_its_own_event_too() {
    let mut client = Client::online();
    let sent = frames(&client.send(1, "bob", "message-1"));
    let outputs = client.text(&created(1, "message-1", "ann"));
    assert!(matches!(answers(&outputs)[..], [(1, Ok(_))]), "{outputs:?}");
    assert!(matches!(events(&outputs)[..], [Event::Message(told)] if told.mine), "{outputs:?}");
    let late = json!({ "type": "message.accepted", "re": sent[0]["id"], "message": accepted("message-1", 1, "ann") });
    assert_eq!(client.text(&late), []);
}

#[test]
fn messages_to_one_user_go_one_after_the_other_and_to_others_beside_them() {
    let mut client = Client::online();
    let first = frames(&client.send(1, "bob", "message-1"));
    assert_eq!(client.send(2, "bob", "message-2"), []);
    assert_eq!(frames(&client.send(3, "cid", "message-3")).len(), 1);
    let outputs = client.text(&refusal(&first[0]["id"], "user_not_found", "never", &json!({})));
    assert!(matches!(answers(&outputs)[..], [(1, Err(error))] if error.code() == Some("user_not_found")));
    assert_eq!(frames(&outputs)[0]["message"]["messageId"], "message-2");
}

#[test]
fn a_server_that_is_busy_is_asked_again_later_in_the_same_order() {
    let mut client = Client::online();
    let first = frames(&client.send(1, "bob", "message-1"));
    let busy = refusal(&first[0]["id"], "rate_limited", "after", &json!({ "retryAfterSeconds": 3 }));
    assert_eq!(client.text(&busy), []);
    assert_eq!(client.send(2, "cid", "message-2"), []);
    let asked = client.now;
    let again = frames(&client.wait());
    assert_eq!(client.now, asked + Duration::from_secs(3));
    let ids: Vec<_> = again.iter().map(|frame| &frame["message"]["messageId"]).collect();
    assert_eq!(ids, ["message-1", "message-2"]);
}

#[test]
fn a_server_that_takes_a_message_and_says_nothing_is_left() {
    let mut client = Client::online();
    client.send(1, "bob", "message-1");
    client.now += Duration::from_secs(19);
    assert_eq!(client.handle(Input::Life), []);
    let outputs = client.wait();
    assert!(matches!(events(&outputs)[..], [Event::Offline { error: Error::Timeout, .. }]), "{outputs:?}");
    assert_eq!(client.core.unanswered().count(), 1);
}

#[test]
fn other_requests_take_a_quarter_of_a_minute_at_most() {
    let mut client = Client::new(None);
    let read = Ask::Read { conversation_id: ConversationId::new("cnv_00000001").expect("valid"), up_to: 1 };
    client.handle(Input::Ask { ticket: Ticket(1), ask: read });
    let asked = client.now;
    let error = loop {
        let outputs = client.wait();
        if let [(1, Err(error))] = answers(&outputs)[..] {
            break error.clone();
        }
    };
    assert_eq!(
        (client.now, error),
        (asked + Duration::from_secs(15), Error::Network("there is no connection".into()))
    );
}

#[test]
fn silence_is_asked_about_and_then_ends_the_socket() {
    let mut client = Client::online();
    let asked = frames(&client.wait());
    assert_eq!(asked[0]["type"], "ping");
    assert_eq!(client.text(&json!({ "type": "pong", "re": asked[0]["id"] })), []);
    assert_eq!(frames(&client.wait()).len(), 1);
    assert!(matches!(&client.wait()[..], [Output::Close, Output::Event { .. }]));
}

#[test]
fn close_codes_from_4400_on_are_for_good() {
    let mut client = Client::online();
    client.send(1, "bob", "message-1");
    let outputs = client.lose(Some(4401), "session_ended: The session is over.");
    let [Event::Stopped(error)] = events(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!((error.code(), error.ends_session()), (Some("session_ended"), true));
    assert_eq!(answers(&outputs), [(1, &Err(error.clone()))]);
    assert_eq!(client.core.deadline(), None);
    let late = client.send(2, "bob", "message-2");
    assert!(matches!(answers(&late)[..], [(2, Err(_))]));
}

#[test]
fn what_the_server_says_to_a_hello_is_better_than_its_close() {
    let mut client = Client::new(None);
    client.handle(Input::Opened);
    client.text(&refusal(&json!("hello"), "session_ended", "never", &json!({ "reason": "replaced" })));
    let outputs = client.lose(Some(4401), "session_ended: The session is over.");
    let [Event::Stopped(Error::Refused(refusal))] = events(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!(refusal.details["reason"], "replaced");
}

#[test]
fn stopping_acknowledges_what_arrived_and_answers_everything() {
    let mut client = Client::online();
    client.text(&created(1, "message-1", "bob"));
    client.send(1, "bob", "message-2");
    let outputs = client.handle(Input::Stop);
    assert_eq!(frames(&outputs), [json!({ "type": "ack", "seq": 1 })]);
    assert!(matches!(answers(&outputs)[..], [(1, Err(Error::Closed))]));
    assert!(outputs.contains(&Output::Close));
    assert!(matches!(events(&outputs)[..], [Event::Stopped(Error::Closed)]));
}

#[test]
fn watched_users_are_watched_again_on_the_next_socket() {
    let mut client = Client::online();
    let users = vec![UserId::new("bob").expect("valid")];
    let asked = frames(&client.handle(Input::Ask { ticket: Ticket(1), ask: Ask::Watch(users) }));
    let presences = json!([{ "userId": "bob", "status": "offline", "lastSeenAt": null }]);
    let outputs =
        client.text(&json!({ "type": "presence.state", "re": asked[0]["id"], "presences": presences }));
    assert!(matches!(answers(&outputs)[..], [(1, Ok(Answer::Presences(_)))]));
    client.lose(None, "");
    client.wait();
    let (_, outputs) = client.connect("e.0", true);
    let again = frames(&outputs);
    assert_eq!((&again[0]["type"], &again[0]["userIds"]), (&json!("presence.watch"), &json!(["bob"])));
    let outputs =
        client.text(&json!({ "type": "presence.state", "re": again[0]["id"], "presences": presences }));
    assert!(matches!(events(&outputs)[..], [Event::Presence(_)]), "{outputs:?}");
    assert_eq!(answers(&outputs), []);
}

#[test]
fn signals_of_a_call_are_told_once() {
    let mut client = Client::online();
    let added = json!({
        "type": "call.candidate_added", "callId": "call-0001", "userId": "bob", "signal": 2, "generation": 0,
        "candidate": null,
    });
    assert!(matches!(events(&client.text(&added))[..], [Event::Call(CallEvent::CandidateAdded(_))]));
    client.lose(None, "");
    client.wait();
    client.handle(Input::Opened);
    client.text(&welcome("e.0", true, &json!(["call-0001"])));
    assert_eq!(client.text(&added), []);
}

#[test]
fn a_call_is_ended_once_the_server_says_so() {
    let mut client = Client::online();
    let call_id = CallId::new("call-0001").expect("valid");
    let ask = Ask::EndCall { call_id: call_id.clone(), reason: CallEndReason::HangUp };
    let asked = frames(&client.handle(Input::Ask { ticket: Ticket(1), ask }));
    assert_eq!((&asked[0]["type"], &asked[0]["reason"]), (&json!("call.end"), &json!("hang_up")));
    let outputs = client.text(&json!({ "type": "call.left", "re": asked[0]["id"], "callId": "call-0001" }));
    assert_eq!(answers(&outputs), [(1, &Ok(Answer::Left(call_id)))]);
}

#[test]
fn what_is_told_while_nobody_listens_is_lost_and_what_is_wrong_is_told() {
    let mut away = Client::new(None);
    let ring = Tell::Ring(CallId::new("call-0001").expect("valid"));
    assert_eq!(away.handle(Input::Tell(ring.clone())), []);
    let mut client = Client::online();
    let told = frames(&client.handle(Input::Tell(ring)));
    let wrong = client.text(&refusal(&told[0]["id"], "call_not_possible", "never", &json!({})));
    assert!(matches!(events(&wrong)[..], [Event::Refused(_)]));
    assert_eq!(client.text(&refusal(&told[0]["id"], "call_ended", "never", &json!({}))), []);
}

#[test]
fn what_a_newer_server_says_is_handed_on() {
    let mut client = Client::online();
    let warp = json!({ "type": "message.warped", "seq": 1, "by": "bob" });
    let outputs = client.text(&warp);
    assert!(matches!(events(&outputs)[..], [Event::Unknown(text)] if text.contains("warped")));
    assert_eq!(client.acknowledged(), 1);
    let sent = frames(&client.send(1, "bob", "message-1"));
    let outputs = client.text(&refusal(&sent[0]["id"], "moon_phase", "never", &json!({})));
    assert!(matches!(answers(&outputs)[..], [(1, Err(error))] if error.code() == Some("moon_phase")));
    assert!(matches!(events(&client.handle(Input::Text("no JSON")))[..], [Event::Unknown(_)]));
}

#[test]
fn a_frame_that_is_too_large_never_leaves() {
    let mut client = Client::online();
    let mut large = message("bob", "message-1");
    large.text = "x".repeat(65 * 1024);
    let outputs = client.handle(Input::Ask { ticket: Ticket(1), ask: Ask::Send(large) });
    assert_eq!(answers(&outputs), [(1, &Err(Error::TooLarge))]);
    assert_eq!((frames(&outputs).len(), client.core.unanswered().count()), (0, 0));
}

#[test]
fn no_more_wait_than_may_wait() {
    let mut client = Client::new(None);
    for number in 0..1_024 {
        assert_eq!(client.send(number, "bob", &format!("message-{number}")), []);
    }
    assert!(matches!(answers(&client.send(9_999, "bob", "message-last"))[..], [(9_999, Err(Error::Full))]));
}

#[test]
fn a_token_that_was_renewed_is_in_the_next_hello() {
    let mut client = Client::online();
    client.handle(Input::Token(Secret::new("cbs_newer".into())));
    client.lose(None, "");
    assert_eq!(client.handle(Input::Hurry), [Output::Open]);
    assert_eq!(client.connect("e.0", true).0["token"], "cbs_newer");
}
