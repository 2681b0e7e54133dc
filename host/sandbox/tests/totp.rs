//! The authenticator of one-time codes in the sandbox. Needs `cargo xtask build`.

use std::sync::Arc;

use postern_kernel::authenticator::{
    AuthenticatorModule as _, Challenge, Element, Form, Identity, Purpose, Step, Who,
};
use postern_kernel::services::Installation;
use postern_otp::{Code, Key};
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};

mod installation;

use installation::{artefact, context, services_about};

const ANNA: Option<&str> = Some("subject-1");
/// The step of the installation's clock.
const STEP: u64 = 1_800_000_000 / 30;

async fn totp() -> ComponentAuthenticator {
    let component = artefact("authenticators/totp.wasm");
    let sandbox = Sandbox::new(None).unwrap();
    sandbox.load_authenticator("totp.wasm", component, Limits::default()).await.unwrap()
}

async fn begin(module: &ComponentAuthenticator, installation: &Arc<Installation>, purpose: Purpose) -> Step {
    let services = services_about(Arc::clone(installation), "totp", purpose, ANNA);
    module.begin(services, context(purpose, ANNA)).await.unwrap()
}

async fn send(
    module: &ComponentAuthenticator,
    installation: &Arc<Installation>,
    purpose: Purpose,
    state: &[u8],
    fields: &[(&str, &str)],
) -> Step {
    let services = services_about(Arc::clone(installation), "totp", purpose, ANNA);
    let form = Form(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    module.proceed(services, context(purpose, ANNA), state.to_vec(), form.into()).await.unwrap()
}

fn challenge(step: Step) -> Challenge {
    match step {
        Step::Challenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

fn error(step: Step) -> String {
    challenge(step).error.map(|error| error.key).unwrap_or_default()
}

/// Six digits of a step.
fn digits(key: &Key, step: u64) -> String {
    let code = Code::of_step(key, step).unwrap();
    (0..1_000_000).map(|number| format!("{number:06}")).find(|typed| Code::read(typed) == Some(code)).unwrap()
}

/// Sets a phone up with the code of this step, and yields its key.
async fn enrolled(module: &ComponentAuthenticator, installation: &Arc<Installation>, step: u64) -> Key {
    let form = challenge(begin(module, installation, Purpose::Enrol).await);
    let key = Key::new(&form.state).unwrap();
    let fields = [("code", digits(&key, step)), ("label", "Phone".into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let done = send(module, installation, Purpose::Enrol, &form.state, &fields).await;
    assert_eq!(done, Step::Enrolled);
    key
}

#[tokio::test]
async fn a_phone_is_set_up_with_a_code_to_scan_and_to_type() {
    let (module, installation) = (totp().await, installation::installation());
    assert_eq!(begin(&module, &installation, Purpose::SignIn).await, Step::NotEnrolled);
    let form = challenge(begin(&module, &installation, Purpose::Enrol).await);
    let key = Key::new(&form.state).unwrap();
    let Some(Element::QrCode(code)) = form.elements.first() else { panic!("{form:?}") };
    assert_eq!(code.payload, key.uri("sso.example.com", "anna"));
    assert_eq!(code.plain, key.to_type());
    for typed in ["", "000000", "12345", "abcdef"] {
        let again = send(&module, &installation, Purpose::Enrol, &form.state, &[("code", typed)]).await;
        let again = challenge(again);
        assert_eq!(again.error.unwrap().key, "totp.wrong", "{typed}");
        assert_eq!(again.state, form.state, "the same code is shown again");
    }
    assert_eq!(begin(&module, &installation, Purpose::SignIn).await, Step::NotEnrolled);
    enrolled(&module, &installation, STEP).await;
    let asked = challenge(begin(&module, &installation, Purpose::SignIn).await);
    assert!(asked.state.is_empty());
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let (module, installation) = (totp().await, installation::installation());
    let key = enrolled(&module, &installation, STEP - 1).await;
    let sign_in = async |step| {
        let typed = digits(&key, step);
        send(&module, &installation, Purpose::SignIn, &[], &[("code", &typed)]).await
    };
    assert_eq!(error(sign_in(STEP - 1).await), "totp.wrong", "the one that it was set up with");
    assert_eq!(error(sign_in(STEP + 2).await), "totp.wrong", "too far ahead");
    let identity = Identity {
        who: Who::Account("subject-1".into()),
        methods: vec!["otp".into()],
        context: "https://refeds.org/profile/mfa".into(),
        remember: Some(90 * 24 * 3_600),
    };
    assert_eq!(sign_in(STEP).await, Step::Authenticated(identity));
    assert_eq!(error(sign_in(STEP).await), "totp.wrong", "it was used");
    assert!(matches!(sign_in(STEP + 1).await, Step::Authenticated(_)), "a clock that is a step ahead");
    assert_eq!(error(sign_in(STEP).await), "totp.wrong");
}

#[tokio::test]
async fn of_one_code_sent_at_once_one_signs_in() {
    let (module, installation) = (Arc::new(totp().await), installation::installation());
    let key = enrolled(&module, &installation, STEP - 1).await;
    let typed = digits(&key, STEP);
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (module, installation, typed) = (Arc::clone(&module), Arc::clone(&installation), typed.clone());
        tries.spawn(
            async move { send(&module, &installation, Purpose::SignIn, &[], &[("code", &typed)]).await },
        );
    }
    let done = tries.join_all().await;
    assert_eq!(done.iter().filter(|step| matches!(step, Step::Authenticated(_))).count(), 1);
}

#[tokio::test]
async fn it_confirms_nobody_whom_it_does_not_know() {
    let (module, installation) = (totp().await, installation::installation());
    let services = services_about(installation, "totp", Purpose::SignIn, None);
    let step = module.begin(services, context(Purpose::SignIn, None)).await.unwrap();
    assert!(matches!(step, Step::Unavailable(_)), "{step:?}");
}
