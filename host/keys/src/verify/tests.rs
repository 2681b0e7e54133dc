//! Project Wycheproof's vectors, and the forms of keys that are refused.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use postern_kernel::keys::{PeerAlgorithm, SigningAlgorithm};
use wycheproof::TestResult;

use super::verify;
use crate::key::PrivateKey;

/// Counts what is accepted and refused, so that an empty set of vectors shows.
#[derive(Default)]
struct Tally {
    accepted: u32,
    refused: u32,
}

impl Tally {
    fn judge(&mut self, id: usize, expected: TestResult, good: bool) {
        match expected {
            TestResult::Valid => assert!(good, "vector {id} is valid"),
            TestResult::Invalid => assert!(!good, "vector {id} is invalid"),
            // A matter of policy: either answer is right.
            TestResult::Acceptable => {}
        }
        if good { self.accepted += 1 } else { self.refused += 1 }
    }

    fn has_both(&self) -> bool {
        self.accepted > 0 && self.refused > 0
    }
}

macro_rules! judge_all {
    ($algorithm:expr, $module:ident, $name:ident) => {{
        let set = wycheproof::$module::TestSet::load(wycheproof::$module::TestName::$name).unwrap();
        let mut tally = Tally::default();
        for group in &set.test_groups {
            for test in &group.tests {
                tally.judge(test.tc_id, test.result, verify($algorithm, &group.der, &test.msg, &test.sig));
            }
        }
        assert!(tally.has_both(), "{} accepted, {} refused", tally.accepted, tally.refused);
    }};
}

#[test]
fn wycheproof_rsa_pkcs1() {
    judge_all!(PeerAlgorithm::Rs256, rsa_pkcs1_verify, Rsa2048Sha256);
    judge_all!(PeerAlgorithm::Rs384, rsa_pkcs1_verify, Rsa2048Sha384);
    judge_all!(PeerAlgorithm::Rs512, rsa_pkcs1_verify, Rsa2048Sha512);
    judge_all!(PeerAlgorithm::Rs256, rsa_pkcs1_verify, Rsa4096Sha256);
    judge_all!(PeerAlgorithm::Rs256, rsa_pkcs1_verify, Rsa8192Sha256);
}

#[test]
fn wycheproof_rsa_pss() {
    judge_all!(PeerAlgorithm::Ps256, rsa_pss_verify, RsaPss2048Sha256Mgf1SaltLen32);
    judge_all!(PeerAlgorithm::Ps256, rsa_pss_verify, RsaPss4096Sha256Mgf1SaltLen32);
}

#[test]
fn wycheproof_ecdsa() {
    judge_all!(PeerAlgorithm::Es256, ecdsa, EcdsaSecp256r1Sha256P1363);
    judge_all!(PeerAlgorithm::Es384, ecdsa, EcdsaSecp384r1Sha384P1363);
}

#[test]
fn wycheproof_ed25519() {
    judge_all!(PeerAlgorithm::EdDsa, eddsa, Ed25519);
}

#[test]
fn a_salt_of_another_length_is_refused() {
    let set = wycheproof::rsa_pss_verify::TestSet::load(
        wycheproof::rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0,
    );
    let mut tried = 0;
    for group in &set.unwrap().test_groups {
        for test in group.tests.iter().filter(|test| group.salt_size == 0 && test.result == TestResult::Valid)
        {
            assert!(!verify(PeerAlgorithm::Ps256, &group.der, &test.msg, &test.sig), "{}", test.tc_id);
            tried += 1;
        }
    }
    assert!(tried > 0);
}

const ALL: [PeerAlgorithm; 7] = [
    PeerAlgorithm::Rs256,
    PeerAlgorithm::Rs384,
    PeerAlgorithm::Rs512,
    PeerAlgorithm::Ps256,
    PeerAlgorithm::Es256,
    PeerAlgorithm::Es384,
    PeerAlgorithm::EdDsa,
];

#[test]
fn a_signature_is_good_under_its_own_algorithm_and_message_only() {
    let own = [
        (SigningAlgorithm::Rs256, PeerAlgorithm::Rs256),
        (SigningAlgorithm::Es256, PeerAlgorithm::Es256),
        (SigningAlgorithm::EdDsa, PeerAlgorithm::EdDsa),
    ];
    for (signing, peer) in own {
        let (key, _) = PrivateKey::generate(signing).unwrap();
        let (spki, signature) = (key.spki().unwrap(), key.sign(b"message").unwrap());
        for algorithm in ALL {
            assert_eq!(verify(algorithm, &spki, b"message", &signature), algorithm == peer, "{algorithm:?}");
        }
        assert!(!verify(peer, &spki, b"massage", &signature));
        let (other, _) = PrivateKey::generate(signing).unwrap();
        assert!(!verify(peer, &other.spki().unwrap(), b"message", &signature));
    }
}

#[test]
fn a_key_is_der_to_its_last_byte() {
    let (key, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
    let (spki, signature) = (key.spki().unwrap(), key.sign(b"message").unwrap());
    let refused = |spki: &[u8]| !verify(PeerAlgorithm::Es256, spki, b"message", &signature);
    assert!(!refused(&spki));
    assert!(refused(&[spki.as_slice(), &[0]].concat()), "trailing byte");
    for length in 0..spki.len() {
        assert!(refused(&spki[..length]), "cut at {length}");
    }
    assert!(refused(key.public_bytes()), "the bare point");
    // The length in two bytes, as BER allows.
    let long = [&[0x30, 0x81, spki[1]], &spki[2..]].concat();
    assert!(refused(&long), "BER length");
}

#[test]
fn a_compressed_point_is_refused() {
    let (key, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
    let (spki, signature) = (key.spki().unwrap(), key.sign(b"message").unwrap());
    let point = key.public_bytes();
    let header = &spki[..spki.len() - point.len()];
    let mut compressed = header.to_vec();
    compressed[1] -= 32;
    // The length of the BIT STRING, before its byte of unused bits.
    let position = compressed.len() - 2;
    compressed[position] -= 32;
    compressed.push(2 + (point[64] & 1));
    compressed.extend_from_slice(&point[1..33]);
    assert!(spki::SubjectPublicKeyInfoRef::try_from(compressed.as_slice()).is_ok(), "well-formed DER");
    assert!(!verify(PeerAlgorithm::Es256, &compressed, b"message", &signature));
}

#[test]
fn a_bare_rsa_key_is_refused() {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"message", &mut signature).unwrap();
    let bare = key.public_key().as_ref();
    assert!(!verify(PeerAlgorithm::Rs256, bare, b"message", &signature), "RSAPublicKey without its SPKI");
}

/// `openssl genrsa 1024`, `openssl dgst -sha256 -sign` over "message". The private key is gone.
#[test]
fn an_rsa_key_of_1024_bits_is_refused() {
    let spki = bytes(SMALL_SPKI);
    let signature = bytes(SMALL_SIGNATURE);
    let found = spki::SubjectPublicKeyInfoRef::try_from(spki.as_slice()).unwrap();
    let key = found.subject_public_key.as_bytes().unwrap();
    let legacy = &aws_lc_rs::signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
    UnparsedPublicKey::new(legacy, key).verify(b"message", &signature).expect("the signature is genuine");
    assert!(!verify(PeerAlgorithm::Rs256, &spki, b"message", &signature));
}

fn bytes(base64: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(base64).unwrap()
}

const SMALL_SPKI: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCz4BF7ULdoY40TvYL86ApWVlRK7fCUTS5kAPtCUXuazuyabjY6rFQMsmlP\
     0arb7UXGVUDY1Tjmoe4yKKD02KTtjqUC1xXlhzKFJPUvD4xtAyLFXl9M6kbRvLYGzNKZiN4xAdDyC6Zc8A/Ln51VzZZibZ9r\
     ycs3nBfotgU+eKMImwIDAQAB";
const SMALL_SIGNATURE: &str = "QZQrDlvxSfIwA9nLHtoVXarYYz3li+i28t6kHO5zM+Q07JtJEdKo/DYnIz8UFwXjREKHR+2zhpijTlJHWOEqoi0TY5akNNzD\
     48QxSfby2jwXBLYCFpgIVjGHnxOjebLxWb6EpX/TrcwuMmf+tDQVknl8rLq+PtEe3UB9Y1xDpXE=";
