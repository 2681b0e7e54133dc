//! What an operator sees of a verdict: the access log and the proxy's statistics.
use postern_parity::filter::{Edge, Guards};
use postern_parity::now;
use postern_vectors::{Request, load_all};

fn request(edge: &Edge, name: &str, seed: u64) -> Request {
    let vector = load_all().into_iter().find(|vector| vector.name == name);
    edge.request(&vector.unwrap_or_else(|| panic!("no {name}")), seed)
}

#[test]
fn verdicts_are_logged_and_counted_by_reason() {
    let edge = Edge::start_alone(Guards { saml: true, logout: true, ..Guards::default() });
    let mut seed = now();
    let mut logged = |name: &str| {
        seed += 1;
        let request = request(&edge, name, seed);
        edge.logged_on(name, |origin| origin.send(&request).expect("an answer"))
    };
    for (name, message, issuer) in [
        ("accept/saml/redirect-unsigned", "AuthnRequest", "https://unsigned.example.com/metadata"),
        ("accept/saml/post-signed-rsa", "AuthnRequest", "https://sp.example.com/metadata"),
        ("accept/saml/idp-initiated", "IdP-initiated", "https://unsigned.example.com/metadata"),
        ("accept/saml/logout-request-post", "LogoutRequest", "https://sp.example.com/metadata"),
        ("accept/saml/logout-response-redirect", "LogoutResponse", "https://sp.example.com/metadata"),
    ] {
        let [kind, from, id] = logged(name).saml;
        assert_eq!((kind.as_str(), from.as_str()), (message, issuer), "{name}");
        assert!(
            id.starts_with('_') && id.len() == 33 || (message == "IdP-initiated" && id.is_empty()),
            "{id}"
        );
    }
    for name in ["reject/saml/xml-dtd", "reject/saml/xml-dtd", "reject/saml/alone-path-info"] {
        let line = logged(name);
        assert_eq!(line.saml, ["", "", ""], "{name}");
        assert!(line.refusal.starts_with(&line.reason), "{name}: {line:?}");
    }
    let count = |name: &str| {
        let found = edge.statistics(name);
        found.iter().find(|(found, _)| found.ends_with(name)).map(|(_, count)| *count)
    };
    assert_eq!(count("postern.saml-decoder.refused.xml.dtd"), Some(2));
    assert_eq!(count("postern.saml-decoder.refused.saml.path.ambiguous"), Some(1));
    assert_eq!(count("postern.saml-decoder.refused"), Some(3));
    assert_eq!(count("postern.saml-decoder.refused.saml.issuer.unknown"), None);
}
