use postern_kernel::authenticator::{Challenge, Field, FieldKind};
use postern_kernel::flow::Page;
use postern_kernel::module::{Audience, FormPost};

use super::Pages;

fn pages() -> Pages {
    Pages::new(None, "en", "sso.example.com").unwrap()
}

fn sign_in(error: Option<&str>) -> Page {
    let field = |name: &str, kind, value: &str, autocomplete: &str| Field {
        name: name.into(),
        kind,
        label: format!("sign-in.{name}"),
        value: value.into(),
        required: true,
        autocomplete: autocomplete.into(),
    };
    Page::SignIn {
        transaction: "transaction-1".into(),
        anti_forgery: "forgery-1".into(),
        application: "<b>Payroll</b> & Co".into(),
        challenge: Challenge {
            title: "sign-in.title".into(),
            fields: vec![
                field("username", FieldKind::Text, "", "username"),
                field("password", FieldKind::Secret, "never-shown", "current-password"),
            ],
            submit: "sign-in.submit".into(),
            error: error.map(Into::into),
            state: Vec::new(),
        },
    }
}

#[test]
fn the_sign_in_page_is_a_labelled_form() {
    let html = pages().page("en", "c-1", &sign_in(None)).html;
    assert!(html.contains("<html lang=\"en\">"));
    assert!(html.contains("<title>Sign in · Postern</title>"));
    assert!(html.contains("<form method=\"post\" action=\"/commonauth\""));
    assert!(html.contains("name=\"t\" value=\"transaction-1\""));
    assert!(html.contains("name=\"anti-forgery\" value=\"forgery-1\""));
    for (name, kind, label) in [("username", "text", "User name"), ("password", "password", "Password")] {
        assert!(html.contains(&format!("<label for=\"field-{name}\">{label}</label>")), "{html}");
        assert!(html.contains(&format!("id=\"field-{name}\" name=\"f.{name}\" type=\"{kind}\"")), "{html}");
    }
    assert_eq!(html.matches(" autofocus").count(), 1);
    assert!(!html.contains("role=\"alert\""));
    assert!(!html.contains("<script"));
}

#[test]
fn what_others_wrote_is_escaped_and_a_secret_is_not_sent_back() {
    let html = pages().page("en", "c-1", &sign_in(None)).html;
    assert!(html.contains("&lt;b&gt;Payroll&lt;"), "{html}");
    assert!(!html.contains("<b>Payroll"));
    assert!(!html.contains("never-shown"));
}

#[test]
fn an_error_is_an_alert_that_the_fields_refer_to() {
    let html = pages().page("en", "c-1", &sign_in(Some("sign-in.wrong"))).html;
    assert!(html.contains("id=\"problem\" role=\"alert\""));
    assert_eq!(html.matches("aria-invalid=\"true\" aria-describedby=\"problem\"").count(), 2);
    assert!(html.contains("The user name or the password is not right."));
}

#[test]
fn texts_come_in_the_language_asked_for() {
    let pages = pages();
    let language = pages.language(Some("de-AT,en;q=0.5"));
    let html = pages.page(&language, "c-1", &sign_in(None)).html;
    assert!(html.contains("<html lang=\"de\">") && html.contains("Benutzername"));
}

#[test]
fn consent_names_what_is_asked_for() {
    let page = Page::Consent {
        transaction: "t".into(),
        anti_forgery: "a".into(),
        application: "Notes <b> {application}".into(),
        username: "erika".into(),
        items: vec!["email".into(), "custom <scope>".into()],
    };
    let html = pages().page("en", "c-1", &page).html;
    let lead = "<strong><bdi>Notes &lt;b&gt; {application}</bdi></strong> would like to receive";
    assert!(html.contains(lead), "the name is set off, escaped and taken as it is: {html}");
    assert!(html.contains("<strong><bdi>erika</bdi></strong>"));
    assert!(html.contains("<li>Your e-mail address</li>") && html.contains("<li>custom &lt;scope&gt;</li>"));
    assert!(html.contains("value=\"agree\"") && html.contains("value=\"refuse\""));
}

#[test]
fn an_error_page_is_neutral_and_has_the_reference() {
    let page = Page::Refused {
        status: 503,
        audience: Audience::Browser,
        message: "error.unavailable",
        retry_after: Some(5),
    };
    let rendered = pages().page("en", "c-42", &page);
    assert_eq!(rendered.status, 503);
    assert!(rendered.html.contains("<code>c-42</code>"));
    assert!(rendered.html.contains("pass this reference on"), "what the reference is for");
    assert!(rendered.html.contains("Not available right now"));
    assert!(rendered.html.contains("Try again in 5 seconds."));
}

#[test]
fn every_message_of_the_kernel_has_a_text() {
    for message in ["error.request", "error.expired", "error.internal", "error.unavailable"] {
        assert!(!pages().error("en", "c", 400, message, None).html.contains(message), "{message}");
    }
}

#[test]
fn the_posting_page_works_without_script_and_its_script_is_the_hashed_one() {
    let pages = pages();
    let post = FormPost {
        action: "https://app.example/acs?a=1&b=\"".into(),
        fields: vec![("SAMLResponse".into(), "PHg+".into()), ("RelayState".into(), "\"><x>".into())],
        refusal: None,
    };
    let rendered = pages.form_post("en", &post);
    assert!(rendered.script);
    assert!(rendered.html.contains("<button class=\"primary\" type=\"submit\">Continue</button>"));
    assert!(rendered.html.contains("name=\"SAMLResponse\" value=\"PHg+\""), "{}", rendered.html);
    assert!(!rendered.html.contains("\"><x>"));
    assert!(!rendered.html.contains("b=\"\""));
    let script = rendered.html.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    assert_eq!(script, super::SCRIPT);
}

#[test]
fn assets_have_their_digest_in_the_name() {
    let pages = pages();
    let style = pages.assets().get(pages.assets().style()).unwrap();
    assert_eq!(style.content_type, "text/css; charset=utf-8");
    assert!(pages.assets().style().starts_with("/authenticationendpoint/assets/postern."));
    assert!(style.is_immutable && pages.assets().get("/authenticationendpoint/assets/x.css").is_none());
}
