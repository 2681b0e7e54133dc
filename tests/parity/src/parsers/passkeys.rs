//! Passkeys: see `mod.rs`.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_signature::{Algorithm, PublicKey};
use postern_webauthn::{
    Assertion, Attested, CreationOptions, Expected, Record, Registration, RequestOptions, Trust,
    UserVerification,
};

use super::{BASE_URL, NOW, NothingIsGood};

const RP_ID: &str = "sso.example.com";
const CHALLENGE: [u8; 32] = [7; 32];
/// The credential's id in the corpus.
const ID: [u8; 32] = [1; 32];
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];

fn expected() -> Expected<'static> {
    Expected {
        challenge: &CHALLENGE,
        origins: &[BASE_URL],
        rp_id: RP_ID,
        algorithms: &ALGORITHMS,
        user_verification: UserVerification::Preferred,
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn client_data(ceremony: &str) -> String {
    let challenge = text(&CHALLENGE);
    format!(r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{BASE_URL}"}}"#)
}

/// An attestation object. Without a signature that is good, nobody vouches for a key; its record is read as
/// it was written.
pub fn webauthn_attestation(bytes: &[u8]) {
    let json = format!(
        r#"{{"id":"{}","type":"public-key","response":{{"clientDataJSON":"{}","attestationObject":"{}"}}}}"#,
        text(&ID),
        text(client_data("webauthn.create").as_bytes()),
        text(bytes)
    );
    let Ok(answer) = Registration::read(&json) else { return };
    let trust = Trust { anchors: &[], now: NOW };
    if let Ok(registered) = answer.verify(&expected(), &trust, &NothingIsGood) {
        assert_eq!((registered.attested, registered.id.as_slice()), (Attested::None, &ID[..]));
        let record = Record::new(registered, vec![2; 32], false);
        assert_eq!(Record::read(&record.write()), Ok(record));
    }
}

/// Client data, a line end, and authenticator data: nobody is let in without a signature.
pub fn webauthn_assertion(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (client_data, data) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let json = format!(
        r#"{{"id":"{}","type":"public-key","response":{{"clientDataJSON":"{}","authenticatorData":"{}","signature":"AA","userHandle":null}}}}"#,
        text(&ID),
        text(client_data),
        text(data)
    );
    let Ok(answer) = Assertion::read(&json) else { return };
    let record = Record {
        id: ID.into(),
        user_handle: vec![2; 32],
        algorithm: Algorithm::EdDsa,
        key: PublicKey::from_spki(Vec::new()),
        counter: 0,
        is_backup_eligible: false,
        is_vouched_for: false,
        aaguid: [0; 16],
        transports: Vec::new(),
    };
    assert!(answer.verify(&expected(), &[ID.into()], &record, &NothingIsGood).is_err());
}

/// JSON of a page, of a component, or of what is kept: what is read is written as it was read.
pub fn webauthn_json(bytes: &[u8]) {
    let Ok(json) = core::str::from_utf8(bytes) else { return };
    if let Ok(options) = CreationOptions::read(json, RP_ID) {
        assert_eq!(CreationOptions::read(&options.write(), RP_ID), Ok(options));
    }
    if let Ok(options) = RequestOptions::read(json, RP_ID) {
        assert_eq!(RequestOptions::read(&options.write(), RP_ID), Ok(options));
    }
    if let Ok(record) = Record::read(bytes) {
        assert_eq!(Record::read(&record.write()), Ok(record));
    }
    let trust = Trust { anchors: &[], now: NOW };
    if let Ok(answer) = Registration::read(json) {
        let _ = answer.verify(&expected(), &trust, &NothingIsGood);
    }
    let _ = Assertion::read(json);
}
