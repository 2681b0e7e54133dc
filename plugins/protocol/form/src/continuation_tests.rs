use super::*;

fn redirect() -> Continuation {
    Continuation::get("/samlsso", &["sessionDataKey", "chkRemember"])
}

/// As Shibboleth has it: a query, and a form with it.
fn login() -> Continuation {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Continuation {
        form: Some(ContinuationForm {
            fields: names(&["j_username", "j_password", "_eventId_proceed", "ls_value.session_ss"]),
            repeated: names(&["consentIds"]),
            numbered: Vec::new(),
        }),
        ..Continuation::get("/SSO", &["execution", "_eventId_proceed"])
    }
}

/// As WSO2 IS has it: a form without a query.
fn consent() -> Continuation {
    Continuation {
        path: "/oauth2/authorize".into(),
        parameters: Vec::new(),
        form: Some(ContinuationForm {
            fields: vec!["sessionDataKeyConsent".into(), "consent".into()],
            repeated: Vec::new(),
            numbered: vec!["consent_".into()],
        }),
    }
}

fn code(continuation: &Continuation, body: &str) -> &'static str {
    continuation.judge_form(body.as_bytes()).map_or_else(|refusal| refusal.code, |()| "accepted")
}

#[test]
fn only_the_declared_parameters_with_plain_values_go_on() {
    for query in
        ["sessionDataKey=0d3c-4f", "chkRemember=on&sessionDataKey=x", "sessionDataKey=x&chkRemember="]
    {
        assert!(redirect().is_get(query.as_bytes()), "{query}");
    }
    assert!(login().is_get(b"execution=e1s1&_eventId_proceed"));
    for query in [
        "",
        "sessionDataKey",
        "sessionDataKey=",
        "chkRemember=on",
        "sessionDataKey=a&sessionDataKey=b",
        "sessionDataKey=a&SAMLRequest=b",
        "SAMLRequest=b",
        "sessionDataKey=a&",
        "sessiondatakey=a",
        "sessionDataKey=a%26SAMLRequest%3Db",
        "sessionDataKey=a+b",
        "sessionDataKey=a;SAMLRequest=b",
        "sessionDataKey=a=b",
    ] {
        assert!(!redirect().is_get(query.as_bytes()), "{query}");
    }
    assert!(!redirect().is_get(format!("sessionDataKey={}", "a".repeat(257)).as_bytes()));
    assert!(!consent().is_get(b""));
}

#[test]
fn a_form_comes_with_its_query_and_with_its_fields() {
    assert!(login().may_be_form(b"execution=e1s1") && !login().may_be_form(b""));
    assert!(consent().may_be_form(b"") && !consent().may_be_form(b"execution=e1s1"));
    assert!(!redirect().may_be_form(b"sessionDataKey=x"));
    for body in [
        "j_username=anna&j_password=s%C3%A4%26%3D%3B%25+*&_eventId_proceed=",
        "consentIds=mail&consentIds=uid&_eventId_proceed=Accept",
        "_eventId_proceed",
        "ls_value.session_ss=AAd4%2Bx%3D",
    ] {
        assert_eq!(code(&login(), body), "accepted", "{body}");
    }
    for (body, expected) in [
        ("j_username=a&SAMLRequest=x", "form.field.unknown"),
        ("j_username=a&samlresponse=x", "form.field.unknown"),
        ("J_username=a", "form.field.unknown"),
        ("consent_1=on", "form.field.unknown"),
        ("j_username=a&j_username=b", "form.duplicate"),
        ("j_username=a;SAMLRequest=b", "form.field.escape"),
        ("j_username=a?SAMLRequest=b", "form.field.escape"),
        ("j_username=a=b", "form.field.escape"),
        ("consentIds=<x>", "form.field.escape"),
        ("j_username=%00", "form.value.nul"),
        ("j_username=%zz", "form.escape.broken"),
        ("j%5Fusername=a", "form.name.encoded"),
        ("&j_username=a", "form.name.empty"),
    ] {
        assert_eq!(code(&login(), body), expected, "{body}");
    }
}

#[test]
fn without_a_query_the_first_field_tells_it_from_a_message() {
    let consents = "sessionDataKeyConsent=0d3c&consent=approve&consent_0=on&consent_12=on";
    assert_eq!(code(&consent(), consents), "accepted");
    assert!(consent().is_form_by_itself(consents.as_bytes()));
    for body in ["consent=approve", "sessionDataKeyConsentX=1", "client_id=x", ""] {
        assert!(!consent().is_form_by_itself(body.as_bytes()), "{body}");
    }
    assert_eq!(code(&consent(), "consent=approve"), "form.field.missing");
    for name in ["consent_", "consent_a", "consent_1234567", "consent_1x"] {
        let body = format!("sessionDataKeyConsent=0d3c&{name}=on");
        assert_eq!(code(&consent(), &body), "form.field.unknown", "{name}");
    }
    assert_eq!(code(&consent(), "sessionDataKeyConsent=1&consent_1=a&consent_1=b"), "form.duplicate");
    assert!(!login().is_form_by_itself(b"j_username=a"));
}

#[test]
fn a_refusal_tells_nothing_of_what_was_typed() {
    for body in ["j_password=s3cret;x", "j_password=a&s3cret!", "j_password=s3cret&j_password=s3cret"] {
        let refusal = login().judge_form(body.as_bytes()).unwrap_err();
        assert!(!refusal.to_string().contains("s3cret!"), "{refusal}");
        assert!(!refusal.found.contains("s3cret"), "{refusal}");
    }
}

#[test]
fn no_name_of_a_continuation_has_a_meaning() {
    let meaning = |name: &str| name.starts_with("saml");
    assert!(redirect().is_sound(meaning) && login().is_sound(meaning) && consent().is_sound(meaning));
    for name in ["SAMLRequest", "samlart", "a%20b", "a b", ""] {
        let wrong = Continuation { parameters: vec![name.into()], ..redirect() };
        assert!(!wrong.is_sound(meaning), "{name}");
        for list in 0..3 {
            let mut form = ContinuationForm { fields: vec!["a".into()], ..ContinuationForm::default() };
            match list {
                0 => form.fields.push(name.into()),
                1 => form.repeated.push(name.into()),
                _ => form.numbered.push(name.into()),
            }
            let wrong = Continuation { form: Some(form), ..redirect() };
            assert!(!wrong.is_sound(meaning), "{name}");
        }
    }
    let nothing = Continuation { path: "/a".into(), parameters: Vec::new(), form: None };
    assert!(!nothing.is_sound(meaning));
}

#[test]
fn the_configuration_of_the_version_before_is_read() {
    let json = r#"{"path":"/samlsso","parameters":["sessionDataKey","chkRemember"]}"#;
    let read: Continuation = serde_json::from_str(json).unwrap();
    assert_eq!(read, redirect());
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert!(serde_json::from_str::<Continuation>(r#"{"path":"/x","more":1}"#).is_err());
}
