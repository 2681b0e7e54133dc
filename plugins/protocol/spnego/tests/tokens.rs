//! Tokens, good ones and each kind of bad one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_spnego::der::{Malformed, Reader, tag};
use postern_spnego::{MAX_TOKEN, ap_req_of};

const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
const WINDOWS: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2];
/// 1.3.6.1.4.1.311.2.2.10.
const NTLM: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = match contents.len() {
        length @ 0..=0x7f => vec![length as u8],
        length @ 0x80..=0xff => vec![0x81, length as u8],
        length => [&[0x82][..], &(length as u16).to_be_bytes()].concat(),
    };
    [&[tag], &length[..], &contents].concat()
}

fn oid(value: &[u8]) -> Vec<u8> {
    element(tag::OBJECT_IDENTIFIER, &[value])
}

fn ap_req() -> Vec<u8> {
    element(tag::application(14), &[&element(tag::SEQUENCE, &[&[2, 1, 5][..]; 60])])
}

fn kerberos(mechanism: &[u8], id: [u8; 2], message: &[u8]) -> Vec<u8> {
    element(tag::application(0), &[&oid(mechanism), &id, message])
}

fn init(mechanisms: &[&[u8]], more: &[Vec<u8>]) -> Vec<u8> {
    let list: Vec<u8> = mechanisms.iter().flat_map(|mechanism| oid(mechanism)).collect();
    let mut fields = element(tag::context(0), &[&element(tag::SEQUENCE, &[&list])]);
    fields.extend(more.concat());
    let choice = element(tag::context(0), &[&element(tag::SEQUENCE, &[&fields])]);
    element(tag::application(0), &[&oid(SPNEGO), &choice])
}

fn token(inner: &[u8]) -> Vec<u8> {
    element(tag::context(2), &[&element(tag::OCTET_STRING, &[inner])])
}

fn good() -> Vec<u8> {
    init(&[KERBEROS, NTLM], &[token(&kerberos(KERBEROS, [1, 0], &ap_req()))])
}

fn judge(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    ap_req_of(&STANDARD.encode(bytes)).map_err(|refusal| refusal.code)
}

#[test]
fn the_ap_req_is_unwrapped() {
    let inner = token(&kerberos(KERBEROS, [1, 0], &ap_req()));
    assert_eq!(judge(&good()), Ok(ap_req()));
    assert_eq!(judge(&init(&[WINDOWS, KERBEROS, NTLM], std::slice::from_ref(&inner))), Ok(ap_req()));
    let flags = element(tag::context(1), &[&element(tag::BIT_STRING, &[&[1, 0]])]);
    let mic = element(tag::context(3), &[&element(tag::OCTET_STRING, &[&[0; 16]])]);
    assert_eq!(judge(&init(&[KERBEROS], &[flags, inner, mic])), Ok(ap_req()));
}

#[test]
fn other_mechanisms_are_not_ours() {
    let unsupported = Err("spnego.mechanism.unsupported");
    assert_eq!(judge(b"NTLMSSP\0\x01\0\0\0"), unsupported);
    let inner = token(&kerberos(KERBEROS, [1, 0], &ap_req()));
    assert_eq!(judge(&init(&[NTLM, KERBEROS], std::slice::from_ref(&inner))), unsupported);
    assert_eq!(judge(&init(&[], &[inner])), unsupported);
    assert_eq!(judge(&init(&[KERBEROS], &[token(b"NTLMSSP\0\x01\0\0\0")])), unsupported);
    assert_eq!(judge(&init(&[KERBEROS, NTLM], &[])), Err("spnego.token.absent"));
}

#[test]
fn what_is_no_token() {
    let malformed = Err("spnego.token.malformed");
    let wrong = Err("spnego.kerberos.malformed");
    assert_eq!(ap_req_of("!").map_err(|refusal| refusal.code), Err("spnego.token.base64"));
    for text in ["AAA", "AA-_", "AAAA\n", " AAAA", "AAB="] {
        assert_eq!(ap_req_of(text).map_err(|refusal| refusal.code), Err("spnego.token.base64"), "{text:?}");
    }
    let long = "A".repeat(MAX_TOKEN + 4);
    assert_eq!(ap_req_of(&long).map_err(|refusal| refusal.code), Err("spnego.token.too-long"));
    assert_eq!(judge(&[]), malformed);
    assert_eq!(judge(&[&good()[..], &[0]].concat()), malformed);
    for length in 0..good().len() {
        assert!(judge(&good()[..length]).is_err(), "cut to {length}");
    }
    assert_eq!(judge(&kerberos(KERBEROS, [1, 0], &ap_req())), malformed, "without SPNEGO around it");
    let many: Vec<&[u8]> = vec![KERBEROS; 17];
    assert_eq!(judge(&init(&many, &[])), malformed);
    let fields = [token(b"1"), token(b"2")];
    assert_eq!(judge(&init(&[KERBEROS], &fields)), malformed, "twice");
    // An AP-REP, an error, another mechanism, more behind it, another message.
    for inner in [
        kerberos(KERBEROS, [2, 0], &ap_req()),
        kerberos(KERBEROS, [3, 0], &ap_req()),
        kerberos(NTLM, [1, 0], &ap_req()),
        [kerberos(KERBEROS, [1, 0], &ap_req()), vec![0]].concat(),
        kerberos(KERBEROS, [1, 0], &[ap_req(), vec![0]].concat()),
        kerberos(KERBEROS, [1, 0], &element(tag::application(12), &[])),
        kerberos(KERBEROS, [1, 0], &[]),
        Vec::new(),
    ] {
        assert_eq!(judge(&init(&[KERBEROS], &[token(&inner)])), wrong);
    }
}

#[test]
fn der_has_one_form() {
    let take = |bytes: &[u8]| Reader::new(bytes).take(4).map(<[u8]>::len);
    assert_eq!(take(&[4, 1, 7]), Ok(1));
    assert_eq!(take(&[[4, 0x81, 0x80].as_slice(), &[0; 128]].concat()), Ok(128));
    for bad in [
        &[][..],
        &[4],
        &[5, 0],
        &[4, 1],
        &[4, 0x80, 0, 0],
        &[4, 0x81, 1, 7],
        &[4, 0x82, 0, 0x81],
        &[4, 0x85, 1, 0, 0, 0, 0],
        &[4, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[4, 0xff],
    ] {
        assert_eq!(take(bad), Err(Malformed), "{bad:?}");
    }
    let integer =
        |digits: &[u8]| Reader::new(&element(tag::context(0), &[&element(2, &[digits])])).integer(0);
    for (digits, value) in [
        (&[0][..], 0),
        (&[127], 127),
        (&[0, 128], 128),
        (&[255], -1),
        (&[0x80, 0], -32_768),
        (&[127; 8], 0x7f7f_7f7f_7f7f_7f7f),
    ] {
        assert_eq!(integer(digits), Ok(value));
    }
    for bad in [&[][..], &[0, 127], &[255, 128], &[1; 9]] {
        assert_eq!(integer(bad), Err(Malformed), "{bad:?}");
    }
}

#[test]
fn times_are_exact() {
    let time =
        |text: &str| Reader::new(&element(tag::context(0), &[&element(0x18, &[text.as_bytes()])])).time(0);
    for (text, seconds) in [
        ("19700101000000Z", 0),
        ("20000229235959Z", 951_868_799),
        ("20261122231500Z", 1_795_389_300),
        ("21000228000000Z", 4_107_456_000),
        ("99991231235959Z", 253_402_300_799),
    ] {
        assert_eq!(time(text), Ok(seconds), "{text}");
    }
    for bad in [
        "",
        "20261122231500",
        "20261122231500.0Z",
        "20261122231500+0100",
        "2026112223150Z",
        "20261322000000Z",
        "20260229000000Z",
        "21000229000000Z",
        "20260100000000Z",
        "20260131240000Z",
        "20260131006000Z",
        "20260131000060Z",
        "19691231235959Z",
        "2026-1-3100000Z",
        "20261122 31500Z",
    ] {
        assert_eq!(time(bad), Err(Malformed), "{bad}");
    }
    let string = |bytes: &[u8]| {
        Reader::new(&element(tag::context(0), &[&element(0x1b, &[bytes])])).string(0).map(str::len)
    };
    assert_eq!(string(b"EXAMPLE.COM"), Ok(11));
    for bad in [&b""[..], b"a\0b", b"a\nb", "ä".as_bytes(), &[b'a'; 256]] {
        assert_eq!(string(bad), Err(Malformed));
    }
}

proptest::proptest! {
    /// What is unwrapped stands in what came.
    #[test]
    fn bytes(at in 0..200_usize, with in proptest::num::u8::ANY) {
        let mut bytes = good();
        let at = at % bytes.len();
        bytes[at] = with;
        if let Ok(found) = judge(&bytes) {
            proptest::prop_assert!(bytes.windows(found.len()).any(|part| part == found));
        }
    }
}
