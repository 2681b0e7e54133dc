//! A relying party, and native verification.

use std::cell::RefCell;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};
use postern_software_authenticator::{Answer, Attestation, Kind, SoftwareAuthenticator};
use postern_webauthn::{
    Assertion, Authenticated, Expected, Record, Registered, Registration, Trust, UserVerification,
};

pub(crate) const ORIGIN: &str = "https://sso.example.com";
pub(crate) const RP_ID: &str = "sso.example.com";
pub(crate) const CHALLENGE: [u8; 32] = [7; 32];
pub(crate) const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];
pub(crate) const NOW: u64 = 1_790_000_000;
pub(crate) const NOBODY: Trust<'static> = Trust { anchors: &[], now: NOW };

pub(crate) fn expected() -> Expected<'static> {
    Expected {
        challenge: &CHALLENGE,
        origins: &[ORIGIN],
        rp_id: RP_ID,
        algorithms: &ALGORITHMS,
        user_verification: UserVerification::Required,
    }
}

pub(crate) struct Native;

impl Verifier for Native {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::EdDsa => &ED25519,
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(VerifyError::UnfitKey),
        };
        // aws-lc-rs reads SubjectPublicKeyInfo as well.
        UnparsedPublicKey::new(algorithm, key.spki())
            .verify(message, signature)
            .map_err(|_| VerifyError::Mismatch)
    }
}

pub(crate) fn passkey() -> SoftwareAuthenticator {
    let mut passkey = SoftwareAuthenticator::new(Kind::Es256);
    passkey.user_handle = vec![3; 32];
    passkey
}

pub(crate) fn register(
    json: &str,
    expected: &Expected<'_>,
    trust: &Trust<'_>,
) -> Result<Registered, Refusal> {
    seen(Registration::read(json).and_then(|answer| answer.verify(expected, trust, &Native)))
}

pub(crate) fn record_of(passkey: &mut SoftwareAuthenticator) -> Record {
    let answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
    let json = passkey.attested(&answer, &Attestation::None);
    let registered = register(&json, &expected(), &NOBODY).expect("registered");
    Record::new(registered, passkey.user_handle.clone(), false)
}

pub(crate) fn assert(
    json: &str,
    expected: &Expected<'_>,
    allowed: &[Vec<u8>],
    record: &Record,
) -> Result<Authenticated, Refusal> {
    seen(Assertion::read(json).and_then(|answer| answer.verify(expected, allowed, record, &Native)))
}

/// A registration whose answer was changed before it was sent.
pub(crate) fn registering(change: impl FnOnce(&mut Answer)) -> Result<Registered, Refusal> {
    let mut passkey = passkey();
    let mut answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
    change(&mut answer);
    register(&passkey.attested(&answer, &Attestation::None), &expected(), &NOBODY)
}

/// An assertion whose answer was changed before it was signed.
pub(crate) fn asserting(change: impl FnOnce(&mut Answer)) -> Result<Authenticated, Refusal> {
    let mut passkey = passkey();
    let record = record_of(&mut passkey);
    let mut answer = passkey.assertion(&CHALLENGE, RP_ID, ORIGIN);
    change(&mut answer);
    assert(&passkey.signed(&answer), &expected(), &[], &record)
}

thread_local! {
    static CODES: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn seen<T>(result: Result<T, Refusal>) -> Result<T, Refusal> {
    if let Err(refusal) = &result {
        CODES.with_borrow_mut(|codes| codes.push(refusal.code));
    }
    result
}

/// The codes that this thread's test has seen.
pub(crate) fn codes() -> Vec<&'static str> {
    CODES.with_borrow(Clone::clone)
}

/// The code of a refusal.
pub(crate) fn note<T>(result: Result<T, Refusal>) -> Option<&'static str> {
    seen(result).err().map(|refusal| refusal.code)
}
