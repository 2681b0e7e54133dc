//! What is refused, each with its code. The last line demands that every code of the rules is shown here.

use std::collections::BTreeSet;
use std::path::Path;
use std::slice::from_ref;

use postern_refusal::Refusal;
use postern_software_authenticator::{
    Answer, Attestation, BACKED_UP, EXTENSIONS, PRESENT, VERIFIED, attestation_object, cbor, registered,
};
use postern_webauthn::{Expected, Record};

use crate::scene::{
    CHALLENGE, NOBODY, ORIGIN, RP_ID, assert, asserting, codes, expected, passkey, record_of, register,
    registering,
};

fn code<T: core::fmt::Debug>(result: Result<T, Refusal>) -> &'static str {
    result.expect_err("refused").code
}

/// What is wrong, how it is made, and the code.
type Spoiled = (&'static str, fn(&mut Answer), &'static str);

/// Of both ceremonies alike: what a change of the answer is refused with.
const BOTH: &[Spoiled] = &[
    (
        "a list",
        |answer| {
            let members: std::collections::BTreeMap<String, serde_json::Value> =
                serde_json::from_str(&answer.client_data).unwrap();
            let list = ["type", "challenge", "origin"].map(|name| members[name].to_string());
            answer.client_data = format!("[{},false,null,null]", list.join(","));
        },
        "webauthn.client-data.malformed",
    ),
    ("no JSON", |answer| answer.client_data = "{".into(), "webauthn.client-data.malformed"),
    (
        "no challenge",
        |answer| answer.client_data = r#"{"type":"webauthn.get"}"#.into(),
        "webauthn.client-data.malformed",
    ),
    (
        "a member twice",
        |answer| again(answer, "\"origin\":\"https://sso.example.com\""),
        "webauthn.client-data.malformed",
    ),
    (
        "a byte order mark",
        |answer| answer.client_data.insert(0, '\u{feff}'),
        "webauthn.client-data.malformed",
    ),
    ("too much", |answer| answer.client_data.push_str(&" ".repeat(5_000)), "webauthn.client-data.malformed"),
    ("another type", |answer| replace(answer, "\"webauthn.", "\"payment."), "webauthn.client-data.type"),
    (
        "another challenge",
        |answer| replace(answer, "\"challenge\":\"Bw", "\"challenge\":\"Cw"),
        "webauthn.challenge.mismatch",
    ),
    (
        "a shorter challenge",
        |answer| replace(answer, "\"challenge\":\"Bw", "\"challenge\":\""),
        "webauthn.challenge.mismatch",
    ),
    (
        "another origin",
        |answer| replace(answer, ORIGIN, "https://sso.example.com.evil.example"),
        "webauthn.origin.mismatch",
    ),
    (
        "an origin with a slash",
        |answer| replace(answer, ORIGIN, "https://sso.example.com/"),
        "webauthn.origin.mismatch",
    ),
    ("a plain origin", |answer| replace(answer, "https://", "http://"), "webauthn.origin.mismatch"),
    (
        "a frame",
        |answer| replace(answer, "\"crossOrigin\":false", "\"crossOrigin\":true"),
        "webauthn.origin.cross",
    ),
    (
        "a page around it",
        |answer| again(answer, "\"topOrigin\":\"https://evil.example\""),
        "webauthn.origin.cross",
    ),
    (
        "token binding",
        |answer| again(answer, "\"tokenBinding\":{\"status\":\"present\",\"id\":\"x\"}"),
        "webauthn.token-binding.unsupported",
    ),
    ("another relying party", |answer| answer.authenticator_data[0] ^= 1, "webauthn.rp-id.mismatch"),
    ("nobody there", |answer| answer.authenticator_data[32] &= !PRESENT, "webauthn.user.absent"),
    ("an unknown user", |answer| answer.authenticator_data[32] &= !VERIFIED, "webauthn.user.unverified"),
    (
        "backed up without being able to",
        |answer| answer.authenticator_data[32] |= BACKED_UP,
        "webauthn.backup.inconsistent",
    ),
    ("a reserved flag", |answer| answer.authenticator_data[32] |= 2, "webauthn.authenticator-data.malformed"),
    ("cut short", |answer| answer.authenticator_data.truncate(36), "webauthn.authenticator-data.malformed"),
    ("more than all", |answer| answer.authenticator_data.push(0), "webauthn.authenticator-data.malformed"),
    ("another id", |answer| answer.id[0] ^= 1, "webauthn.credential-id.mismatch"),
    ("no id", |answer| answer.id.clear(), "webauthn.answer.malformed"),
    ("a long id", |answer| answer.id = vec![1; 1_024], "webauthn.answer.malformed"),
];

fn replace(answer: &mut Answer, from: &str, to: &str) {
    assert!(answer.client_data.contains(from), "{}", answer.client_data);
    answer.client_data = answer.client_data.replace(from, to);
}

/// One member more.
fn again(answer: &mut Answer, member: &str) {
    answer.client_data = answer.client_data.replacen('{', &format!("{{{member},"), 1);
}

/// What a change of authenticator data is refused with when it registers.
const REGISTRATIONS: &[Spoiled] = &[
    (
        "no credential",
        |answer| {
            answer.authenticator_data.truncate(37);
            answer.authenticator_data[32] = PRESENT | VERIFIED;
        },
        "webauthn.credential.absent",
    ),
    (
        "an empty id",
        |answer| answer.authenticator_data[53..55].copy_from_slice(&[0, 0]),
        "webauthn.credential-id.malformed",
    ),
    (
        "an id too long",
        |answer| answer.authenticator_data[53..55].copy_from_slice(&[4, 0]),
        "webauthn.credential-id.malformed",
    ),
    (
        "extensions that are no map",
        |answer| {
            answer.authenticator_data[32] |= EXTENSIONS;
            answer.authenticator_data.extend(cbor::text("x"));
        },
        "webauthn.authenticator-data.malformed",
    ),
    (
        "extensions that are announced only",
        |answer| answer.authenticator_data[32] |= EXTENSIONS,
        "webauthn.cbor.malformed",
    ),
];

/// Keys that are none, by the bytes of their CBOR.
fn keys() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let number = cbor::number;
    let ec = |curve: i64, x: &[u8], y: &[u8]| {
        cbor::map(&[
            (number(1), number(2)),
            (number(3), number(-7)),
            (number(-1), number(curve)),
            (number(-2), cbor::bytes(x)),
            (number(-3), cbor::bytes(y)),
        ])
    };
    let rsa = |n: &[u8], e: &[u8]| {
        cbor::map(&[
            (number(1), number(3)),
            (number(3), number(-257)),
            (number(-1), cbor::bytes(n)),
            (number(-2), cbor::bytes(e)),
        ])
    };
    let of = |alg: i64| cbor::map(&[(number(1), number(2)), (number(3), number(alg))]);
    let mut odd = vec![0xff; 256];
    odd[255] = 1;
    let deep = (0..6).fold(number(1), |inner, _| cbor::array(&[inner]));
    let malformed = "webauthn.key.malformed";
    vec![
        ("P-384", ec(2, &[1; 32], &[1; 32]), malformed),
        ("a short coordinate", ec(1, &[1; 31], &[1; 32]), malformed),
        ("a compressed point", of(-7), malformed),
        ("no map", number(1), malformed),
        ("RSA of 1,024 bits", rsa(&odd[128..], &[1, 0, 1]), malformed),
        ("RSA with exponent 3", rsa(&odd, &[3]), malformed),
        ("an even modulus", rsa(&[0xfe; 256], &[1, 0, 1]), malformed),
        ("a leading zero", rsa(&[&[0], &odd[..]].concat(), &[1, 0, 1]), malformed),
        ("HMAC", of(5), "webauthn.algorithm.not-allowed"),
        ("RS1", of(-65_535), "webauthn.algorithm.not-allowed"),
        ("ES512", of(-36), "webauthn.algorithm.not-allowed"),
        ("a long head", [&[0xb8, 0x01][..], &number(1), &number(2)].concat(), "webauthn.cbor.not-canonical"),
        (
            "keys out of order",
            cbor::map(&[(number(3), number(-7)), (number(1), number(2))]),
            "webauthn.cbor.not-canonical",
        ),
        (
            "a key twice",
            cbor::map(&[(number(1), number(2)), (number(1), number(2))]),
            "webauthn.cbor.not-canonical",
        ),
        ("a tag", vec![0xc0, 0x01], "webauthn.cbor.not-canonical"),
        ("a float", vec![0xf9, 0x3c, 0x00], "webauthn.cbor.not-canonical"),
        ("undefined", vec![0xf7], "webauthn.cbor.not-canonical"),
        ("indefinite bytes", vec![0x5f, 0x41, 0x01, 0xff], "webauthn.cbor.not-canonical"),
        ("an indefinite map", vec![0xbf, 0xff], "webauthn.cbor.not-canonical"),
        ("a break", vec![0xff], "webauthn.cbor.not-canonical"),
        ("cut short", vec![0x58], "webauthn.cbor.malformed"),
        ("a reserved head", vec![0x1c], "webauthn.cbor.malformed"),
        ("no UTF-8", vec![0x61, 0xff], "webauthn.cbor.malformed"),
        (
            "longer than all",
            vec![0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            "webauthn.cbor.malformed",
        ),
        ("deep", deep, "webauthn.cbor.too-deep"),
        ("wide", cbor::array(&vec![number(1); 200]), "webauthn.cbor.too-deep"),
    ]
}

fn attestation_objects(data: &[u8]) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let statement = |members: &[(&str, Vec<u8>)]| {
        let members: Vec<_> = members.iter().map(|(key, value)| (cbor::text(key), value.clone())).collect();
        cbor::map(&members)
    };
    let (alg, sig) = (("alg", cbor::number(-7)), ("sig", cbor::bytes(&[1; 70])));
    let x5c = |items: &[Vec<u8>]| statement(&[alg.clone(), sig.clone(), ("x5c", cbor::array(items))]);
    let malformed = "webauthn.attestation.malformed";
    let object = |format: &str, statement: &[u8]| attestation_object(format, statement, data);
    vec![
        ("no map", cbor::array(&[]), malformed),
        ("one member more", cbor::map(&[(cbor::text("a"), cbor::number(1))]), malformed),
        ("none that says something", object("none", &statement(from_ref(&alg))), malformed),
        ("packed that says nothing", object("packed", &statement(&[])), malformed),
        (
            "packed with ecdaaKeyId",
            object("packed", &statement(&[alg.clone(), sig.clone(), ("ecdaaKeyId", cbor::bytes(&[1]))])),
            malformed,
        ),
        ("no certificate", object("packed", &x5c(&[])), malformed),
        ("many certificates", object("packed", &x5c(&vec![cbor::bytes(&[1]); 6])), malformed),
        ("a certificate that is text", object("packed", &x5c(&[cbor::text("x")])), malformed),
        (
            "a certificate that is none",
            object("packed", &x5c(&[cbor::bytes(&[1])])),
            "webauthn.attestation.certificate",
        ),
        ("another format", object("android-safetynet", &statement(&[])), "webauthn.attestation.format"),
        (
            "a signature of nobody",
            object("packed", &statement(&[alg.clone(), sig.clone()])),
            "webauthn.attestation.mismatch",
        ),
        (
            "another algorithm than the key's",
            object("packed", &statement(&[("alg", cbor::number(-8)), sig])),
            "webauthn.attestation.mismatch",
        ),
        ("more after it", [object("none", &statement(&[])), vec![0]].concat(), "webauthn.cbor.malformed"),
        ("too large", cbor::bytes(&[0; 17_000]), "webauthn.cbor.too-large"),
    ]
}

#[test]
fn each_with_its_code() {
    for (name, change, expected) in BOTH {
        assert_eq!(code(registering(change)), *expected, "registration: {name}");
        assert_eq!(code(asserting(change)), *expected, "assertion: {name}");
    }
    for (name, change, expected) in REGISTRATIONS {
        assert_eq!(code(registering(change)), *expected, "{name}");
    }
    for (name, key, expected) in keys() {
        let refused = registering(|answer| {
            answer.authenticator_data.truncate(55 + 32);
            answer.authenticator_data.extend(&key);
        });
        assert_eq!(code(refused), expected, "{name}");
    }
    let mut passkey = passkey();
    let answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
    for (name, object, wanted) in attestation_objects(&answer.authenticator_data) {
        assert_eq!(code(register(&registered(&answer, &object), &expected(), &NOBODY)), wanted, "{name}");
    }
    answers();
    assertions();
    crate::certificates::refused();
    crate::options::refused();
    every_code_is_shown();
}

/// The JSON around it.
fn answers() {
    let mut passkey = passkey();
    let answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
    let good = passkey.attested(&answer, &Attestation::None);
    for (from, to) in [
        ("\"public-key\"", "\"password\""),
        ("{", "{\"extra\":1,"),
        ("\"type\":", "\"type\":\"public-key\",\"type\":"),
        ("\"id\":\"", "\"id\":\"="),
        ("\"attestationObject\":\"", "\"attestationObject\":\" "),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert_eq!(code(register(&bad, &expected(), &NOBODY)), "webauthn.answer.malformed", "{to}");
    }
    for bad in ["", "null", "[]", &good.repeat(2), &format!("{good}{}", " ".repeat(30_000))] {
        assert_eq!(code(register(bad, &expected(), &NOBODY)), "webauthn.answer.malformed");
    }
}

/// What only an assertion can get wrong.
fn assertions() {
    let mut passkey = passkey();
    let record = record_of(&mut passkey);
    let answer = passkey.assertion(&CHALLENGE, RP_ID, ORIGIN);
    let good = passkey.signed(&answer);
    let of = |record: &Record| assert(&good, &expected(), &[], record);
    assert!(of(&record).is_ok());

    let others = [vec![1; 32], vec![2; 32]];
    assert_eq!(code(assert(&good, &expected(), &others, &record)), "webauthn.credential.not-allowed");
    let other = Record { id: vec![1; 32], ..record.clone() };
    assert_eq!(code(of(&other)), "webauthn.credential-id.mismatch");
    let other = Record { user_handle: vec![4; 32], ..record.clone() };
    assert_eq!(code(of(&other)), "webauthn.user-handle.mismatch");
    let unnamed = Answer { user_handle: None, ..answer.clone() };
    let refused = assert(&passkey.signed(&unnamed), &expected(), &[], &record);
    assert_eq!(code(refused), "webauthn.user-handle.absent");
    // The flag AT, with what belongs to it.
    let attested = passkey.registration(&CHALLENGE, RP_ID, ORIGIN).authenticator_data;
    let attested = Answer { authenticator_data: attested, ..answer.clone() };
    let refused = assert(&passkey.signed(&attested), &expected(), &[], &record);
    assert_eq!(code(refused), "webauthn.authenticator-data.unexpected");
    let synchronised = Record { is_backup_eligible: true, ..record.clone() };
    assert_eq!(code(of(&synchronised)), "webauthn.backup.changed");
    let only = Expected { algorithms: &crate::scene::ALGORITHMS[1..], ..expected() };
    assert_eq!(code(assert(&good, &only, &[], &record)), "webauthn.algorithm.not-allowed");

    // Signatures.
    let mut stranger = crate::scene::passkey();
    stranger.id.clone_from(&passkey.id);
    assert_eq!(
        code(assert(&stranger.signed(&answer), &expected(), &[], &record)),
        "webauthn.signature.mismatch"
    );
    let mut spoiled = answer.clone();
    spoiled.authenticator_data[36] ^= 1;
    let signature = |json: &str| {
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        json["response"]["signature"].as_str().unwrap().to_owned()
    };
    let moved = passkey.signed(&spoiled);
    let moved = moved.replace(&signature(&moved), &signature(&good));
    for bad in [moved, good.replace(&signature(&good), ""), good.replace(&signature(&good), "MAA")] {
        assert_eq!(code(assert(&bad, &expected(), &[], &record)), "webauthn.signature.mismatch");
    }

    // Counters.
    for (kept, is_good) in [(0, true), (1, false), (2, false), (u32::MAX, false)] {
        let kept = Record { counter: kept, ..record.clone() };
        let done = of(&kept);
        assert_eq!(done.is_ok(), is_good, "{}", kept.counter);
        if let Err(refusal) = done {
            assert_eq!(refusal.code, "webauthn.counter.regression");
        }
    }
    let mut silent = answer;
    silent.authenticator_data[33..37].copy_from_slice(&[0; 4]);
    let kept = Record { counter: 5, ..record };
    let refused = assert(&passkey.signed(&silent), &expected(), &[], &kept);
    assert_eq!(code(refused), "webauthn.counter.regression", "it counted before");
}

fn every_code_is_shown() {
    let shown: BTreeSet<String> = codes().into_iter().map(Into::into).collect();
    let mut known = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut known);
    assert!(known.len() > 30, "{known:?}");
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(missing.is_empty(), "codes that nothing here is refused with: {missing:?}");
}

fn collect(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), codes);
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let literals = code.flat_map(|line| line.split('"').skip(1).step_by(2));
        let is_code = |text: &&str| {
            text.starts_with("webauthn.") && text.matches('.').count() == 2 && !text.contains([' ', '*'])
        };
        codes.extend(literals.filter(is_code).map(Into::into));
    }
}
