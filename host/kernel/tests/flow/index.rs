//! An authenticator that finds a person by what a device says, natively: several factors by itself.

use std::sync::Arc;

use async_trait::async_trait;
use postern_kernel::authenticator::{
    AuthenticatorModule, Ceremony, Challenge, Context, Description, Element, Event, Factor, Identity,
    Purpose, Step, Text, WebAuthn, Who,
};
use postern_kernel::flow::{AccountRules, Action, Page, UnknownIdentity};
use postern_kernel::module::{Authentication, Demand, Method, ModuleFailure, Outcome, SignOn};
use postern_kernel::services::{AuthenticatorServices, IndexedCredential};

use crate::pin::{Pin, STRONG};
use crate::scene::{Browser, PASSWORD, Scene, demand, form, name};
use crate::steps::after_password;

const DONE: &str = "form-post https://app.example";

struct Key(Description);

impl Key {
    fn new() -> Self {
        Self(Description {
            name: "key".into(),
            version: "1".into(),
            title: Text::of("key.title"),
            factors: vec![Factor::Possession],
            methods: vec!["hwk".into(), "mfa".into()],
            contexts: vec![STRONG.into()],
            identifies: true,
            enrols: true,
            settings_schema: "{}".into(),
            translations: [].into(),
        })
    }
}

fn ask(error: Option<&str>) -> Step {
    Step::Challenge(Challenge {
        title: Text::of("key.ask"),
        elements: vec![Element::WebAuthn(WebAuthn {
            name: "handle".into(),
            ceremony: Ceremony::Get,
            options: "{}".into(),
        })],
        submit: Text::of("sign-in.submit"),
        error: error.map(Text::of),
        state: Vec::new(),
    })
}

#[async_trait]
impl AuthenticatorModule for Key {
    fn description(&self) -> &Description {
        &self.0
    }

    async fn begin(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
    ) -> Result<Step, ModuleFailure> {
        let Some(person) = context.person.filter(|_| context.purpose == Purpose::SignIn) else {
            return Ok(ask(None));
        };
        let known = services.credentials(&person.subject).await.unwrap();
        Ok(if known.is_empty() { Step::NotEnrolled } else { ask(None) })
    }

    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
        _state: Vec<u8>,
        event: Event,
    ) -> Result<Step, ModuleFailure> {
        let Event::Form(form) = event else { panic!("{event:?}") };
        let handle = form.single("handle").unwrap_or_default();
        if context.purpose == Purpose::Enrol {
            let subject = context.person.unwrap().subject;
            let added = services.add_indexed_credential(&subject, "Key", b"", handle.as_bytes()).await;
            return Ok(match added.unwrap() {
                IndexedCredential::Added(_) => Step::Enrolled,
                IndexedCredential::Full => ask(Some("full")),
                IndexedCredential::Taken => ask(Some("taken")),
            });
        }
        // A key that did not know its user this time.
        let touched = handle.strip_prefix("touch-");
        let handle = touched.unwrap_or(handle);
        let subject = match handle.strip_prefix("names-") {
            Some(subject) => subject.to_owned(),
            None => match services.find_credential(handle.as_bytes()).await.unwrap() {
                Some(found) => found.subject,
                None => return Ok(ask(Some("unknown"))),
            },
        };
        let used: &[&str] = if touched.is_some() { &["hwk"] } else { &["hwk", "mfa"] };
        let methods = used.iter().map(|method| (*method).to_owned()).collect();
        Ok(Step::Authenticated(Identity {
            who: Who::Account(subject),
            methods,
            context: STRONG.into(),
            remember: None,
        }))
    }
}

/// Alice has the key `a`. The key is another way of the first step.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.enable(Key::new());
    let page =
        open_factors(&mut Browser::default(), &scene, &[("username", "alice"), ("password", PASSWORD)]).await;
    let page = enrol(&scene, page).await;
    assert_eq!(name(&page), "factors");
    scene
}

async fn open_factors(browser: &mut Browser, scene: &Scene, typed: &[(&str, &str)]) -> (Browser, Action) {
    let mut action = browser.open_factors(scene).await;
    while let Action::Redirect(_) = action {
        action = browser.follow(scene, action).await;
    }
    let action = browser.send_on(scene, "sign-in", &form(action), typed).await;
    (core::mem::take(browser), action)
}

async fn enrol(scene: &Scene, (mut browser, page): (Browser, Action)) -> Action {
    let page = browser.send_on(scene, "enrol", &form(page), &[("authenticator", "key")]).await;
    browser.send_on(scene, "sign-in", &form(page), &[("handle", "a")]).await
}

/// To the key's page in place of the password's, and what its answer leads to.
async fn with_key(browser: &mut Browser, scene: &Scene, demand: Demand, handle: &str) -> Action {
    let page = browser.reach_sign_in(scene, demand).await;
    let page = browser.send_on(scene, "other", &page, &[]).await;
    assert_eq!(name(&page), "key.ask");
    browser.send_on(scene, "sign-in", &form(page), &[("handle", handle)]).await
}

/// A password and a touch are several factors, and the touch alone is not.
#[tokio::test]
async fn what_was_several_factors_together_is_credited_to_none_of_them() {
    let scene = scene().await;
    scene.enable(Pin::new("pin"));
    scene.require(&[&["password"], &["key"]]);
    scene.require_for("urn:two", &[&["key"], &["key", "pin"]]);
    for (handle, is_enough) in [("touch-a", false), ("a", true)] {
        let mut browser = Browser::default();
        let page = form(after_password(&mut browser, &scene, demand("one")).await);
        assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &[("handle", handle)]).await), DONE);
        assert!(authentication(&scene).methods.contains(&"mfa".to_owned()));
        scene.script(Outcome::Authenticate(Demand { passive: true, ..demand("two") }));
        let opened = browser.open(&scene, Method::Get).await;
        assert_eq!(name(&browser.follow_on(&scene, opened).await), DONE);
        let is_good = matches!(scene.resumed(), Some(SignOn::Authenticated(_)));
        assert_eq!(is_good, is_enough, "{handle}");
    }
}

fn error(page: &Action) -> Option<&str> {
    let Action::Page(Page::SignIn(page)) = page else { panic!("{}", name(page)) };
    page.challenge.error.as_ref().map(|error| error.key.as_str())
}

#[tokio::test]
async fn what_fails_in_the_first_step_without_a_name_is_slowed_down_by_its_address() {
    let scene = scene().await;
    let mut guessing = Browser::default();
    let page = guessing.reach_sign_in(&scene, demand("one")).await;
    let page = form(guessing.send_on(&scene, "other", &page, &[]).await);
    for number in 0..50 {
        let handle = number.to_string();
        let told = guessing.send_on(&scene, "sign-in", &page, &[("handle", &handle)]).await;
        assert_eq!(error(&told), Some("unknown"), "{number}");
    }
    let told = guessing.send_on(&scene, "sign-in", &page, &[("handle", "a")]).await;
    assert_eq!(error(&told), Some("sign-in.throttled"), "not even the right one is looked at");
    assert!(scene.audit.has("sign-in.throttled") && guessing.session.is_none());
    // Another browser behind the same address waits as well; from elsewhere, and with a password, nobody does.
    let told = with_key(&mut Browser::default(), &scene, demand("one"), "a").await;
    assert_eq!(error(&told), Some("sign-in.throttled"));
    let mut elsewhere = Browser { address: [198, 51, 100, 1].into(), ..Browser::default() };
    assert_eq!(name(&with_key(&mut elsewhere, &scene, demand("one"), "a").await), DONE);
    assert_eq!(name(&Browser::default().sign_in(&scene, "bob", demand("one")).await), DONE);
    scene.clock.advance(60);
    assert_eq!(name(&guessing.send_on(&scene, "sign-in", &page, &[("handle", "a")]).await), DONE);
}

/// Whoever is signed in could otherwise try who somebody is elsewhere, on the page where identities are linked.
#[tokio::test]
async fn what_fails_where_an_identity_is_linked_is_slowed_down_as_well() {
    let scene = scene().await;
    scene.provision("key", AccountRules { unknown: UnknownIdentity::OwnPage, ..AccountRules::default() });
    let bob = [("username", "bob"), ("password", PASSWORD)];
    let (mut bob, page) = open_factors(&mut Browser::default(), &scene, &bob).await;
    let page = form(bob.send_on(&scene, "link", &form(page), &[("authenticator", "key")]).await);
    for number in 0..50 {
        let told = bob.send_on(&scene, "sign-in", &page, &[("handle", &number.to_string())]).await;
        assert_eq!(error(&told), Some("unknown"), "{number}");
    }
    let told = bob.send_on(&scene, "sign-in", &page, &[("handle", "a")]).await;
    assert_eq!(name(&told), "refused 429 error.throttled");
    assert!(scene.audit.has("account.not-linked throttled"));
}

/// Whoever knows the password would lock the person's passkey for them.
#[tokio::test]
async fn answers_that_nobody_can_guess_make_wait_and_lock_nothing() {
    let scene = scene().await;
    scene.require(&[&["password"], &["key"]]);
    let mut thief = Browser::default();
    let page = form(after_password(&mut thief, &scene, demand("one")).await);
    for number in 0..8 {
        let told = thief.send_on(&scene, "sign-in", &page, &[("handle", "garbage")]).await;
        assert_eq!(error(&told), Some(if number < 5 { "unknown" } else { "sign-in.throttled" }));
    }
    for number in 0..110 {
        scene.clock.advance(400);
        let page = form(after_password(&mut thief, &scene, demand("one")).await);
        let told = thief.send_on(&scene, "sign-in", &page, &[("handle", "garbage")]).await;
        assert_eq!(error(&told), Some("unknown"), "{number}");
    }
    assert!(!scene.audit.has("factor.locked"));
    scene.clock.advance(900);
    let mut alice = Browser::default();
    let page = form(after_password(&mut alice, &scene, demand("one")).await);
    assert_eq!(name(&alice.send_on(&scene, "sign-in", &page, &[("handle", "a")]).await), DONE);
}

fn authentication(scene: &Scene) -> Authentication {
    match scene.resumed() {
        Some(SignOn::Authenticated(authentication)) => authentication,
        other => panic!("{}", other.is_some()),
    }
}

#[tokio::test]
async fn a_handle_finds_its_person_and_nobody_else_is_named() {
    let scene = scene().await;
    let mut browser = Browser::default();
    assert_eq!(name(&with_key(&mut browser, &scene, demand("one"), "a").await), DONE);
    let done = authentication(&scene);
    assert_eq!((done.subject.as_str(), done.context.as_str()), ("subject-of-alice", STRONG));
    assert_eq!(done.methods, ["hwk", "mfa"]);
    assert_eq!(name(&with_key(&mut Browser::default(), &scene, demand("one"), "b").await), "key.ask");
    assert!(scene.audit.has("sign-in.failed"), "also where nobody is known");
    let mut forger = Browser::default();
    let named = with_key(&mut forger, &scene, demand("one"), "names-subject-of-alice").await;
    assert_ne!(name(&named), DONE, "it found nobody in this call");
    assert_eq!(forger.session, None);
    assert!(scene.audit.has("module.failed output"));

    scene.directory.disabled.lock().unwrap().push("alice".into());
    let page = with_key(&mut Browser::default(), &scene, demand("one"), "a").await;
    assert_eq!(name(&page), "key.ask", "she is disabled");
}

#[tokio::test]
async fn a_handle_is_one_persons_and_one_authenticators() {
    let scene = scene().await;
    let bob =
        open_factors(&mut Browser::default(), &scene, &[("username", "bob"), ("password", PASSWORD)]).await;
    assert_eq!(name(&enrol(&scene, bob).await), "key.ask", "it is taken");
    let [kept] = &scene.store.credentials("key", "subject-of-alice").await.unwrap()[..] else { panic!() };
    assert_eq!(scene.store.credential("other", &kept.id).await.unwrap(), None);
    assert_eq!(scene.store.credentials("key", "subject-of-bob").await.unwrap(), []);
}

#[tokio::test]
async fn what_is_several_factors_by_itself_does_the_later_step_that_names_it() {
    let scene = scene().await;
    scene.enable(Pin::new("pin"));
    scene.require(&[&["password", "key"], &["pin", "key"]]);
    assert_eq!(name(&with_key(&mut Browser::default(), &scene, demand("one"), "a").await), DONE);
    let page = after_password(&mut Browser::default(), &scene, demand("one")).await;
    assert_eq!(name(&page), "key.ask", "a password goes on to the step, which she has the key for");
    scene.require(&[&["password", "key"], &["pin"]]);
    let page = with_key(&mut Browser::default(), &scene, demand("one"), "a").await;
    assert_ne!(name(&page), "key.ask", "a step that doesn't name it is not done by it");
    assert!(scene.audit.has("sign-in.denied no-way-left"));

    // Also behind a step that does not name it.
    let mut browser = Browser::default();
    let action = browser.open_factors(&scene).await;
    let page = form(browser.follow(&scene, action).await);
    let page = form(browser.send_on(&scene, "other", &page, &[]).await);
    let page = form(browser.send_on(&scene, "sign-in", &page, &[("handle", "a")]).await);
    let page = form(browser.send_on(&scene, "enrol", &page, &[("authenticator", "pin")]).await);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), "factors");
    scene.require(&[&["password", "key"], &["pin"], &["key"]]);
    let mut browser = Browser::default();
    let page = form(with_key(&mut browser, &scene, demand("one"), "a").await);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), DONE);
}

/// What it could be says nothing of what it was: the methods of the session do.
#[tokio::test]
async fn a_session_of_one_factor_does_no_second_step_of_another_application() {
    for (handle, is_enough) in [("touch-a", false), ("a", true)] {
        let scene = scene().await;
        scene.require(&[&["password", "key"]]);
        scene.require_for("urn:two", &[&["password", "key"], &["key"]]);
        let mut browser = Browser::default();
        assert_eq!(name(&with_key(&mut browser, &scene, demand("one"), handle).await), DONE);
        scene.resumed();
        scene.script(Outcome::Authenticate(demand("two")));
        let action = browser.open(&scene, Method::Get).await;
        let action = if is_enough { action } else { browser.follow(&scene, action).await };
        assert_eq!(name(&action), DONE, "{handle}");
        let resumed = scene.resumed();
        assert_eq!(matches!(resumed, Some(SignOn::Authenticated(_))), is_enough, "{handle}");
    }
}

#[tokio::test]
async fn a_demand_is_met_by_the_key_alone_or_by_a_further_step() {
    let scene = scene().await;
    scene.enable(Pin::new("pin"));
    let strong = || Demand { contexts: vec![STRONG.into()], ..demand("one") };
    assert_eq!(name(&with_key(&mut Browser::default(), &scene, strong(), "a").await), DONE);
    let page = after_password(&mut Browser::default(), &scene, strong()).await;
    assert_eq!(name(&page), "key.ask", "the password is no way around it");
}

#[tokio::test]
async fn a_password_alone_does_not_take_the_key_away_and_the_key_opens_the_page() {
    let scene = scene().await;
    let typed = [("username", "alice"), ("password", PASSWORD)];
    let (_, page) = open_factors(&mut Browser::default(), &scene, &typed).await;
    assert_eq!(name(&page), "key.ask");
    let mut browser = Browser::default();
    let action = browser.open_factors(&scene).await;
    let page = form(browser.follow(&scene, action).await);
    let page = form(browser.send_on(&scene, "other", &page, &[]).await);
    let page = browser.send_on(&scene, "sign-in", &page, &[("handle", "a")]).await;
    assert_eq!(name(&page), "factors");
}
