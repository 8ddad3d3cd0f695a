//! What must be true, kept beside the servers from what they commit.

use std::collections::BTreeMap;

use callbox_client::Event as Told;
use callbox_domain::{ConversationId, Event, LoggedEvent, MessageId, UserId};
use callbox_wire::messaging::{Message, Receipt, Recipient};

/// What was done wrong.
pub(crate) type Verdict = Result<(), String>;

/// The small model: everyone's log, every conversation's order, and what was sent.
#[derive(Default)]
pub(crate) struct Model {
    logs: BTreeMap<UserId, Vec<Entry>>,
    conversations: BTreeMap<ConversationId, Vec<MessageId>>,
    members: BTreeMap<ConversationId, [UserId; 2]>,
    marks: BTreeMap<(ConversationId, UserId), (u32, u32)>,
    sent: BTreeMap<MessageId, Sent>,
    placed: BTreeMap<MessageId, Place>,
    /// The newest message that came from a memory, by where it was sent.
    order: BTreeMap<(u64, Lane), u64>,
}

/// A recipient in a form that has an order.
type Lane = (Option<UserId>, Option<ConversationId>);

/// An event without what changes between two readings of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Message(MessageId),
    Receipt(ConversationId, UserId),
}

/// A message as its sender wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) sender: UserId,
    pub(crate) to: Recipient,
    pub(crate) text: String,
    /// Which memory it was queued in, and as which of that memory's messages.
    pub(crate) memory: u64,
    pub(crate) number: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    conversation: ConversationId,
    position: u32,
}

impl Model {
    /// A client's app has sent a message.
    pub(crate) fn send(&mut self, id: MessageId, sent: Sent) {
        self.sent.insert(id, sent);
    }

    /// A server has committed an event.
    pub(crate) fn commit(&mut self, logged: &LoggedEvent) -> Verdict {
        let entry = match &*logged.event {
            Event::MessageCreated(message) => {
                self.place(message)?;
                Entry::Message(message.id.clone())
            }
            Event::ReceiptChanged(receipt) => {
                let key = (receipt.conversation_id.clone(), receipt.user_id.clone());
                let marks = (receipt.delivered_up_to, receipt.read_up_to);
                let newest = self.conversations.get(&key.0).map_or(0, Vec::len);
                let before = self.marks.insert(key.clone(), marks).unwrap_or_default();
                check(marks.0 >= before.0 && marks.1 >= before.1, || {
                    format!("a receipt went back from {before:?} to {marks:?}")
                })?;
                check(marks.0 >= marks.1 && marks.0 as usize <= newest, || {
                    format!("a receipt says {marks:?} of {newest} messages")
                })?;
                Entry::Receipt(key.0, key.1)
            }
            Event::CallEnded(_) => return Err("nobody calls here".to_owned()),
        };
        let log = self.logs.entry(logged.user_id.clone()).or_default();
        log.push(entry);
        check(logged.seq == log.len() as u64, || {
            format!("event {} of {} has the number {}", log.len(), logged.user_id, logged.seq)
        })
    }

    fn place(&mut self, message: &callbox_domain::Message) -> Verdict {
        let place = Place { conversation: message.conversation_id.clone(), position: message.position };
        if let Some(before) = self.placed.get(&message.id) {
            // Each member's log has it.
            return check(*before == place, || {
                format!("message {} stands at {before:?} and at {place:?}", message.id)
            });
        }
        let sent = self.sent.get(&message.id).ok_or_else(|| format!("nobody sent {}", message.id))?;
        check(sent.sender == message.sender_id && *sent.text == *message.text, || {
            format!("message {} is not what was sent", message.id)
        })?;
        let lane = (sent.to.user_id.clone(), sent.to.conversation_id.clone());
        let order = self.order.entry((sent.memory, lane)).or_default();
        check(*order < sent.number, || format!("message {} was overtaken by a later one", message.id))?;
        *order = sent.number;
        let conversation = self.conversations.entry(place.conversation.clone()).or_default();
        conversation.push(message.id.clone());
        check(message.position as usize == conversation.len(), || {
            format!("message {} of {} stands at {place:?}", conversation.len(), place.conversation)
        })?;
        let other = message.recipient_id.clone().ok_or("a message of nobody else's")?;
        let members = [message.sender_id.clone(), other];
        self.members.entry(place.conversation.clone()).or_insert(members);
        self.placed.insert(message.id.clone(), place);
        Ok(())
    }

    /// How many events a user's log has.
    pub(crate) fn head(&self, user: &UserId) -> u64 {
        self.logs.get(user).map_or(0, |log| log.len() as u64)
    }

    /// Whether this is the event of this number in a user's log.
    pub(crate) fn check_event(&self, user: &UserId, seq: u64, event: &Told) -> Verdict {
        let log = self.logs.get(user);
        let expected =
            usize::try_from(seq).ok().and_then(|seq| log.and_then(|log| log.get(seq.checked_sub(1)?)));
        let told = match event {
            Told::Message(told) => {
                self.check_message(&told.message)?;
                Entry::Message(told.message.id.clone())
            }
            Told::Receipt(receipt) => {
                self.check_receipt(receipt)?;
                Entry::Receipt(receipt.conversation_id.clone(), receipt.user_id.clone())
            }
            other => return Err(format!("{other:?} is no event of the log")),
        };
        check(expected == Some(&told), || {
            format!("event {seq} of {user} is {expected:?}, but its app was told {told:?}")
        })
    }

    /// Whether a message that someone was shown is one, at its place.
    pub(crate) fn check_message(&self, message: &Message) -> Verdict {
        let place = Place { conversation: message.conversation_id.clone(), position: message.position };
        let placed = self.placed.get(&message.id);
        check(placed == Some(&place), || {
            format!("message {} was shown at {place:?}, and stands at {placed:?}", message.id)
        })
    }

    /// Nobody is told more than was committed.
    fn check_receipt(&self, receipt: &Receipt) -> Verdict {
        let key = (receipt.conversation_id.clone(), receipt.user_id.clone());
        let marks = self.marks.get(&key).copied().unwrap_or_default();
        check(receipt.delivered_up_to <= marks.0 && receipt.read_up_to <= marks.1, || {
            format!("a receipt of {} says more than {marks:?}: {receipt:?}", key.1)
        })
    }

    /// The conversations of a user.
    pub(crate) fn conversations_of(
        &self,
        user: &UserId,
    ) -> impl Iterator<Item = (&ConversationId, &[MessageId])> {
        let theirs = self.members.iter().filter(move |(_, members)| members.contains(user));
        theirs.map(|(id, _)| (id, self.conversations[id].as_slice()))
    }

    /// Every conversation, in full.
    pub(crate) fn conversations(&self) -> impl Iterator<Item = (&ConversationId, &[MessageId])> {
        self.conversations.iter().map(|(id, messages)| (id, messages.as_slice()))
    }

    /// Whether a message is in.
    pub(crate) fn is_kept(&self, id: &MessageId) -> bool {
        self.placed.contains_key(id)
    }

    /// What a message's sender wrote, for messages that are in.
    pub(crate) fn placed(&self) -> impl Iterator<Item = (&MessageId, &Sent)> {
        self.placed.keys().filter_map(|id| self.sent.get(id).map(|sent| (id, sent)))
    }
}

/// `what` is true, or it is told what is not.
pub(crate) fn check(what: bool, or: impl FnOnce() -> String) -> Verdict {
    if what { Ok(()) } else { Err(or()) }
}
