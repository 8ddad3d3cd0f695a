//! STUN messages (RFC 8489, section 5): reading them where they lie, and writing them.

pub mod attribute;
mod builder;
mod data;
mod integrity;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::Range;

pub use builder::Builder;
pub use data::{CHANNELS, TAILROOM, channel_data, write_channel_head, write_data_indication_head};
pub use integrity::{Integrity, LongTermKey};

/// What a message is in its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It wants an answer.
    Request,
    /// It wants none.
    Indication,
    /// The answer: done.
    Success,
    /// The answer: refused.
    Error,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Which address do you see?
    Binding,
    /// Open an allocation.
    Allocate,
    /// Keep it, or close it.
    Refresh,
    /// To a peer.
    Send,
    /// From a peer.
    Data,
    /// Let peers in.
    CreatePermission,
    /// Give a peer a number.
    ChannelBind,
    /// None that is known here; 12 bits.
    Other(u16),
}

/// What an answer has in common with its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// A message where it was received. Nothing of it was copied.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    class: Class,
    method: Method,
    transaction_id: TransactionId,
    bytes: &'a [u8],
    /// Where the attributes end that count: at the first code, at FINGERPRINT, or at the end.
    attributes_end: usize,
    /// Where each code begins.
    sha1: Option<usize>,
    sha256: Option<usize>,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No header of STUN, or not the cookie that came with RFC 5389.
    #[error("this is no STUN message")]
    NotStun,
    /// The header speaks of another length than is there, or of one that is no multiple of 4.
    #[error("the length of the STUN message is wrong")]
    Length,
    /// An attribute does not fit.
    #[error("an attribute is longer than its STUN message")]
    Attribute,
    /// FINGERPRINT is wrong, or not the last.
    #[error("the fingerprint of the STUN message is wrong")]
    Fingerprint,
}

impl<'a> Message<'a> {
    /// Reads a message. It takes one pass and allocates nothing.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(ParseError::NotStun)?;
        let [high, low, length_high, length_low, ..] = *header;
        if high >> 6 != 0 || header[4..8] != MAGIC_COOKIE.to_be_bytes() {
            return Err(ParseError::NotStun);
        }
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        if !length.is_multiple_of(4) || length != bytes.len() - HEADER_BYTES {
            return Err(ParseError::Length);
        }
        let (class, method) = class_and_method(u16::from_be_bytes([high, low]));
        let transaction_id = TransactionId(*header.last_chunk().expect("the header is longer"));
        let mut message = Self {
            class,
            method,
            transaction_id,
            bytes,
            attributes_end: bytes.len(),
            sha1: None,
            sha256: None,
        };
        message.walk()?;
        Ok(message)
    }

    /// Checks where each attribute ends, and finds those that say how much of the message is good.
    fn walk(&mut self) -> Result<(), ParseError> {
        let mut at = HEADER_BYTES;
        while at < self.bytes.len() {
            let (kind, value) = attribute_at(self.bytes, at).ok_or(ParseError::Attribute)?;
            let next = at + 4 + value.len().next_multiple_of(4);
            match kind {
                attribute::FINGERPRINT => {
                    let fingerprint = fingerprint_of(&self.bytes[..at]).to_be_bytes();
                    if next != self.bytes.len() || value != fingerprint {
                        return Err(ParseError::Fingerprint);
                    }
                    self.attributes_end = self.attributes_end.min(at);
                }
                attribute::MESSAGE_INTEGRITY if self.sha1.is_none() && self.sha256.is_none() => {
                    self.sha1 = Some(at);
                    self.attributes_end = at;
                }
                attribute::MESSAGE_INTEGRITY_SHA256 if self.sha256.is_none() => {
                    self.sha256 = Some(at);
                    self.attributes_end = self.attributes_end.min(at);
                }
                _ => {}
            }
            at = next;
        }
        Ok(())
    }

    /// What it is in its transaction.
    pub fn class(&self) -> Class {
        self.class
    }

    /// What it is about.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Which transaction.
    pub fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }

    /// The attributes that count: what stands after a code is not covered by it and is ignored (RFC 8489, section 14.5).
    /// The codes and FINGERPRINT are not among them.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes { bytes: &self.bytes[..self.attributes_end], at: HEADER_BYTES }
    }

    /// The value of the first attribute of this kind.
    pub fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// Where in the message's bytes the value of the first attribute of this kind is, for whoever hands it on in place.
    pub fn range_of(&self, kind: u16) -> Option<Range<usize>> {
        let mut attributes = self.attributes();
        loop {
            let start = attributes.at + 4;
            let (found, value) = attributes.next()?;
            if found == kind {
                return Some(start..start + value.len());
            }
        }
    }

    /// The value of the first attribute of this kind, if it is UTF-8.
    pub fn text(&self, kind: u16) -> Option<&'a str> {
        str::from_utf8(self.attribute(kind)?).ok()
    }

    /// The address in the first attribute of this kind, if it is one.
    pub fn xor_address(&self, kind: u16) -> Option<SocketAddr> {
        attribute::read_xor_address(self.attribute(kind)?, &self.transaction_id)
    }

    /// The addresses in all attributes of this kind; `None` for one that is no address.
    pub fn xor_addresses(&self, kind: u16) -> impl Iterator<Item = Option<SocketAddr>> + use<'a> {
        let transaction_id = self.transaction_id;
        self.attributes()
            .filter(move |(found, _)| *found == kind)
            .map(move |(_, value)| attribute::read_xor_address(value, &transaction_id))
    }

    /// The code and the reason of ERROR-CODE.
    pub fn error(&self) -> Option<(u16, Cow<'a, str>)> {
        let [_, _, class, number, reason @ ..] = self.attribute(attribute::ERROR_CODE)? else { return None };
        // The upper bits are reserved.
        let code = u16::from(class & 0b111) * 100 + u16::from(*number);
        Some((code, String::from_utf8_lossy(reason)))
    }

    /// The kinds that must be understood and are not among `known`, each once, the first
    /// [`UNKNOWN_MAX`] of them.
    pub fn unknown_required(&self, known: &[u16]) -> Vec<u16> {
        let mut unknown = Vec::new();
        for (kind, _) in self.attributes() {
            if kind < attribute::FIRST_OPTIONAL && !known.contains(&kind) && !unknown.contains(&kind) {
                unknown.push(kind);
                if unknown.len() == UNKNOWN_MAX {
                    break;
                }
            }
        }
        unknown
    }

    /// Which code it carries; of both, the stronger one.
    pub fn integrity(&self) -> Option<Integrity> {
        match (self.sha256, self.sha1) {
            (Some(_), _) => Some(Integrity::Sha256),
            (None, Some(_)) => Some(Integrity::Sha1),
            (None, None) => None,
        }
    }

    /// Whether it carries this code, and the code is right under `key`. The time that it takes tells nothing of either.
    pub fn verify(&self, integrity: Integrity, key: &[u8]) -> bool {
        let place = match integrity {
            Integrity::Sha1 => self.sha1,
            Integrity::Sha256 => self.sha256,
        };
        let Some(at) = place else { return false };
        let (_, code) = attribute_at(self.bytes, at).expect("it was found there");
        integrity.verify(key, &self.bytes[..at], code)
    }
}

/// The attributes of a message, each as its kind and its value.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, value) = attribute_at(self.bytes, self.at)?;
        self.at += 4 + value.len().next_multiple_of(4);
        Some((kind, value))
    }
}

/// The attribute that begins at `at`, if it ends within `bytes`. With its padding it then does so too, for the length of a
/// message is a multiple of 4.
fn attribute_at(bytes: &[u8], at: usize) -> Option<(u16, &[u8])> {
    let (head, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    let [kind_high, kind_low, length_high, length_low] = *head;
    let value = rest.get(..usize::from(u16::from_be_bytes([length_high, length_low])))?;
    Some((u16::from_be_bytes([kind_high, kind_low]), value))
}

/// What FINGERPRINT says after `before`, whose header already counts it (RFC 8489, section 14.7).
fn fingerprint_of(before: &[u8]) -> u32 {
    crc32fast::hash(before) ^ 0x5354_554e
}

/// The two are interleaved (RFC 8489, section 5): `MMMMM C MMM C MMMM`.
fn class_and_method(bits: u16) -> (Class, Method) {
    let class = match (bits >> 8 & 1, bits >> 4 & 1) {
        (0, 0) => Class::Request,
        (0, _) => Class::Indication,
        (_, 0) => Class::Success,
        _ => Class::Error,
    };
    let method = match bits & 0x000f | bits >> 1 & 0x0070 | bits >> 2 & 0x0f80 {
        0x001 => Method::Binding,
        0x003 => Method::Allocate,
        0x004 => Method::Refresh,
        0x006 => Method::Send,
        0x007 => Method::Data,
        0x008 => Method::CreatePermission,
        0x009 => Method::ChannelBind,
        other => Method::Other(other),
    };
    (class, method)
}

fn message_type(class: Class, method: Method) -> u16 {
    let class = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    let method = match method {
        Method::Binding => 0x001,
        Method::Allocate => 0x003,
        Method::Refresh => 0x004,
        Method::Send => 0x006,
        Method::Data => 0x007,
        Method::CreatePermission => 0x008,
        Method::ChannelBind => 0x009,
        Method::Other(bits) => bits,
    };
    class | method & 0x000f | (method & 0x0070) << 1 | (method & 0x0f80) << 2
}

/// The length of a message without attributes.
pub const HEADER_BYTES: usize = 20;

/// What tells STUN from what else comes to a port (RFC 8489, section 5).
pub const MAGIC_COOKIE: u32 = 0x2112_a442;

/// More kinds than this are not told of in UNKNOWN-ATTRIBUTES.
pub const UNKNOWN_MAX: usize = 16;

#[cfg(test)]
mod tests;
