//! The promise of version 0.1 of the contract: what was built for 0.1.0 loads and works. The component is
//! kept in the repository as it was built then (`tests/guests/contract-0-1-0`).

use std::path::Path;
use std::sync::Arc;

use postern_kernel::authenticator::{
    AuthenticatorModule as _, Challenge, Element, Form, Identity, Purpose, Step, Who,
};
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};

mod installation;

use installation::{context, services_about};

async fn kept() -> ComponentAuthenticator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/contract-0-1-0");
    let component = std::fs::read(folder.join("authenticator-0.1.0.wasm")).unwrap();
    let sandbox = Sandbox::new(None).unwrap();
    sandbox.load_authenticator("authenticator-0.1.0.wasm", component, Limits::default()).await.unwrap()
}

async fn run(purpose: Purpose, subject: Option<&str>, fields: &[(&str, &str)]) -> (Challenge, Step) {
    let (module, installation) = (kept().await, installation::installation());
    let services = || services_about(Arc::clone(&installation), "kept", purpose, subject);
    let Step::Challenge(asked) = module.begin(services(), context(purpose, subject)).await.unwrap() else {
        panic!("it asks")
    };
    let form = Form(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    let state = asked.state.clone();
    let step = module.proceed(services(), context(purpose, subject), state, form.into()).await.unwrap();
    (asked, step)
}

#[tokio::test]
async fn a_component_of_0_1_0_says_what_it_is() {
    let module = kept().await;
    let description = module.description();
    assert_eq!((description.name.as_str(), description.version.as_str()), ("kept", "0.1.0"));
    assert_eq!(description.contexts, ["weak", "strong"]);
    assert!(description.identifies && description.enrols);
    assert_eq!(description.translations.len(), 2);
}

#[tokio::test]
async fn a_component_of_0_1_0_signs_people_in() {
    let right = [("username", "anna"), ("password", "correct horse"), ("wish", "in")];
    let (asked, step) = run(Purpose::SignIn, None, &right).await;
    let kinds: Vec<_> = asked
        .elements
        .iter()
        .map(|element| match element {
            Element::Field(_) => "field",
            Element::Choice(_) => "choice",
            Element::QrCode(_) => "qr-code",
            Element::Message(_) => "message",
            Element::WebAuthn(_) => "web-authn",
            Element::Waiting(_) => "waiting",
        })
        .collect();
    assert_eq!(kinds, ["message", "field", "field", "choice"]);
    assert_eq!(asked.title.arguments, [("years".to_owned(), "ever".to_owned())]);
    let (methods, context) = (vec!["pwd".into()], "strong".into());
    assert_eq!(
        step,
        Step::Authenticated(Identity {
            who: Who::Account("subject-1".into()),
            methods,
            context,
            remember: Some(60)
        })
    );

    let (_, wrong) = run(Purpose::SignIn, None, &[("username", "anna"), ("password", "x")]).await;
    let Step::Challenge(again) = wrong else { panic!("{wrong:?}") };
    assert_eq!(again.error.unwrap().key, "sign-in.wrong");
    let (_, out) = run(Purpose::SignIn, None, &[("wish", "out")]).await;
    assert!(matches!(out, Step::Denied(denial) if denial.reason == "as they wish"));
    let (_, away) = run(Purpose::SignIn, None, &[("wish", "away")]).await;
    assert_eq!(away, Step::Unavailable("as they wish".into()));
    assert_eq!(run(Purpose::SignIn, None, &[("wish", "not-enrolled")]).await.1, Step::NotEnrolled);
}

#[tokio::test]
async fn a_component_of_0_1_0_keeps_records() {
    let (asked, step) = run(Purpose::Enrol, Some("subject-1"), &[("password", "an answer")]).await;
    assert!(matches!(asked.elements.last(), Some(Element::QrCode(_))), "{asked:?}");
    assert_eq!(step, Step::Enrolled);
}
