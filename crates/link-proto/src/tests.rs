mod slow_reader;

use std::sync::Arc;
use std::time::Duration;

use callbox_domain::{ConversationId, MessageId, SessionId, Timestamp, UserId};
use callbox_wire::frame::{LoggedFrame, MessageCreated, ReceiptChanged, ServerFrame, Welcome};
use callbox_wire::messaging::{Message, Receipt};
use callbox_wire::{CloseCode, Seq};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

const HELLO: &str = r#"{"type":"hello","id":"1","token":"t","connectionId":"page-0001"}"#;
const DAY: Duration = Duration::from_hours(24);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn frame() -> LoggedFrame {
    let receipt = Receipt {
        conversation_id: ConversationId::new("cnv_00000001").expect("valid"),
        user_id: UserId::new("bob").expect("valid"),
        delivered_up_to: 1,
        read_up_to: 0,
    };
    LoggedFrame::new(&ReceiptChanged { seq: Seq::new(0), receipt }.into())
}

/// With a text of the largest size, 16 KiB.
fn large_frame() -> LoggedFrame {
    let message = Message {
        id: MessageId::new("message-1").expect("valid"),
        conversation_id: ConversationId::new("cnv_00000001").expect("valid"),
        position: 1,
        sender_id: UserId::new("bob").expect("valid"),
        recipient_id: None,
        text: "x".repeat(16 * 1_024),
        created_at: Timestamp::from_millis(0),
    };
    LoggedFrame::new(&MessageCreated { seq: Seq::new(0), message, origin: None }.into())
}

const LARGE_FRAME_BYTES_MAX: usize = 17 * 1_024;

fn admission(start: u64, head: u64) -> Input<'static> {
    let welcome = Welcome {
        re: "1".into(),
        user_id: UserId::new("ann").expect("valid"),
        session_id: SessionId::new("ses_00000001").expect("valid"),
        cursor: format!("e.{start}"),
        resumed: true,
        heartbeat_seconds: 25,
        server_time: Timestamp::from_millis(0),
        live_call_ids: Vec::new(),
    };
    Input::Admitted(Box::new(Admission { welcome, start, head, session_life: DAY }))
}

fn open(start: u64, head: u64) -> Link {
    let mut link = Link::new(at(0));
    link.handle(at(0), Input::Text(HELLO));
    assert!(matches!(link.next_request(), Some(Request::Admit(_))));
    link.handle(at(0), admission(start, head));
    assert_eq!(kind(link.next_output()), "welcome");
    link
}

fn kind(output: Option<Output>) -> String {
    match output {
        Some(Output::Send(text)) => {
            let value: Value = serde_json::from_str(&text).expect("JSON");
            value["type"].as_str().expect("a type").to_owned()
        }
        other => format!("{other:?}"),
    }
}

fn seq(output: Option<Output>) -> u64 {
    let Some(Output::Send(text)) = output else { panic!("not a frame: {output:?}") };
    let value: Value = serde_json::from_str(&text).expect("JSON");
    value["seq"].as_u64().expect("a seq")
}

fn closed_with(link: &mut Link) -> Option<CloseCode> {
    match link.next_output() {
        Some(Output::Close(code)) => {
            assert_eq!(link.next_output(), None, "nothing comes after a close");
            Some(code)
        }
        _ => None,
    }
}

#[test]
fn a_silent_socket_is_closed_after_ten_seconds() {
    let mut link = Link::new(at(0));
    assert_eq!(link.deadline(), Some(at(10)));
    link.handle(at(9), Input::Tick);
    assert!(!link.is_closed());
    link.handle(at(10), Input::Tick);
    assert_eq!(closed_with(&mut link), Some(CloseCode::HelloTimeout));
    assert_eq!(link.deadline(), None);
}

#[test]
fn only_hello_may_come_first_and_only_once() {
    let mut early = Link::new(at(0));
    early.handle(at(0), Input::Text(r#"{"type":"ping","id":"1"}"#));
    assert_eq!(closed_with(&mut early), Some(CloseCode::ProtocolError));

    let mut twice = open(0, 0);
    twice.handle(at(1), Input::Text(HELLO));
    assert_eq!(closed_with(&mut twice), Some(CloseCode::ProtocolError));
    assert_eq!(twice.next_request(), None);

    let mut impatient = Link::new(at(0));
    impatient.handle(at(0), Input::Text(HELLO));
    impatient.handle(at(0), Input::Text(r#"{"type":"ping","id":"1"}"#));
    assert_eq!(closed_with(&mut impatient), Some(CloseCode::ProtocolError));
}

#[test]
fn nonsense_closes_and_mistakes_are_answered() {
    for input in [Input::Text("{"), Input::Text("[]"), Input::Unreadable] {
        let mut link = open(0, 0);
        link.handle(at(1), input);
        assert_eq!(closed_with(&mut link), Some(CloseCode::ProtocolError));
    }
    let mut large = open(0, 0);
    large.handle(at(1), Input::TooLarge);
    assert_eq!(closed_with(&mut large), Some(CloseCode::FrameTooLarge));

    let mut link = open(0, 0);
    link.handle(at(1), Input::Text(r#"{"type":"teleport","id":"9"}"#));
    assert_eq!(kind(link.next_output()), "error");
    assert!(!link.is_closed());
}

#[test]
fn events_that_come_while_the_token_is_checked_are_fetched() {
    let mut link = Link::new(at(0));
    link.handle(at(0), Input::Text(HELLO));
    let _ = link.next_request();
    link.handle(at(0), Input::Event { seq: 6, frame: &frame() });
    link.handle(at(0), admission(5, 5));
    assert_eq!(kind(link.next_output()), "welcome");
    assert_eq!(link.next_output(), Some(Output::Fetch { after: 5 }));
    assert_eq!(link.next_output(), None, "one page at a time");
    link.handle(at(0), Input::Page { events: vec![(6, frame())], head: 0 });
    assert_eq!(seq(link.next_output()), 6);
    assert_eq!(link.next_output(), None);
}

#[test]
fn a_live_event_after_a_gap_waits_for_the_log() {
    let mut link = open(0, 0);
    link.handle(at(0), Input::Event { seq: 1, frame: &frame() });
    link.handle(at(0), Input::Event { seq: 1, frame: &frame() });
    link.handle(at(0), Input::Event { seq: 3, frame: &frame() });
    assert_eq!(seq(link.next_output()), 1);
    assert_eq!(link.next_output(), Some(Output::Fetch { after: 1 }));
    link.handle(at(0), Input::Event { seq: 4, frame: &frame() });
    link.handle(at(0), Input::Page { events: vec![(2, frame()), (3, frame())], head: 0 });
    assert_eq!(seq(link.next_output()), 2);
    assert_eq!(seq(link.next_output()), 3);
    assert_eq!(link.next_output(), Some(Output::Fetch { after: 3 }));
    link.handle(at(0), Input::Page { events: vec![(4, frame())], head: 0 });
    assert_eq!(seq(link.next_output()), 4);
    link.handle(at(0), Input::Event { seq: 5, frame: &frame() });
    assert_eq!(seq(link.next_output()), 5);
}

#[test]
fn what_was_in_the_log_at_a_look_is_not_taken_from_older_news() {
    let mut link = open(0, 2);
    assert_eq!(link.next_output(), Some(Output::Fetch { after: 0 }));
    // Two fit on the page, and a third is there already: its news was written before the page was read.
    link.handle(at(0), Input::Page { events: vec![(1, frame()), (2, frame())], head: 3 });
    link.handle(at(0), Input::Event { seq: 3, frame: &frame() });
    assert_eq!([seq(link.next_output()), seq(link.next_output())], [1, 2]);
    assert_eq!(link.next_output(), Some(Output::Fetch { after: 2 }));
    link.handle(at(0), Input::Page { events: vec![(3, frame())], head: 3 });
    link.handle(at(0), Input::Event { seq: 4, frame: &frame() });
    assert_eq!([seq(link.next_output()), seq(link.next_output())], [3, 4], "and then live");
}

#[test]
fn a_head_beyond_what_was_told_leads_to_the_log() {
    let mut link = open(0, 0);
    link.handle(at(0), Input::Event { seq: 1, frame: &frame() });
    assert_eq!(seq(link.next_output()), 1);
    for known in [0, 1] {
        link.handle(at(1), Input::Head(known));
        assert!(!link.has_output(), "nothing new");
        assert_eq!(link.next_output(), None);
    }
    link.handle(at(2), Input::Head(2));
    assert!(link.has_output());
    assert_eq!(link.next_output(), Some(Output::Fetch { after: 1 }));
    link.handle(at(2), Input::Event { seq: 2, frame: &frame() });
    assert!(!link.has_output(), "the page is on its way");
    link.handle(at(2), Input::Page { events: vec![(2, frame())], head: 0 });
    assert_eq!(seq(link.next_output()), 2);
    assert_eq!(link.next_output(), None, "told late by the bus, and not sent twice");

    let mut early = Link::new(at(0));
    early.handle(at(0), Input::Text(HELLO));
    early.handle(at(0), Input::Head(6));
    early.handle(at(0), admission(5, 5));
    assert_eq!(kind(early.next_output()), "welcome");
    assert_eq!(
        early.next_output(),
        Some(Output::Fetch { after: 5 }),
        "looked at while the token was checked"
    );
}

#[test]
fn a_log_that_lost_events_ends_the_connection() {
    let mut link = open(0, 3);
    assert_eq!(link.next_output(), Some(Output::Fetch { after: 0 }));
    link.handle(at(0), Input::Page { events: vec![], head: 0 });
    assert_eq!(closed_with(&mut link), Some(CloseCode::TryAgain));

    let mut pruned = open(4, 9);
    assert_eq!(pruned.next_output(), Some(Output::Fetch { after: 4 }));
    pruned.handle(at(0), Input::Page { events: vec![(7, frame()), (8, frame()), (9, frame())], head: 0 });
    assert_eq!(closed_with(&mut pruned), Some(CloseCode::TryAgain), "5 and 6 are gone");
    assert!((4000..4100).contains(&CloseCode::TryAgain.number()), "the next hello is told `resumed: false`");
}

#[test]
fn a_page_of_large_events_is_taken_in_parts() {
    let mut link = open(0, 100);
    let mut received = 0;
    let mut pages = 0;
    while let Some(output) = link.next_output() {
        match output {
            Output::Fetch { after } => {
                pages += 1;
                let events = (after + 1..=100).map(|seq| (seq, large_frame())).collect();
                link.handle(at(0), Input::Page { events, head: 0 });
                assert!(link.waiting_bytes() < EVENT_QUEUE_BYTES_MAX + LARGE_FRAME_BYTES_MAX);
            }
            output => {
                received += 1;
                assert_eq!(seq(Some(output)), received);
            }
        }
    }
    assert_eq!((received, pages), (100, 25));
}

#[test]
fn a_ping_is_not_held_up_by_what_waits() {
    let mut link = open(0, 0);
    link.handle(at(24), Input::Event { seq: 1, frame: &frame() });
    link.handle(at(25), Input::Tick);
    assert_eq!(link.next_output(), Some(Output::Ping));
    assert_eq!(seq(link.next_output()), 1);
}

#[test]
fn acknowledgements_are_cumulative_and_bounded_by_what_was_sent() {
    let mut link = open(0, 0);
    for number in 1..=3 {
        link.handle(at(0), Input::Event { seq: number, frame: &frame() });
    }
    link.handle(at(1), Input::Text(r#"{"type":"ack","seq":2}"#));
    assert_eq!(link.next_request(), Some(Request::Acknowledge { after: 0, up_to: 2 }));
    link.handle(at(1), Input::Text(r#"{"type":"ack","seq":1}"#));
    assert_eq!(link.next_request(), None);
    link.handle(at(1), Input::Text(r#"{"type":"ack","seq":3}"#));
    assert_eq!(link.next_request(), Some(Request::Acknowledge { after: 2, up_to: 3 }));
    link.handle(at(1), Input::Text(r#"{"type":"ack","seq":4}"#));
    assert_eq!(closed_with(&mut link), Some(CloseCode::ProtocolError));
}

#[test]
fn a_reader_that_takes_nothing_is_closed_but_its_events_cost_nothing() {
    let mut link = open(0, 0);
    for number in 1..=100_000 {
        link.handle(at(0), Input::Event { seq: number, frame: &frame() });
    }
    assert!(!link.is_closed(), "events wait in the log");
    let reply: Arc<str> = "x".repeat(1024).into();
    for _ in 0..SEND_QUEUE_BYTES_MAX / reply.len() {
        link.handle(at(0), Input::Send(Arc::clone(&reply)));
    }
    assert!(!link.is_closed(), "events take no room from replies");
    assert!(link.waiting_bytes() < SEND_QUEUE_BYTES_MAX + EVENT_QUEUE_BYTES_MAX + 1_024);
    link.handle(at(0), Input::Send(reply));
    assert_eq!(closed_with(&mut link), Some(CloseCode::SlowReader));
}

#[test]
fn pings_keep_a_peer_that_answers_and_drop_one_that_does_not() {
    let mut link = open(0, 0);
    assert_eq!(link.deadline(), Some(HEARTBEAT));
    link.handle(at(25), Input::Tick);
    assert_eq!(link.next_output(), Some(Output::Ping));
    assert_eq!(link.next_output(), None);
    link.handle(at(26), Input::Pong);
    link.handle(at(50), Input::Tick);
    assert_eq!(link.next_output(), Some(Output::Ping));
    link.handle(at(75), Input::Tick);
    assert_eq!(link.next_output(), Some(Output::Ping));
    assert_eq!(link.deadline(), Some(at(76)));
    link.handle(at(76), Input::Tick);
    assert_eq!(closed_with(&mut link), Some(CloseCode::HeartbeatLost));
}

#[test]
fn a_ping_frame_is_answered() {
    let mut link = open(0, 0);
    link.handle(at(1), Input::Text(r#"{"type":"ping","id":"p"}"#));
    assert_eq!(kind(link.next_output()), "pong");
}

#[test]
fn a_session_whose_time_is_up_must_say_hello_again() {
    let mut link = open(0, 0);
    let mut now = at(0);
    while now < DAY {
        now = link.deadline().expect("open").min(DAY);
        link.handle(now, Input::Pong);
        link.handle(now, Input::Tick);
        if now < DAY {
            assert_eq!(link.next_output(), Some(Output::Ping));
        }
    }
    assert_eq!(closed_with(&mut link), Some(CloseCode::TryAgain), "the next hello tells the rest");
}

#[test]
fn a_renewed_session_keeps_its_connection() {
    let mut link = open(0, 0);
    link.handle(at(10), Input::SessionLife(DAY * 2));
    let mut now = at(10);
    while now < DAY + DAY {
        now = link.deadline().expect("open");
        link.handle(now, Input::Pong);
        link.handle(now, Input::Tick);
        assert_eq!(link.next_output(), Some(Output::Ping));
    }
}

#[test]
fn refusals_and_closes_say_their_code() {
    let mut link = Link::new(at(0));
    link.handle(at(0), Input::Text(HELLO));
    link.handle(at(0), Input::Refused(CloseCode::OriginNotAllowed));
    assert_eq!(closed_with(&mut link), Some(CloseCode::OriginNotAllowed));

    let mut link = open(0, 0);
    link.handle(at(0), Input::Send("{}".into()));
    link.handle(at(0), Input::Close(CloseCode::SessionEnded));
    assert_eq!(
        closed_with(&mut link),
        Some(CloseCode::SessionEnded),
        "nothing is sent after a session's end"
    );
}

/// What the world may do to a connection between two reads of the socket.
#[derive(Debug, Clone)]
enum Move {
    /// The log grows; the bus tells it, or loses it.
    Log { told: bool },
    /// The socket takes so many outputs.
    Drain(usize),
    /// A reply is due.
    Reply(usize),
    /// The log is asked where it ends.
    Sweep,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        5 => any::<bool>().prop_map(|told| Move::Log { told }),
        3 => (0usize..6).prop_map(Move::Drain),
        1 => (1usize..2000).prop_map(Move::Reply),
        1 => Just(Move::Sweep),
    ];
    prop::collection::vec(one, 1..200)
}

proptest! {
    /// Whatever the bus loses, the client gets every event once and in order, once it is asked where the log ends.
    #[test]
    fn every_event_is_sent_once_and_in_order(start in 0u64..20, behind in 0u64..300, moves in moves()) {
        let mut head = start + behind;
        let mut link = open(start, head);
        let mut received = start;
        let mut take = |link: &mut Link, head: u64, limit: usize| {
            for _ in 0..limit {
                let has_output = link.has_output();
                let output = link.next_output();
                assert_eq!(has_output, output.is_some());
                match output {
                    Some(Output::Fetch { after }) => {
                        let last = head.min(after + u64::from(REPLAY_PAGE_EVENTS));
                        let events = (after + 1..=last).map(|seq| (seq, frame())).collect();
                        link.handle(at(1), Input::Page { events, head: 0 });
                    }
                    Some(Output::Send(text)) => {
                        let value: Value = serde_json::from_str(&text).expect("JSON");
                        if let Some(seq) = value["seq"].as_u64() {
                            assert_eq!(seq, received + 1);
                            received = seq;
                        }
                    }
                    Some(other) => panic!("unexpected {other:?}"),
                    None => break,
                }
            }
            received
        };
        for step in moves {
            match step {
                Move::Log { told } => {
                    head += 1;
                    if told {
                        link.handle(at(1), Input::Event { seq: head, frame: &frame() });
                    }
                }
                Move::Sweep => link.handle(at(1), Input::Head(head)),
                Move::Drain(count) => { take(&mut link, head, count); }
                Move::Reply(size) => link.handle(at(1), Input::Send(format!("\"{}\"", "x".repeat(size)).into())),
            }
            if link.is_closed() {
                return Ok(());
            }
        }
        link.handle(at(1), Input::Head(head));
        prop_assert_eq!(take(&mut link, head, usize::MAX), head);
    }

    #[test]
    fn no_text_breaks_the_machine(texts in prop::collection::vec(".{0,80}", 0..20), hello in any::<bool>()) {
        let mut link = if hello { open(0, 0) } else { Link::new(at(0)) };
        for text in texts {
            link.handle(at(1), Input::Text(&text));
            let _ = link.next_request();
            while link.next_output().is_some() {}
        }
        prop_assert!(link.is_closed() || link.deadline().is_some());
    }
}

#[test]
fn frames_that_are_not_logged_are_sent_as_they_are() {
    let mut link = open(0, 0);
    let pong: ServerFrame = callbox_wire::frame::Pong { re: "x".into() }.into();
    link.handle(at(0), Input::Send(pong.to_text().into()));
    assert_eq!(kind(link.next_output()), "pong");
}
