//! `postern-saml`: messages at `/samlsso`.
use std::cell::RefCell;
use std::collections::BTreeMap;

use postern_kernel::keys;
use postern_keys::{DecryptionKey, NativeVerifier};
use postern_refusal::Refusal;
use postern_saml::{
    Arrival, Carrier, ContentCipher, Decoder, DecoderConfiguration, Decryptor, EdgeRelyingParty,
    EncryptedContent, ExpectedSignOn, IdentityProvider, Incoming, KeyTransport, Message, Policy,
    RegisteredKey, RelyingParty, RequestHead, Service, SharedMemory, carrier, read_registration,
};
use postern_signature::PublicKey;
use postern_vectors::{Keys, Request, Vector, Verdict, decoder_members, registry};

use crate::{BASE_URL, now, verdict};

/// The rule of vectors for an identity provider with single logout, which Postern's own is not.
pub const LOGOUT: &str = "saml-logout";

/// The relying parties of the standard registry, as the edge knows them.
///
/// # Panics
/// When one can't be read.
pub fn relying_parties(base_url: &str) -> Vec<EdgeRelyingParty> {
    registry(Keys::shared(), base_url)
        .into_iter()
        .filter(|registration| registration.module == "saml2")
        .map(|registration| {
            RelyingParty::from_json(registration.settings.to_string().as_bytes())
                .unwrap_or_else(|refusal| panic!("{}: {refusal}", registration.identifier))
                .edge()
        })
        .collect()
}

/// Which members of `saml-decoder.json` the decoder of a rule has. None: only the standard registry.
pub fn members(rule: &str) -> Option<&'static str> {
    match rule {
        "wsfed" => Some("wsfed"),
        "wsfed-open" | "saml-artifact" | "saml-response" => Some("federation"),
        "saml-product" => Some("product"),
        "wsfed-token" => Some("tokens"),
        _ => None,
    }
}

/// The decoder's configuration: with the standard registry, and with those members.
///
/// # Panics
/// When the members are no good.
pub fn configuration(base_url: &str, single_logout: bool, members: Option<&str>) -> DecoderConfiguration {
    let policy = Policy { single_logout, ..Policy::for_destination(&format!("{base_url}/samlsso")) };
    let plain = DecoderConfiguration::new(policy, relying_parties(base_url));
    let Some(members) = members else { return plain };
    let mut json = serde_json::to_value(plain).expect("JSON");
    json.as_object_mut().expect("an object").extend(decoder_members(members, base_url));
    DecoderConfiguration::from_json(json.to_string().as_bytes())
        .unwrap_or_else(|refusal| panic!("saml-decoder.json: {refusal}"))
}

/// The verdict on the vector's last request, with a memory of those before: as the decoder gives it.
pub fn judge(vector: &Vector) -> Verdict {
    let decoder = Decoder::new(configuration(BASE_URL, vector.rule == LOGOUT, members(&vector.rule)));
    let memory = Memory::default();
    let now = now();
    let judge_one = |request: &Request| {
        let arrived = incoming(vector, request, decoder.configuration())?;
        let Some((service, incoming)) = arrived else { return Ok(()) };
        let message = Message {
            service,
            incoming,
            soap_action: request.header("soapaction"),
            client_certificate: None,
        };
        decoder.judge(&message, Some(now), &NativeVerifier, &memory, &mut |_| {}).map(|_| ())
    };
    let requests = vector.materialise(Keys::shared(), now, BASE_URL, 1);
    let last: Option<Result<(), Refusal>> = requests.iter().map(judge_one).last();
    verdict(last.expect("a request"))
}

/// The message in a request. None: another application's.
///
/// Of the rule `saml` the component is a face too, which sees its own endpoint only; the others are
/// judged from the request target on.
fn incoming<'r>(
    vector: &Vector,
    request: &'r Request,
    configuration: &DecoderConfiguration,
) -> Result<Option<(Service, Incoming<'r>)>, Refusal> {
    let head = RequestHead {
        method: request.method.as_bytes(),
        target: &request.target,
        has_body: !request.body.is_empty() || request.method == "POST",
        content_encoding: request.header("content-encoding").map(str::as_bytes),
    };
    let arrival = if vector.rule == "saml" {
        let query = request.query().as_bytes();
        match carrier(head.method, head.has_body, head.content_encoding)? {
            Carrier::Query => Arrival::Get(Service::SingleSignOn, query),
            Carrier::Body => Arrival::Post(Service::SingleSignOn, query),
        }
    } else {
        configuration.arrival(&head)?
    };
    let content_type = request.header("content-type");
    Ok(match arrival {
        Arrival::Elsewhere => None,
        Arrival::Get(service, query) => Some((service, Incoming::Get(query))),
        Arrival::Post(service, query) => {
            Some((service, Incoming::Post { query, content_type, body: &request.body }))
        }
    })
}

/// One worker's memory.
#[derive(Default)]
struct Memory(RefCell<BTreeMap<String, Vec<u8>>>);

impl SharedMemory for Memory {
    fn read(&self, name: &str) -> Result<Option<(Vec<u8>, u32)>, String> {
        Ok(self.0.borrow().get(name).map(|value| (value.clone(), 1)))
    }

    fn write(&self, name: &str, value: &[u8], _version: Option<u32>) -> Result<bool, String> {
        self.0.borrow_mut().insert(name.to_owned(), value.to_vec());
        Ok(true)
    }

    fn random(&self) -> Option<[u8; 32]> {
        Some([7; 32])
    }
}

/// The verdict on a Response as the identity provider's peer gives it: for the request `{{id:request}}`, of
/// `https://idp.example.com/metadata`, at `/commonauth`, with Assertions encrypted for `client-rsa`.
///
/// # Panics
/// When the vector is no good.
pub fn judge_sign_on(vector: &Vector) -> Verdict {
    let now = now();
    let request = vector.materialise(Keys::shared(), now, BASE_URL, 1).pop().expect("a request");
    let consumer_url = format!("{BASE_URL}/commonauth");
    let keys = ["idp-rsa", "idp-ec"].map(|name| {
        let spki = Keys::shared().get(name).expect("a key").spki().to_vec();
        RegisteredKey(PublicKey::from_spki(spki))
    });
    let seconds = |name: &str| request.header(name).map(|seconds| seconds.parse().expect("seconds"));
    let expected = ExpectedSignOn {
        entity_id: &format!("{BASE_URL}/identity/metadata/saml2"),
        consumer_url: &consumer_url,
        provider: &IdentityProvider::new("https://idp.example.com/metadata", keys.into()),
        request_id: request.header("x-request").expect("the request that it answers"),
        authenticated_since: seconds("x-authenticated-since"),
        max_age: seconds("x-max-age"),
        policy: &Policy::for_destination(&consumer_url),
        now,
        verifier: &NativeVerifier,
        decryptor: Some(&Decryption),
    };
    verdict(postern_saml::judge_sign_on(&request.body, &expected))
}

/// Has the key `client-rsa`.
struct Decryption;

impl Decryptor for Decryption {
    fn decrypt(&self, encrypted: &EncryptedContent) -> Option<Vec<u8>> {
        let EncryptedContent { transport, key, cipher, content } = encrypted.clone();
        let transport = match transport {
            KeyTransport::RsaOaepSha1 => keys::KeyTransport::RsaOaepSha1,
            KeyTransport::RsaOaepSha256 => keys::KeyTransport::RsaOaepSha256,
        };
        let cipher = match cipher {
            ContentCipher::Aes128Gcm => keys::ContentCipher::Aes128Gcm,
            ContentCipher::Aes256Gcm => keys::ContentCipher::Aes256Gcm,
        };
        let pkcs8 = Keys::shared().get("client-rsa").expect("a key").pkcs8();
        let opened = DecryptionKey::from_pkcs8(pkcs8)?.open(&keys::EncryptedContent {
            transport,
            key,
            cipher,
            content,
        })?;
        Some(opened.to_vec())
    }
}

/// The verdict on the registration in the vector's body.
///
/// # Panics
/// When the vector is no good.
pub fn judge_metadata(vector: &Vector) -> Verdict {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    verdict(read_registration(&requests.last().expect("a request").body, now()))
}
