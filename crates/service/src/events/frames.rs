//! Events as frames.

use callbox_domain::{Event, UserId};
use callbox_wire::Seq;
use callbox_wire::call::CallSummary;
use callbox_wire::frame::{CallEnded, LoggedFrame, MessageCreated, ReceiptChanged, ServerFrame};
use callbox_wire::messaging::{Message, MessageOrigin, Receipt};

/// An event as the frame that `viewer` gets. It depends on the viewer only in whether the event is the viewer's own.
pub fn logged_frame(event: &Event, viewer: &UserId) -> LoggedFrame {
    // The number is put in for each receiver.
    let seq = Seq::new(0);
    let frame: ServerFrame = match event {
        Event::MessageCreated(message) => {
            let own = message.sender_id == *viewer;
            let origin = own.then(|| MessageOrigin { session_id: message.sender_session_id.clone() });
            MessageCreated { seq, message: Message::from_domain(message), origin }.into()
        }
        Event::ReceiptChanged(receipt) => {
            ReceiptChanged { seq, receipt: Receipt::from_domain(receipt) }.into()
        }
        Event::CallEnded(summary) => CallEnded { seq, call: CallSummary::from_domain(summary) }.into(),
    };
    LoggedFrame::new(&frame)
}
