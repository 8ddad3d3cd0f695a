//! What the standards say about messages that are not plain.

use super::*;

fn request() -> Builder {
    Builder::new(Class::Request, Method::Allocate, ID)
}

fn parse_error(bytes: &[u8]) -> Option<ParseError> {
    Message::parse(bytes).err()
}

/// The message with this attribute after all others, and a length that counts it.
fn with_attribute(bytes: &[u8], kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
    bytes.extend_from_slice(value);
    let length = u16::try_from(bytes.len() - HEADER_BYTES).expect("short");
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

#[test]
fn what_has_no_header_of_stun_is_no_message() {
    let bytes = request().finish();
    assert_eq!(bytes.len(), HEADER_BYTES);
    for length in 0..HEADER_BYTES {
        assert_eq!(parse_error(&bytes[..length]), Some(ParseError::NotStun));
    }
    for place in [0, 4, 5, 6, 7] {
        let mut other = bytes.clone();
        other[place] ^= 0x40;
        assert_eq!(parse_error(&other), Some(ParseError::NotStun), "{place}");
    }
}

#[test]
fn the_length_must_be_what_is_there() {
    let bytes = request().text(attribute::SOFTWARE, "callbox").finish();
    assert_eq!(parse_error(&bytes), None);
    assert_eq!(parse_error(&bytes[..bytes.len() - 1]), Some(ParseError::Length));
    assert_eq!(parse_error(&[&bytes[..], &[0; 4]].concat()), Some(ParseError::Length));
    let mut unaligned = request().finish();
    unaligned.extend_from_slice(&[0; 2]);
    unaligned[3] = 2;
    assert_eq!(parse_error(&unaligned), Some(ParseError::Length));
}

#[test]
fn an_attribute_must_end_within_its_message() {
    let mut bytes = request().text(attribute::SOFTWARE, "box").finish();
    // The padding of the last attribute is part of the message.
    for (length, error) in
        [(1, None), (4, None), (5, Some(ParseError::Attribute)), (255, Some(ParseError::Attribute))]
    {
        bytes[HEADER_BYTES + 3] = length;
        assert_eq!(parse_error(&bytes), error, "{length}");
    }
}

#[test]
fn what_comes_after_a_code_does_not_count() {
    let signed = request().text(attribute::REALM, "callbox").sign(Integrity::Sha1, b"key").finish();
    let bytes = with_attribute(&signed, attribute::USERNAME, b"eve!");
    let message = Message::parse(&bytes).expect("good");
    assert_eq!(message.attribute(attribute::USERNAME), None);
    assert_eq!(message.attributes().map(|(kind, _)| kind).collect::<Vec<_>>(), [attribute::REALM]);
    assert!(message.unknown_required(&[attribute::REALM]).is_empty());
    assert!(message.verify(Integrity::Sha1, b"key"));
    // Not even another code, but for the stronger one.
    let bytes = with_attribute(&bytes, attribute::MESSAGE_INTEGRITY, &[0; 20]);
    assert!(Message::parse(&bytes).is_ok_and(|message| message.verify(Integrity::Sha1, b"key")));
    let stronger = request().sign(Integrity::Sha256, b"key").sign(Integrity::Sha1, b"key").finish();
    let message = Message::parse(&stronger).expect("good");
    assert_eq!(message.integrity(), Some(Integrity::Sha256));
    assert!(message.verify(Integrity::Sha256, b"key"));
    assert!(!message.verify(Integrity::Sha1, b"key"), "the weaker one after it does not count");
}

#[test]
fn a_code_that_was_cut_short_is_wrong() {
    let whole = request().sign(Integrity::Sha256, b"key").finish();
    let (code, kind) = (&whole[whole.len() - 32..], attribute::MESSAGE_INTEGRITY_SHA256);
    for length in [0, 4, 16, 28] {
        let bytes = with_attribute(&request().finish(), kind, &code[..length]);
        let message = Message::parse(&bytes).expect("good");
        assert_eq!(message.integrity(), Some(Integrity::Sha256));
        assert!(!message.verify(Integrity::Sha256, b"key"), "{length}");
    }
    let bytes = with_attribute(&request().finish(), kind, code);
    assert!(Message::parse(&bytes).expect("good").verify(Integrity::Sha256, b"key"));
    let bytes = with_attribute(&request().finish(), attribute::MESSAGE_INTEGRITY, &[]);
    assert!(!Message::parse(&bytes).expect("good").verify(Integrity::Sha1, b"key"));
}

#[test]
fn a_fingerprint_must_be_right_and_the_last() {
    let bytes = request().text(attribute::REALM, "callbox").fingerprint().finish();
    assert_eq!(parse_error(&bytes), None);
    assert_eq!(Message::parse(&bytes).map(|message| message.attributes().count()), Ok(1));
    for place in [3, 12, 30, bytes.len() - 1] {
        let mut other = bytes.clone();
        other[place] ^= 0x80;
        assert!(parse_error(&other).is_some(), "{place}");
    }
    let mut other = bytes.clone();
    *other.last_mut().expect("there") ^= 1;
    assert_eq!(parse_error(&other), Some(ParseError::Fingerprint));
    let more = request().fingerprint().text(attribute::REALM, "callbox").finish();
    assert_eq!(parse_error(&more), Some(ParseError::Fingerprint));
    // Even if it counts what follows.
    let mut counting = request().finish();
    counting[3] = 8 + 4;
    let fingerprint = fingerprint_of(&counting).to_be_bytes();
    let last = with_attribute(&counting, attribute::FINGERPRINT, &fingerprint);
    let more = with_attribute(&last, attribute::SOFTWARE, &[]);
    assert_eq!(more[3], counting[3]);
    assert_eq!(parse_error(&more), Some(ParseError::Fingerprint));
    let short = with_attribute(&request().finish(), attribute::FINGERPRINT, &[]);
    assert_eq!(parse_error(&short), Some(ParseError::Fingerprint));
}

#[test]
fn unknown_attributes_are_told_of_once_and_not_without_end() {
    let bytes = request()
        .attribute(0x7fff, b"")
        .attribute(attribute::EVEN_PORT, &[0])
        .attribute(0x7fff, b"")
        .attribute(0x8000, b"")
        .attribute(attribute::REALM, b"")
        .finish();
    let message = Message::parse(&bytes).expect("good");
    assert_eq!(message.unknown_required(&[attribute::REALM]), [0x7fff, attribute::EVEN_PORT]);
    let many = (0x100..0x200).fold(request(), |builder, kind| builder.attribute(kind, b"")).finish();
    let unknown = Message::parse(&many).expect("good").unknown_required(&[]);
    assert_eq!(unknown, (0x100..0x110).collect::<Vec<_>>());
    assert_eq!(unknown.len(), UNKNOWN_MAX);
}

#[test]
fn values_of_another_form_are_none() {
    let bytes = request()
        .attribute(attribute::REALM, b"\xff")
        .attribute(attribute::ERROR_CODE, &[0, 0, 4])
        .attribute(attribute::XOR_MAPPED_ADDRESS, &[0, 3, 0, 0, 0, 0, 0, 0])
        .attribute(attribute::XOR_RELAYED_ADDRESS, &[0, 2, 0, 0, 0, 0, 0, 0])
        .xor_address(attribute::XOR_PEER_ADDRESS, peer())
        .attribute(attribute::XOR_PEER_ADDRESS, &[])
        .finish();
    let message = Message::parse(&bytes).expect("good");
    assert_eq!(message.text(attribute::REALM), None);
    assert_eq!(message.attribute(attribute::REALM), Some(&[0xff][..]));
    assert_eq!(message.error(), None);
    assert_eq!(message.xor_address(attribute::XOR_MAPPED_ADDRESS), None, "no such family");
    assert_eq!(message.xor_address(attribute::XOR_RELAYED_ADDRESS), None, "too short for its family");
    let peers: Vec<_> = message.xor_addresses(attribute::XOR_PEER_ADDRESS).collect();
    assert_eq!(peers, [Some(peer()), None]);
}

#[test]
fn an_error_has_a_code_and_may_have_a_reason() {
    for (code, reason, value) in [(401, "", &[0, 0, 4, 1][..]), (699, "no", &[0, 0, 6, 99, b'n', b'o'])] {
        let bytes = Builder::new(Class::Error, Method::Allocate, ID).error(code, reason).finish();
        let message = Message::parse(&bytes).expect("good");
        assert_eq!(message.error(), Some((code, reason.into())));
        assert_eq!(message.attribute(attribute::ERROR_CODE), Some(value));
    }
}

#[test]
fn keys_show_nothing() {
    let keys =
        (LongTermKey::md5("ann", "callbox", "secret"), LongTermKey::sha256("ann", "callbox", "secret"));
    assert_eq!(format!("{keys:?}"), "(LongTermKey([redacted]), LongTermKey([redacted]))");
    assert_eq!((keys.0.bytes().len(), keys.1.bytes().len()), (16, 32));
}
