//! The password authenticator in the sandbox. Needs `cargo xtask build`.

use postern_kernel::authenticator::{
    AuthenticatorModule as _, Challenge, Context, FieldKind, Form, Identity, Step,
};
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};

mod installation;

use installation::{artefact, authenticator_services};

const PROTECTED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

async fn password() -> ComponentAuthenticator {
    let sandbox = Sandbox::new(None).unwrap();
    let component = artefact("authenticators/password.wasm");
    sandbox.load_authenticator("password.wasm", component, Limits::default()).await.unwrap()
}

fn context(login_hint: Option<&str>) -> Context {
    Context {
        relying_party: "An application".into(),
        login_hint: login_hint.map(Into::into),
        subject: None,
        language: "en".into(),
        settings: "{}".into(),
    }
}

async fn proceed(fields: &[(&str, &str)]) -> Step {
    let form = Form(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    password().await.proceed(authenticator_services(), context(None), Vec::new(), form).await.unwrap()
}

fn challenge(step: Step) -> Challenge {
    match step {
        Step::Challenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_describes_itself() {
    let module = password().await;
    let description = module.description();
    assert_eq!(description.name, "password");
    assert_eq!(description.methods, ["pwd"]);
    assert_eq!(description.context, PROTECTED);
}

#[tokio::test]
async fn the_form_has_the_name_that_is_known() {
    let begun = password().await.begin(authenticator_services(), context(Some("anna"))).await.unwrap();
    let form = challenge(begun);
    let fields: Vec<_> = form
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field.kind, field.value.as_str(), field.autocomplete.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("username", FieldKind::Text, "anna", "username"),
            ("password", FieldKind::Secret, "", "current-password"),
        ]
    );
    assert_eq!(form.error, None);
}

#[tokio::test]
async fn the_right_password_authenticates() {
    let services = authenticator_services();
    let form = Form(vec![("username".into(), "anna".into()), ("password".into(), "correct horse".into())]);
    let step = password().await.proceed(services.clone(), context(None), Vec::new(), form).await.unwrap();
    let identity =
        Identity { subject: "subject-1".into(), methods: vec!["pwd".into()], context: PROTECTED.into() };
    assert_eq!(step, Step::Authenticated(identity));
    assert!(services.has_proven("subject-1"));
    assert!(!services.has_proven("subject-2"));
}

/// Wrong password and unknown person: the same form, with the name that was typed and nothing else.
#[tokio::test]
async fn a_wrong_password_shows_the_form_again() {
    for (username, password) in [("anna", "wrong"), ("nobody", "correct horse"), ("anna", "")] {
        let form = challenge(proceed(&[("username", username), ("password", password)]).await);
        assert_eq!(form.error.as_deref(), Some("sign-in.wrong"));
        assert_eq!(form.fields[0].value, username);
        assert_eq!(form.fields[1].value, "");
    }
}

#[tokio::test]
async fn a_form_that_is_not_ours_proves_nothing() {
    let right = [("username", "anna"), ("password", "correct horse")];
    let long = "x".repeat(2_000);
    for fields in [
        &[][..],
        &right[..1],
        &right[1..],
        &[right[0], right[0], right[1]],
        &[right[0], right[1], right[1]],
        &[("username", &long), right[1]],
        &[right[0], ("password", &long)],
    ] {
        assert_eq!(challenge(proceed(fields).await).error.as_deref(), Some("sign-in.wrong"), "{fields:?}");
    }
}

#[tokio::test]
async fn a_full_queue_is_not_a_wrong_password() {
    let step = proceed(&[("username", "busy"), ("password", "x")]).await;
    assert!(matches!(step, Step::Unavailable(_)), "{step:?}");
}
