//! A hostile authenticator: what it says is bounded, and it reaches nobody's records but those of the
//! person that the call is about. Needs `cargo xtask build`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use postern_kernel::authenticator::{AuthenticatorModule as _, Context, Purpose, Step};
use postern_kernel::capability::Capability;
use postern_kernel::module::{FailureReason, ModuleFailure};
use postern_kernel::services::Installation;
use postern_sandbox::{ComponentAuthenticator, Limits, LoadError, Sandbox};

mod installation;

use installation::{artefact, context, services_about, services_writing};

async fn forger() -> ComponentAuthenticator {
    let sandbox = Sandbox::new(None).unwrap();
    let component = artefact("guests/forger.wasm");
    sandbox.load_authenticator("forger.wasm", component, Limits::default()).await.unwrap()
}

async fn call(
    module: &ComponentAuthenticator,
    installation: &Arc<Installation>,
    purpose: Purpose,
    crime: &str,
) -> Result<Step, ModuleFailure> {
    let anna = Some("subject-1");
    let services = services_about(Arc::clone(installation), "forger", purpose, anna);
    let context = Context { login_hint: Some(crime.into()), ..context(purpose, anna) };
    module.begin(services, context).await
}

/// Crimes at sign-in, with a word of the detail that each fails with.
const CRIMES: &[(&str, &str)] = &[
    ("title-long", "title: 5000 bytes"),
    ("title-control", "title: control character"),
    ("title-empty", "title: empty"),
    ("error-long", "error: 5000 bytes"),
    ("argument-control", "message: control character"),
    ("argument-name", "is no name"),
    ("state-large", "state: 4097 bytes"),
    ("many-elements", "elements: 17 items"),
    ("same-name", "elements: twice the same"),
    ("field-name", "is no name"),
    ("field-value", "field: value: 5000 bytes"),
    ("secret-value", "is secret and has a value"),
    ("autocomplete", "no such autocomplete token"),
    ("no-options", "has no options"),
    ("many-options", "choice: options: 17 items"),
    ("qr-long", "qr-code: payload: 5000 bytes"),
    ("qr-control", "qr-code: plain: control character"),
    ("link-script", "message: link"),
    ("link-relative", "message: link"),
    ("web-authn-create", "webauthn.options.malformed"),
    ("web-authn-get", "webauthn.options.malformed"),
    ("web-authn-foreign", "webauthn.options.rp-id"),
    ("web-authn-name", "web-authn: name"),
    ("web-authn-twice", "web-authn: 2 items"),
    ("indexes-for-another", "authenticator.subject.foreign"),
    ("indexes", "authenticator.enrolment.unasked"),
    ("indexes-large", "add: handle: 1025 bytes"),
    ("verifies-large", "verify: spki: 17000 bytes"),
    ("web-authn-drawn-elsewhere", "webauthn.options.challenge-foreign"),
    ("waiting-never", "waiting: interval: 0 seconds, 2 to 60 are allowed"),
    ("waiting-long", "waiting: interval: 61 seconds, 2 to 60 are allowed"),
    ("waiting-twice", "waiting: 2 items, 1 at most"),
    ("waiting-label", "waiting: label: empty"),
    ("redirect-empty", "redirect: url: empty"),
    ("redirect-control", "redirect: url: control character"),
    ("redirect-long", "redirect: url: 16385 bytes, 16384 at most"),
    ("redirect-state", "redirect: state: 4097 bytes, 4096 at most"),
    ("posts-often", "authenticator.redirect.posted-twice"),
    ("posts-many", "by-post: fields: 17 items, 16 at most"),
    ("posts-much", "by-post: fields: 65537 bytes, 65536 at most"),
    ("posts-twice", "by-post: fields: twice the same"),
    ("posts-name", "is no name"),
    ("posts-control", "by-post: value: control character"),
    ("claims-issuer", "claims: issuer: 1025 bytes, 1024 at most"),
    ("claims-nobody", "claims: subject: empty"),
    ("claims-subject", "claims: subject: 256 bytes, 255 at most"),
    ("claims-control", "claims: subject: control character"),
    ("claims-many", "claims: 65 items, 64 at most"),
    ("claims-twice", "claims: twice the same"),
    ("claims-values", "claims: values: 257 items, 256 at most"),
    ("claims-value", "claims: value: control character"),
    ("claims-name", "claims: name: empty"),
    ("subject-control", "subject: control character"),
    ("denied-control", "denied: reason: control character"),
    ("unavailable-long", "unavailable: 5000 bytes"),
    ("lists-another", "authenticator.subject.foreign"),
    ("adds-for-another", "authenticator.subject.foreign"),
    ("replaces-for-another", "authenticator.subject.foreign"),
    ("removes-for-another", "authenticator.subject.foreign"),
    ("adds", "authenticator.enrolment.unasked"),
];

#[tokio::test]
async fn each_crime_fails_with_its_reason() {
    let (module, installation) = (forger().await, installation::installation());
    for (crime, detail) in CRIMES {
        let done = call(&module, &installation, Purpose::SignIn, crime).await;
        let Err(failure) = done else { panic!("{crime} was not refused") };
        assert_eq!(failure.reason, FailureReason::Output, "{crime}: {failure}");
        assert!(failure.detail.contains(detail), "{crime}: {failure}");
        let good = call(&module, &installation, Purpose::SignIn, "good").await;
        assert!(matches!(good, Ok(Step::Challenge(_))), "after {crime}");
    }
}

/// Crimes with messages, likewise.
const MAILS: &[(&str, &str)] = &[
    ("mails-another", "authenticator.subject.foreign"),
    ("mails-nobody", "authenticator.subject.foreign"),
    ("mails-unknown-text", "authenticator.message.untranslated"),
    ("mails-unknown-subject", "authenticator.message.untranslated"),
    ("mails-nothing", "authenticator.message.paragraphs"),
    ("mails-much", "send: paragraphs: 9 items"),
    ("mails-control", "send: control character"),
    ("mails-control-subject", "send: control character"),
    ("mails-long", "send: 257 bytes"),
    ("mails-name", "is no name"),
];

#[tokio::test]
async fn messages_go_to_the_person_alone_in_texts_of_its_own() {
    let module = forger().await;
    let (installation, mailbox, now) = installation::with_mail(Some("anna@example.com"));
    let call = async |crime: &str| {
        let services = services_writing(&installation, module.description(), "de");
        let context =
            Context { login_hint: Some(crime.into()), ..context(Purpose::SignIn, Some("subject-1")) };
        module.begin(services, context).await
    };
    for (crime, detail) in MAILS {
        let Err(failure) = call(crime).await else { panic!("{crime} was not refused") };
        assert_eq!(failure.reason, FailureReason::Output, "{crime}: {failure}");
        assert!(failure.detail.contains(detail), "{crime}: {failure}");
    }
    assert!(mailbox.mails.lock().unwrap().is_empty(), "nothing was sent");
    let Err(failure) = call("mails-often").await else { panic!("not refused") };
    assert!(failure.detail.contains("authenticator.message.too-many"), "{failure}");
    assert_eq!(mailbox.mails.lock().unwrap().len(), 2);

    // Three, and then each waits twice as long as the one before. Another call does not help.
    let told = |text: &str| Step::Unavailable(text.into());
    assert_eq!(call("mails").await.unwrap(), told("a***@example.com"));
    assert_eq!(call("mails").await.unwrap(), told("2"));
    now.fetch_add(2, Ordering::SeqCst);
    assert_eq!(call("mails").await.unwrap(), told("a***@example.com"));
    assert_eq!(call("mails").await.unwrap(), told("4"));
    let mails = mailbox.mails.lock().unwrap();
    let one = ("anna@example.com".to_owned(), "A title".to_owned(), "A title\n".to_owned());
    assert_eq!(*mails, vec![one; 4]);
}

#[tokio::test]
async fn without_a_mail_server_or_an_address_nothing_is_sent() {
    let module = forger().await;
    for (address, expected) in [
        (Some("anna@example.com"), "unavailable"),
        (None, "no-address"),
        (Some("anna@example.com\r\nBcc: eve@evil.example"), "no-address"),
        (Some("anna"), "no-address"),
    ] {
        let (installation, mailbox, _) = installation::with_mail(address);
        mailbox.is_away.store(true, Ordering::SeqCst);
        let crime = Some("mails".to_owned());
        let context = Context { login_hint: crime, ..context(Purpose::SignIn, Some("subject-1")) };
        let services = services_writing(&installation, module.description(), "en");
        let step = module.begin(services, context).await.unwrap();
        assert_eq!(step, Step::Unavailable(expected.into()), "{address:?}");
    }
    let done = call(&module, &installation::installation(), Purpose::SignIn, "mails").await;
    assert!(done.is_err_and(|failure| failure.detail.contains("untranslated")), "a call without texts");
}

#[tokio::test]
async fn enrolment_is_for_the_person_who_enrols_and_bounded() {
    let (module, installation) = (forger().await, installation::installation());
    for (crime, detail) in [
        ("adds-for-another", "authenticator.subject.foreign"),
        ("adds-large", "authenticator.credential.too-large"),
        ("adds-label", "add: label: control character"),
        ("indexes-for-another", "authenticator.subject.foreign"),
        ("indexes-nothing", "authenticator.credential.too-large"),
    ] {
        let Err(failure) = call(&module, &installation, Purpose::Enrol, crime).await else {
            panic!("{crime} was not refused")
        };
        assert!(failure.detail.contains(detail), "{crime}: {failure}");
    }
    let count = |answer: &str| Step::Unavailable(answer.into());
    for _ in 0..postern_kernel::credentials::MOST {
        assert_eq!(call(&module, &installation, Purpose::Enrol, "adds").await.unwrap(), count("1"));
    }
    assert_eq!(call(&module, &installation, Purpose::Enrol, "adds").await.unwrap(), count("0"), "full");
}

/// Reads that end the call, likewise.
const READS: &[(&str, &str)] = &[
    ("reads-another", "authenticator.subject.foreign"),
    ("reads-nobody", "authenticator.subject.foreign"),
    ("reads-ungranted", "authenticator.attribute.ungranted: \"telephone_number\""),
    ("reads-differently", "authenticator.attribute.ungranted: \"Email\""),
    ("reads-twice", "attributes: names: twice the same"),
    ("reads-many", "attributes: names: 17 items, 16 at most"),
    ("reads-control", "attributes: name: control character"),
];

#[tokio::test]
async fn claims_are_read_of_the_person_alone_and_by_granted_names() {
    let module = forger().await;
    let (installation, _, _) = installation::with_mail(Some("anna@example.com"));
    let call = async |crime: &str, subject: Option<&str>, granted: &[&str]| {
        let services = services_about(Arc::clone(&installation), "forger", Purpose::SignIn, subject);
        let granted: Vec<String> = granted.iter().map(|name| (*name).to_owned()).collect();
        let services = Arc::into_inner(services).unwrap().reading(&granted);
        let context = Context { login_hint: Some(crime.into()), ..context(Purpose::SignIn, subject) };
        module.begin(Arc::new(services), context).await
    };
    let anna = Some("subject-1");
    for (crime, detail) in READS {
        let Err(failure) = call(crime, anna, &["email", "groups"]).await else { panic!("{crime}: told") };
        assert_eq!(failure.reason, FailureReason::Output, "{crime}: {failure}");
        assert!(failure.detail.contains(detail), "{crime}: {failure}");
    }
    // Groups she has none of.
    let told = |text: &str| Step::Unavailable(text.into());
    assert_eq!(call("reads", anna, &["email", "groups"]).await.unwrap(), told("email=anna@example.com"));
    assert_eq!(call("reads-nothing", anna, &[]).await.unwrap(), told(""));
    for (subject, granted, code) in [
        (anna, &["email"][..], "authenticator.attribute.ungranted: \"groups\""),
        (anna, &[], "authenticator.attribute.ungranted: \"email\""),
        // Nobody is known yet, and nobody has proven anything in this call.
        (None, &["email", "groups"], "authenticator.subject.foreign"),
    ] {
        let Err(failure) = call("reads", subject, granted).await else {
            panic!("{subject:?} {granted:?}: told")
        };
        assert!(failure.detail.contains(code), "{failure}");
    }
}

#[tokio::test]
async fn what_reads_claims_is_not_loaded_without_the_grant() {
    let others: Vec<_> =
        Capability::ALL.into_iter().filter(|capability| *capability != Capability::Directory).collect();
    let component = artefact("guests/forger.wasm");
    let sandbox = Sandbox::new(None).unwrap();
    match sandbox.load_granted("forger.wasm", component, Limits::default(), &others).await.map(drop) {
        Err(LoadError::Ungranted(missing)) => assert_eq!(missing, [Capability::Directory]),
        other => panic!("{other:?}"),
    }
}
