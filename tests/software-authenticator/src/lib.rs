//! A WebAuthn authenticator and its browser, for tests. It answers what a page asks, and what it answers can
//! be spoiled before it is signed. It shares no code with the rules that judge it.

pub mod cbor;
mod key;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub use key::{Key, Kind};

/// The flag UP of section 6.1 of WebAuthn.
pub const PRESENT: u8 = 1;
/// UV.
pub const VERIFIED: u8 = 1 << 2;
/// BE.
pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
/// BS.
pub const BACKED_UP: u8 = 1 << 4;
/// AT.
pub const ATTESTED: u8 = 1 << 6;
/// ED.
pub const EXTENSIONS: u8 = 1 << 7;

/// One passkey.
pub struct SoftwareAuthenticator {
    /// Its key.
    pub key: Key,
    /// The credential's id.
    pub id: Vec<u8>,
    /// The user handle, once it was set up.
    pub user_handle: Vec<u8>,
    /// How often it has signed; it counts by itself.
    pub counter: u32,
    /// What it says of the user: UP and UV.
    pub flags: u8,
}

/// An answer before it is signed.
#[derive(Clone)]
pub struct Answer {
    /// The credential's id, as the browser says.
    pub id: Vec<u8>,
    /// clientDataJSON.
    pub client_data: String,
    /// Authenticator data.
    pub authenticator_data: Vec<u8>,
    /// Of an assertion.
    pub user_handle: Option<Vec<u8>>,
}

/// Who vouches for a new key.
pub enum Attestation<'a> {
    /// Nobody.
    None,
    /// The key itself.
    Itself,
    /// A certificate, and those above it.
    Certificate(&'a Key, &'a [Vec<u8>]),
}

impl SoftwareAuthenticator {
    /// A new passkey that knows its user.
    pub fn new(kind: Kind) -> Self {
        let key = Key::new(kind);
        let id = sha256(&key.cose());
        Self { key, id, user_handle: Vec::new(), counter: 0, flags: PRESENT | VERIFIED }
    }

    /// What `navigator.credentials.create` answers to these options on a page of this origin, as the host's
    /// script sends it.
    pub fn create(&mut self, options: &str, origin: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options are JSON");
        self.user_handle = bytes(&options["user"]["id"]);
        let rp_id = options["rp"]["id"].as_str().expect("rp.id");
        let answer = self.registration(&bytes(&options["challenge"]), rp_id, origin);
        self.attested(&answer, &Attestation::None)
    }

    /// What `navigator.credentials.get` answers.
    pub fn get(&mut self, options: &str, origin: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options are JSON");
        let rp_id = options["rpId"].as_str().expect("rpId");
        let answer = self.assertion(&bytes(&options["challenge"]), rp_id, origin);
        self.signed(&answer)
    }

    /// The answer to a registration.
    pub fn registration(&mut self, challenge: &[u8], rp_id: &str, origin: &str) -> Answer {
        let mut data = self.head(rp_id, ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).expect("a short id").to_be_bytes());
        data.extend(&self.id);
        data.extend(self.key.cose());
        let client_data = client_data("webauthn.create", challenge, origin);
        Answer { id: self.id.clone(), client_data, authenticator_data: data, user_handle: None }
    }

    /// The answer to an assertion.
    pub fn assertion(&mut self, challenge: &[u8], rp_id: &str, origin: &str) -> Answer {
        self.counter += 1;
        Answer {
            id: self.id.clone(),
            client_data: client_data("webauthn.get", challenge, origin),
            authenticator_data: self.head(rp_id, 0),
            user_handle: Some(self.user_handle.clone()),
        }
    }

    fn head(&self, rp_id: &str, flags: u8) -> Vec<u8> {
        let mut data = sha256(rp_id.as_bytes());
        data.push(self.flags | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The assertion, signed, as the page sends it.
    pub fn signed(&self, answer: &Answer) -> String {
        let message = [answer.authenticator_data.clone(), sha256(answer.client_data.as_bytes())].concat();
        json!({ "id": text(&answer.id), "type": "public-key", "response": {
            "clientDataJSON": text(answer.client_data.as_bytes()),
            "authenticatorData": text(&answer.authenticator_data),
            "signature": text(&self.key.sign(&message)),
            "userHandle": answer.user_handle.as_ref().map(|handle| text(handle)),
        }})
        .to_string()
    }

    /// The registration with its attestation, as the page sends it.
    pub fn attested(&self, answer: &Answer, attestation: &Attestation<'_>) -> String {
        let message = [answer.authenticator_data.clone(), sha256(answer.client_data.as_bytes())].concat();
        let (format, statement) = match attestation {
            Attestation::None => ("none", cbor::map(&[])),
            Attestation::Itself => ("packed", statement(&self.key, &message, &[])),
            Attestation::Certificate(key, certificates) => ("packed", statement(key, &message, certificates)),
        };
        registered(answer, &attestation_object(format, &statement, &answer.authenticator_data))
    }
}

/// The registration with this attestation object.
pub fn registered(answer: &Answer, attestation_object: &[u8]) -> String {
    json!({ "id": text(&answer.id), "type": "public-key", "response": {
        "clientDataJSON": text(answer.client_data.as_bytes()),
        "attestationObject": text(attestation_object),
        "transports": ["internal"],
    }})
    .to_string()
}

/// An attestation object with this statement, which is CBOR already.
pub fn attestation_object(format: &str, statement: &[u8], authenticator_data: &[u8]) -> Vec<u8> {
    cbor::map(&[
        (cbor::text("fmt"), cbor::text(format)),
        (cbor::text("attStmt"), statement.to_vec()),
        (cbor::text("authData"), cbor::bytes(authenticator_data)),
    ])
}

fn statement(key: &Key, message: &[u8], certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut members = vec![
        (cbor::text("alg"), cbor::number(key.algorithm())),
        (cbor::text("sig"), cbor::bytes(&key.sign(message))),
    ];
    if !certificates.is_empty() {
        let items: Vec<_> = certificates.iter().map(|der| cbor::bytes(der)).collect();
        members.push((cbor::text("x5c"), cbor::array(&items)));
    }
    cbor::map(&members)
}

/// clientDataJSON as browsers write it.
pub fn client_data(ceremony: &str, challenge: &[u8], origin: &str) -> String {
    let challenge = text(challenge);
    format!(r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().expect("text")).expect("base64url")
}
