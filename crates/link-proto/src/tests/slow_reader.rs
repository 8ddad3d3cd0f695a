//! A client far behind on a slow line: it takes one frame at a time, while events and replies go on coming.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use super::{LARGE_FRAME_BYTES_MAX, at, frame, large_frame, open};
use crate::{
    EVENT_QUEUE_BYTES_MAX, Input, Link, Output, REPLAY_PAGE_BYTES, REPLAY_PAGE_EVENTS, SEND_QUEUE_BYTES_MAX,
};

/// What happens between two frames that the client takes.
#[derive(Debug, Clone)]
enum Move {
    /// The log grows; the bus tells it, or loses it.
    Log { large: bool, told: bool },
    /// The server has a reply of so many bytes.
    Reply(usize),
    /// The client takes one frame.
    Take,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        2 => any::<(bool, bool)>().prop_map(|(large, told)| Move::Log { large, told }),
        2 => (1usize..20_000).prop_map(Move::Reply),
        3 => Just(Move::Take),
    ];
    prop::collection::vec(one, 0..600)
}

/// A server's side of the line and the client at its end.
struct Line {
    link: Link,
    /// Whether each event of the log is large; the first has number 1.
    log: Vec<bool>,
    received: u64,
    /// The replies that the client waits for.
    replies: VecDeque<Arc<str>>,
}

impl Line {
    fn log(&mut self, is_large: bool, told: bool) {
        self.log.push(is_large);
        if told {
            let frame = if is_large { large_frame() } else { frame() };
            self.link.handle(at(1), Input::Event { seq: self.head(), frame: &frame });
        }
    }

    /// A reply, unless the client has asked for more than it has room for.
    fn reply(&mut self, size: usize) {
        let waiting: usize = self.replies.iter().map(|reply| reply.len()).sum();
        let reply: Arc<str> = format!(r#"{{"re":"{}"}}"#, "x".repeat(size)).into();
        if waiting + reply.len() <= SEND_QUEUE_BYTES_MAX {
            self.replies.push_back(Arc::clone(&reply));
            self.link.handle(at(1), Input::Send(reply));
        }
    }

    /// The client takes a frame; `false` when there is none.
    fn take(&mut self) -> bool {
        loop {
            match self.link.next_output() {
                Some(Output::Fetch { after }) => self.page(after),
                Some(Output::Send(text)) => {
                    self.receive(&text);
                    return true;
                }
                Some(other) => panic!("unexpected {other:?}"),
                None => return false,
            }
        }
    }

    /// Hands in a page as the log's reader cuts it.
    fn page(&mut self, after: u64) {
        let last = self.head().min(after + u64::from(REPLAY_PAGE_EVENTS));
        let mut bytes = 0;
        let mut events = Vec::new();
        for seq in after + 1..=last {
            let is_large = self.log[usize::try_from(seq - 1).expect("small")];
            let frame = if is_large { large_frame() } else { frame() };
            bytes += frame.len();
            events.push((seq, frame));
            if bytes >= REPLAY_PAGE_BYTES {
                break;
            }
        }
        self.link.handle(at(1), Input::Page { events, head: 0 });
    }

    fn receive(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).expect("JSON");
        if let Some(seq) = frame["seq"].as_u64() {
            assert_eq!(seq, self.received + 1, "once and in order");
            self.received = seq;
        } else {
            assert_eq!(self.replies.pop_front().as_deref(), Some(text), "replies in order");
        }
    }

    fn check(&self) {
        assert!(!self.link.is_closed());
        let most = SEND_QUEUE_BYTES_MAX + EVENT_QUEUE_BYTES_MAX + LARGE_FRAME_BYTES_MAX;
        assert!(self.link.waiting_bytes() <= most, "{} bytes wait", self.link.waiting_bytes());
    }

    fn head(&self) -> u64 {
        self.log.len() as u64
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_catches_up_in_bounded_memory_and_is_never_closed(
        behind in prop::collection::vec(any::<bool>(), 0..300),
        moves in moves(),
    ) {
        let link = open(0, behind.len() as u64);
        let mut line = Line { link, log: behind, received: 0, replies: VecDeque::new() };
        for step in moves {
            match step {
                Move::Log { large, told } => line.log(large, told),
                Move::Reply(size) => line.reply(size),
                Move::Take => { line.take(); }
            }
            line.check();
        }
        line.link.handle(at(2), Input::Head(line.head()));
        while line.take() {
            line.check();
        }
        prop_assert_eq!((line.received, line.replies.len()), (line.head(), 0));
    }
}
