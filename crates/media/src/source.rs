//! What the poll tells about, and the numbers by which it does.

use callbox_turn_proto::RelayPort;
use mio::Token;

use crate::doors::Door;

/// What may have something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A datagram socket.
    Door(Door),
    /// A stream, by its number.
    Stream(u32),
    /// The waker: there is a command or a new stream.
    Mail,
}

impl Source {
    pub(crate) fn token(self) -> Token {
        let (kind, number) = match self {
            Self::Mail => (MAIL, 0),
            Self::Door(Door::Listener(number)) => (LISTENER, number),
            Self::Door(Door::Relay(RelayPort { address, port })) => {
                (RELAY, u32::from(address) << 16 | u32::from(port))
            }
            Self::Stream(number) => (STREAM, number),
        };
        Token((number as usize) << KIND_BITS | kind)
    }

    pub(crate) fn of(token: Token) -> Self {
        let number = u32::try_from(token.0 >> KIND_BITS).expect("made of 32 bits");
        match token.0 & ((1 << KIND_BITS) - 1) {
            LISTENER => Self::Door(Door::Listener(number)),
            RELAY => {
                let (address, port) = ((number >> 16) as u16, (number & 0xffff) as u16);
                Self::Door(Door::Relay(RelayPort { address, port }))
            }
            STREAM => Self::Stream(number),
            _ => Self::Mail,
        }
    }
}

const KIND_BITS: u32 = 2;
const MAIL: usize = 0;
const LISTENER: usize = 1;
const RELAY: usize = 2;
const STREAM: usize = 3;

/// On a smaller machine two of the highest numbers would be one.
const _: () = assert!(usize::BITS >= 64, "tokens hold 34 bits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_known_again_by_its_token() {
        let ports = [(0, 1), (0, u16::MAX), (1, 0), (u16::MAX, u16::MAX)];
        let relays = ports.map(|(address, port)| Source::Door(Door::Relay(RelayPort { address, port })));
        let others = [Source::Mail, Source::Door(Door::Listener(0)), Source::Door(Door::Listener(u32::MAX))];
        let streams = [Source::Stream(0), Source::Stream(u32::MAX)];
        for source in [&relays[..], &others, &streams].concat() {
            assert_eq!(Source::of(source.token()), source);
        }
    }
}
