//! The stream of what happens.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::core::Cursor;
use crate::event::Event;

/// What happens to a client, in order. The last is [`Event::Stopped`].
///
/// Take events as they come: while many of them wait here, the client reads nothing more from its socket. Whoever does not
/// want any drops this.
#[derive(Debug)]
pub struct Events {
    queue: mpsc::Receiver<Told>,
    cursor: Option<Cursor>,
}

/// An event with the place behind it.
pub(crate) type Told = (Event, Option<Cursor>);

impl Events {
    pub(crate) fn new(queue: mpsc::Receiver<Told>) -> Self {
        Self { queue, cursor: None }
    }

    /// The next event; `None` when the client is closed and all were taken.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// The place behind the last event that was taken, once there is one. Keep it after the event is handled, and give it to
    /// [`Options::cursor`](crate::Options::cursor): the next process then hears what comes after it, and nothing twice.
    pub fn cursor(&self) -> Option<String> {
        self.cursor.as_ref().map(Cursor::to_string)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let Some((event, cursor)) = ready!(self.queue.poll_recv(context)) else { return Poll::Ready(None) };
        self.cursor = cursor.or(self.cursor.take());
        Poll::Ready(Some(event))
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.get_mut().poll(context)
    }
}
