//! What an authenticator may not do or say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::bindings::exports::postern::idp::authenticator::{
    Argument, Challenge, Choice, ChoiceOption, Claim, ClaimSet, Denial, Element, Field, FieldKind, Identity,
    Link, Message, QrCode, Redirection, Step, Text, Waiting, WebAuthn, Who,
};
use crate::bindings::postern::idp::credential_index::{self, Added};
use crate::bindings::postern::idp::messages::{self, Verdict};
use crate::bindings::postern::idp::{credentials, directory, outbound, redirections, signatures, system};
use crate::text;

/// Commits the crime of that name; `good` is none.
pub(crate) fn commit(name: &str) -> Step {
    let long = "x".repeat(5_000);
    match name {
        "good" => asking(vec![field("code", "")]),
        "title-long" => Step::Challenge(Challenge { title: text(&long), ..challenge(Vec::new()) }),
        "title-control" => Step::Challenge(Challenge { title: text("a\u{1b}[2J"), ..challenge(Vec::new()) }),
        "title-empty" => Step::Challenge(Challenge { title: text(""), ..challenge(Vec::new()) }),
        "error-long" => Step::Challenge(Challenge { error: Some(text(&long)), ..challenge(Vec::new()) }),
        "argument-control" => with_argument("who", "a\nb"),
        "argument-name" => with_argument("<who>", "a"),
        "state-large" => Step::Challenge(Challenge { state: vec![0; 4_097], ..challenge(Vec::new()) }),
        "many-elements" => asking((0..17).map(|_| message("a", None)).collect()),
        "same-name" => asking(vec![field("code", ""), choice("code", 2)]),
        "field-name" => asking(vec![field("a\" onfocus=\"", "")]),
        "field-value" => asking(vec![field("code", &long)]),
        "secret-value" => {
            asking(vec![Element::Field(Field { kind: FieldKind::Secret, ..plain("code", "x") })])
        }
        "autocomplete" => {
            asking(vec![Element::Field(Field { autocomplete: "off\" x".into(), ..plain("code", "") })])
        }
        "no-options" => asking(vec![choice("which", 0)]),
        "many-options" => asking(vec![choice("which", 17)]),
        "qr-long" => asking(vec![code(&long, "plain")]),
        "qr-control" => asking(vec![code("otpauth://x", "a\0b")]),
        "link-script" => asking(vec![message("a", Some("javascript:alert(1)"))]),
        "link-relative" => asking(vec![message("a", Some("/oidc/logout"))]),
        "web-authn-create" => asking(vec![Element::WebAuthnCreate(web_authn("answer", "{}"))]),
        "web-authn-get" => asking(vec![Element::WebAuthnGet(web_authn("answer", "{}"))]),
        "web-authn-foreign" => asking(vec![asked("answer", "evil.example")]),
        "web-authn-name" => asking(vec![asked("<answer>", "sso.example.com")]),
        // Of another sign-in, whose page showed it.
        "web-authn-drawn-elsewhere" => asking(vec![asked_with(&"A".repeat(43), "answer", "sso.example.com")]),
        "web-authn-twice" => asking(vec![asked("a", "sso.example.com"), asked("b", "sso.example.com")]),
        "indexes-for-another" => counted(added(credential_index::add("subject-2", "", b"key", b"handle"))),
        "indexes" => counted(added(credential_index::add("subject-1", "", b"key", b"handle"))),
        "indexes-large" => counted(added(credential_index::add("subject-1", "", b"key", &[1; 1_025]))),
        "indexes-nothing" => counted(added(credential_index::add("subject-1", "", b"key", b""))),
        "verifies-large" => {
            counted(usize::from(signatures::verify(signatures::Algorithm::Es256, &[0; 17_000], b"", b"")))
        }
        "mails" => mailed("subject-1", "title", &["title"]),
        "mails-another" => mailed("subject-2", "title", &["title"]),
        "mails-nobody" => mailed("", "title", &["title"]),
        "mails-unknown-text" => mailed("subject-1", "title", &["sign-in.submit"]),
        "mails-unknown-subject" => mailed("subject-1", "Bcc: eve@evil.example", &["title"]),
        "mails-nothing" => mailed("subject-1", "title", &[]),
        "mails-much" => mailed("subject-1", "title", &["title"; 9]),
        "mails-control" => mail_with("who", "a\r\nBcc: eve@evil.example"),
        "mails-control-subject" => {
            let subject_line = message_text("with", "who", "a\nBcc: eve@evil.example");
            verdict(messages::send("subject-1", &subject_line, &[message_text("title", "who", "a")]))
        }
        "mails-long" => mail_with("who", &"x".repeat(257)),
        "mails-name" => mail_with("<who>", "a"),
        "mails-often" => {
            mailed("subject-1", "title", &["title"]);
            mailed("subject-1", "title", &["title"]);
            mailed("subject-1", "title", &["title"])
        }
        "calls" => called(request("https://op.example/")),
        "calls-itself" => called(request("https://127.0.0.1/")),
        "calls-metadata" => called(request("https://169.254.169.254/latest/meta-data/")),
        "calls-plain" => called(request("http://op.example/")),
        "calls-as-number" => called(request("https://2130706433/")),
        "calls-with-user" => called(request("https://op.example@evil.example/")),
        "calls-splitting" => called(outbound::Request {
            headers: vec![sent("accept", "a\r\nhost: evil.example")],
            ..request("https://op.example/")
        }),
        "calls-with-host" => called(outbound::Request {
            headers: vec![sent("host", "evil.example")],
            ..request("https://op.example/")
        }),
        "calls-with-secret" => {
            called(outbound::Request { credential: Some("client".into()), ..request("https://op.example/") })
        }
        "calls-large" => {
            called(outbound::Request { body: vec![0; 65_537], ..request("https://op.example/") })
        }
        "calls-long" => called(request(&format!("https://op.example/{long}"))),
        "calls-with-many" => called(outbound::Request {
            headers: (0..17).map(|number| sent(&number.to_string(), "a")).collect(),
            ..request("https://op.example/")
        }),
        "calls-often" => {
            for _ in 0..8 {
                let _ = outbound::send(&request("https://op.example/"));
            }
            called(request("https://op.example/"))
        }
        "waiting-never" => asking(vec![waiting("a", 0)]),
        "waiting-long" => asking(vec![waiting("a", 61)]),
        "waiting-twice" => asking(vec![waiting("a", 5), waiting("a", 5)]),
        "waiting-label" => asking(vec![waiting("", 5)]),
        "redirect-empty" => redirect("", 0),
        "redirect-control" => redirect("https://evil.example/\r\nset-cookie: x", 0),
        "redirect-long" => redirect(&format!("https://evil.example/{:x<16364}", ""), 0),
        "posts-often" => {
            redirections::by_post(&[posted("a", "b")]);
            redirections::by_post(&[posted("a", "b")]);
            redirect("https://evil.example/", 0)
        }
        "posts-many" => posting((0..17).map(|number| posted(&number.to_string(), "a")).collect()),
        "posts-much" => posting(vec![posted("a", &"x".repeat(65_536))]),
        "posts-twice" => posting(vec![posted("a", "b"), posted("a", "c")]),
        "posts-name" => posting(vec![posted("a\" onfocus=\"", "b")]),
        "posts-control" => posting(vec![posted("a", "b\r\nc")]),
        "redirect-state" => redirect("https://evil.example/", 4_097),
        "claims-issuer" => claims(&"x".repeat(1_025), "a", Vec::new()),
        "claims-nobody" => claims("https://evil.example", "", Vec::new()),
        "claims-subject" => claims("https://evil.example", &"x".repeat(256), Vec::new()),
        "claims-control" => claims("https://evil.example", "a\nb", Vec::new()),
        "claims-many" => claims(
            "https://evil.example",
            "a",
            (0..65).map(|number| claim(&number.to_string(), "x", 1)).collect(),
        ),
        "claims-twice" => {
            claims("https://evil.example", "a", vec![claim("email", "a", 1), claim("email", "b", 1)])
        }
        "claims-values" => claims("https://evil.example", "a", vec![claim("groups", "x", 257)]),
        "claims-value" => claims("https://evil.example", "a", vec![claim("email", "a\r\nb", 1)]),
        "claims-name" => claims("https://evil.example", "a", vec![claim("", "a", 1)]),
        "subject-control" => authenticated(Who::Account("subject-1\n".into())),
        "denied-control" => Step::Denied(Denial { text: text("a"), reason: "a\nsign-in.succeeded".into() }),
        "unavailable-long" => Step::Unavailable(long),
        "reads" => read("subject-1", &["email", "groups"]),
        "reads-another" => read("subject-2", &["email"]),
        "reads-nobody" => read("", &["email"]),
        "reads-ungranted" => read("subject-1", &["email", "telephone_number"]),
        "reads-differently" => read("subject-1", &["Email"]),
        "reads-nothing" => read("subject-1", &[]),
        "reads-twice" => read("subject-1", &["email", "email"]),
        "reads-many" => {
            let names: Vec<String> = (0..17).map(|number| number.to_string()).collect();
            read("subject-1", &names.iter().map(String::as_str).collect::<Vec<_>>())
        }
        "reads-control" => read("subject-1", &["email\n"]),
        "lists-another" => counted(credentials::list("subject-2").len()),
        "adds-for-another" => counted(credentials::add("subject-2", "", b"key").iter().count()),
        "adds" => counted(credentials::add("subject-1", "", b"key").iter().count()),
        "adds-large" => counted(credentials::add("subject-1", "", &[0; 4_097]).iter().count()),
        "adds-label" => counted(credentials::add("subject-1", "a\nb", b"key").iter().count()),
        "replaces-for-another" => counted(usize::from(credentials::replace("subject-2", "id", 1, b"key"))),
        "removes-for-another" => counted(usize::from(credentials::remove("subject-2", "id"))),
        _ => match name.strip_prefix("calls ") {
            Some(url) => called(request(url)),
            None => Step::Unavailable("no such crime".into()),
        },
    }
}

/// What it was told, as a reason.
fn read(subject: &str, names: &[&str]) -> Step {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let claims = directory::attributes(subject, &names);
    let told = claims.iter().map(|claim| format!("{}={}", claim.name, claim.values.join(",")));
    Step::Unavailable(told.collect::<Vec<_>>().join(" "))
}

fn posting(fields: Vec<redirections::Field>) -> Step {
    redirections::by_post(&fields);
    redirect("https://evil.example/", 0)
}

fn posted(name: &str, value: &str) -> redirections::Field {
    redirections::Field { name: name.into(), value: value.into() }
}

fn claims(issuer: &str, subject: &str, claims: Vec<Claim>) -> Step {
    authenticated(Who::Claims(ClaimSet { issuer: issuer.into(), subject: subject.into(), claims }))
}

fn claim(name: &str, value: &str, count: usize) -> Claim {
    Claim { name: name.into(), values: vec![value.to_owned(); count] }
}

fn redirect(url: &str, state: usize) -> Step {
    Step::Redirect(Redirection { url: url.into(), state: vec![0; state] })
}

fn request(url: &str) -> outbound::Request {
    outbound::Request {
        method: outbound::Method::Get,
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        credential: None,
        cached: false,
    }
}

fn sent(name: &str, value: &str) -> outbound::Header {
    outbound::Header { name: name.into(), value: value.into() }
}

fn called(request: outbound::Request) -> Step {
    Step::Unavailable(match outbound::send(&request) {
        Ok(response) => format!("{} {}", response.status, response.body.len()),
        Err(error) => format!("{error:?}"),
    })
}

fn waiting(label: &str, interval: u32) -> Element {
    Element::Waiting(Waiting { label: text(label), interval })
}

fn counted(count: usize) -> Step {
    Step::Unavailable(count.to_string())
}

fn message_text(key: &str, name: &str, value: &str) -> messages::Text {
    let arguments = vec![messages::Argument { name: name.into(), value: value.into() }];
    messages::Text { key: key.into(), arguments }
}

fn mail_with(name: &str, value: &str) -> Step {
    let subject_line = message_text("title", "who", "a");
    verdict(messages::send("subject-1", &subject_line, &[message_text("with", name, value)]))
}

fn mailed(subject: &str, subject_line: &str, keys: &[&str]) -> Step {
    let plain = |key: &str| messages::Text { key: key.into(), arguments: Vec::new() };
    let paragraphs: Vec<_> = keys.iter().map(|key| plain(key)).collect();
    verdict(messages::send(subject, &plain(subject_line), &paragraphs))
}

fn verdict(verdict: Verdict) -> Step {
    Step::Unavailable(match verdict {
        Verdict::Sent(address) => address,
        Verdict::NoAddress => "no-address".into(),
        Verdict::Throttled(seconds) => seconds.to_string(),
        Verdict::Unavailable => "unavailable".into(),
    })
}

fn challenge(elements: Vec<Element>) -> Challenge {
    Challenge { title: text("title"), elements, submit: text("submit"), error: None, state: Vec::new() }
}

fn asking(elements: Vec<Element>) -> Step {
    Step::Challenge(challenge(elements))
}

fn with_argument(name: &str, value: &str) -> Step {
    let argument = Argument { name: name.into(), value: value.into() };
    let body = Text { key: "a".into(), arguments: vec![argument] };
    asking(vec![Element::Message(Message { body, link: None })])
}

fn plain(name: &str, value: &str) -> Field {
    Field {
        name: name.into(),
        kind: FieldKind::Text,
        label: text("label"),
        value: value.into(),
        required: true,
        autocomplete: String::new(),
    }
}

fn field(name: &str, value: &str) -> Element {
    Element::Field(plain(name, value))
}

fn choice(name: &str, options: usize) -> Element {
    let option = |number: usize| ChoiceOption { value: number.to_string(), label: text("label") };
    Element::Choice(Choice {
        name: name.into(),
        label: text("label"),
        options: (0..options).map(option).collect(),
    })
}

fn code(payload: &str, plain: &str) -> Element {
    Element::QrCode(QrCode { label: text("label"), payload: payload.into(), plain: plain.into() })
}

fn message(body: &str, link: Option<&str>) -> Element {
    let link = link.map(|url| Link { url: url.into(), label: text("label") });
    Element::Message(Message { body: text(body), link })
}

fn web_authn(name: &str, options: &str) -> WebAuthn {
    WebAuthn { name: name.into(), options: options.into() }
}

fn asked(name: &str, rp_id: &str) -> Element {
    asked_with(&URL_SAFE_NO_PAD.encode(system::random(32)), name, rp_id)
}

fn asked_with(challenge: &str, name: &str, rp_id: &str) -> Element {
    let options = format!(
        r#"{{"challenge":"{challenge}","timeout":60000,"rpId":"{rp_id}","allowCredentials":[],"userVerification":"preferred"}}"#
    );
    Element::WebAuthnGet(web_authn(name, &options))
}

fn added(added: Added) -> usize {
    match added {
        Added::Id(_) => 1,
        Added::Full | Added::Taken => 0,
    }
}

fn authenticated(who: Who) -> Step {
    Step::Authenticated(Identity { who, methods: vec!["pwd".into()], context: "any".into(), remember: None })
}
