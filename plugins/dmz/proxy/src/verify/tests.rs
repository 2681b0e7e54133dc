use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

use super::ProxyVerifier;

const MESSAGE: &[u8] = b"header.claims";

fn verify(algorithm: Algorithm, key: &PublicKey, signature: &[u8]) -> Result<(), VerifyError> {
    ProxyVerifier::rust_crypto().verify(algorithm, key, MESSAGE, signature)
}

fn accepts_only_its_own(algorithm: Algorithm, key: &PublicKey, signature: &[u8]) {
    assert_eq!(verify(algorithm, key, signature), Ok(()), "{algorithm}");
    for position in [0, signature.len() / 2, signature.len() - 1] {
        let mut tampered = signature.to_vec();
        tampered[position] ^= 1;
        assert_eq!(verify(algorithm, key, &tampered), Err(VerifyError::Mismatch), "{algorithm}");
    }
    for wrong in [&signature[1..], &[], &[0; 64]] {
        assert_eq!(verify(algorithm, key, wrong), Err(VerifyError::Mismatch), "{algorithm}");
    }
    for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
        assert!(verify(other, key, signature).is_err(), "{algorithm} as {other}");
    }
    let mut cut = key.spki().to_vec();
    cut.pop();
    assert_eq!(verify(algorithm, &PublicKey::from_spki(cut), signature), Err(VerifyError::UnfitKey));
}

#[test]
fn rsa() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let key = PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref().to_vec());
    let encodings: [(Algorithm, &'static dyn RsaEncoding); 4] = [
        (Algorithm::Rs256, &RSA_PKCS1_SHA256),
        (Algorithm::Rs384, &RSA_PKCS1_SHA384),
        (Algorithm::Rs512, &RSA_PKCS1_SHA512),
        (Algorithm::Ps256, &RSA_PSS_SHA256),
    ];
    for (algorithm, encoding) in encodings {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
        accepts_only_its_own(algorithm, &key, &signature);
    }
}

#[test]
fn ecdsa() {
    for (algorithm, signing) in [
        (Algorithm::Es256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        (Algorithm::Es384, &ECDSA_P384_SHA384_FIXED_SIGNING),
    ] {
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let key = PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref().to_vec());
        let signature = pair.sign(&SystemRandom::new(), MESSAGE).unwrap();
        accepts_only_its_own(algorithm, &key, signature.as_ref());
    }
}

#[test]
fn ed25519() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let key = PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref().to_vec());
    accepts_only_its_own(Algorithm::EdDsa, &key, pair.sign(MESSAGE).as_ref());
}

/// More keys than are kept, in turn: each is good for its own signatures whether it is kept or not.
#[test]
fn ed25519_keys_are_kept_apart() {
    let verifier = ProxyVerifier::rust_crypto();
    let pairs: Vec<_> = (0..20).map(|_| Ed25519KeyPair::generate().unwrap()).collect();
    let spki =
        |pair: &Ed25519KeyPair| PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref().to_vec());
    for round in 0..3 {
        for (number, pair) in pairs.iter().enumerate() {
            let signature = pair.sign(MESSAGE);
            for (other, key) in pairs.iter().enumerate().skip(if round == 1 { number } else { 0 }) {
                let verdict = verifier.verify(Algorithm::EdDsa, &spki(key), MESSAGE, signature.as_ref());
                assert_eq!(verdict.is_ok(), other == number, "round {round}: {number} under {other}");
            }
        }
    }
}

/// The points of small order in canonical form, and one that is on no curve: for those of small order
/// nearly every message has the same good signature.
#[test]
fn ed25519_keys_of_small_order_are_unfit() {
    let point = |first: u8, last: u8| {
        let mut point = [0; 32];
        (point[0], point[31]) = (first, last);
        point
    };
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut order_eight = [0; 32];
    let hex = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    for (byte, digits) in order_eight.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    }
    for key in [point(1, 0), point(0, 0), point(0, 0x80), minus_one, order_eight, point(2, 0)] {
        let header = [0x30, 42, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 33, 0];
        let spki = PublicKey::from_spki([&header[..], &key].concat());
        let mut signature = [0; 64];
        signature[0] = 1;
        assert_eq!(verify(Algorithm::EdDsa, &spki, &signature), Err(VerifyError::UnfitKey), "{key:?}");
    }
}

/// A SubjectPublicKeyInfo around a modulus of that many bytes and an exponent.
fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> PublicKey {
    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len() as u16;
        [&[tag, 0x82], &length.to_be_bytes()[..], content].concat()
    }
    fn shortest(tag: u8, content: &[u8]) -> Vec<u8> {
        if content.len() < 128 {
            [&[tag, content.len() as u8], content].concat()
        } else if content.len() < 256 {
            [&[tag, 0x81, content.len() as u8], content].concat()
        } else {
            tagged(tag, content)
        }
    }
    let key = shortest(0x30, &[shortest(2, modulus), shortest(2, exponent)].concat());
    let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let bits = shortest(3, &[&[0], key.as_slice()].concat());
    PublicKey::from_spki(shortest(0x30, &[&algorithm[..], &bits].concat()))
}

#[test]
fn weak_and_odd_rsa_keys_are_unfit() {
    let modulus = |bytes: usize| {
        let mut modulus = vec![0; bytes + 1];
        modulus[1..].fill(0xc3);
        modulus
    };
    let good_exponent = [1, 0, 1];
    // The control: a fit key fails at the signature instead.
    assert_eq!(
        verify(Algorithm::Rs256, &rsa_spki(&modulus(256), &good_exponent), &[1; 256]),
        Err(VerifyError::Mismatch)
    );
    let mut even = modulus(256);
    even[256] = 0xc2;
    for (what, key) in [
        ("1024 bits", rsa_spki(&modulus(128), &good_exponent)),
        ("2040 bits", rsa_spki(&modulus(255), &good_exponent)),
        ("8192 bits", rsa_spki(&modulus(1024), &good_exponent)),
        ("an even modulus", rsa_spki(&even, &good_exponent)),
        ("exponent 1", rsa_spki(&modulus(256), &[1])),
        ("an even exponent", rsa_spki(&modulus(256), &[4])),
        ("a huge exponent", rsa_spki(&modulus(256), &[1, 0, 0, 0, 1])),
    ] {
        assert_eq!(verify(Algorithm::Rs256, &key, &[1; 256]), Err(VerifyError::UnfitKey), "{what}");
    }
}

#[test]
fn a_key_of_another_kind_is_unfit() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let key = PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref().to_vec());
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es384, Algorithm::EdDsa] {
        assert_eq!(verify(algorithm, &key, &[1; 64]), Err(VerifyError::UnfitKey), "{algorithm}");
    }
    assert_eq!(
        verify(Algorithm::Es256, &PublicKey::from_spki(vec![0x30; 40]), &[1; 64]),
        Err(VerifyError::UnfitKey)
    );
}
