//! The app on a client: what it was told and shows, checked against the model as it comes.

use std::collections::BTreeMap;

use callbox_client::Event;
use callbox_domain::{ConversationId, MessageId, UserId};
use callbox_wire::messaging::Message;

use crate::model::{Model, Verdict, check};

/// What an app holds. A page that loses its memory begins a new one.
#[derive(Default)]
pub(crate) struct App {
    /// The last event it was told; `None` before the first welcome.
    seen: Option<u64>,
    shown: BTreeMap<ConversationId, BTreeMap<u32, MessageId>>,
    marks: BTreeMap<(ConversationId, UserId), (u32, u32)>,
    /// Histories that must be fetched again.
    pub(crate) is_stale: bool,
    /// Its client must tell it so.
    pub(crate) must_be_told: bool,
}

impl App {
    /// The page was loaded again and goes on after this event, of which it may not have been told more before.
    pub(crate) fn reload(&mut self, cursor: u64) -> Verdict {
        check(self.seen.is_none_or(|seen| cursor <= seen), || {
            format!("the cursor {cursor} is beyond the last event {:?}", self.seen)
        })?;
        self.seen = Some(cursor);
        // What is read again is as it is by then: it may be newer than what was told of later events before.
        self.marks.clear();
        Ok(())
    }

    /// The server goes on after this event. Who had no cursor knows that there is a history to fetch.
    pub(crate) fn welcome(&mut self, start: u64, resumed: bool, had_cursor: bool) {
        if !resumed {
            self.seen = Some(start);
            self.is_stale = true;
            self.must_be_told = had_cursor;
        }
    }

    /// It is told an event: the next one of its user's log, and no other.
    pub(crate) fn hear(&mut self, model: &Model, user: &UserId, event: &Event) -> Verdict {
        let seq = self.seen.ok_or("an event before the welcome")? + 1;
        model.check_event(user, seq, event)?;
        self.seen = Some(seq);
        match event {
            Event::Message(told) => self.show(&told.message),
            Event::Receipt(receipt) => {
                let key = (receipt.conversation_id.clone(), receipt.user_id.clone());
                let now = (receipt.delivered_up_to, receipt.read_up_to);
                let before = self.marks.insert(key, now).unwrap_or_default();
                check(now.0 >= before.0 && now.1 >= before.1, || {
                    format!("event {seq} of {user}: a receipt went back from {before:?} to {now:?}")
                })
            }
            _ => Ok(()),
        }
    }

    /// It shows a message.
    pub(crate) fn show(&mut self, message: &Message) -> Verdict {
        let shown = self.shown.entry(message.conversation_id.clone()).or_default();
        let before = shown.insert(message.position, message.id.clone());
        check(before.as_ref().is_none_or(|before| *before == message.id), || {
            format!("two messages stand at {} of {}", message.position, message.conversation_id)
        })
    }

    /// How far it may read in each conversation that it knows.
    pub(crate) fn readable(&self) -> Vec<(ConversationId, u32)> {
        let last = |shown: &BTreeMap<u32, MessageId>| shown.keys().next_back().copied().unwrap_or(0);
        self.shown.iter().map(|(id, shown)| (id.clone(), last(shown))).collect()
    }

    /// After calm it has seen all there is.
    pub(crate) fn check_complete(&self, model: &Model, user: &UserId) -> Verdict {
        let head = model.head(user);
        check(self.seen == Some(head), || format!("of {head} events an app of {user} saw {:?}", self.seen))?;
        for (conversation, messages) in model.conversations_of(user) {
            let shown: Vec<&MessageId> =
                self.shown.get(conversation).map_or(Vec::new(), |shown| shown.values().collect());
            let all: Vec<&MessageId> = messages.iter().collect();
            check(shown == all, || format!("an app of {user} shows {shown:?} of {all:?}"))?;
        }
        Ok(())
    }

    /// The last event it was told.
    pub(crate) fn seen(&self) -> Option<u64> {
        self.seen
    }
}
