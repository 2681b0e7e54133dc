//! An identity provider's own sign-on at the paths where messages arrive, and what may stand beside a
//! message: see `mod.rs`.
use postern_form::Form;
use postern_oauth::AuthorizationClient;
use postern_oidc::AuthorizationGuard;
use postern_saml::{
    Arrival, Decoded, Decoder, DecoderConfiguration, Incoming, Message, RequestHead, Service,
};

use super::authorization::registration;
use super::{BASE_URL, NOW, NothingIsGood};

/// As WSO2 Identity Server has it at `/samlsso` and `/passivests`, and Shibboleth at `/SSO`.
const CONFIGURATION: &str = r#"{
    "paths": ["/samlsso", "/SSO"],
    "policy": {"destinations": ["@BASE_URL@/samlsso"], "companions": {"tenantDomain": ["a.example", "b.example"]}},
    "continuations": [
        {"path": "/samlsso", "parameters": ["sessionDataKey", "chkRemember"]},
        {"path": "/passivests", "parameters": ["sessionDataKey"]},
        {"path": "/SSO", "parameters": ["execution", "_eventId_proceed"],
         "form": {"fields": ["j_username", "j_password", "_eventId_proceed"], "repeated": ["consentIds"],
                  "numbered": ["consent_"]}}
    ],
    "relying_parties": [{"entity_id": "https://unsigned.example.com/metadata",
        "assertion_consumer_services": [{"url": "https://unsigned.example.com/acs"}]}],
    "wsfed": {"realms": [{"realm": "urn:example:app", "replies": ["https://app.example.com/wsfed"]}],
              "policy": {"companions": {"tenantDomain": ["a.example", "b.example"]}}}
}"#;
/// As WSO2 Identity Server has it: a GET with a query, a form without one.
const CONTINUATIONS: &str = r#"[
    {"path": "/oauth2/authorize", "parameters": ["sessionDataKey", "chkRemember"]},
    {"path": "/oauth2/authorize",
     "form": {"fields": ["sessionDataKeyConsent", "consent"], "repeated": ["scope_x"], "numbered": ["consent_"]}}
]"#;

thread_local! {
    static DECODER: Decoder = decoder();
    static GUARD: AuthorizationGuard = guard();
}

/// What a request of the own flow never has, in lower case: names with a meaning to one of the protocols.
const MESSAGES: [&str; 16] = [
    "samlrequest",
    "samlresponse",
    "samlart",
    "relaystate",
    "sigalg",
    "signature",
    "spentityid",
    "wa",
    "wtrealm",
    "wreply",
    "wresult",
    "client_id",
    "redirect_uri",
    "response_type",
    "request",
    "request_uri",
];

/// A query, a line end, and a body: whatever passes as a request of the own flow has its known fields and
/// nothing that any reader takes for a message; whatever passes as a message has nothing beside it but
/// companions with a listed value.
pub fn sign_on_form(bytes: &[u8]) {
    let (query, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &b""[..]),
    };
    DECODER.with(|decoder| {
        for path in ["/samlsso", "/SSO", "/passivests"] {
            let target = [path.as_bytes(), b"?", query].concat();
            at_the_decoder(decoder, b"GET", &target, b"");
            at_the_decoder(decoder, b"POST", &target, body);
            at_the_decoder(decoder, b"POST", path.as_bytes(), body);
        }
    });
    GUARD.with(|guard| {
        for (post, query, body) in
            [(false, query, &b""[..]), (false, query, body), (true, query, body), (true, &b""[..], body)]
        {
            if guard.judge_request("/oauth2/authorize", post, query, body).is_ok() {
                at_the_authorization_endpoint(post, query, body);
            }
        }
    });
}

fn at_the_decoder(decoder: &Decoder, method: &[u8], target: &[u8], body: &[u8]) {
    let head = RequestHead { method, target, has_body: method == b"POST", content_encoding: None };
    let post =
        |query| Incoming::Post { query, content_type: Some("application/x-www-form-urlencoded"), body };
    let (service, incoming) = match decoder.configuration().arrival(&head) {
        Ok(Arrival::Elsewhere) => {
            assert_eq!(method, b"GET", "a body passes unseen");
            let query = target.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
            assert!(
                query.starts_with(b"sessionDataKey=")
                    || query.starts_with(b"chkRemember=")
                    || query.starts_with(b"execution=")
                    || query.starts_with(b"_eventId_proceed")
            );
            return carries_none(query);
        }
        Ok(Arrival::Get(service, query)) => (service, Incoming::Get(query)),
        Ok(Arrival::Post(service, query)) => (service, post(query)),
        Err(_) => return,
    };
    let message = Message { service, incoming, soap_action: None, client_certificate: None };
    match decoder.decode(&message, NOW, &NothingIsGood, &mut |_| {}) {
        Ok(Decoded::OtherForm) => {
            assert!(matches!(service, Service::Continuation(2)), "{service:?} is no sign-on");
            has_only(body, &["j_username", "j_password", "_eventId_proceed", "consentIds"]);
        }
        Ok(_) => {
            assert!(!matches!(service, Service::Continuation(_)), "a message in a form of the sign-on");
            let (Incoming::Get(query) | Incoming::Post { query, .. }) = incoming;
            for encoded in [query, body] {
                companions_are_listed(encoded);
            }
        }
        Err(_) => {}
    }
}

fn at_the_authorization_endpoint(post: bool, query: &[u8], body: &[u8]) {
    assert!(if post { query.is_empty() } else { body.is_empty() }, "parameters in two places");
    let sent = if post { body } else { query };
    let parameters = readings(sent);
    let has = |name: &str| parameters.iter().any(|(found, _)| found == name);
    if (has("sessiondatakey") || has("sessiondatakeyconsent")) && !has("client_id") {
        let known: &[&str] = if post {
            &["sessionDataKeyConsent", "consent", "scope_x"]
        } else {
            &["sessionDataKey", "chkRemember"]
        };
        return has_only(sent, known);
    }
    let of = |name: &str| parameters.iter().filter(|(found, _)| found == name).collect::<Vec<_>>();
    for (name, value) in
        [("client_id", "public-client"), ("redirect_uri", "https://public.example.com/callback")]
    {
        assert_eq!(of(name), [&(name.to_owned(), value.to_owned())], "{name} once, and registered");
    }
    assert!(of("request").is_empty() && of("request_uri").is_empty());
}

/// Each field is a known one, under each of its names once unless it is a list.
fn has_only(encoded: &[u8], known: &[&str]) {
    carries_none(encoded);
    let form = Form::parse(encoded).expect("what passes is a form");
    for parameter in form.parameters() {
        let name = parameter.name;
        let is_numbered = name.strip_prefix("consent_").is_some_and(|digits| {
            (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        assert!(is_numbered || known.contains(&name), "{name}");
        let times = form.parameters().iter().filter(|other| other.name == name).count();
        assert!(times == 1 || ["consentIds", "scope_x"].contains(&name), "{name} {times} times");
    }
}

/// No reader, however lenient, finds a message.
fn carries_none(encoded: &[u8]) {
    for (name, _) in readings(encoded) {
        assert!(!MESSAGES.contains(&name.as_str()), "{name} passes with the sign-on");
    }
}

fn companions_are_listed(encoded: &[u8]) {
    for (name, value) in readings(encoded) {
        assert!(name != "tenantdomain" || ["a.example", "b.example"].contains(&value.as_str()), "{value}");
    }
}

/// Names in lower case and values, as a reader has them that also takes `;` for a separator.
fn readings(encoded: &[u8]) -> Vec<(String, String)> {
    let pairs = encoded.split(|byte| b"&;".contains(byte)).filter(|pair| !pair.is_empty());
    let read = pairs.map(|pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let mut decoded = || String::from_utf8_lossy(&decode(parts.next().unwrap_or_default())).into_owned();
        (decoded().trim().to_ascii_lowercase(), decoded())
    });
    read.collect()
}

fn decode(encoded: &[u8]) -> Vec<u8> {
    let digit = |at: usize| encoded.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut decoded, mut at) = (Vec::new(), 0);
    while let Some(byte) = encoded.get(at) {
        let escaped = digit(at + 1).zip(digit(at + 2)).filter(|_| *byte == b'%');
        let (byte, taken) = match escaped {
            Some((high, low)) => (u8::try_from(high * 16 + low).expect("two digits"), 3),
            None if *byte == b'+' => (b' ', 1),
            None => (*byte, 1),
        };
        decoded.push(byte);
        at += taken;
    }
    decoded
}

fn decoder() -> Decoder {
    let json = CONFIGURATION.replace("@BASE_URL@", BASE_URL);
    Decoder::new(DecoderConfiguration::from_json(json.as_bytes()).expect("a configuration"))
}

fn guard() -> AuthorizationGuard {
    let client = AuthorizationClient::of(&registration());
    let guard = AuthorizationGuard::new(vec!["/oauth2/authorize".into()], vec![client]);
    let continuations = serde_json::from_str(CONTINUATIONS).expect("continuations");
    guard.and_then(|guard| guard.with_continuations(continuations)).expect("a guard")
}
