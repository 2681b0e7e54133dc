//! Wycheproof's vectors through the path that is in the sandbox. A vector that must fail fails; one
//! that must pass passes when its key is one that we accept.
//!
//! What Envoy's `verify_signature` gets is made of the same key and signature, so that each vector
//! that passes here has arguments, and says what BoringSSL is asked.

use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::key::Key;
use super::{ProxyVerifier, native};

/// How many vectors passed and failed, each as it has to.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
}

impl Tally {
    fn judge(
        &mut self,
        name: &str,
        algorithm: Algorithm,
        spki: &[u8],
        message: &[u8],
        signature: &[u8],
        expected: TestResult,
    ) {
        let key = PublicKey::from_spki(spki.to_vec());
        let verdict = ProxyVerifier::rust_crypto().verify(algorithm, &key, message, signature);
        match (expected, verdict) {
            (TestResult::Valid, Ok(())) => {
                self.accepted += 1;
                let key = Key::read(algorithm, &key).unwrap();
                let has_native = !matches!(algorithm, Algorithm::Ps256 | Algorithm::EdDsa);
                assert_eq!(
                    native::arguments(algorithm, &key, message, signature).is_some(),
                    has_native,
                    "{name}"
                );
            }
            (TestResult::Invalid, Err(VerifyError::Mismatch)) => self.refused += 1,
            // May fail or pass.
            (TestResult::Acceptable, _) => {}
            (expected, verdict) => panic!("{name}: {expected:?}, found {verdict:?}"),
        }
    }

    fn expect_at_least(&self, accepted: usize, refused: usize) {
        assert!(self.accepted >= accepted && self.refused >= refused, "{} {}", self.accepted, self.refused);
    }
}

#[test]
fn rsa_pkcs1() {
    use rsa_pkcs1_verify::TestName as Name;
    let mut tally = Tally::default();
    for (name, algorithm) in [
        (Name::Rsa2048Sha256, Algorithm::Rs256),
        (Name::Rsa3072Sha256, Algorithm::Rs256),
        (Name::Rsa4096Sha256, Algorithm::Rs256),
        (Name::Rsa2048Sha384, Algorithm::Rs384),
        (Name::Rsa3072Sha384, Algorithm::Rs384),
        (Name::Rsa4096Sha384, Algorithm::Rs384),
        (Name::Rsa2048Sha512, Algorithm::Rs512),
        (Name::Rsa3072Sha512, Algorithm::Rs512),
        (Name::Rsa4096Sha512, Algorithm::Rs512),
    ] {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let title = format!("{name:?} {}", test.tc_id);
                // Padding without the hash's NULL is acceptable to Wycheproof.
                tally.judge(&title, algorithm, &group.der, &test.msg, &test.sig, test.result);
            }
        }
    }
    tally.expect_at_least(60, 1_500);
}

#[test]
fn rsa_pss() {
    use rsa_pss_verify::TestName as Name;
    let mut tally = Tally::default();
    for name in [
        Name::RsaPss2048Sha256Mgf1SaltLen32,
        Name::RsaPss3072Sha256Mgf1SaltLen32,
        Name::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let title = format!("{name:?} {}", test.tc_id);
                tally.judge(&title, Algorithm::Ps256, &group.der, &test.msg, &test.sig, test.result);
            }
        }
    }
    tally.expect_at_least(100, 100);
}

#[test]
fn ecdsa_in_the_form_of_jws() {
    use ecdsa::TestName as Name;
    let mut tally = Tally::default();
    for (name, algorithm) in [
        (Name::EcdsaSecp256r1Sha256P1363, Algorithm::Es256),
        (Name::EcdsaSecp384r1Sha384P1363, Algorithm::Es384),
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let title = format!("{name:?} {}", test.tc_id);
                tally.judge(&title, algorithm, &group.der, &test.msg, &test.sig, test.result);
            }
        }
    }
    tally.expect_at_least(300, 150);
}

#[test]
fn ed25519() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        for test in group.tests {
            let title = format!("Ed25519 {}", test.tc_id);
            tally.judge(&title, Algorithm::EdDsa, &group.der, &test.msg, &test.sig, test.result);
        }
    }
    tally.expect_at_least(60, 50);
}
