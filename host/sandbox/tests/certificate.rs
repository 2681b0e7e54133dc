//! The authenticator of client certificates in the sandbox. Needs `cargo xtask build`.

use std::sync::Arc;

use postern_kernel::authenticator::{
    AuthenticatorModule as _, Challenge, Context, Element, Event, Form, Identity, Purpose, Step, Who,
};
use postern_kernel::services::Installation;
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use serde_json::json;

mod installation;

use installation::{artefact, context, services_about};

const ANNA: Option<&str> = Some("subject-1");
const BOB: Option<&str> = Some("subject-2");

struct Scene {
    module: ComponentAuthenticator,
    installation: Arc<Installation>,
    settings: String,
}

impl Scene {
    async fn new(authority: &Authority, bound_to: &str) -> Self {
        let component = artefact("authenticators/certificate.wasm");
        let sandbox = Sandbox::new(None).unwrap();
        let module =
            sandbox.load_authenticator("certificate.wasm", component, Limits::default()).await.unwrap();
        let settings = json!({ "trust_anchors": authority.pem, "bound_to": bound_to, "key": "smart-card" });
        Self { module, installation: installation::installation(), settings: settings.to_string() }
    }

    fn context(&self, purpose: Purpose, subject: Option<&str>, shown: Option<&[u8]>) -> Context {
        Context {
            settings: self.settings.clone(),
            client_certificate: shown.map(Into::into),
            ..context(purpose, subject)
        }
    }

    async fn begin(&self, purpose: Purpose, subject: Option<&str>, shown: Option<&[u8]>) -> Step {
        let services = services_about(Arc::clone(&self.installation), "certificate", purpose, subject);
        self.module.begin(services, self.context(purpose, subject, shown)).await.unwrap()
    }

    async fn send(
        &self,
        purpose: Purpose,
        subject: Option<&str>,
        shown: Option<&[u8]>,
        state: &[u8],
    ) -> Step {
        let services = services_about(Arc::clone(&self.installation), "certificate", purpose, subject);
        let form = Form(vec![("label".into(), "Card".into())]);
        let context = self.context(purpose, subject, shown);
        self.module.proceed(services, context, state.to_vec(), Event::Form(form)).await.unwrap()
    }

    async fn enrol(&self, subject: Option<&str>, shown: &[u8]) -> Step {
        let asked = challenge(self.begin(Purpose::Enrol, subject, Some(shown)).await);
        self.send(Purpose::Enrol, subject, Some(shown), &asked.state).await
    }

    async fn sign_in(&self, subject: Option<&str>, shown: &[u8]) -> Step {
        match self.begin(Purpose::SignIn, subject, Some(shown)).await {
            Step::Challenge(asked) => self.send(Purpose::SignIn, subject, Some(shown), &asked.state).await,
            other => other,
        }
    }
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        Self::changed(|_| {})
    }

    fn changed(change: fn(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Example CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn issue(&self, name: &str, change: fn(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names =
            vec![SanType::Rfc822Name(format!("{name}@example.com").try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        params.signed_by(&key, &self.issuer).unwrap().der().to_vec()
    }
}

fn challenge(step: Step) -> Challenge {
    match step {
        Step::Challenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

/// What the page says first, with what stands in it.
fn told(challenge: &Challenge) -> (String, Option<String>) {
    let Some(Element::Message(message)) = challenge.elements.first() else { panic!("{challenge:?}") };
    (message.body.key.clone(), message.body.arguments.first().map(|(_, value)| value.clone()))
}

fn anna() -> Step {
    Step::Authenticated(Identity {
        who: Who::Account("subject-1".into()),
        methods: vec!["sc".into()],
        context: "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient".into(),
        remember: None,
    })
}

#[tokio::test]
async fn a_certificate_finds_a_person_and_confirms_one() {
    let authority = Authority::new();
    let scene = Scene::new(&authority, "certificate").await;
    let (card, other) = (authority.issue("anna", |_| {}), authority.issue("anna", |_| {}));
    for subject in [None, ANNA] {
        assert_eq!(scene.begin(Purpose::SignIn, subject, None).await, Step::NotEnrolled, "no certificate");
        assert_eq!(scene.sign_in(subject, &card).await, Step::NotEnrolled, "it is nobody's");
    }
    assert_eq!(scene.enrol(ANNA, &card).await, Step::Enrolled);
    let asked = challenge(scene.begin(Purpose::SignIn, None, Some(&card)).await);
    assert_eq!(told(&asked), ("certificate.ask.lead".into(), Some("anna".into())));
    for subject in [None, ANNA] {
        assert_eq!(scene.sign_in(subject, &card).await, anna());
        assert_eq!(scene.sign_in(subject, &other).await, Step::NotEnrolled, "another one with that name");
    }
    assert_eq!(scene.sign_in(BOB, &card).await, Step::NotEnrolled, "somebody else is known");
    let asked = challenge(scene.enrol(BOB, &card).await);
    assert_eq!(asked.error.unwrap().key, "certificate.taken");
}

#[tokio::test]
async fn what_counts_is_shown_with_the_form() {
    let authority = Authority::new();
    let scene = Scene::new(&authority, "certificate").await;
    let (card, other) = (authority.issue("anna", |_| {}), authority.issue("anna", |_| {}));
    let asked = challenge(scene.begin(Purpose::Enrol, ANNA, Some(&card)).await);
    // Another one than the page has named is not set up: the page names it.
    let again = challenge(scene.send(Purpose::Enrol, ANNA, Some(&other), &asked.state).await);
    assert_ne!(again.state, asked.state);
    let none = challenge(scene.send(Purpose::Enrol, ANNA, None, &asked.state).await);
    assert_eq!(told(&none), ("certificate.none".into(), None));
    assert_eq!(scene.sign_in(None, &card).await, Step::NotEnrolled);
    assert_eq!(scene.enrol(ANNA, &card).await, Step::Enrolled);
    let asked = challenge(scene.begin(Purpose::SignIn, None, Some(&card)).await);
    for shown in [None, Some(other.as_slice())] {
        assert_eq!(scene.send(Purpose::SignIn, None, shown, &asked.state).await, Step::NotEnrolled);
    }
    let step = scene.send(Purpose::SignIn, None, Some(&card), &[0; 32]).await;
    assert!(matches!(step, Step::Challenge(_)), "the page named another one: {step:?}");
}

#[tokio::test]
async fn a_name_outlives_the_certificate_under_one_authority() {
    let (authority, other) = (Authority::new(), Authority::new());
    let mut scene = Scene::new(&authority, "san-email").await;
    let (card, successor) = (authority.issue("anna", |_| {}), authority.issue("anna", |_| {}));
    assert_eq!(scene.enrol(ANNA, &card).await, Step::Enrolled);
    assert_eq!(scene.sign_in(None, &successor).await, anna());
    assert_eq!(scene.sign_in(None, &authority.issue("bob", |_| {})).await, Step::NotEnrolled);
    let both = format!("{}{}", authority.pem, other.pem);
    scene.settings = json!({ "trust_anchors": both, "bound_to": "san-email" }).to_string();
    assert_eq!(
        scene.sign_in(None, &other.issue("anna", |_| {})).await,
        Step::NotEnrolled,
        "of another authority"
    );
    let several = authority.issue("anna", |params| {
        params.subject_alt_names.push(SanType::Rfc822Name("bob@example.com".try_into().unwrap()));
    });
    assert_eq!(scene.sign_in(None, &several).await, Step::NotEnrolled);
}

#[tokio::test]
async fn what_no_authority_stands_for_is_not_used() {
    let (authority, other) = (Authority::new(), Authority::new());
    let scene = Scene::new(&authority, "certificate").await;
    let changes: [fn(&mut CertificateParams); 4] = [
        |params| params.not_after = date_time_ymd(2020, 1, 1),
        |params| params.not_before = date_time_ymd(2040, 1, 1),
        |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
    ];
    let bad = changes.into_iter().map(|change| authority.issue("anna", change));
    for shown in bad.chain([other.issue("anna", |_| {}), Vec::new(), vec![0x30; 20_000]]) {
        assert_eq!(scene.sign_in(None, &shown).await, Step::NotEnrolled);
        let asked = challenge(scene.begin(Purpose::Enrol, ANNA, Some(&shown)).await);
        assert_eq!(told(&asked), ("certificate.refused".into(), None));
        let asked = challenge(scene.send(Purpose::Enrol, ANNA, Some(&shown), &asked.state).await);
        assert_eq!(told(&asked), ("certificate.refused".into(), None));
    }
}

#[tokio::test]
async fn what_is_the_operators_fault_keeps_nobody_from_another_way() {
    let authority = Authority::new();
    let card = authority.issue("anna", |_| {});
    let mut scene = Scene::new(&authority, "certificate").await;
    let old = Authority::changed(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    for (settings, shown, expected) in [
        (json!({}), &card, "schema"),
        (json!({ "trust_anchors": "" }), &card, "certificate.pem.malformed"),
        (json!({ "trust_anchors": key }), &card, "certificate.pem.malformed"),
        (json!({ "trust_anchors": old.pem }), &old.issue("anna", |_| {}), "certificate.authority.expired"),
        (json!({ "trust_anchors": authority.pem, "intermediates": "x" }), &card, "intermediates"),
        (json!({ "trust_anchors": authority.pem, "bound_to": "san-dns" }), &card, "schema"),
    ] {
        scene.settings = settings.to_string();
        let step = scene.begin(Purpose::SignIn, None, Some(shown)).await;
        let Step::Unavailable(reason) = &step else { panic!("{step:?}") };
        assert!(reason.contains(expected), "{reason}");
        assert!(!reason.contains("PRIVATE"), "{reason}");
    }
}
