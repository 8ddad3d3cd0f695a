//! Known answers: the samples of RFC 5769, each read, and written again byte for byte; and answers of Python's hashlib and hmac
//! where the standards have none.

use super::*;

/// RFC 5769, section 2.1: a request with a short-term credential.
const REQUEST: &str = "
    00010058 2112a442 b7e7a701bc34d686fa87dfae
    80220010 5354554e207465737420636c69656e74
    00240004 6e0001ff
    80290008 932ff9b151263b36
    00060009 6576746a3a68367659 202020
    00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    80280004 e57a3bcf";

/// RFC 5769, section 2.2: an answer with an IPv4 address.
const RESPONSE_V4: &str = "
    0101003c 2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f72 20
    00200008 0001a147e112a643
    00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
    80280004 c07d4c96";

/// RFC 5769, section 2.3: an answer with an IPv6 address.
const RESPONSE_V6: &str = "
    01010048 2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f72 20
    00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
    80280004 c8fb0b4c";

/// RFC 5769, section 2.4: a request with a long-term credential.
const LONG_TERM_REQUEST: &str = "
    00010060 2112a442 78ad3433c6ad72c029da412e
    00060012 e3839ee38388e383aae38383e382afe382b9 0000
    0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
    0014000b 6578616d706c652e6f7267 00
    00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666";

/// The sample of RFC 8489, appendix B.1, up to the code. Its header counts itself; here the length is right, and the code was
/// made again with Python's hmac.
const USERHASH_REQUEST: &str = "
    00010088 2112a442 78ad3433c6ad72c029da412e
    001e0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704
    00150029 6f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341 000000
    0014000b 6578616d706c652e6f7267 00";

/// The password of sections 2.1 to 2.3.
const SHORT_TERM_PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

/// The name of section 2.4, and of appendix B.1.
const USERNAME: &str = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}";

/// Their password, normalised.
const PASSWORD: &str = "TheMatrIX";

const REALM: &str = "example.org";

fn short_term_id() -> TransactionId {
    TransactionId(hex("b7e7a701bc34d686fa87dfae").try_into().expect("twelve bytes"))
}

fn long_term_id() -> TransactionId {
    TransactionId(hex("78ad3433c6ad72c029da412e").try_into().expect("twelve bytes"))
}

#[test]
fn the_sample_request_is_read_and_written() {
    let bytes = hex(REQUEST);
    let message = Message::parse(&bytes).expect("good");
    assert_eq!((message.class(), message.method()), (Class::Request, Method::Binding));
    assert_eq!(message.transaction_id(), short_term_id());
    assert_eq!(message.text(attribute::SOFTWARE), Some("STUN test client"));
    assert_eq!(message.attribute(PRIORITY), Some(&hex("6e0001ff")[..]));
    assert_eq!(message.attribute(ICE_CONTROLLED), Some(&hex("932ff9b151263b36")[..]));
    assert_eq!(message.text(attribute::USERNAME), Some("evtj:h6vY"));
    assert_eq!(message.unknown_required(&[attribute::USERNAME]), [PRIORITY]);
    assert_eq!(message.integrity(), Some(Integrity::Sha1));
    assert!(message.verify(Integrity::Sha1, SHORT_TERM_PASSWORD));
    let written = Builder::new(Class::Request, Method::Binding, short_term_id())
        .text(attribute::SOFTWARE, "STUN test client")
        .attribute(PRIORITY, &hex("6e0001ff"))
        .attribute(ICE_CONTROLLED, &hex("932ff9b151263b36"))
        .text(attribute::USERNAME, "evtj:h6vY")
        .pad_last_with(b' ', 3)
        .sign(Integrity::Sha1, SHORT_TERM_PASSWORD)
        .fingerprint();
    assert_eq!(written.finish(), bytes);
}

#[test]
fn the_sample_responses_are_read_and_written() {
    for (text, address) in
        [(RESPONSE_V4, "192.0.2.1:32853"), (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let bytes = hex(text);
        let address = address.parse().expect(address);
        let message = Message::parse(&bytes).expect("good");
        assert_eq!((message.class(), message.method()), (Class::Success, Method::Binding));
        assert_eq!(message.text(attribute::SOFTWARE), Some("test vector"));
        assert_eq!(message.xor_address(attribute::XOR_MAPPED_ADDRESS), Some(address));
        assert!(message.verify(Integrity::Sha1, SHORT_TERM_PASSWORD));
        let written = Builder::new(Class::Success, Method::Binding, short_term_id())
            .text(attribute::SOFTWARE, "test vector")
            .pad_last_with(b' ', 1)
            .xor_address(attribute::XOR_MAPPED_ADDRESS, address)
            .sign(Integrity::Sha1, SHORT_TERM_PASSWORD)
            .fingerprint();
        assert_eq!(written.finish(), bytes);
    }
}

#[test]
fn the_sample_long_term_request_is_read_and_written() {
    let bytes = hex(LONG_TERM_REQUEST);
    let key = LongTermKey::md5(USERNAME, REALM, PASSWORD);
    let message = Message::parse(&bytes).expect("good");
    assert_eq!(message.text(attribute::USERNAME), Some(USERNAME));
    assert_eq!(message.text(attribute::NONCE), Some("f//499k954d6OL34oL9FSTvy64sA"));
    assert_eq!(message.text(attribute::REALM), Some(REALM));
    assert!(message.verify(Integrity::Sha1, key.bytes()));
    assert!(!message.verify(Integrity::Sha256, key.bytes()), "it carries no such code");
    let written = Builder::new(Class::Request, Method::Binding, long_term_id())
        .text(attribute::USERNAME, USERNAME)
        .text(attribute::NONCE, "f//499k954d6OL34oL9FSTvy64sA")
        .text(attribute::REALM, REALM)
        .sign(Integrity::Sha1, key.bytes());
    assert_eq!(written.finish(), bytes);
}

#[test]
fn sha256_signs_as_other_tools_do() {
    let key = LongTermKey::sha256(USERNAME, REALM, PASSWORD);
    assert_eq!(key.bytes(), hex("dd295a613b9058c3c23d6dc7165bda072304d989c9d0af3a8c7e184b4f9bb4a1"));
    let before = hex(USERHASH_REQUEST);
    let code = hex("234112fbd4e27f983eb4032836f998216f5b23f8d927753fbc4f882bfbdf0dec");
    let bytes = [&before[..], &hex("001c0020"), &code].concat();
    let message = Message::parse(&bytes).expect("good");
    assert_eq!(message.integrity(), Some(Integrity::Sha256));
    assert!(message.verify(Integrity::Sha256, key.bytes()));
    assert_eq!(userhash_request().sign(Integrity::Sha256, key.bytes()).finish(), bytes);
}

#[test]
fn both_codes_sign_as_other_tools_do() {
    let key = LongTermKey::md5(USERNAME, REALM, PASSWORD);
    assert_eq!(key.bytes(), hex("e8ca7ad59d5eb0518e312911d2dab2a9"));
    let written = userhash_request().sign(Integrity::Sha1, key.bytes()).sign(Integrity::Sha256, key.bytes());
    let bytes = written.finish();
    let codes = hex(
        "00080014 70bd10436d9a0febd068e3c64368c25b01f33fe4 001c0020 f2a5d0846d55c19ed4123c8c1849bf9329f3d833d594ffdf2bb81b6997df6869",
    );
    assert_eq!(bytes[hex(USERHASH_REQUEST).len()..], codes);
    let message = Message::parse(&bytes).expect("good");
    assert!(message.verify(Integrity::Sha1, key.bytes()));
    assert!(message.verify(Integrity::Sha256, key.bytes()));
}

fn userhash_request() -> Builder {
    Builder::new(Class::Request, Method::Binding, long_term_id())
        .attribute(
            attribute::USERHASH,
            &hex("4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704"),
        )
        .text(attribute::NONCE, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")
        .text(attribute::REALM, REALM)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|one| !one.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).expect("digits");
    digits.chunks(2).map(byte).collect()
}

/// PRIORITY and ICE-CONTROLLED (RFC 8445, section 16.1) are none of a relay's business.
const PRIORITY: u16 = 0x0024;
const ICE_CONTROLLED: u16 = 0x8029;
