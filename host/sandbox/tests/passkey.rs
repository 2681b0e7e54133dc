//! The authenticator of passkeys in the sandbox. Needs `cargo xtask build`.

use std::sync::Arc;

use postern_kernel::authenticator::{
    AuthenticatorModule as _, Ceremony, Challenge, Context, Element, Form, Identity, Purpose, Step, WebAuthn,
    Who,
};
use postern_kernel::services::Installation;
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};
use postern_software_authenticator::{BACKUP_ELIGIBLE, Kind, PRESENT, SoftwareAuthenticator, VERIFIED};

mod installation;

use installation::{artefact, context, services_about};

const ANNA: Option<&str> = Some("subject-1");
const ORIGIN: &str = "https://sso.example.com";

struct Scene {
    module: ComponentAuthenticator,
    installation: Arc<Installation>,
    settings: &'static str,
}

impl Scene {
    async fn new() -> Self {
        let component = artefact("authenticators/passkey.wasm");
        let sandbox = Sandbox::new(None).unwrap();
        let module = sandbox.load_authenticator("passkey.wasm", component, Limits::default()).await.unwrap();
        Self { module, installation: installation::installation(), settings: "{}" }
    }

    fn context(&self, purpose: Purpose, subject: Option<&str>) -> Context {
        Context { settings: self.settings.into(), ..context(purpose, subject) }
    }

    async fn begin(&self, purpose: Purpose, subject: Option<&str>) -> Step {
        let services = services_about(Arc::clone(&self.installation), "passkey", purpose, subject);
        self.module.begin(services, self.context(purpose, subject)).await.unwrap()
    }

    async fn send(&self, purpose: Purpose, subject: Option<&str>, state: &[u8], answer: &str) -> Step {
        let services = services_about(Arc::clone(&self.installation), "passkey", purpose, subject);
        let form = Form(vec![("answer".into(), answer.into()), ("label".into(), "Phone".into())]);
        let context = self.context(purpose, subject);
        self.module.proceed(services, context, state.to_vec(), form.into()).await.unwrap()
    }

    async fn enrol(&self, subject: Option<&str>, passkey: &mut SoftwareAuthenticator) -> Step {
        let asked = challenge(self.begin(Purpose::Enrol, subject).await);
        let answer = passkey.create(&options(&asked, Ceremony::Create), ORIGIN);
        self.send(Purpose::Enrol, subject, &asked.state, &answer).await
    }

    async fn sign_in(&self, subject: Option<&str>, passkey: &mut SoftwareAuthenticator) -> Step {
        let asked = challenge(self.begin(Purpose::SignIn, subject).await);
        let answer = passkey.get(&options(&asked, Ceremony::Get), ORIGIN);
        self.send(Purpose::SignIn, subject, &asked.state, &answer).await
    }
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

fn options(challenge: &Challenge, wanted: Ceremony) -> String {
    let found = challenge.elements.iter().find_map(|element| match element {
        Element::WebAuthn(WebAuthn { ceremony, options, .. }) if *ceremony == wanted => Some(options.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no {wanted:?}: {challenge:?}"))
}

fn identity(methods: &[&str]) -> Step {
    Step::Authenticated(Identity {
        who: Who::Account("subject-1".into()),
        methods: methods.iter().map(|method| (*method).into()).collect(),
        context: "https://refeds.org/profile/mfa".into(),
        remember: None,
    })
}

#[tokio::test]
async fn a_passkey_confirms_a_person_and_finds_one() {
    let scene = Scene::new().await;
    assert_eq!(scene.begin(Purpose::SignIn, ANNA).await, Step::NotEnrolled);
    let mut passkey = SoftwareAuthenticator::new(Kind::Es256);
    assert_eq!(scene.enrol(ANNA, &mut passkey).await, Step::Enrolled);
    assert_eq!(scene.sign_in(ANNA, &mut passkey).await, identity(&["swk", "user", "mfa"]));
    assert_eq!(scene.sign_in(None, &mut passkey).await, identity(&["swk", "user", "mfa"]), "without a name");

    // Without verification of the user it is a further factor, and no first one.
    passkey.flags = PRESENT;
    assert_eq!(scene.sign_in(ANNA, &mut passkey).await, identity(&["swk", "user"]));
    assert_eq!(error(scene.sign_in(None, &mut passkey).await), "passkey.wrong");
    let scene = Scene { settings: r#"{"user_verification":"required"}"#, ..scene };
    assert_eq!(error(scene.sign_in(ANNA, &mut passkey).await), "passkey.wrong");
    passkey.flags = PRESENT | VERIFIED;
    assert_eq!(scene.sign_in(ANNA, &mut passkey).await, identity(&["swk", "user", "mfa"]));
}

#[tokio::test]
async fn a_person_has_several_and_each_authenticator_one() {
    let scene = Scene::new().await;
    let mut phone = SoftwareAuthenticator::new(Kind::Es256);
    let mut stick = SoftwareAuthenticator::new(Kind::Es256);
    assert_eq!(scene.enrol(ANNA, &mut phone).await, Step::Enrolled);
    let asked = options(&challenge(scene.begin(Purpose::Enrol, ANNA).await), Ceremony::Create);
    let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
    assert_eq!(asked["excludeCredentials"].as_array().map(Vec::len), Some(1), "{asked}");
    assert!(!asked["user"]["id"].as_str().unwrap().contains("subject"));
    assert_eq!(scene.enrol(ANNA, &mut stick).await, Step::Enrolled);
    assert_eq!(phone.user_handle, stick.user_handle);
    assert_eq!(error(scene.enrol(ANNA, &mut stick).await), "passkey.taken");
    let own = stick.user_handle.clone();
    assert_eq!(error(scene.enrol(Some("subject-2"), &mut stick).await), "passkey.taken", "by somebody else");
    stick.user_handle = own;
    for passkey in [&mut phone, &mut stick] {
        assert!(matches!(scene.sign_in(None, passkey).await, Step::Authenticated(_)));
    }
}

#[tokio::test]
async fn nobody_signs_in_as_somebody_else() {
    let scene = Scene::new().await;
    let (mut annas, mut bobs) =
        (SoftwareAuthenticator::new(Kind::Es256), SoftwareAuthenticator::new(Kind::Es256));
    assert_eq!(scene.enrol(ANNA, &mut annas).await, Step::Enrolled);
    assert_eq!(scene.enrol(Some("subject-2"), &mut bobs).await, Step::Enrolled);
    assert_eq!(error(scene.sign_in(ANNA, &mut bobs).await), "passkey.unknown");
    assert_eq!(error(scene.sign_in(None, &mut bobs).await), "passkey.unknown", "the person is disabled");
    // Anna's identifier with Bob's key.
    bobs.id.clone_from(&annas.id);
    bobs.user_handle.clone_from(&annas.user_handle);
    bobs.counter = 100;
    for subject in [ANNA, None] {
        assert_eq!(error(scene.sign_in(subject, &mut bobs).await), "passkey.wrong");
    }
    // An answer for another page, and one for another ceremony.
    let asked = challenge(scene.begin(Purpose::SignIn, None).await);
    let answer = annas.get(&options(&asked, Ceremony::Get), "https://evil.example");
    assert_eq!(error(scene.send(Purpose::SignIn, None, &asked.state, &answer).await), "passkey.wrong");
    let answer = annas.get(&options(&asked, Ceremony::Get), ORIGIN);
    let mut other = asked.state.clone();
    other[0] ^= 1;
    assert_eq!(error(scene.send(Purpose::SignIn, None, &other, &answer).await), "passkey.wrong");
    for nothing in ["", "{}", "null"] {
        let step = scene.send(Purpose::SignIn, None, &asked.state, nothing).await;
        assert!(matches!(error(step).as_str(), "passkey.no-answer" | "passkey.wrong"));
    }
    let late = [&asked.state[..32], &0_u64.to_be_bytes()].concat();
    assert_eq!(error(scene.send(Purpose::SignIn, None, &late, &answer).await), "passkey.late");
    let step = scene.send(Purpose::SignIn, None, b"short", &answer).await;
    assert!(matches!(step, Step::Unavailable(_)), "{step:?}");
}

#[tokio::test]
async fn a_copy_is_found_out_by_its_counter() {
    let scene = Scene::new().await;
    let mut passkey = SoftwareAuthenticator::new(Kind::Es256);
    assert_eq!(scene.enrol(ANNA, &mut passkey).await, Step::Enrolled);
    for _ in 0..2 {
        assert!(matches!(scene.sign_in(None, &mut passkey).await, Step::Authenticated(_)));
    }
    passkey.counter = 0;
    assert_eq!(error(scene.sign_in(None, &mut passkey).await), "passkey.wrong");
    assert_eq!(error(scene.sign_in(ANNA, &mut passkey).await), "passkey.wrong", "2 again");
    assert!(matches!(scene.sign_in(ANNA, &mut passkey).await, Step::Authenticated(_)), "3");
    passkey.flags |= BACKUP_ELIGIBLE;
    assert_eq!(error(scene.sign_in(ANNA, &mut passkey).await), "passkey.wrong", "it became another kind");
}

#[tokio::test]
async fn wrong_settings_let_nobody_in() {
    for settings in
        ["[]", r#"{"user_verification":"discouraged"}"#, r#"{"trust_anchors":["-"]}"#, r#"{"x":1}"#]
    {
        let scene = Scene { settings, ..Scene::new().await };
        let step = scene.begin(Purpose::SignIn, None).await;
        assert!(matches!(step, Step::Unavailable(_)), "{settings}: {step:?}");
    }
    let anchored = Scene { settings: r#"{"trust_anchors":["MAA="]}"#, ..Scene::new().await };
    let mut passkey = SoftwareAuthenticator::new(Kind::Es256);
    assert_eq!(error(anchored.enrol(ANNA, &mut passkey).await), "passkey.untrusted");
}
