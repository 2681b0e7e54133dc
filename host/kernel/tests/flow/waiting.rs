//! An authenticator that waits for another device, natively: a page that asks again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use postern_kernel::authenticator::{
    AuthenticatorModule, Challenge, Context, Description, Element, Event, Factor, Identity, Purpose, Step,
    Text, Waiting, Who,
};
use postern_kernel::flow::{Action, Page};
use postern_kernel::module::{ModuleFailure, SignOn};
use postern_kernel::services::AuthenticatorServices;

use crate::pin::STRONG;
use crate::scene::{Browser, PASSWORD, PageForm, Scene, demand, form, name};
use crate::steps::after_password;

const DONE: &str = "form-post https://app.example";

#[derive(Default)]
struct Phone {
    is_confirmed: AtomicBool,
    polls: AtomicU32,
}

struct Asks(Description, Arc<Phone>);

fn wait() -> Step {
    Step::Challenge(Challenge {
        title: Text::of("phone.title"),
        elements: vec![Element::Waiting(Waiting { label: Text::of("phone.wait"), interval: 5 })],
        submit: Text::of("sign-in.submit"),
        error: None,
        state: b"request".to_vec(),
    })
}

#[async_trait]
impl AuthenticatorModule for Asks {
    fn description(&self) -> &Description {
        &self.0
    }

    async fn begin(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
    ) -> Result<Step, ModuleFailure> {
        if context.purpose == Purpose::SignIn && self.0.enrols {
            let known = services.credentials(&context.person.unwrap().subject).await.unwrap();
            return Ok(if known.is_empty() { Step::NotEnrolled } else { wait() });
        }
        Ok(wait())
    }

    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
        state: Vec<u8>,
        event: Event,
    ) -> Result<Step, ModuleFailure> {
        assert_eq!(state, b"request");
        if !matches!(event, Event::Poll) {
            return Ok(wait());
        }
        self.1.polls.fetch_add(1, Ordering::SeqCst);
        if !self.1.is_confirmed.load(Ordering::SeqCst) {
            return Ok(wait());
        }
        if context.purpose == Purpose::Enrol {
            let subject = context.person.unwrap().subject;
            services.add_credential(&subject, "Phone", b"number").await.unwrap();
            return Ok(Step::Enrolled);
        }
        Ok(Step::Authenticated(Identity {
            who: Who::Account(context.person.unwrap().subject),
            methods: vec!["hwk".into()],
            context: STRONG.into(),
            remember: None,
        }))
    }
}

/// A password, and then a phone.
async fn scene() -> (Scene, Arc<Phone>) {
    scene_with(false).await
}

async fn scene_with(enrols: bool) -> (Scene, Arc<Phone>) {
    let scene = Scene::new().await;
    let phone = Arc::new(Phone::default());
    let description = Description {
        name: "phone".into(),
        version: "1".into(),
        title: Text::of("phone.title"),
        factors: vec![Factor::Possession],
        methods: vec!["hwk".into()],
        contexts: vec![STRONG.into()],
        identifies: false,
        enrols,
        settings_schema: "{}".into(),
        translations: [].into(),
    };
    scene.enable(Asks(description, Arc::clone(&phone)));
    scene.require(&[&["password"], &["phone"]]);
    (scene, phone)
}

async fn waiting(browser: &mut Browser, scene: &Scene) -> PageForm {
    let page = after_password(browser, scene, demand("one")).await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    assert_eq!(shown.challenge.interval(), Some(5));
    form(page)
}

#[tokio::test]
async fn the_page_asks_once_in_each_interval_until_the_other_device_has_answered() {
    let (scene, phone) = scene().await;
    let mut browser = Browser::default();
    let page = waiting(&mut browser, &scene).await;
    scene.clock.advance(5);
    for _ in 0..10 {
        assert_eq!(name(&browser.open_again(&scene, &page.transaction).await), "phone.title");
    }
    assert_eq!(phone.polls.load(Ordering::SeqCst), 1, "reloading asks no more often");
    let mut stranger = Browser { browser: Some("other".into()), ..Browser::default() };
    scene.clock.advance(5);
    assert_eq!(name(&stranger.open_again(&scene, &page.transaction).await), "refused 400 error.expired");
    assert_eq!(phone.polls.load(Ordering::SeqCst), 1);
    phone.is_confirmed.store(true, Ordering::SeqCst);
    assert_eq!(name(&browser.open_again(&scene, &page.transaction).await), DONE);
    assert!(matches!(scene.resumed(), Some(SignOn::Authenticated(_))));
    assert!(browser.session.is_some());
    assert_eq!(name(&browser.open_again(&scene, &page.transaction).await), "refused 400 error.expired");
}

/// On the page of factors, and in the middle of a sign-in.
#[tokio::test]
async fn a_phone_is_set_up_when_it_has_answered() {
    let (scene, phone) = scene_with(true).await;
    scene.let_enrol();
    let mut own = Browser::default();
    let page = own.open_factors(&scene).await;
    let page = form(own.follow_on(&scene, page).await);
    let page = own.send_on(&scene, "sign-in", &page, &[("username", "bob"), ("password", PASSWORD)]).await;
    let own_page = own.send_on(&scene, "enrol", &form(page), &[("authenticator", "phone")]).await;
    let mut middle = Browser::default();
    let middle_page = after_password(&mut middle, &scene, demand("one")).await;
    for (browser, page, then) in [(own, own_page, "factors"), (middle, middle_page, "phone.title")] {
        let mut browser = browser;
        let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
        assert!(shown.enrols && shown.challenge.interval() == Some(5));
        phone.is_confirmed.store(false, Ordering::SeqCst);
        phone.polls.store(0, Ordering::SeqCst);
        let page = form(page);
        for _ in 0..5 {
            assert_eq!(name(&browser.open_again(&scene, &page.transaction).await), "phone.title");
        }
        assert!(phone.polls.load(Ordering::SeqCst) <= 1, "once in an interval");
        scene.clock.advance(5);
        phone.is_confirmed.store(true, Ordering::SeqCst);
        assert_eq!(name(&browser.open_again(&scene, &page.transaction).await), then);
        let Action::Page(shown) = browser.open_again(&scene, &page.transaction).await else { continue };
        assert!(!matches!(shown, Page::SignIn(shown) if shown.enrols), "it is set up");
    }
    for subject in ["subject-of-alice", "subject-of-bob"] {
        assert_eq!(scene.store.authenticators_of(subject).await.unwrap(), ["phone"]);
    }
}

#[tokio::test]
async fn waiting_ends_with_the_transaction_and_is_no_failure() {
    let (scene, phone) = scene().await;
    let mut browser = Browser::default();
    let page = waiting(&mut browser, &scene).await;
    for _ in 0..200 {
        scene.clock.advance(5);
        assert_eq!(name(&browser.open_again(&scene, &page.transaction).await), "phone.title");
    }
    assert_eq!(phone.polls.load(Ordering::SeqCst), 200);
    assert!(!scene.audit.has("sign-in.failed") && !scene.audit.has("sign-in.throttled"));
    scene.clock.advance(1_800);
    assert_eq!(name(&browser.open_again(&scene, &page.transaction).await), "refused 400 error.expired");
}
