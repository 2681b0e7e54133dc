//! Requests of WS-Federation, one rule after the other.
use std::rc::Rc;

use postern_form::encode;
use postern_refusal::Refusal;
use postern_wsfed::{Configuration, Incoming, Judged, Policy, Realm, TokenRequest, judge};
use proptest::prelude::*;

/// 2026-09-21T14:13:20Z.
const NOW: u64 = 1_790_000_000;
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const REALM: &str = "urn:example:app";
const REPLY: &str = "https://app.example/wsfed";
const RST: &str = "<RequestSecurityToken xmlns='http://schemas.xmlsoap.org/ws/2005/02/trust'/>";
const RSTR: &str =
    "<t:RequestSecurityTokenResponseCollection xmlns:t='http://docs.oasis-open.org/ws-sx/ws-trust/200512'/>";

fn realms() -> Vec<Rc<Realm>> {
    let realm = |name: &str, reply: &str, out: &[&str]| {
        Rc::new(Realm {
            realm: name.into(),
            replies: vec![reply.into()],
            sign_out_replies: out.iter().map(|url| (*url).into()).collect(),
        })
    };
    vec![
        realm(REALM, REPLY, &["https://app.example/bye"]),
        realm("https://other.example/", "https://other.example/in", &[]),
    ]
}

fn open() -> Policy {
    Policy {
        accepts_requests: true,
        accepts_results: true,
        request_pointers: vec!["https://app.example/rst.xml".into()],
        home_realms: vec!["https://partner.example/".into()],
        ignored_parameters: vec!["x-client-SKU".into()],
        ..Policy::default()
    }
}

fn written(parameters: &[(&str, &str)]) -> String {
    parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}

fn judged(encoded: &str, policy: &Policy) -> Result<Judged, Refusal> {
    judge(Incoming::Get(encoded.as_bytes()), realms().as_slice(), policy, NOW)
}

fn posted(encoded: &str, policy: &Policy) -> Result<Judged, Refusal> {
    let incoming = Incoming::Post { query: b"", content_type: FORM, body: encoded.as_bytes() };
    judge(incoming, realms().as_slice(), policy, NOW)
}

fn code(judged: Result<Judged, Refusal>) -> &'static str {
    judged.map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
}

#[test]
fn a_sign_in_says_where_its_answer_goes() {
    let Ok(Judged::SignIn(request)) = judged(&written(&[("wa", "wsignin1.0"), ("wtrealm", REALM)]), &open())
    else {
        panic!("no sign-in")
    };
    assert_eq!((request.realm.as_str(), request.reply.as_str()), (REALM, REPLY));
    let everything = written(&[
        ("wa", "wsignin1.0"),
        ("wtrealm", REALM),
        ("wreply", REPLY),
        ("wctx", "rm=0&id=passive&ru=/ä"),
        ("wct", "2026-09-21T14:13:20.5Z"),
        ("wfresh", "30"),
        ("wauth", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"),
        ("whr", "https://partner.example/"),
        ("wreq", RST),
        ("x-client-SKU", "ID_NET472"),
    ]);
    let Ok(Judged::SignIn(request)) = judged(&everything, &open()) else { panic!("no sign-in") };
    assert_eq!(request.context.as_deref(), Some("rm=0&id=passive&ru=/ä"));
    assert_eq!(request.fresh_minutes, Some(30));
    assert_eq!(request.request, Some(TokenRequest::Inline(RST.into())));
    assert_eq!(request.home_realm.as_deref(), Some("https://partner.example/"));
}

#[test]
fn a_sign_out_leads_to_registered_addresses_only() {
    let out = |more: &[(&str, &str)]| {
        let parameters = [&[("wa", "wsignout1.0")], more].concat();
        code(judged(&written(&parameters), &Policy::default()))
    };
    assert_eq!(out(&[]), "accepted");
    assert_eq!(out(&[("wtrealm", REALM), ("wreply", "https://app.example/bye")]), "accepted");
    assert_eq!(out(&[("wreply", REPLY)]), "accepted");
    assert_eq!(out(&[("wreply", "https://evil.example/")]), "wsfed.reply.not-registered");
    assert_eq!(
        out(&[("wtrealm", REALM), ("wreply", "https://other.example/in")]),
        "wsfed.reply.not-registered"
    );
    assert_eq!(out(&[("wtrealm", "urn:nobody")]), "wsfed.realm.unknown");
    assert_eq!(out(&[("wfresh", "0")]), "wsfed.parameter.unexpected");
}

#[test]
fn what_is_not_switched_on_is_refused() {
    let with = |more: (&str, &str)| written(&[("wa", "wsignin1.0"), ("wtrealm", REALM), more]);
    let closed = Policy::default();
    for (more, refused) in [
        (("wreq", RST), "wsfed.request.not-accepted"),
        (("wreqptr", "https://app.example/rst.xml"), "wsfed.request-pointer.unknown"),
        (("whr", "https://partner.example/"), "wsfed.home-realm.unknown"),
        (("x-client-SKU", "x"), "wsfed.parameter.unknown"),
    ] {
        assert_eq!(code(judged(&with(more), &closed)), refused);
        assert_eq!(code(judged(&with(more), &open())), "accepted", "{more:?}");
    }
    let result = written(&[("wa", "wsignin1.0"), ("wresult", RSTR), ("wctx", "x")]);
    assert_eq!(code(posted(&result, &closed)), "wsfed.result.not-accepted");
    assert_eq!(code(posted(&result, &open())), "accepted");
    // A token never comes in a URL.
    assert_eq!(code(judged(&result, &open())), "wsfed.result.by-get");
    let another = written(&[("wa", "wsignin1.0"), ("wresult", RST)]);
    assert_eq!(code(posted(&another, &open())), "wsfed.result.malformed");
    let both = written(&[("wa", "wsignin1.0"), ("wresult", RSTR), ("wtrealm", REALM)]);
    assert_eq!(code(posted(&both, &open())), "wsfed.parameter.unexpected");
}

#[test]
fn times_and_minutes_have_one_form() {
    let with = |name: &str, value: &str| {
        code(judged(&written(&[("wa", "wsignin1.0"), ("wtrealm", REALM), (name, value)]), &open()))
    };
    for fresh in ["0", "1", "525600"] {
        assert_eq!(with("wfresh", fresh), "accepted", "{fresh}");
    }
    for fresh in ["-1", "+1", "01", "00", "1.5", "525601", "99999999999", "1 ", "１"] {
        assert_eq!(with("wfresh", fresh), "wsfed.fresh.malformed", "{fresh}");
    }
    assert_eq!(with("wct", "2026-09-21T14:14:20Z"), "accepted");
    assert_eq!(with("wct", "2026-09-21T14:07:20Z"), "accepted");
    assert_eq!(with("wct", "2026-09-21T14:14:21Z"), "wsfed.time.future");
    assert_eq!(with("wct", "2026-09-21T14:07:19Z"), "wsfed.time.stale");
    for time in ["2026-09-21T14:13:20", "2026-09-21T16:13:20+02:00", "1790000000", "2026-09-21"] {
        assert_eq!(with("wct", time), "wsfed.time.malformed", "{time}");
    }
    for uri in ["urn:x", "https://a/b?c#d"] {
        assert_eq!(with("wauth", uri), "accepted", "{uri}");
    }
    for uri in ["x", ":x", "urn:", "1a:b", "urn:a b", "urn:ä", "javascript<:x"] {
        assert_eq!(with("wauth", uri), "wsfed.authentication.malformed", "{uri}");
    }
}

#[test]
fn a_configuration_names_the_field_that_is_wrong() {
    let read = |json: &str| -> Result<(), String> {
        let configuration: Configuration = serde_json::from_str(json).map_err(|error| error.to_string())?;
        configuration.check().map_err(|refusal| format!("{} at {}", refusal.code, refusal.element))
    };
    let realm = r#"{"realm":"urn:a","replies":["https://a.example/"]}"#;
    assert_eq!(read(&format!(r#"{{"realms":[{realm}]}}"#)), Ok(()));
    for (json, problem) in [
        (format!(r#"{{"realms":[{realm},{realm}]}}"#), "wsfed.configuration at realms"),
        (
            format!(r#"{{"realms":[{}]}}"#, realm.replace("https:", "http:")),
            "wsfed.registration.replies at realms[0].replies",
        ),
        (
            format!(r#"{{"realms":[{}]}}"#, realm.replace("\"https://a.example/\"", "")),
            "wsfed.registration.replies at realms[0].replies",
        ),
        (
            format!(r#"{{"realms":[{}]}}"#, realm.replace("urn:a", "a b")),
            "wsfed.registration.realm at realms[0].realm",
        ),
        (
            r#"{"realms":[],"policy":{"ignored_parameters":["WREPLY"]}}"#.to_owned(),
            "wsfed.configuration at policy.ignored_parameters",
        ),
        (r#"{"realms":[],"policy":{"max_age":3601}}"#.to_owned(), "wsfed.configuration at policy"),
    ] {
        assert_eq!(read(&json), Err(problem.to_owned()), "{json}");
    }
    assert!(read(r#"{"realms":[],"realm":1}"#).unwrap_err().contains("unknown field `realm`"));
    assert!(read(r#"{"realms":[],"policy":{"skew":1}}"#).unwrap_err().contains("unknown field `skew`"));
}

#[test]
fn a_tenant_stands_beside_a_request_with_one_of_its_values() {
    let policy = Policy {
        companions: postern_form::Companions::of("tenantDomain", ["a.example".to_owned()]),
        ..Policy::default()
    };
    let with = |name: &str, value: &str| {
        let request = written(&[("wa", "wsignin1.0"), ("wtrealm", REALM), (name, value)]);
        (code(judged(&request, &policy)), code(posted(&request, &policy)))
    };
    assert_eq!(with("tenantDomain", "a.example"), ("accepted", "accepted"));
    assert_eq!(with("tenantDomain", "b.example"), ("wsfed.parameter.value", "wsfed.parameter.value"));
    assert_eq!(with("tenantdomain", "a.example").0, "wsfed.parameter.unknown");
}

fn parameter() -> impl Strategy<Value = (String, String)> {
    let names = [
        "wa",
        "wtrealm",
        "wreply",
        "wctx",
        "wct",
        "wfresh",
        "wauth",
        "whr",
        "wreq",
        "wreqptr",
        "wp",
        "wencoding",
        "WA",
        "x-client-SKU",
        "other",
    ];
    let values = [
        "wsignin1.0",
        "wsignout1.0",
        "wsignoutcleanup1.0",
        "wattr1.0",
        REALM,
        REPLY,
        "https://app.example/bye",
        "https://evil.example/",
        "2026-09-21T14:13:20Z",
        "2025-01-01T00:00:00Z",
        "0",
        "07",
        "",
        "a\nb",
        RST,
        "https://partner.example/",
        "https://app.example/rst.xml",
        "<!DOCTYPE a><a/>",
    ];
    (prop::sample::select(names.to_vec()), prop::sample::select(values.to_vec()))
        .prop_map(|(name, value)| (name.to_owned(), value.to_owned()))
}

proptest! {
    /// The same request in a query and in a form is the same request.
    #[test]
    fn both_carriers_are_judged_alike(
        action in prop::sample::select(vec!["wsignin1.0", "wsignout1.0", "wsignoutcleanup1.0"]),
        parameters in prop::collection::vec(parameter(), 0..6),
        named in any::<bool>(),
        is_open in any::<bool>(),
    ) {
        let mut all = vec![("wa".to_owned(), action.to_owned())];
        if named {
            all.push(("wtrealm".to_owned(), REALM.to_owned()));
        }
        all.extend(parameters);
        let borrowed: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let encoded = written(&borrowed);
        let policy = if is_open { open() } else { Policy::default() };
        prop_assert_eq!(judged(&encoded, &policy), posted(&encoded, &policy));
    }

    /// Whatever is asked, an answer goes to a registered address.
    #[test]
    fn no_answer_goes_to_an_unregistered_address(encoded in "(wa=wsign(in|out)1\\.0&)?(w[a-z]{1,6}=[!-~]{0,30}&){0,4}wreply=[!-~]{0,40}") {
        let addresses = [REPLY, "https://app.example/bye", "https://other.example/in"];
        let reply = match judged(&encoded, &open()) {
            Ok(Judged::SignIn(request)) => Some(request.reply),
            Ok(Judged::SignOut(request) | Judged::CleanUp(request)) => request.reply,
            Ok(Judged::Result(_)) | Err(_) => None,
        };
        prop_assert!(reply.is_none_or(|reply| addresses.contains(&reply.as_str())));
    }
}
