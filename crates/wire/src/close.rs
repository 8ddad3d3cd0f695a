//! Close codes of the socket. 4000 to 4099: come back with the last cursor. 4400 to 4499: stop.

macro_rules! close_codes {
    ($($variant:ident $number:literal $name:literal $sentence:literal;)*) => {
        /// Why the server closed a socket.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode {
            $(#[doc = $sentence] $variant,)*
        }

        impl CloseCode {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number in the close frame.
            pub fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The word in the close frame's reason, before the sentence.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What happened and what to do.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

close_codes! {
    Draining 4000 "draining" "The server is stopping or restarting; come back after a moment.";
    SlowReader 4001 "slow_reader" "The client read too slowly and its queue was full; come back and catch up.";
    HeartbeatLost 4002 "heartbeat_lost" "Nothing came from the client for two heartbeats; come back.";
    HelloTimeout 4003 "hello_timeout" "No hello came in time; come back and say hello first.";
    TryAgain 4004 "try_again" "The server could not serve this connection at this moment; come back after a moment.";
    ProtocolError 4400 "protocol_error" "The client sent something that the protocol does not allow.";
    SessionEnded 4401 "session_ended" "The session is over or was never good; sign in again.";
    AppDisabled 4402 "app_disabled" "The operator has disabled this app.";
    OriginNotAllowed 4403 "origin_not_allowed" "Pages of this web origin may not use the app.";
    Replaced 4409 "replaced" "The same connection id said hello on another socket.";
    FrameTooLarge 4413 "frame_too_large" "A frame was larger than 64 KiB.";
    TooManyConnections 4429 "too_many_connections" "The session has as many connections as it may have; close a tab.";
}

impl CloseCode {
    /// Whether a client should connect again with its last cursor.
    pub fn is_resumable(self) -> bool {
        (4000..4100).contains(&self.number())
    }

    /// The reason text of the close frame: at most 123 bytes (RFC 6455, 5.5).
    pub fn reason(self) -> String {
        format!("{}: {}", self.name(), self.sentence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_in_one_of_the_two_ranges() {
        let mut numbers: Vec<_> = CloseCode::ALL.iter().map(|code| code.number()).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), CloseCode::ALL.len());
        assert!(numbers.iter().all(|number| (4000..4100).contains(number) || (4400..4500).contains(number)));
    }

    #[test]
    fn reasons_fit_a_close_frame() {
        for code in CloseCode::ALL {
            assert!(code.reason().len() <= 123, "{}", code.reason());
        }
    }
}
