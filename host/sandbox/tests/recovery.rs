//! The authenticator of recovery codes in the sandbox. Needs `cargo xtask build`.

use std::sync::Arc;

use postern_kernel::authenticator::{AuthenticatorModule as _, Challenge, Element, Form, Purpose, Step, Who};
use postern_kernel::services::Installation;
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};

mod installation;

use installation::{artefact, context, services_about};

const ANNA: Option<&str> = Some("subject-1");

async fn recovery() -> ComponentAuthenticator {
    let component = artefact("authenticators/recovery.wasm");
    let sandbox = Sandbox::new(None).unwrap();
    sandbox.load_authenticator("recovery.wasm", component, Limits::default()).await.unwrap()
}

async fn begin(module: &ComponentAuthenticator, installation: &Arc<Installation>, purpose: Purpose) -> Step {
    let services = services_about(Arc::clone(installation), "recovery", purpose, ANNA);
    module.begin(services, context(purpose, ANNA)).await.unwrap()
}

async fn send(
    module: &ComponentAuthenticator,
    installation: &Arc<Installation>,
    purpose: Purpose,
    state: &[u8],
    code: &str,
) -> Step {
    let services = services_about(Arc::clone(installation), "recovery", purpose, ANNA);
    let form = Form(vec![("code".into(), code.into())]);
    module.proceed(services, context(purpose, ANNA), state.to_vec(), form.into()).await.unwrap()
}

fn challenge(step: Step) -> Challenge {
    match step {
        Step::Challenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

/// Makes new codes and has them kept.
async fn enrolled(module: &ComponentAuthenticator, installation: &Arc<Installation>) -> Vec<String> {
    let shown = challenge(begin(module, installation, Purpose::Enrol).await);
    let value = |element: &Element| match element {
        Element::Message(message) => message.body.arguments.first().map(|(_, value)| value.clone()),
        _ => None,
    };
    let codes: Vec<String> = shown.elements.iter().filter_map(value).collect();
    assert_eq!(codes.len(), 10);
    let known = codes.iter().any(|code| {
        let plain = code.replace('-', "");
        shown.state.windows(plain.len()).any(|window| window == plain.as_bytes())
    });
    assert!(!known, "what is kept has no code in it");
    assert_eq!(send(module, installation, Purpose::Enrol, &shown.state, "").await, Step::Enrolled);
    codes
}

async fn sign_in(module: &ComponentAuthenticator, installation: &Arc<Installation>, code: &str) -> Step {
    let form = challenge(begin(module, installation, Purpose::SignIn).await);
    send(module, installation, Purpose::SignIn, &form.state, code).await
}

fn is_wrong(step: Step) -> bool {
    challenge(step).error.is_some_and(|error| error.key == "recovery.wrong")
}

#[tokio::test]
async fn each_code_signs_in_once_and_the_last_ones_are_told() {
    let (module, installation) = (recovery().await, installation::installation());
    assert_eq!(begin(&module, &installation, Purpose::SignIn).await, Step::NotEnrolled);
    let codes = enrolled(&module, &installation).await;
    for (used, code) in codes.iter().enumerate() {
        assert!(is_wrong(sign_in(&module, &installation, "AAAA-AAAA-AAAA-AAAA").await));
        let mut done = sign_in(&module, &installation, code).await;
        let left = 9 - used;
        if left <= 3 {
            let told = challenge(done);
            assert!(told.error.is_none() && told.title.key == "recovery.few");
            let Element::Message(message) = &told.elements[0] else { panic!("{:?}", told.elements) };
            assert_eq!(message.body.arguments[0].1, left.to_string());
            done = send(&module, &installation, Purpose::SignIn, &told.state, "").await;
        }
        let Step::Authenticated(identity) = done else { panic!("{done:?}") };
        assert_eq!(
            (&identity.who, &identity.methods[..]),
            (&Who::Account("subject-1".into()), &["otp".to_owned()][..])
        );
        if left > 0 {
            assert!(is_wrong(sign_in(&module, &installation, code).await), "it was used");
        }
    }
    assert_eq!(begin(&module, &installation, Purpose::SignIn).await, Step::NotEnrolled, "none is left");
}

#[tokio::test]
async fn new_codes_take_the_place_of_the_old_ones() {
    let (module, installation) = (recovery().await, installation::installation());
    let old = enrolled(&module, &installation).await;
    let new = enrolled(&module, &installation).await;
    assert_eq!(installation.store.credentials("recovery", "subject-1").await.unwrap().len(), 1);
    assert!(is_wrong(sign_in(&module, &installation, &old[0]).await));
    assert!(matches!(sign_in(&module, &installation, &new[0]).await, Step::Authenticated(_)));
    // Shown and left: the ones of before stay good.
    begin(&module, &installation, Purpose::Enrol).await;
    assert!(matches!(sign_in(&module, &installation, &new[1]).await, Step::Authenticated(_)));
}

#[tokio::test]
async fn a_code_that_comes_at_once_to_many_is_taken_by_one() {
    let (module, installation) = (Arc::new(recovery().await), installation::installation());
    let code = enrolled(&module, &installation).await[4].clone();
    let form = challenge(begin(&module, &installation, Purpose::SignIn).await);
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (module, installation) = (Arc::clone(&module), Arc::clone(&installation));
            let (code, state) = (code.clone(), form.state.clone());
            tokio::spawn(async move { send(&module, &installation, Purpose::SignIn, &state, &code).await })
        })
        .collect();
    let mut let_in = 0;
    for one in tries {
        let_in += usize::from(matches!(one.await.unwrap(), Step::Authenticated(_)));
    }
    assert_eq!(let_in, 1);
}

#[tokio::test]
async fn nobody_is_found_out_with_it_and_a_foreign_record_is_not_read() {
    let (module, installation) = (recovery().await, installation::installation());
    let services = services_about(Arc::clone(&installation), "recovery", Purpose::SignIn, None);
    let step = module.begin(services, context(Purpose::SignIn, None)).await.unwrap();
    assert!(matches!(step, Step::Unavailable(_)), "{step:?}");
    let state = send(&module, &installation, Purpose::Enrol, b"forged", "").await;
    assert!(matches!(state, Step::Unavailable(_)), "{state:?}");
}
