//! The streams that are up.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use callbox_turn_proto::{Client, Via};
use mio::Registry;
use mio::net::TcpStream;

use crate::accept::Arrival;
use crate::source::Source;
use crate::stream::{Queued, Stream};

/// All streams, by their numbers.
#[derive(Default)]
pub(crate) struct Streams {
    up: HashMap<u32, Stream>,
    next_number: u32,
    /// Those to which something may wait to be written.
    dirty: Vec<u32>,
    /// Those that are to be closed.
    closing: Vec<u32>,
}

/// What became of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// As much as goes went, on all of them.
    All,
    /// Some are to be closed now.
    SomeAreGone,
}

impl Streams {
    /// Takes a new one in, and returns its number.
    pub(crate) fn add(&mut self, arrival: Arrival, now: Duration, registry: &Registry) -> io::Result<u32> {
        let number = self.next_number;
        // After four thousand million streams the first numbers come again; the streams that had them are long gone.
        self.next_number = number.wrapping_add(1);
        let via = if arrival.tls.is_some() { Via::Tls(number) } else { Via::Tcp(number) };
        let client = Client { via, address: arrival.peer };
        let socket = TcpStream::from_std(arrival.socket);
        let mut stream = Stream::new(client, socket, arrival.tls, arrival.early, arrival.place, now);
        stream.register(registry, Source::Stream(number).token())?;
        self.up.insert(number, stream);
        self.touch(number);
        Ok(number)
    }

    pub(crate) fn find_mut(&mut self, number: u32) -> Option<&mut Stream> {
        self.up.get_mut(&number)
    }

    pub(crate) fn count(&self) -> usize {
        self.up.len()
    }

    /// Queues bytes on a stream. Returns false where they were dropped.
    pub(crate) fn send(&mut self, number: u32, bytes: &[u8]) -> bool {
        let Some(stream) = self.up.get_mut(&number) else { return true };
        let mut queued = stream.queue(bytes);
        if queued != Queued::Yes && stream.write().is_ok() {
            queued = stream.queue(bytes);
        }
        match queued {
            Queued::Yes => self.touch(number),
            Queued::Dropped => return false,
            Queued::Overflow => self.close_later(number),
        }
        true
    }

    /// Remembers that a stream may have something to write.
    pub(crate) fn touch(&mut self, number: u32) {
        if let Some(stream) = self.up.get_mut(&number)
            && !std::mem::replace(&mut stream.is_dirty, true)
        {
            self.dirty.push(number);
        }
    }

    /// Writes what waits.
    pub(crate) fn write(&mut self) -> Written {
        for number in std::mem::take(&mut self.dirty) {
            let Some(stream) = self.up.get_mut(&number) else { continue };
            stream.is_dirty = false;
            if stream.write().is_err() {
                self.close_later(number);
            }
        }
        if self.closing.is_empty() { Written::All } else { Written::SomeAreGone }
    }

    /// Whether something may wait to be written.
    pub(crate) fn are_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Remembers to close those that have had no allocation for too long.
    pub(crate) fn close_useless(&mut self, now: Duration, has_allocation: impl Fn(&Client) -> bool) {
        for (number, stream) in &mut self.up {
            if has_allocation(&stream.client) {
                stream.useless_since = now;
            } else if now.saturating_sub(stream.useless_since) >= USELESS_TIME_MAX {
                self.closing.push(*number);
            }
        }
    }

    pub(crate) fn close_later(&mut self, number: u32) {
        self.closing.push(number);
    }

    /// Closes the next that is to be closed, and returns whose it was.
    pub(crate) fn close_next(&mut self, registry: &Registry) -> Option<Client> {
        while let Some(number) = self.closing.pop() {
            if let Some(stream) = self.up.remove(&number) {
                let client = stream.client;
                stream.close(registry);
                return Some(client);
            }
        }
        None
    }

    /// Closes all.
    pub(crate) fn close_all(&mut self, registry: &Registry) {
        for (_, stream) in self.up.drain() {
            stream.close(registry);
        }
    }
}

/// A stream without an allocation is closed after this.
const USELESS_TIME_MAX: Duration = Duration::from_secs(30);
