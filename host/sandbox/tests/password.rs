//! The password authenticator in the sandbox. Needs `cargo xtask build`.

use postern_kernel::authenticator::{
    AuthenticatorModule as _, Challenge, Context, Element, Field, FieldKind, Form, Identity, Purpose, Step,
    Who,
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
    Context { login_hint: login_hint.map(Into::into), ..installation::context(Purpose::SignIn, None) }
}

async fn proceed(fields: &[(&str, &str)]) -> Step {
    let form = Form(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    password().await.proceed(authenticator_services(), context(None), Vec::new(), form.into()).await.unwrap()
}

fn challenge(step: Step) -> Challenge {
    match step {
        Step::Challenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

fn fields(challenge: &Challenge) -> Vec<&Field> {
    let mut fields = Vec::new();
    for element in &challenge.elements {
        match element {
            Element::Field(field) => fields.push(field),
            other => panic!("{other:?}"),
        }
    }
    fields
}

fn error(challenge: &Challenge) -> Option<&str> {
    challenge.error.as_ref().map(|error| error.key.as_str())
}

#[tokio::test]
async fn it_describes_itself() {
    let module = password().await;
    let description = module.description();
    assert_eq!(description.name, "password");
    assert_eq!(description.methods, ["pwd"]);
    assert_eq!(description.contexts, [PROTECTED]);
    assert!(description.identifies && !description.enrols);
}

#[tokio::test]
async fn the_form_has_the_name_that_is_known() {
    let begun = password().await.begin(authenticator_services(), context(Some("anna"))).await.unwrap();
    let form = challenge(begun);
    let fields: Vec<_> = fields(&form)
        .into_iter()
        .map(|field| (field.name.as_str(), field.kind, field.value.as_str(), field.autocomplete.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("username", FieldKind::Text, "anna", "username"),
            ("password", FieldKind::Secret, "", "current-password"),
        ]
    );
    assert_eq!(error(&form), None);
}

#[tokio::test]
async fn the_right_password_authenticates() {
    let services = authenticator_services();
    let form = Form(vec![("username".into(), "anna".into()), ("password".into(), "correct horse".into())]);
    let step =
        password().await.proceed(services.clone(), context(None), Vec::new(), form.into()).await.unwrap();
    let identity = Identity {
        who: Who::Account("subject-1".into()),
        methods: vec!["pwd".into()],
        context: PROTECTED.into(),
        remember: None,
    };
    assert_eq!(step, Step::Authenticated(identity));
    assert!(services.may_name("subject-1"));
    assert!(!services.may_name("subject-2"));
}

/// Wrong password and unknown person: the same form, with the name that was typed and nothing else.
#[tokio::test]
async fn a_wrong_password_shows_the_form_again() {
    for (username, password) in [("anna", "wrong"), ("nobody", "correct horse"), ("anna", "")] {
        let form = challenge(proceed(&[("username", username), ("password", password)]).await);
        assert_eq!(error(&form), Some("sign-in.wrong"));
        assert_eq!(fields(&form)[0].value, username);
        assert_eq!(fields(&form)[1].value, "");
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
        let form = challenge(proceed(fields).await);
        assert_eq!(error(&form), Some("sign-in.wrong"), "{fields:?}");
    }
}

#[tokio::test]
async fn a_full_queue_is_not_a_wrong_password() {
    let step = proceed(&[("username", "busy"), ("password", "x")]).await;
    assert!(matches!(step, Step::Unavailable(_)), "{step:?}");
}

/// Who is to be confirmed can't become somebody else.
#[tokio::test]
async fn another_persons_password_confirms_nobody() {
    let services = installation::services_about(
        installation::installation(),
        "password",
        Purpose::SignIn,
        Some("subject-2"),
    );
    let context = installation::context(Purpose::SignIn, Some("subject-2"));
    let form = Form(vec![("username".into(), "anna".into()), ("password".into(), "correct horse".into())]);
    let step = password().await.proceed(services.clone(), context, Vec::new(), form.into()).await.unwrap();
    assert_eq!(error(&challenge(step)), Some("sign-in.wrong"));
    assert!(!services.may_name("subject-1"));
}
