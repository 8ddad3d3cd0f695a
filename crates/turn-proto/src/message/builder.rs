//! Writing messages.

use std::net::SocketAddr;

use super::attribute::{self, xor_address_value};
use super::{
    Class, HEADER_BYTES, Integrity, MAGIC_COOKIE, Method, TransactionId, fingerprint_of, message_type,
};

/// A message that is being written, attribute by attribute.
///
/// # Panics
///
/// Every method does so where the message would grow beyond the 65,535 bytes that its header can tell of.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    bytes: Vec<u8>,
    transaction_id: TransactionId,
}

impl Builder {
    /// A message without attributes.
    pub fn new(class: Class, method: Method, transaction_id: TransactionId) -> Self {
        let mut bytes = Vec::with_capacity(CAPACITY);
        bytes.extend_from_slice(&message_type(class, method).to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        bytes.extend_from_slice(&transaction_id.0);
        Self { bytes, transaction_id }
    }

    /// Adds an attribute.
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).expect("a value within a datagram");
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.write_length(self.bytes.len());
        self
    }

    /// Adds an attribute that holds text.
    pub fn text(self, kind: u16, value: &str) -> Self {
        self.attribute(kind, value.as_bytes())
    }

    /// Adds an attribute that holds an address under the cookie.
    pub fn xor_address(self, kind: u16, address: SocketAddr) -> Self {
        let (value, bytes) = xor_address_value(address, &self.transaction_id);
        self.attribute(kind, &value[..bytes])
    }

    /// Adds ERROR-CODE. The reason is for people, and may be empty.
    pub fn error(self, code: u16, reason: &str) -> Self {
        let class = u8::try_from(code / 100).expect("a code of three digits");
        let number = u8::try_from(code % 100).expect("two digits");
        let mut value = Vec::with_capacity(4 + reason.len());
        value.extend_from_slice(&[0, 0, class, number]);
        value.extend_from_slice(reason.as_bytes());
        self.attribute(attribute::ERROR_CODE, &value)
    }

    /// Signs all attributes that were added so far. Only FINGERPRINT may come after it, and the other code.
    pub fn sign(self, integrity: Integrity, key: &[u8]) -> Self {
        let (code, bytes) = integrity.code(key, &self.bytes);
        self.attribute(integrity.attribute(), &code[..bytes])
    }

    /// Adds FINGERPRINT, which must be the last.
    pub fn fingerprint(mut self) -> Self {
        self.write_length(self.bytes.len() + 8);
        let fingerprint = fingerprint_of(&self.bytes);
        self.attribute(attribute::FINGERPRINT, &fingerprint.to_be_bytes())
    }

    /// The message.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn write_length(&mut self, total: usize) {
        let length = u16::try_from(total - HEADER_BYTES).expect("a message within a datagram");
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// Room for a usual answer, so that it is allocated once.
const CAPACITY: usize = 160;

#[cfg(test)]
impl Builder {
    /// Pads the last attribute as the vectors of RFC 5769 do, which shows that the value of padding does not matter.
    pub(super) fn pad_last_with(mut self, byte: u8, count: usize) -> Self {
        let padding = self.bytes.len() - count..;
        self.bytes[padding].fill(byte);
        self
    }
}
