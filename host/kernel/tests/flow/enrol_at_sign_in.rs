//! Setting a factor up in the middle of a sign-in.

use postern_kernel::flow::{Action, Page, SignInPage};
use postern_kernel::module::{Failure, Method, Outcome, SignOn};

use crate::pin::Pin;
use crate::scene::{Browser, Scene, demand, form, name};
use crate::steps::after_password;

const DONE: &str = "form-post https://app.example";

/// Two steps, of which nobody has set the second one up.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.enable(Pin::new("pin"));
    scene.require(&[&["password"], &["pin"]]);
    scene.let_enrol();
    scene
}

fn page(action: &Action) -> &SignInPage {
    match action {
        Action::Page(Page::SignIn(page)) => page,
        other => panic!("{}", name(other)),
    }
}

fn is_denied(scene: &Scene) -> bool {
    scene.resumed() == Some(SignOn::Failed(Failure::Denied))
}

#[tokio::test]
async fn who_has_nothing_sets_it_up_uses_it_and_goes_on_to_the_application() {
    let scene = scene().await;
    let mut browser = Browser::default();
    let shown = after_password(&mut browser, &scene, demand("one")).await;
    assert!(page(&shown).enrols && page(&shown).application == "Application one");
    assert_eq!(browser.session, None, "nobody is signed in yet");
    let shown = browser.send_on(&scene, "sign-in", &form(shown), &[("code", "1234")]).await;
    assert!(!page(&shown).enrols, "and now it is asked for");
    assert!(scene.audit.has("sign-in.enrolled") && scene.audit.has("credential.added"));
    assert!(browser.session.is_none() && scene.resumed().is_none());
    let again = form(shown);
    let wrong = browser.send_on(&scene, "sign-in", &again, &[("code", "0000")]).await;
    assert_eq!(page(&wrong).challenge.error.as_ref().unwrap().key, "pin.wrong");
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &again, &[("code", "1234")]).await), DONE);
    let Some(SignOn::Authenticated(done)) = scene.resumed() else { panic!("nobody") };
    assert_eq!(done.methods, ["pwd", "otp", "mfa"]);
    // The next time it is a sign-in like any other.
    let shown = after_password(&mut Browser::default(), &scene, demand("one")).await;
    assert!(!page(&shown).enrols);
}

/// Nothing is set up for somebody who is disabled meanwhile: it would be there when they are enabled again.
#[tokio::test]
async fn who_is_disabled_meanwhile_sets_nothing_up() {
    let scene = scene().await;
    let mut browser = Browser::default();
    let shown = form(after_password(&mut browser, &scene, demand("one")).await);
    scene.directory.disabled.lock().unwrap().push("alice".into());
    let late = browser.send_on(&scene, "sign-in", &shown, &[("code", "1234")]).await;
    assert_eq!(name(&late), "refused 400 error.expired");
    assert_eq!(scene.store.credentials("pin", "subject-of-alice").await.unwrap(), []);
}

#[tokio::test]
async fn without_the_operators_word_nobody_does() {
    let scene = Scene::new().await;
    scene.enable(Pin::new("pin"));
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), DONE);
    assert!(is_denied(&scene));
}

/// A password alone adds nothing beside a factor of any kind, whichever the step asks for.
#[tokio::test]
async fn who_has_a_further_factor_sets_no_other_one_up() {
    let scene = scene().await;
    scene.enable(Pin::new("spare"));
    crate::factors::enrol(&mut Browser::default(), &scene, "spare", "5678").await;
    scene.resumed();
    let mut thief = Browser::default();
    assert_eq!(name(&after_password(&mut thief, &scene, demand("one")).await), DONE);
    assert!(is_denied(&scene));
    assert_eq!(scene.store.credentials("pin", "subject-of-alice").await.unwrap(), []);
}

/// The form was shown while the person had nothing; they have something by the time that it is sent.
#[tokio::test]
async fn a_form_that_was_kept_adds_nothing_beside_what_was_set_up_meanwhile() {
    let scene = scene().await;
    let mut thief = Browser::default();
    let kept = form(after_password(&mut thief, &scene, demand("one")).await);
    let mut alice = Browser::default();
    let shown = after_password(&mut alice, &scene, demand("one")).await;
    alice.send_on(&scene, "sign-in", &form(shown), &[("code", "1234")]).await;
    let shown = thief.send_on(&scene, "sign-in", &kept, &[("code", "6666")]).await;
    assert!(!page(&shown).enrols, "it is asked for what alice has");
    assert_eq!(scene.store.credentials("pin", "subject-of-alice").await.unwrap().len(), 1);
    let shown = thief.send_on(&scene, "sign-in", &kept, &[("code", "6666")]).await;
    assert_eq!(page(&shown).challenge.error.as_ref().unwrap().key, "pin.wrong");
    assert_eq!(thief.session, None);
}

#[tokio::test]
async fn a_sign_in_of_long_ago_is_no_reason_to_set_something_up() {
    let scene = scene().await;
    scene.require(&[&["password"]]);
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    scene.require(&[&["password"], &["pin"]]);
    scene.resumed();
    scene.clock.advance(601);
    scene.script(Outcome::Authenticate(demand("one")));
    let mut shown = browser.open(&scene, Method::Get).await;
    while let Action::Redirect(_) = shown {
        shown = browser.follow(&scene, shown).await;
    }
    assert_eq!(name(&shown), "sign-in.title", "the password first");
    let fields = [("username", "alice"), ("password", crate::scene::PASSWORD)];
    let shown = browser.send_on(&scene, "sign-in", &form(shown), &fields).await;
    assert!(page(&shown).enrols);
    // And it does not stay open for ever.
    let kept = form(shown);
    let shown = browser.send_on(&scene, "sign-in", &kept, &[("code", "1234")]).await;
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &form(shown), &[("code", "1234")]).await), DONE);
}

#[tokio::test]
async fn it_belongs_to_its_browser_and_its_transaction_and_can_be_left() {
    let scene = scene().await;
    let mut browser = Browser::default();
    let kept = form(after_password(&mut browser, &scene, demand("one")).await);
    let mut other = Browser::default();
    after_password(&mut other, &scene, demand("two")).await;
    let done = other.send_on(&scene, "sign-in", &kept, &[("code", "6666")]).await;
    assert_eq!(name(&done), "refused 400 error.expired");
    for action in ["enrol", "remove", "other"] {
        let fields = [("authenticator", "pin"), ("credential", "x")];
        assert_eq!(name(&browser.send_on(&scene, action, &kept, &fields).await), "refused 400 error.expired");
    }
    assert_eq!(name(&browser.send_on(&scene, "cancel", &kept, &[]).await), DONE);
    assert!(is_denied(&scene));
    assert_eq!(scene.store.credentials("pin", "subject-of-alice").await.unwrap(), []);
}

#[tokio::test]
async fn what_is_set_up_can_be_chosen_and_a_component_does_nothing_in_anothers_name() {
    let scene = scene().await;
    scene.enable(Pin::new("spare"));
    scene.require(&[&["password"], &["pin", "spare"]]);
    let mut browser = Browser::default();
    let shown = after_password(&mut browser, &scene, demand("one")).await;
    assert!(page(&shown).has_other);
    let shown = browser.send_on(&scene, "other", &form(shown), &[]).await;
    let shown = browser.send_on(&scene, "sign-in", &form(shown), &[("code", "5678")]).await;
    assert!(!page(&shown).enrols);
    assert_eq!(scene.store.credentials("spare", "subject-of-alice").await.unwrap().len(), 1);

    let scene = self::scene().await;
    let mut browser = Browser::default();
    let shown = after_password(&mut browser, &scene, demand("one")).await;
    let done = browser.send_on(&scene, "sign-in", &form(shown), &[("code", "for-bob")]).await;
    assert_eq!(name(&done), "refused 500 error.internal");
    assert_eq!(scene.store.credentials("pin", "subject-of-bob").await.unwrap(), []);
}
