//! Sign-in by Kerberos ticket: the component in the sandbox. Needs `cargo xtask build`.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_kernel::authenticator::{
    AuthenticatorModule as _, ClaimSet, Context, Demanded, Event, Form, Purpose, Returned, Step, Who,
};
use postern_kernel::capability::Capability;
use postern_kernel::clock::Timestamp;
use postern_kernel::kerberos::{Ticket, TicketRefused, Tickets};
use postern_kernel::services::Installation;
use postern_sandbox::{ComponentAuthenticator, Limits, LoadError, Sandbox};

mod installation;

use installation::{artefact, context, services_about};

const SETTINGS: &str = r#"{"realms":["EXAMPLE.COM","EXAMPLE.ORG"]}"#;
/// What DER of an AP-REQ begins with, and something in it.
const AP_REQ: [u8; 4] = [0x6e, 2, 0x30, 0];

/// Says of every ticket whose it is, and has seen them.
struct Says {
    whose: Result<(String, String), &'static str>,
    seen: Mutex<Vec<Vec<u8>>>,
}

impl Tickets for Says {
    fn judge(&self, ap_req: &[u8], now: Timestamp) -> Result<Ticket, TicketRefused> {
        self.seen.lock().unwrap().push(ap_req.to_vec());
        match &self.whose {
            Ok((name, realm)) => {
                let (name, realm) = (name.clone(), realm.clone());
                Ok(Ticket { name, realm, replay: [7; 32], until: now.plus(300) })
            }
            Err(code) => Err(TicketRefused { code, detail: String::new() }),
        }
    }
}

async fn load(granted: &[Capability]) -> Result<ComponentAuthenticator, LoadError> {
    let component = artefact("authenticators/kerberos.wasm");
    let sandbox = Sandbox::new(None).unwrap();
    sandbox.load_granted("kerberos.wasm", component, Limits::default(), granted).await
}

struct Scene {
    module: ComponentAuthenticator,
    installation: Arc<Installation>,
    says: Arc<Says>,
}

impl Scene {
    async fn new(whose: Result<(&str, &str), &'static str>) -> Self {
        let whose = whose.map(|(name, realm)| (name.to_owned(), realm.to_owned()));
        let says = Arc::new(Says { whose, seen: Mutex::default() });
        let installation = Installation {
            tickets: Some(Arc::clone(&says) as Arc<dyn Tickets>),
            ..Arc::into_inner(installation::installation()).unwrap()
        };
        let module = load(&[Capability::Kerberos]).await.unwrap();
        Self { module, installation: Arc::new(installation), says }
    }

    async fn begin(&self, context: Context) -> Step {
        let services = services_about(Arc::clone(&self.installation), "kerberos", context.purpose, None);
        self.module.begin(services, context).await.unwrap()
    }

    /// With this asked of the sign-in.
    async fn begin_demanded(&self, settings: &str, demanded: Demanded) -> Step {
        let services = services_about(Arc::clone(&self.installation), "kerberos", Purpose::SignIn, None);
        let services = Arc::into_inner(services).unwrap().demanding(demanded);
        self.module.begin(Arc::new(services), at(settings)).await.unwrap()
    }

    async fn proceed(&self, event: Event) -> Step {
        let services = services_about(Arc::clone(&self.installation), "kerberos", Purpose::SignIn, None);
        self.module.proceed(services, at(SETTINGS), Vec::new(), event).await.unwrap()
    }

    /// Comes back with this token.
    async fn shows(&self, token: &[u8]) -> Step {
        let token = STANDARD.encode(token).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        self.proceed(Event::Returned(Returned(format!("state=transaction.state&negotiate={token}")))).await
    }

    fn seen(&self) -> Vec<Vec<u8>> {
        self.says.seen.lock().unwrap().clone()
    }
}

fn at(settings: &str) -> Context {
    Context { settings: settings.into(), ..context(Purpose::SignIn, None) }
}

/// DER of up to 127 bytes.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&[tag, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
}

/// SPNEGO around Kerberos around the AP-REQ.
fn token(ap_req: &[u8]) -> Vec<u8> {
    let kerberos = der(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2]]);
    let mechanism = der(0x60, &[&kerberos, &[1, 0], ap_req]);
    let list = der(0xa0, &[&der(0x30, &[&kerberos])]);
    let init = der(0x30, &[&list, &der(0xa2, &[&der(4, &[&mechanism])])]);
    der(0x60, &[&der(6, &[&[0x2b, 6, 1, 5, 5, 2]]), &der(0xa0, &[&init])])
}

#[tokio::test]
async fn it_is_not_loaded_without_the_grant_and_asks_for_no_other() {
    let all_others: Vec<_> =
        Capability::ALL.into_iter().filter(|capability| *capability != Capability::Kerberos).collect();
    match load(&all_others).await.map(drop) {
        Err(LoadError::Ungranted(missing)) => assert_eq!(missing, [Capability::Kerberos]),
        other => panic!("{other:?}"),
    }
    let module = load(&[Capability::Kerberos]).await.unwrap();
    assert_eq!(module.capabilities(), [Capability::Kerberos]);
    assert!(module.takes_tickets());
    assert_eq!(module.description().contexts, ["urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos"]);
}

#[tokio::test]
async fn people_are_sent_to_the_page_that_asks() {
    let scene = Scene::new(Ok(("alice", "EXAMPLE.COM"))).await;
    let asks = "https://sso.example.com/commonauth/negotiate?state=transaction.state";
    assert!(matches!(scene.begin(at(SETTINGS)).await, Step::Redirect(to) if to.url == asks));
    // A form is nothing that the page sends.
    assert!(
        matches!(scene.proceed(Event::Form(Form::default())).await, Step::Redirect(to) if to.url == asks)
    );
    for settings in ["{}", "[]", "[[\"EXAMPLE.COM\"]]", r#"{"realms":["A"],"other":1}"#] {
        assert!(matches!(scene.begin(at(settings)).await, Step::Unavailable(_)), "{settings}");
    }
    let nowhere = Context { return_uri: String::new(), ..at(SETTINGS) };
    assert!(matches!(scene.begin(nowhere).await, Step::Unavailable(told) if told.contains("redirects")));
    let enrols = Context { settings: SETTINGS.into(), ..context(Purpose::Enrol, Some("subject-1")) };
    assert!(matches!(scene.begin(enrols).await, Step::Unavailable(_)));
    assert!(scene.seen().is_empty());
}

#[tokio::test]
async fn whose_ticket_it_is_becomes_a_claim_set() {
    let scene = Scene::new(Ok(("alice", "EXAMPLE.ORG"))).await;
    let Step::Authenticated(identity) = scene.shows(&token(&AP_REQ)).await else { panic!("nobody") };
    let Who::Claims(ClaimSet { issuer, subject, claims }) = identity.who else { panic!("an account") };
    assert_eq!((issuer.as_str(), subject.as_str()), ("krb5:EXAMPLE.ORG", "alice@EXAMPLE.ORG"));
    let claims: Vec<_> = claims.iter().map(|claim| (claim.name.as_str(), claim.values.concat())).collect();
    assert_eq!(claims, [("preferred_username", "alice".into()), ("realm", "EXAMPLE.ORG".into())]);
    assert_eq!(identity.methods, ["wia"]);
    assert_eq!(scene.seen(), [AP_REQ]);
}

#[tokio::test]
async fn what_is_no_person_of_an_allowed_realm_takes_the_next_way() {
    let long = "a".repeat(250);
    for (name, realm) in [
        ("alice", "PARTNER.COM"),
        ("alice", "example.com"),
        ("alice/admin", "EXAMPLE.COM"),
        ("host/www.example.com", "EXAMPLE.COM"),
        ("alice\\@EXAMPLE.ORG", "EXAMPLE.COM"),
        ("", "EXAMPLE.COM"),
        ("alice\n", "EXAMPLE.COM"),
        (&long, "EXAMPLE.COM"),
    ] {
        let scene = Scene::new(Ok((name, realm))).await;
        assert!(matches!(scene.shows(&token(&AP_REQ)).await, Step::NotEnrolled), "{name:?} {realm}");
        assert_eq!(scene.seen().len(), 1);
    }
    let scene = Scene::new(Err("kerberos.ticket.expired")).await;
    assert!(matches!(scene.shows(&token(&AP_REQ)).await, Step::NotEnrolled));
}

#[tokio::test]
async fn what_is_no_ticket_is_not_judged() {
    let scene = Scene::new(Ok(("alice", "EXAMPLE.COM"))).await;
    let good = token(&AP_REQ);
    for length in 0..good.len() {
        assert!(matches!(scene.shows(&good[..length]).await, Step::NotEnrolled), "cut to {length}");
    }
    assert!(matches!(scene.shows(b"NTLMSSP\0\x01\0\0\0").await, Step::NotEnrolled));
    for form in
        ["", "state=a.b", "negotiate=", "negotiate=!", "negotiate=YII%3D&negotiate=YII%3D", "negotiate=%zz"]
    {
        let step = scene.proceed(Event::Returned(Returned(form.into()))).await;
        assert!(matches!(step, Step::NotEnrolled), "{form}");
    }
    let long = format!("negotiate={}", "A".repeat(40 << 10));
    assert!(matches!(scene.proceed(Event::Returned(Returned(long))).await, Step::NotEnrolled));
    assert!(scene.seen().is_empty());
}

/// The browser shows its ticket whoever sits before it.
#[tokio::test]
async fn whoever_has_to_prove_anew_who_they_are_takes_another_way() {
    let scene = Scene::new(Ok(("alice", "EXAMPLE.COM"))).await;
    let lenient = r#"{"realms":["EXAMPLE.COM"],"stands_for_fresh":true}"#;
    for (fresh, max_age) in [(true, None), (true, Some(60)), (false, Some(86_400)), (false, Some(0))] {
        let demanded = || Demanded { fresh, max_age, contexts: Vec::new() };
        let strict = scene.begin_demanded(SETTINGS, demanded()).await;
        assert!(matches!(strict, Step::NotEnrolled), "{fresh} {max_age:?}: {strict:?}");
        assert!(matches!(scene.begin_demanded(lenient, demanded()).await, Step::Redirect(_)));
    }
    let contexts = vec!["a".to_owned()];
    let nothing_of_it = Demanded { contexts, ..Demanded::default() };
    assert!(matches!(scene.begin_demanded(SETTINGS, nothing_of_it).await, Step::Redirect(_)));
}
