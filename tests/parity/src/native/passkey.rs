//! `postern-webauthn`: answers to a challenge of 32 times 7.
use postern_keys::NativeVerifier;
use postern_signature::{Algorithm, PublicKey};
use postern_vectors::{Keys, Vector, Verdict};
use postern_webauthn::{Assertion, Expected, Record, Registration, Trust, UserVerification, rp_id_of};

use crate::{BASE_URL, now, verdict};

const CHALLENGE: [u8; 32] = [7; 32];
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];

fn expected() -> Expected<'static> {
    Expected {
        challenge: &CHALLENGE,
        origins: &[BASE_URL],
        rp_id: rp_id_of(BASE_URL),
        algorithms: &ALGORITHMS,
        user_verification: UserVerification::Required,
    }
}

fn body(vector: &Vector) -> String {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    String::from_utf8_lossy(&requests.last().expect("a request").body).into_owned()
}

/// A new credential, of whichever authenticator.
pub fn judge_registration(vector: &Vector) -> Verdict {
    let trust = Trust { anchors: &[], now: now() };
    let read = Registration::read(&body(vector));
    verdict(read.and_then(|answer| answer.verify(&expected(), &trust, &NativeVerifier)))
}

/// The credential with the id 32 times 1, the user handle 32 times 2, the key `client-ec`, and a counter at 5;
/// nobody is known.
pub fn judge_assertion(vector: &Vector) -> Verdict {
    let record = Record {
        id: vec![1; 32],
        user_handle: vec![2; 32],
        algorithm: Algorithm::Es256,
        key: PublicKey::from_spki(Keys::shared().get("client-ec").expect("a key").spki().to_vec()),
        counter: 5,
        is_backup_eligible: false,
        is_vouched_for: false,
        aaguid: [0; 16],
        transports: Vec::new(),
    };
    let read = Assertion::read(&body(vector));
    verdict(read.and_then(|answer| answer.verify(&expected(), &[], &record, &NativeVerifier)))
}
