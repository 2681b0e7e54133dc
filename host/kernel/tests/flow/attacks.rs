//! What somebody tries who has a part of what it takes: the password, a code, a page that was opened before.

use postern_kernel::clock::Timestamp;
use postern_kernel::directory::Directory as _;
use postern_kernel::flow::{Action, OwnPage};
use postern_kernel::module::{Failure, Method, Outcome, SignOn};
use postern_kernel::store::StoredCredential;
use serde_json::json;

use crate::pin::Pin;
use crate::scene::{Browser, Scene, demand, form, name};
use crate::steps::{after_password, scene as scene_with_pin};

const DONE: &str = "form-post https://app.example";
const ALICE: &str = "subject-of-alice";
const GONE: &str = "refused 400 error.expired";

/// Both factors reach the same context; only one of them is good enough for the second application.
#[tokio::test]
async fn one_factor_does_not_pass_for_another_that_an_application_asks_for() {
    let scene = scene_with_pin().await;
    scene.enable(Pin::new("spare"));
    crate::factors::enrol(&mut Browser::default(), &scene, "spare", "5678").await;
    scene.require(&[&["password"], &["pin"]]);
    scene.require_for("urn:two", &[&["password"], &["spare"]]);
    let mut browser = Browser::default();
    let shown = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &form(shown), &[("code", "1234")]).await), DONE);
    scene.resumed();
    scene.script(Outcome::Authenticate(demand("two")));
    let action = browser.open(&scene, Method::Get).await;
    let shown = form(browser.follow(&scene, action).await);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &shown, &[("code", "1234")]).await), "pin.ask");
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &shown, &[("code", "5678")]).await), DONE);
    // And now there is a session for both.
    for application in ["one", "two"] {
        scene.script(Outcome::Authenticate(demand(application)));
        assert_eq!(name(&browser.open(&scene, Method::Get).await), DONE, "{application}");
    }
}

#[tokio::test]
async fn one_factor_is_not_two_steps_of_a_session_either() {
    let scene = scene_with_pin().await;
    scene.enable(Pin::new("spare"));
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    let shown = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &form(shown), &[("code", "1234")]).await), DONE);
    scene.require(&[&["password"], &["pin"], &["pin", "spare"]]);
    scene.resumed();
    scene.script(Outcome::Authenticate(demand("one")));
    let action = browser.open(&scene, Method::Get).await;
    browser.follow(&scene, action).await;
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)), "nothing but what was used is set up");
}

#[tokio::test]
async fn a_remembered_device_does_one_step() {
    let scene = scene_with_pin().await;
    scene.require(&[&["password"], &["pin"]]);
    scene.let_remember(86_400);
    let mut browser = Browser::default();
    let shown = after_password(&mut browser, &scene, demand("one")).await;
    let done = browser.send_ticked(&scene, &form(shown), "yes", &[("code", "1234")]).await;
    assert_eq!(name(&done), DONE);
    browser.session = None;
    scene.enable(Pin::new("spare"));
    crate::factors::enrol(&mut Browser::default(), &scene, "spare", "5678").await;
    scene.require(&[&["password"], &["pin"], &["pin", "spare"]]);
    let shown = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!(name(&shown), "pin.ask");
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &form(shown), &[("code", "5678")]).await), DONE);
}

/// Alice changes her password while somebody who knows the old one is in the middle of a sign-in.
#[tokio::test]
async fn a_changed_password_ends_what_the_old_one_began() {
    let scene = Scene::new().await;
    scene.enable(Pin::new("pin"));
    scene.require(&[&["password"], &["pin"]]);
    scene.let_enrol();
    let mut thief = Browser::default();
    let kept = form(after_password(&mut thief, &scene, demand("one")).await);
    scene.directory.change_password(ALICE, "another horse battery staple").await.unwrap();
    assert_eq!(name(&thief.send_on(&scene, "sign-in", &kept, &[("code", "6666")]).await), GONE);
    assert_eq!(scene.store.credentials("pin", ALICE).await.unwrap(), []);

    let scene = scene_with_pin().await;
    scene.require(&[&["password"], &["pin"]]);
    let mut thief = Browser::default();
    let kept = form(after_password(&mut thief, &scene, demand("one")).await);
    scene.directory.change_password(ALICE, "another horse battery staple").await.unwrap();
    assert_eq!(name(&thief.send_on(&scene, "sign-in", &kept, &[("code", "1234")]).await), GONE);
    assert_eq!(thief.session, None);
}

/// Opened with the password alone while there was nothing else; then alice sets a factor up.
#[tokio::test]
async fn an_own_page_that_is_open_asks_for_a_factor_that_was_set_up_since() {
    let scene = Scene::new().await;
    scene.enable(Pin::new("pin"));
    let mut thief = Browser::default();
    thief.sign_in(&scene, "alice", demand("one")).await;
    let mut opened = Vec::new();
    for page in [OwnPage::Factors, OwnPage::Sessions, OwnPage::Password] {
        let mut shown = thief.open_own(&scene, page).await;
        while let Action::Redirect(_) = shown {
            shown = thief.follow(&scene, shown).await;
        }
        opened.push(form(shown));
    }
    crate::factors::enrol(&mut Browser::default(), &scene, "pin", "1234").await;
    let id = scene.store.credentials("pin", ALICE).await.unwrap().remove(0).id;
    for (page, action) in opened.iter().zip(["remove", "end-others", "change"]) {
        let fields = [("authenticator", "pin"), ("credential", id.as_str())];
        let Action::Redirect(to) = thief.send(&scene, action, page, &fields).await else {
            panic!("{action}")
        };
        assert!(to.starts_with("/authenticationendpoint/") && !to.contains('?'), "{action}: {to}");
    }
    assert_eq!(scene.store.credentials("pin", ALICE).await.unwrap().len(), 1);
    assert!(!scene.audit.has("credential.removed"));
}

/// A factor of an authenticator that the operator has switched off is one all the same.
#[tokio::test]
async fn who_has_a_factor_that_is_switched_off_sets_none_up_with_a_password() {
    let scene = Scene::new().await;
    scene.enable(Pin::new("pin"));
    scene.require(&[&["password"], &["pin"]]);
    scene.let_enrol();
    let record = StoredCredential {
        id: "of-old".into(),
        authenticator: "gone".into(),
        subject: ALICE.into(),
        sealed: vec![1],
        version: 1,
        created_at: Timestamp(1),
    };
    assert!(scene.store.add_credential(&record, 16).await.unwrap());
    assert_eq!(name(&after_password(&mut Browser::default(), &scene, demand("one")).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
}

/// Whoever reads the store finds no code in it that was sent to somebody.
#[tokio::test]
async fn the_state_of_a_challenge_is_sealed_in_the_store() {
    let scene = scene_with_pin().await;
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    let shown = form(after_password(&mut browser, &scene, demand("one")).await);
    let id = postern_kernel::randomness::fingerprint(&shown.transaction);
    let (_, data) = scene.store.transaction(id, Timestamp(1_800_000_000)).await.unwrap().unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&data).unwrap();
    let challenge = &kept["stage"]["sign-in"]["challenge"][1];
    assert_eq!((&challenge["state"], &challenge["whole"]["state"]), (&json!(""), &json!("")), "{kept}");
    assert!(challenge["sealed"].as_str().is_some_and(|sealed| !sealed.is_empty()));
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &shown, &[("code", "1234")]).await), DONE);
}
