//! What reads bytes of a whole connection, request or document: see `mod.rs`.
use postern_endpoint::{Body, EndpointPolicy, EndpointTable, pseudo_header};
use postern_feed::{FeedRule, InForce, judge_feed, split_configuration};
use postern_http1::{MAX_HEAD, Messages, Stop};
use postern_jose::KeySet;
use postern_jose::validator::read_bearer;
use postern_proxy::pairs::{HeaderPairs, serialise};
use postern_refusal::Refusal;
use postern_saml::{
    Arrival, Decoder, DecoderConfiguration, Incoming, Message, Policy, RequestHead, SharedMemory,
};

use super::{BASE_URL, NOW, NothingIsGood};

/// The endpoints that the guard stands before.
const POLICY: &str = r#"{
    "hosts": ["sso.example.com"],
    "endpoints": [
        {"path": "/samlsso", "methods": ["GET", "POST"], "content_types": ["application/x-www-form-urlencoded"],
         "max_body": 98304, "max_query": 16384,
         "query_parameters": ["SAMLRequest", "RelayState", "SigAlg", "Signature", "SAMLEncoding", "spEntityID"]},
        {"path": "/oauth2/token", "methods": ["POST"], "content_types": ["application/x-www-form-urlencoded"],
         "max_body": 16384},
        {"path": "/orders/1", "methods": ["GET"], "max_query": 1024, "ignores_other_parameters": true}
    ],
    "assets": [{"prefix": "/authenticationendpoint/assets/"}]
}"#;

/// A document from the LAN: none is good when no signature is. The configuration that names it.
pub fn feed(bytes: &[u8]) {
    let keys = KeySet::read(
        br#"{"keys":[{"kty":"EC","crv":"P-256","use":"sig","kid":"edge","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#,
    )
    .expect("a key set");
    let in_force = InForce { sequence: 1, digest: String::new() };
    let rule = FeedRule { issuer: BASE_URL, keys: &keys, in_force: &in_force, now: NOW };
    assert!(judge_feed(bytes, &rule, &NothingIsGood).is_err());
    let _ = split_configuration(bytes.to_vec());
}

/// Header pairs as the proxy hands them over.
pub fn header_pairs(bytes: &[u8]) {
    let pairs = HeaderPairs::new(bytes.to_vec());
    let whole = pairs.is_whole();
    let read: Vec<_> = pairs.iter().take(1_000).collect();
    for (name, _) in &read {
        assert!(pairs.first(name).is_some());
    }
    if whole && read.len() < 1_000 {
        let text: Option<Vec<(&str, &str)>> = read
            .iter()
            .map(|(name, value)| Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?)))
            .collect();
        if let Some(text) = text {
            let again = HeaderPairs::new(serialise(&text));
            assert!(again.is_whole() && again.iter().eq(read.iter().copied()), "{text:?}");
        }
    }
}

/// The bytes of a connection to a listener: what passes is what came, however it is cut.
pub fn connection(bytes: &[u8]) {
    let (whole, heads, stopped) = passed(bytes, bytes.len().max(1));
    assert!(bytes.starts_with(&whole), "what passes is not what came");
    for step in [1, 7] {
        assert_eq!(passed(bytes, step), (whole.clone(), heads, stopped), "cut into pieces of {step}");
    }
}

/// What passes, how many heads, and whether nothing more does.
fn passed(bytes: &[u8], step: usize) -> (Vec<u8>, u64, bool) {
    let (mut messages, mut passed) = (Messages::default(), Vec::new());
    for piece in bytes.chunks(step) {
        match messages.take(piece, &mut passed) {
            Ok(()) => {}
            Err(Stop::Head(_) | Stop::Chunks) => return (passed, messages.passed, true),
        }
    }
    (passed, messages.passed, false)
}

/// A request from its first byte to its last, through the three filters: what Envoy makes of it, in
/// the form of the ABI, then each filter's exchange. What comes out of the end is what all of them
/// promise.
pub fn guard(bytes: &[u8]) {
    let Some((pairs, body)) = shown(bytes) else { return };
    let pairs = HeaderPairs::new(pairs);
    assert!(pairs.is_whole());
    let _ = exchange(&pairs, body);
}

/// The header pairs that a proxy shows of a raw HTTP/1.1 request, and its body.
fn shown(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let end = bytes.get(..MAX_HEAD.min(bytes.len()))?.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let host = headers.iter().find(|(name, _)| name == "host").map_or("", |(_, value)| *value);
    let mut pairs = vec![(":authority", host), (":path", target), (":method", method), (":scheme", "https")];
    pairs.extend(
        headers.iter().filter(|(name, _)| name != "host").map(|(name, value)| (name.as_str(), *value)),
    );
    Some((serialise(&pairs), bytes.get(end + 4..)?))
}

fn exchange(pairs: &HeaderPairs, body: &[u8]) -> Result<(), Refusal> {
    let policy = EndpointPolicy::from_json(POLICY.as_bytes()).expect("a policy");
    let table = EndpointTable::new(policy).expect("a table");
    let pseudo = pseudo_header::read(pairs.iter())?;
    let accepted = table.judge(&postern_endpoint::Incoming {
        method: pseudo.method,
        target: pseudo.path,
        authority: pseudo.authority,
        headers: pairs.iter().skip_while(|(name, _)| pseudo_header::is_pseudo(name)),
        has_body: !body.is_empty(),
    })?;
    let path = String::from_utf8_lossy(pseudo.path);
    let path = path.split('?').next().unwrap_or_default();
    let declared = ["/samlsso", "/oauth2/token", "/orders/1"].contains(&path);
    assert!(declared || path.starts_with("/authenticationendpoint/assets/"), "{path}");
    assert!(matches!(accepted.body, Body::None) || path != "/orders/1", "{path} takes no body");
    saml(pairs, pseudo.method, pseudo.path, body)?;
    if path == "/orders/1" {
        let values: Vec<&[u8]> =
            pairs.iter().filter(|(name, _)| *name == b"authorization").map(|(_, value)| value).collect();
        read_bearer(&values).map_err(|denial| denial.refusal)?;
    }
    Ok(())
}

fn saml(pairs: &HeaderPairs, method: &[u8], target: &[u8], body: &[u8]) -> Result<(), Refusal> {
    let policy = Policy::for_destination(&format!("{BASE_URL}/samlsso"));
    let party = serde_json::from_str(
        r#"{"entity_id":"https://unsigned.example.com/metadata",
            "assertion_consumer_services":[{"url":"https://unsigned.example.com/acs"}]}"#,
    );
    let decoder = Decoder::new(DecoderConfiguration::new(policy, vec![party.expect("a relying party")]));
    let head = RequestHead {
        method,
        target,
        has_body: !body.is_empty() || method == b"POST",
        content_encoding: pairs.first(b"content-encoding"),
    };
    let content_type = pairs.first(b"content-type").map(String::from_utf8_lossy);
    let (service, incoming) = match decoder.configuration().arrival(&head)? {
        Arrival::Elsewhere => {
            assert!(!target.starts_with(b"/samlsso?"), "a message passes unseen");
            return Ok(());
        }
        Arrival::Get(service, query) => (service, Incoming::Get(query)),
        Arrival::Post(service, query) => {
            (service, Incoming::Post { query, content_type: content_type.as_deref(), body })
        }
    };
    let message = Message { service, incoming, soap_action: None, client_certificate: None };
    decoder.judge(&message, Some(NOW), &NothingIsGood, &Forgetful, &mut |_| {}).map(|_| ())
}

/// A memory without anything in it.
struct Forgetful;

impl SharedMemory for Forgetful {
    fn read(&self, _: &str) -> Result<Option<(Vec<u8>, u32)>, String> {
        Ok(None)
    }

    fn write(&self, _: &str, _: &[u8], _: Option<u32>) -> Result<bool, String> {
        Ok(true)
    }

    fn random(&self) -> Option<[u8; 32]> {
        Some([7; 32])
    }
}
