//! What authenticators are told of the demand behind a sign-in.

use postern_kernel::authenticator::Demanded;
use postern_kernel::module::Demand;

use crate::pin::STRONG;
use crate::scene::{Browser, Scene, demand, name};
use crate::sent_away::SentAway;
use crate::steps::after_password;

const DONE: &str = "form-post https://app.example";

/// A password, and then somebody who is told.
struct Told {
    scene: Scene,
    browser: Browser,
    seen: std::sync::Arc<std::sync::Mutex<crate::sent_away::Seen>>,
}

impl Told {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let module = SentAway::new("away", "https://login.example.org/");
        let seen = std::sync::Arc::clone(&module.seen);
        scene.enable_sending(module, &["login.example.org"]);
        scene.require(&[&["password"], &["away"]]);
        Self { scene, browser: Browser::default(), seen }
    }

    /// Goes through the steps, and tells what both calls of the last one were told: the same.
    async fn sign_in(&mut self, demand: Demand) -> Demanded {
        after_password(&mut self.browser, &self.scene, demand).await;
        let state = self.seen.lock().unwrap().state();
        let done = self.browser.come_back(&self.scene, "away", &state).await;
        assert_eq!(name(&done), DONE);
        let told = std::mem::take(&mut self.seen.lock().unwrap().demanded);
        let [begun, back] = &told[..] else { panic!("{told:?}") };
        assert_eq!(begun, back);
        begun.clone()
    }
}

fn told(fresh: bool, max_age: Option<u64>) -> Demanded {
    Demanded { fresh, max_age, contexts: Vec::new() }
}

#[tokio::test]
async fn a_forced_sign_in_and_the_contexts_are_told() {
    let mut to = Told::new().await;
    assert_eq!(to.sign_in(demand("one")).await, told(false, None));
    let forced = Demand { force: true, ..demand("one") };
    assert_eq!(to.sign_in(forced).await, told(true, None));
    let contexts = vec!["stronger".to_owned(), STRONG.to_owned()];
    let asked = Demand { force: true, contexts: contexts.clone(), ..demand("one") };
    assert_eq!(to.sign_in(asked).await, Demanded { contexts, ..told(true, None) });
}

#[tokio::test]
async fn a_session_that_is_too_old_has_to_be_fresh_again() {
    let mut to = Told::new().await;
    let aged = || Demand { max_age: Some(300), ..demand("one") };
    // Without a session here: one elsewhere may still be recent enough.
    assert_eq!(to.sign_in(aged()).await, told(false, Some(300)));
    to.scene.clock.advance(301);
    assert_eq!(to.sign_in(aged()).await, told(true, Some(300)));
    // The operator asks for less, and not of the other application.
    to.scene.clock.advance(60);
    to.scene.age("urn:one", 30);
    assert_eq!(to.sign_in(aged()).await, told(true, Some(30)));
    to.scene.clock.advance(60);
    let select = Demand { select_account: true, ..demand("two") };
    assert_eq!(to.sign_in(select).await, told(false, None));
    // No age at all: whatever there was before.
    let none = Demand { max_age: Some(0), ..demand("two") };
    to.browser = Browser::default();
    assert_eq!(to.sign_in(none).await, told(true, Some(0)));
}

#[tokio::test]
async fn a_further_step_from_a_recent_session_is_not_asked_to_be_fresh() {
    let mut to = Told::new().await;
    to.scene.require(&[&["password"]]);
    to.browser.sign_in(&to.scene, "alice", demand("one")).await;
    to.scene.clock.advance(100);
    to.scene.require(&[&["password"], &["away"]]);
    let aged = Demand { max_age: Some(300), ..demand("one") };
    to.scene.script(postern_kernel::module::Outcome::Authenticate(aged));
    let action = to.browser.open(&to.scene, postern_kernel::module::Method::Get).await;
    to.browser.follow_on(&to.scene, action).await;
    assert_eq!(to.seen.lock().unwrap().demanded, [told(false, Some(300))]);
}
