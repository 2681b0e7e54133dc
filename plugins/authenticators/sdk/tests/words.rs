//! What of the words needs no host. `examples/authenticators` go through the rest in a real one.
use postern_authenticator::*;

fn call(event: Option<Event>) -> Call {
    let context = Context {
        purpose: Purpose::SignIn,
        relying_party: String::new(),
        login_hint: None,
        person: None,
        language: "en".into(),
        settings: "{}".into(),
        base_url: "https://sso.example.com".into(),
        client_address: "127.0.0.1".into(),
        client_certificate: None,
        redirect_uri: "https://sso.example.com/commonauth/return/pin".into(),
        redirect_state: "transaction.state".into(),
    };
    Call::of(context, Vec::new(), event)
}

fn returned(query: &str) -> Returned {
    call(Some(Event::Returned(query.into()))).returned.unwrap()
}

fn form(fields: &[(&str, &str)]) -> Form {
    let field = |(name, value): &(&str, &str)| FormField { name: (*name).into(), value: (*value).into() };
    call(Some(Event::Form(fields.iter().map(field).collect()))).form.unwrap()
}

#[test]
fn a_demand_says_whether_a_session_elsewhere_is_enough() {
    let demand = |fresh, max_age| Demand { fresh, max_age, contexts: Vec::new() };
    assert!(!demand(false, None).wants_recent());
    assert!(demand(true, None).wants_recent() && demand(false, Some(600)).wants_recent());
}

#[test]
fn each_event_is_where_an_author_looks_for_it() {
    let what = |event| {
        let call = call(event);
        (call.form.is_some(), call.returned.is_some(), call.polled)
    };
    assert_eq!(what(None), (false, false, false));
    assert_eq!(what(Some(Event::Form(Vec::new()))), (true, false, false));
    assert_eq!(what(Some(Event::Returned("state=a".into()))), (false, true, false));
    assert_eq!(what(Some(Event::Poll)), (false, false, true));
}

#[test]
fn what_is_brought_back_is_read_as_it_was_encoded() {
    let back = returned("code=a%2Bb%3d&name=J%C3%BCrgen+M&empty=&bare&code2=%zz&half=%2&latin=%fc&state=t.s");
    for (name, value) in [
        ("code", "a+b="),
        ("name", "Jürgen M"),
        ("empty", ""),
        ("bare", ""),
        ("nowhere", ""),
        ("code2", ""),
        ("half", ""),
        ("latin", ""),
        ("state", "t.s"),
    ] {
        assert_eq!(back.value(name), value, "{name}");
    }
    assert!(back.query().starts_with("code=a%2Bb%3d&"));
    assert_eq!(returned("code=a&code=b").value("code"), "", "which of the two nobody knows");
    assert_eq!(returned("").value("code"), "");
}

#[test]
fn a_field_counts_when_it_came_once() {
    let sent = form(&[("one", "1"), ("two", "2"), ("two", "3")]);
    assert_eq!((sent.value("one"), sent.value("two"), sent.value("three")), ("1", "", ""));
    assert_eq!((sent.only("one"), sent.only("two"), sent.only("three")), (Some("1"), None, None));
}

#[test]
fn what_people_type_is_not_in_debug_output() {
    assert_eq!(format!("{:?}", form(&[("password", "hunter2")])), "[\"password\"]");
    assert_eq!(format!("{:?}", returned("code=hunter2&state=s")), "[\"code\", \"state\"]");
}

#[test]
fn addresses_are_encoded() {
    let to = |url| url_with(url, &[("back", "https://sso.example.com/a?b=c"), ("who", "Jürgen & Söhne+")]);
    let parameters = "back=https%3A%2F%2Fsso.example.com%2Fa%3Fb%3Dc&who=J%C3%BCrgen%20%26%20S%C3%B6hne%2B";
    assert_eq!(to("https://example.org/in"), format!("https://example.org/in?{parameters}"));
    assert_eq!(to("https://example.org/in?a=b"), format!("https://example.org/in?a=b&{parameters}"));
    let request = post_form("https://example.org/token", &[("grant", "a b")], Some("api"));
    assert_eq!((request.body.as_slice(), request.credential.as_deref()), (&b"grant=a%20b"[..], Some("api")));
}

#[test]
fn texts_have_their_languages() {
    let texts = in_two_languages("en", "de", &[("pin.title", "PIN", "Geheimzahl")]);
    let all: Vec<_> = texts.iter().map(|text| (&*text.language, &*text.key, &*text.text)).collect();
    assert_eq!(all, [("en", "pin.title", "PIN"), ("de", "pin.title", "Geheimzahl")]);
}

#[test]
fn who_is_vouched_for_has_claims() {
    let step = vouched_for("https://example.org", "4711", &[("email", "a@example.org")], "pwd", "context");
    let Step::Authenticated(Identity { who: Who::Claims(who), methods, context, remember: None }) = step
    else {
        panic!("another step");
    };
    assert_eq!((who.issuer.as_str(), who.subject.as_str()), ("https://example.org", "4711"));
    assert_eq!(
        (who.claims[0].name.as_str(), who.claims[0].values.as_slice()),
        ("email", &["a@example.org".to_owned()][..])
    );
    assert_eq!((methods, context.as_str()), (vec!["pwd".to_owned()], "context"));
}

#[test]
fn secrets_are_compared_whole() {
    assert!(same(b"120394", b"120394") && !same(b"120394", b"120395") && !same(b"12", b"120394"));
}
