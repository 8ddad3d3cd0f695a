//! One client's connection: TCP, or TLS over it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use callbox_turn_proto::Client;
use callbox_turn_proto::frames::{Frame, next_frame};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::ServerConnection;

use crate::places::Place;

/// A connection with what waits on it.
pub(crate) struct Stream {
    pub(crate) client: Client,
    /// Since when it has had no allocation.
    pub(crate) useless_since: Duration,
    /// Whether it stands in the list of what may have something to read.
    pub(crate) is_listed: bool,
    /// Whether something may wait to be written.
    pub(crate) is_dirty: bool,
    socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    /// The beginning of a frame. It takes no memory while there is none.
    partial: Vec<u8>,
    /// Whole frames, but for the first, of which a part may be gone.
    queue: VecDeque<u8>,
    /// Whether anything was ever relayed to the client, which needs a credential.
    has_media: bool,
    _place: Place,
}

/// How reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing is left for now.
    Nothing,
    /// There may be more.
    More,
    /// The client is gone, or speaks no TLS any more.
    Ended,
}

/// What became of bytes to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queued {
    /// They go out.
    Yes,
    /// Media that found the queue full.
    Dropped,
    /// An answer that found the queue full: this client will never catch up.
    Overflow,
}

impl Stream {
    pub(crate) fn new(
        client: Client,
        socket: TcpStream,
        tls: Option<Box<ServerConnection>>,
        early: Vec<u8>,
        place: Place,
        now: Duration,
    ) -> Self {
        Self {
            client,
            useless_since: now,
            is_listed: false,
            is_dirty: false,
            socket,
            tls,
            partial: early,
            queue: VecDeque::new(),
            has_media: false,
            _place: place,
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Puts what is not used yet at the beginning of `space`, and what came behind it. Returns how much that is.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> (usize, Rest) {
        let mut filled = self.partial.len();
        space[..filled].copy_from_slice(&self.partial);
        self.partial = Vec::new();
        while filled < space.len() {
            let result = match &mut self.tls {
                None => self.socket.read(&mut space[filled..]),
                Some(tls) => read_tls(tls, &mut self.socket, &mut space[filled..]),
            };
            match result {
                Ok(0) => return (filled, Rest::Ended),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (filled, Rest::Nothing),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return (filled, Rest::Ended),
            }
        }
        (filled, Rest::More)
    }

    /// How much was kept, or came early.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.partial.len()
    }

    /// Keeps the beginning of a frame for the next time.
    pub(crate) fn keep(&mut self, partial: &[u8]) {
        self.partial = partial.to_vec();
    }

    /// Queues whole frames.
    pub(crate) fn queue(&mut self, bytes: &[u8]) -> Queued {
        let is_media = is_media(bytes);
        self.has_media |= is_media;
        let for_media = if self.has_media { QUEUE_BYTES_MAX } else { 0 };
        let limit = if is_media { for_media } else { for_media + ANSWER_RESERVE_BYTES };
        if self.queue.len() + bytes.len() > limit {
            return if is_media { Queued::Dropped } else { Queued::Overflow };
        }
        self.queue.extend(bytes);
        Queued::Yes
    }

    /// Writes as much as goes.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        let written = self.write_until_blocked();
        if self.queue.is_empty() && self.queue.capacity() > QUEUE_BYTES_KEPT {
            self.queue = VecDeque::new();
        }
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            written => written,
        }
    }

    fn write_until_blocked(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            while !self.queue.is_empty() {
                let (front, back) = self.queue.as_slices();
                let parts = [io::IoSlice::new(front), io::IoSlice::new(back)];
                let count = some(uninterrupted(|| self.socket.write_vectored(&parts))?)?;
                self.queue.drain(..count);
            }
            return Ok(());
        };
        loop {
            // The queue waits here and not in the connection, which sees one record at a time: that keeps it bounded.
            while tls.wants_write() {
                some(uninterrupted(|| tls.write_tls(&mut self.socket))?)?;
            }
            if self.queue.is_empty() {
                return Ok(());
            }
            let count = some(tls.writer().write(first_frame(&mut self.queue))?)?;
            self.queue.drain(..count);
        }
    }

    /// Says goodbye as far as that goes at once.
    pub(crate) fn close(mut self, registry: &Registry) {
        let _ = self.write();
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut self.socket);
        }
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = registry.deregister(&mut self.socket);
    }
}

fn read_tls(tls: &mut ServerConnection, socket: &mut TcpStream, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match tls.reader().read(space) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return done,
        }
        if tls.read_tls(socket)? == 0 {
            return Ok(0);
        }
        // Where the client breaks the rules of TLS, an alert for it is now in the connection; closing writes it.
        tls.process_new_packets().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    }
}

/// What goes into the next record of TLS: one frame, since there are clients that take each record for one. There is room
/// for all of it, so that the next one begins with a frame too.
fn first_frame(queue: &mut VecDeque<u8>) -> &[u8] {
    let bytes = queue.make_contiguous();
    match next_frame(bytes) {
        Frame::Whole(length) => &bytes[..length],
        Frame::Incomplete | Frame::Broken => bytes,
    }
}

fn uninterrupted(mut write: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match write() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn some(count: usize) -> io::Result<usize> {
    if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) }
}

/// Whether this is a relayed packet: `ChannelData`, or a Data indication (RFC 8656, sections 12.4 and 18.1).
fn is_media(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first >> 6 == 1) || bytes.starts_with(&[0x00, 0x17])
}

/// What may wait to be written on one stream. At 2.5 Mbit/s this is 0.4 s, and whoever is later than that is better served by
/// fresher packets.
const QUEUE_BYTES_MAX: usize = 128 << 10;

/// What answers may take beyond that: media must not keep an answer out. Where there is no media, it is all that they may take,
/// for anyone at all can ask and not listen.
const ANSWER_RESERVE_BYTES: usize = 16 << 10;

/// A queue that is empty keeps no more than this.
const QUEUE_BYTES_KEPT: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, TcpListener};
    use std::sync::Arc;

    use callbox_turn_proto::Via;

    use super::*;
    use crate::places::Places;

    /// A stream, and its other end.
    fn pair(early: &[u8]) -> (Stream, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("free");
        let there = std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("listens");
        let (here, address) = listener.accept().expect("connected");
        here.set_nonblocking(true).expect("possible");
        let place = Arc::new(Places::default()).take(IpAddr::V4(Ipv4Addr::LOCALHOST)).expect("free");
        let client = Client { via: Via::Tcp(0), address };
        let socket = TcpStream::from_std(here);
        (Stream::new(client, socket, None, early.to_vec(), place, Duration::ZERO), there)
    }

    /// `ChannelData` of this length.
    fn media(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        bytes[0] = 0x40;
        bytes
    }

    #[test]
    fn media_that_finds_the_queue_full_is_dropped_and_answers_have_room_left() {
        let (mut stream, _there) = pair(b"");
        let mut queued = 0;
        while stream.queue(&media(1_000)) == Queued::Yes {
            queued += 1_000;
        }
        assert!(queued <= QUEUE_BYTES_MAX && queued + 1_000 > QUEUE_BYTES_MAX);
        assert_eq!(stream.queue(&media(1_000)), Queued::Dropped);
        let indication = [&[0x00, 0x17][..], &[0; 998]].concat();
        assert_eq!(stream.queue(&indication), Queued::Dropped);
        let answer = [&[0x01, 0x04][..], &[0; 98]].concat();
        assert_eq!(stream.queue(&answer), Queued::Yes);
        while stream.queue(&answer) == Queued::Yes {}
        assert_eq!(stream.queue(&answer), Queued::Overflow);
        assert!(stream.queue.len() <= QUEUE_BYTES_MAX + ANSWER_RESERVE_BYTES);
    }

    #[test]
    fn who_is_relayed_nothing_has_room_for_a_few_answers_only() {
        let (mut stream, _there) = pair(b"");
        let answer = [&[0x01, 0x01][..], &[0; 98]].concat();
        while stream.queue(&answer) == Queued::Yes {}
        assert_eq!(stream.queue(&answer), Queued::Overflow);
        assert!((10_000..=ANSWER_RESERVE_BYTES).contains(&stream.queue.len()), "{}", stream.queue.len());
    }

    #[test]
    fn what_waits_is_written_when_the_client_reads_again_and_an_empty_queue_takes_no_memory() {
        let (mut stream, mut there) = pair(b"");
        let mut sent = 0;
        // More than the system holds.
        loop {
            while stream.queue(&media(1_000)) == Queued::Yes {
                sent += 1_000;
            }
            stream.write().expect("open");
            if stream.queue.len() + 1_000 > QUEUE_BYTES_MAX {
                break;
            }
        }
        let mut received = 0;
        let mut space = vec![0; 1 << 20];
        while received < sent {
            received += there.read(&mut space).expect("open");
            stream.write().expect("open");
        }
        assert_eq!(received, sent);
        assert!(stream.queue.is_empty());
        assert!(stream.queue.capacity() <= QUEUE_BYTES_KEPT);
    }

    #[test]
    fn a_record_of_tls_holds_one_frame_however_many_wait() {
        let (mut stream, _there) = pair(b"");
        let frames = [&b"\x40\x00\x00\x05hello\0\0\0"[..], b"\x7f\xff\x00\x00", b"\x40\x01\x00\x01x\0\0\0"];
        // Until the queue begins anew at the front of its memory.
        for frame in frames.iter().cycle().take(1_000) {
            assert_eq!(stream.queue(frame), Queued::Yes);
            assert_eq!(stream.queue(frames[0]), Queued::Yes);
            for expected in [*frame, frames[0]] {
                assert_eq!(first_frame(&mut stream.queue), expected);
                stream.queue.drain(..expected.len());
            }
        }
    }

    #[test]
    fn early_bytes_come_first_and_an_end_is_told_with_the_last_bytes() {
        let (mut stream, mut there) = pair(b"early ");
        there.write_all(b"late").expect("open");
        drop(there);
        let mut space = [0; 64];
        let mut filled = 0;
        let mut rest = Rest::Nothing;
        while rest != Rest::Ended {
            (filled, rest) = stream.read(&mut space);
            stream.keep(&space[..filled]);
        }
        assert_eq!(&space[..filled], b"early late");
        let (_, rest) = stream.read(&mut [0; 10]);
        assert_eq!(rest, Rest::More, "there is no room to find out");
    }
}
