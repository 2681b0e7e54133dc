use postern_kernel::authenticator::{
    Ceremony, Challenge, Choice, ChoiceOption, Element, Field, FieldKind, Link, Message, QrCode, Text,
    Translation, Waiting, WebAuthn,
};
use postern_kernel::clock::Timestamp;
use postern_kernel::credentials::Credential;
use postern_kernel::flow::{
    FactorOf, FactorsPage, LinkOf, OwnLink, OwnPage, OwnSession, Page, PasswordPage, SessionsPage, SignInPage,
};
use postern_kernel::module::{Audience, FormPost};

use super::{Pages, Rendered, Script};

fn pages() -> Pages {
    Pages::new(None, "en", "sso.example.com").unwrap()
}

fn sign_in(error: Option<&str>) -> Page {
    let field = |name: &str, kind, value: &str, autocomplete: &str| {
        Element::Field(Field {
            name: name.into(),
            kind,
            label: Text::of(&format!("sign-in.{name}")),
            value: value.into(),
            required: true,
            autocomplete: autocomplete.into(),
        })
    };
    asking(
        vec![
            field("username", FieldKind::Text, "", "username"),
            field("password", FieldKind::Secret, "never-shown", "current-password"),
        ],
        error,
    )
}

fn asking(elements: Vec<Element>, error: Option<&str>) -> Page {
    let hostile = |language: &str| Translation {
        language: language.into(),
        key: "own.hostile".into(),
        text: "<script>{who}</script> \" onload=".into(),
    };
    Page::SignIn(SignInPage {
        transaction: "transaction-1".into(),
        anti_forgery: "forgery-1".into(),
        application: "<b>Payroll</b> & Co".into(),
        enrols: false,
        challenge: Challenge {
            title: Text::of("sign-in.title"),
            elements,
            submit: Text::of("sign-in.submit"),
            error: error.map(Text::of),
            state: Vec::new(),
        },
        translations: [hostile("en")].into(),
        title: None,
        has_other: false,
        other: None,
        named: None,
        remember: None,
        is_closed: false,
    })
}

#[test]
fn every_element_has_its_place_and_none_brings_html() {
    let hostile =
        || Text { key: "own.hostile".into(), arguments: vec![("who".into(), "<img src=x>".into())] };
    let option = |value: &str| ChoiceOption { value: value.into(), label: hostile() };
    let elements = vec![
        Element::Message(Message {
            body: hostile(),
            link: Some(Link { url: "https://help.example/?a=\"b".into(), label: hostile() }),
        }),
        Element::QrCode(QrCode {
            label: hostile(),
            payload: "otpauth://totp/x?secret=ABCD".into(),
            plain: "<ABCD> & EFGH".into(),
        }),
        Element::Choice(Choice {
            name: "which".into(),
            label: hostile(),
            options: vec![option("\"><b>"), option("two")],
        }),
    ];
    let html = pages().page("en", "c-1", &asking(elements, Some("own.hostile"))).html;
    for markup in ["<script", "<img src=x", "\" onload=", "\"><b>"] {
        assert!(!html.contains(markup), "{markup}: {html}");
    }
    assert_eq!(html.matches("name=\"f.which\" value=").count(), 2);
    assert!(html.contains("<svg viewBox=\"0 0 ") && html.contains("role=\"img\" aria-label=\"QR code\""));
    assert!(html.contains("&lt;ABCD&gt; &amp; EFGH</code>"), "the same as text: {html}");
    assert!(html.contains("href=\"#field-which\""), "what went wrong leads to what is filled in: {html}");
}

#[test]
fn a_ceremony_has_its_script_as_a_file_and_its_texts_for_everybody() {
    let asked = |ceremony| {
        let options = r#"{"challenge":"<script>\""}"#.into();
        let element = Element::WebAuthn(WebAuthn { ceremony, name: "answer".into(), options });
        pages().page("de", "c-1", &asking(vec![element], None))
    };
    for (ceremony, name) in [(Ceremony::Create, "create"), (Ceremony::Get, "get")] {
        let Rendered { html, script, .. } = asked(ceremony);
        assert_eq!(script, Script::Passkey);
        assert!(html.contains(&format!("data-ceremony=\"{name}\"")), "{html}");
        assert!(html.contains("data-options=\"{&quot;challenge&quot;:&quot;&lt;script&gt;"), "{html}");
        assert!(html.contains("role=\"status\" aria-live=\"polite\""), "{html}");
        assert!(html.contains("<noscript><p class=\"alert\">Passkeys brauchen JavaScript"), "{html}");
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        let source = html.split("<script src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let source = source.replace("&#x2f;", "/");
        let asset = pages().assets().get(&source).cloned().unwrap_or_else(|| panic!("{source}"));
        assert!(asset.is_immutable && asset.content_type.starts_with("text/javascript"));
        assert!(html.contains("name=\"f.answer\" value=\"\""), "{html}");
    }
    assert_eq!(pages().page("de", "c-1", &asking(Vec::new(), None)).script, Script::None);
}

#[test]
fn there_is_another_way_when_there_is_one_and_a_way_back_when_there_is_no_other() {
    let shown = |has_other, is_closed| {
        let Page::SignIn(page) = asking(Vec::new(), None) else { unreachable!("it asks") };
        pages().page("en", "c-1", &Page::SignIn(SignInPage { has_other, is_closed, ..page })).html
    };
    assert!(shown(true, false).contains("value=\"other\" formnovalidate>Use another way</button>"));
    let html = shown(false, false);
    assert!(!html.contains("value=\"other\"") && html.contains("value=\"sign-in\""));
    let html = shown(false, true);
    assert!(!html.contains("value=\"sign-in\"") && html.contains("value=\"cancel\" formnovalidate>Back<"));
}

#[test]
fn a_page_that_waits_loads_itself_again_without_script() {
    let waiting = Waiting { label: Text::of("Look at your <phone>"), interval: 5 };
    let html = |page: &Page| pages().page("en", "c-1", page).html;
    let page = asking(vec![Element::Waiting(waiting)], None);
    assert!(html(&page).contains("<meta http-equiv=\"refresh\" content=\"5\">"));
    assert!(html(&page).contains("<p class=\"told\" role=\"status\">Look at your &lt;phone&gt;</p>"));
    let Page::SignIn(page) = page else { panic!("another page") };
    assert!(!html(&Page::SignIn(SignInPage { is_closed: true, ..page })).contains("refresh"));
    assert!(!html(&sign_in(None)).contains("refresh"));
}

#[test]
fn the_page_of_factors_names_what_there_is() {
    let factor = |authenticator: &str, credentials: Vec<Credential>| FactorOf {
        authenticator: authenticator.into(),
        own_title: None,
        title: Text::of("own.title"),
        translations: [Translation {
            language: "de".into(),
            key: "own.title".into(),
            text: "Codes <App>".into(),
        }]
        .into(),
        is_locked: credentials.is_empty(),
        credentials,
    };
    let phone = Credential {
        id: "c-1".into(),
        label: "<i>Phone</i>".into(),
        data: b"never-shown".to_vec().into(),
        version: 1,
        created_at: Timestamp(0),
    };
    let link = |id: &str, is_last_way| OwnLink {
        id: id.into(),
        own_title: (id == "l-1").then(|| "Example <Login>".into()),
        title: Text::of("Another Login"),
        translations: [].into(),
        label: "<b>erika@example.org</b>".into(),
        is_last_way,
    };
    let page = Page::Factors(FactorsPage {
        transaction: "transaction-1".into(),
        anti_forgery: "forgery-1".into(),
        username: "erika".into(),
        pages: OwnPage::ALL.into(),
        factors: vec![factor("totp", vec![phone]), factor("other", Vec::new())],
        links: vec![link("l-1", false), link("l-2", true)],
        linkable: vec![LinkOf {
            authenticator: "partner".into(),
            own_title: Some("Partner <i>".into()),
            title: Text::of("own.title"),
            translations: [].into(),
        }],
    });
    let html = pages().page("de", "c-1", &page).html;
    assert!(html.contains("Codes &lt;App&gt;") && html.contains("&lt;i&gt;Phone&lt;"), "{html}");
    assert!(
        html.contains("name=\"f.credential\" value=\"c-1\"") && html.contains("Noch nicht eingerichtet.")
    );
    assert_eq!(html.matches("value=\"enrol\"").count(), 2);
    assert_eq!(html.matches("name=\"anti-forgery\" value=\"forgery-1\"").count(), 7);
    assert!(
        html.contains("name=\"f.authenticator\" value=\"partner\"") && html.contains("Partner &lt;i&gt;")
    );
    assert_eq!(html.matches("value=\"link\"").count(), 1);
    assert!(html.contains("Another Login: <bdi>") && html.contains("Example &lt;Login&gt;: <bdi>"), "{html}");
    assert!(html.contains("Login&gt;: <bdi>&lt;b&gt;erika@example.org&lt;"), "{html}");
    assert_eq!(html.matches("value=\"unlink\"").count(), 1, "the last way in stays");
    assert!(!html.contains("never-shown"));
    assert_eq!(html.matches("value=\"unlock\"").count(), 1);
    let html = html.replace("&#x2f;", "/");
    let nav = "<a href=\"/authenticationendpoint/factors\" aria-current=\"page\">Anmeldung</a>";
    assert!(html.contains(nav) && html.contains("href=\"/authenticationendpoint/password\">Passwort"));
}

#[test]
fn the_page_of_sessions_names_what_is_known_and_ends_all_but_the_present_one() {
    let session = |id: &str, user_agent: &str, is_current| OwnSession {
        id: id.into(),
        is_current,
        user_agent: user_agent.into(),
        address: "192.0.2.1".into(),
        began_at: Timestamp(1_800_000_000),
        last_used_at: Timestamp(1_800_000_060),
        applications: vec!["Wiki <b>".into()],
    };
    let page = Page::Sessions(SessionsPage {
        transaction: "transaction-1".into(),
        anti_forgery: "forgery-1".into(),
        username: "erika".into(),
        pages: vec![OwnPage::Sessions],
        sessions: vec![
            session("s-1", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", true),
            session("s-2", "<script>alert(1)</script>", false),
        ],
    });
    let html = pages().page("en", "c-1", &page).html;
    assert!(html.contains("Firefox on Linux") && html.contains("Unknown browser"), "{html}");
    assert!(!html.contains("<script") && html.contains("Wiki &lt;b&gt;"));
    assert!(html.contains("<time datetime=\"2027-01-15T08:01:00Z\">2027-01-15 08:01 UTC</time>"), "{html}");
    assert!(html.contains("value=\"s-2\"") && !html.contains("value=\"s-1\""));
    assert_eq!(html.matches("value=\"end\"").count(), 1);
    assert_eq!(html.matches("name=\"anti-forgery\" value=\"forgery-1\"").count(), 2);
    assert!(!html.contains("<nav"), "there is one page alone");
}

#[test]
fn the_page_of_the_password_sends_nothing_back_and_names_the_problem() {
    let page = |is_changed, error: Option<&str>| {
        Page::Password(PasswordPage {
            transaction: "transaction-1".into(),
            anti_forgery: "forgery-1".into(),
            username: "erika".into(),
            pages: OwnPage::ALL.into(),
            is_changed,
            error: error.map(Into::into),
        })
    };
    let html = pages().page("de", "c-1", &page(false, Some("password.wrong"))).html;
    assert!(html.contains("role=\"alert\"") && html.contains("Das jetzige Passwort stimmt nicht."), "{html}");
    assert!(html.contains("href=\"#field-current\"") && html.matches("aria-invalid").count() == 1);
    let html = pages().page("de", "c-1", &page(false, Some("password.too-short"))).html;
    assert!(html.contains("href=\"#field-new\"") && html.matches("aria-invalid").count() == 1);
    for name in ["current", "new", "again"] {
        assert!(html.contains(&format!("name=\"f.{name}\" type=\"password\"")), "{html}");
    }
    let html = pages().page("en", "c-1", &page(true, None)).html;
    assert!(html.contains("role=\"status\"") && !html.contains("role=\"alert\""));
    for said in ["incomplete", "differs", "wrong", "same", "too-short", "too-long", "is-name", "elsewhere"] {
        let key = format!("password.{said}");
        assert!(!pages().page("en", "c-1", &page(false, Some(&key))).html.contains(&key), "{key}");
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
    for message in ["error.request", "error.expired", "error.internal", "error.unavailable", "error.denied"] {
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
    assert_eq!(rendered.script, Script::Inline);
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
