//! Devices on which a further factor is not asked for again for a time.

use postern_kernel::flow::{Action, Page, SignInPage};
use postern_kernel::module::{Demand, Failure, Method, Outcome, SignOn};

use crate::pin::STRONG;
use crate::scene::{Browser, Scene, demand, form, name};
use crate::steps::{after_password, scene as scene_with_pin};

const DONE: &str = "form-post https://app.example";
const DAY: u64 = 86_400;

async fn scene() -> Scene {
    let scene = scene_with_pin().await;
    scene.require(&[&["password"], &["pin"]]);
    scene.let_remember(DAY / 2);
    scene
}

fn page(action: &Action) -> &SignInPage {
    match action {
        Action::Page(Page::SignIn(page)) => page,
        other => panic!("{}", name(other)),
    }
}

/// A sign-in with the number, on a device that is to be remembered or not.
async fn sign_in(scene: &Scene, browser: &mut Browser, ticked: &str) {
    let shown = after_password(browser, scene, demand("one")).await;
    let done = browser.send_ticked(scene, &form(shown), ticked, &[("code", "1234")]).await;
    assert_eq!(name(&done), DONE);
    browser.session = None;
}

#[tokio::test]
async fn a_remembered_device_takes_the_password_alone_until_its_time_has_passed() {
    let scene = scene().await;
    let mut browser = Browser::default();
    let shown = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!(page(&shown).remember, Some(DAY / 2), "the operator's word");
    sign_in(&scene, &mut browser, "yes").await;
    scene.resumed();
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), DONE);
    let Some(SignOn::Authenticated(done)) = scene.resumed() else { panic!("nobody") };
    assert_eq!(done.methods, ["pwd"], "nothing is claimed that was not done");
    assert_ne!(done.context, STRONG);
    assert!(scene.audit.has("sign-in.remembered"));
    // And the session that this made goes on, without a page.
    for passive in [false, true] {
        scene.script(Outcome::Authenticate(Demand { passive, ..demand("two") }));
        let mut action = browser.open(&scene, Method::Get).await;
        while let Action::Redirect(_) = action {
            action = browser.follow(&scene, action).await;
        }
        assert_eq!(name(&action), DONE);
        assert!(matches!(scene.resumed(), Some(SignOn::Authenticated(_))), "passive: {passive}");
    }
    // Another browser knows nothing of it.
    assert_eq!(name(&after_password(&mut Browser::default(), &scene, demand("one")).await), "pin.ask");
    browser.session = None;
    scene.clock.advance(DAY / 2);
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), "pin.ask");
}

#[tokio::test]
async fn it_takes_the_operator_the_person_and_the_authenticator() {
    let scene = scene().await;
    for ticked in ["", "no", "YES"] {
        let mut browser = Browser::default();
        sign_in(&scene, &mut browser, ticked).await;
        assert_eq!(browser.remembered, None, "{ticked:?}");
    }
    // Ticked with the password: that is no further factor.
    let mut browser = Browser::default();
    let first = browser.reach_sign_in(&scene, demand("one")).await;
    let fields = [("username", "alice"), ("password", crate::scene::PASSWORD)];
    let shown = browser.send_ticked(&scene, &first, "yes", &fields).await;
    browser.send_ticked(&scene, &form(shown), "", &[("code", "1234")]).await;
    assert_eq!(browser.remembered, None);
    // Switched off, or made shorter, since.
    let mut browser = Browser::default();
    sign_in(&scene, &mut browser, "yes").await;
    for seconds in [0, DAY / 4] {
        scene.let_remember(seconds);
        let shown = after_password(&mut browser, &scene, demand("one")).await;
        assert_eq!(name(&shown), "pin.ask", "{seconds}");
    }
    assert!(browser.remembered.is_some());
}

#[tokio::test]
async fn who_asks_for_more_gets_more() {
    let scene = scene().await;
    let mut browser = Browser::default();
    sign_in(&scene, &mut browser, "yes").await;
    let strong = Demand { contexts: vec![STRONG.into()], ..demand("one") };
    let anew = Demand { force: true, ..demand("one") };
    for demand in [strong, anew] {
        assert_eq!(name(&after_password(&mut browser, &scene, demand).await), "pin.ask");
    }
    let mut action = browser.open_factors(&scene).await;
    while let Action::Redirect(_) = action {
        action = browser.follow(&scene, action).await;
    }
    let fields = [("username", "alice"), ("password", crate::scene::PASSWORD)];
    let shown = browser.send_on(&scene, "sign-in", &form(action), &fields).await;
    assert_eq!((name(&shown).as_str(), page(&shown).remember), ("pin.ask", None), "the person's own page");
}

#[tokio::test]
async fn it_ends_with_the_password_and_the_factor_and_is_nobody_elses() {
    let scene = scene().await;
    let mut browser = Browser::default();
    sign_in(&scene, &mut browser, "yes").await;
    let good = browser.remembered.clone();
    // A byte less, another one, another person's name.
    let text = good.clone().unwrap();
    for broken in
        [text[..text.len() - 1].to_owned(), format!("A{text}"), text.replacen('A', "B", 1), String::new()]
    {
        browser.remembered = Some(broken);
        let shown = after_password(&mut browser, &scene, demand("one")).await;
        assert_eq!(name(&shown), "pin.ask");
    }
    browser.remembered.clone_from(&good);
    let first = browser.reach_sign_in(&scene, demand("one")).await;
    scene.resumed();
    let fields = [("username", "bob"), ("password", crate::scene::PASSWORD)];
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &first, &fields).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)), "bob has no factor");
    // A factor that is added, or removed.
    crate::factors::enrol(&mut Browser::default(), &scene, "pin", "5678").await;
    browser.remembered.clone_from(&good);
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), "pin.ask");
    sign_in(&scene, &mut browser, "yes").await;
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), DONE);
    // Another password.
    browser.session = None;
    scene.directory.set.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), "pin.ask");
}
