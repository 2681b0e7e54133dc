//! The person's own page.

use postern_kernel::flow::{Action, FactorsPage, Page};

use crate::pin::Pin;
use crate::scene::{Browser, PASSWORD, PageForm, Scene, demand, form, name};
use crate::steps;

/// What was shown of the person's factors.
fn shown(action: &Action) -> &FactorsPage {
    match action {
        Action::Page(Page::Factors(page)) => page,
        other => panic!("{}", name(other)),
    }
}

/// The way to the page with the password alone.
async fn reach(browser: &mut Browser, scene: &Scene) -> Action {
    let mut action = browser.open_factors(scene).await;
    while let Action::Redirect(_) = action {
        action = browser.follow(scene, action).await;
    }
    if name(&action) != "sign-in.title" {
        return action;
    }
    let fields = [("username", "alice"), ("password", PASSWORD)];
    browser.send_on(scene, "sign-in", &form(action), &fields).await
}

/// Sets a factor of Alice's up, who may have one already.
pub(crate) async fn enrol(browser: &mut Browser, scene: &Scene, authenticator: &str, number: &str) -> Action {
    let mut page = reach(browser, scene).await;
    if name(&page) == "pin.ask" {
        page = browser.send_on(scene, "sign-in", &form(page), &[("code", "1234")]).await;
    }
    assert_eq!(name(&page), "factors");
    let page = browser.send_on(scene, "enrol", &form(page), &[("authenticator", authenticator)]).await;
    assert_eq!(name(&page), "pin.ask");
    browser.send_on(scene, "sign-in", &form(page), &[("code", number)]).await
}

async fn scene_without() -> Scene {
    let scene = Scene::new().await;
    scene.enable(Pin::new("pin"));
    scene
}

#[tokio::test]
async fn a_factor_is_set_up_used_and_removed() {
    let scene = scene_without().await;
    let mut browser = Browser::default();
    let page = enrol(&mut browser, &scene, "pin", "1234").await;
    let credentials = &shown(&page).factors[0].credentials;
    assert_eq!(credentials.len(), 1);
    assert!(scene.audit.has("credential.added"));
    let id = credentials[0].id.clone();
    scene.require(&[&["password"], &["pin"]]);
    let mut other = Browser::default();
    let asked = steps::after_password(&mut other, &scene, demand("one")).await;
    assert_eq!(name(&asked), "pin.ask");

    let fields = [("authenticator", "pin"), ("credential", id.as_str())];
    let page = browser.send_on(&scene, "remove", &form(page), &fields).await;
    assert!(shown(&page).factors[0].credentials.is_empty());
    assert!(scene.audit.has("credential.removed"));
}

#[tokio::test]
async fn a_password_alone_does_not_take_a_factor_away() {
    let scene = steps::scene().await;
    let mut thief = Browser::default();
    let page = reach(&mut thief, &scene).await;
    assert_eq!(name(&page), "pin.ask");
    // A session that was made with the password for an application is no way in either.
    thief.sign_in(&scene, "alice", demand("one")).await;
    assert_eq!(name(&reach(&mut thief, &scene).await), "pin.ask");
    let page = form(page);
    for action in ["enrol", "remove"] {
        let fields = [("authenticator", "pin"), ("credential", "x")];
        assert_eq!(name(&thief.send_on(&scene, action, &page, &fields).await), "refused 400 error.expired");
    }
    assert_eq!(name(&thief.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), "factors");
}

#[tokio::test]
async fn the_sign_in_has_to_be_recent_and_the_page_is_one_persons() {
    let scene = scene_without().await;
    let mut browser = Browser::default();
    let page = form(reach(&mut browser, &scene).await);
    assert_eq!(name(&reach(&mut browser, &scene).await), "factors", "it is recent");
    scene.clock.advance(601);
    let action = browser.open_factors(&scene).await;
    assert_eq!(name(&browser.follow(&scene, action).await), "sign-in.title");
    browser.sign_in(&scene, "bob", postern_kernel::module::Demand { force: true, ..demand("one") }).await;
    let fields = [("authenticator", "pin")];
    let action = browser.send_on(&scene, "enrol", &page, &fields).await;
    assert_eq!(name(&action), "refused 400 error.expired", "bob is not asked in alice's name");
    let forged = PageForm { anti_forgery: "forged".into(), ..page };
    assert_eq!(name(&browser.send_on(&scene, "enrol", &forged, &fields).await), "refused 400 error.expired");
}

#[tokio::test]
async fn a_component_sets_up_nothing_for_somebody_else() {
    let scene = scene_without().await;
    let page = enrol(&mut Browser::default(), &scene, "pin", "for-bob").await;
    assert_eq!(name(&page), "refused 500 error.internal");
    assert_eq!(scene.store.credentials("pin", "subject-of-bob").await.unwrap(), []);
    assert!(scene.audit.has("module.failed output"));
}

#[tokio::test]
async fn what_is_kept_is_sealed_also_while_it_is_being_set_up() {
    let scene = scene_without().await;
    let mut browser = Browser::default();
    let page = reach(&mut browser, &scene).await;
    let page = browser.send_on(&scene, "enrol", &form(page), &[("authenticator", "pin")]).await;
    let id = postern_kernel::randomness::fingerprint(&form(page).transaction);
    let now = postern_kernel::clock::Timestamp(1_800_000_000);
    let (_, kept) = scene.store.transaction(id, now).await.unwrap().unwrap();
    let kept = String::from_utf8(kept).unwrap();
    assert!(kept.contains("\"enrol\"") && !kept.contains("pin.ask"), "{kept}");

    enrol(&mut Browser::default(), &scene, "pin", "1234").await;
    let [record] = &scene.store.credentials("pin", "subject-of-alice").await.unwrap()[..] else { panic!() };
    assert!(!record.sealed.windows(4).any(|window| window == b"1234"));
}

#[tokio::test]
async fn cancelling_leads_back() {
    let scene = scene_without().await;
    let mut browser = Browser::default();
    let page = reach(&mut browser, &scene).await;
    let page = browser.send_on(&scene, "enrol", &form(page), &[("authenticator", "pin")]).await;
    let page = browser.send_on(&scene, "cancel", &form(page), &[]).await;
    assert!(shown(&page).factors[0].credentials.is_empty());
    let mut browser = Browser::default();
    let action = browser.open_factors(&scene).await;
    let page = form(browser.follow(&scene, action).await);
    assert_eq!(name(&browser.send_on(&scene, "cancel", &page, &[]).await), "refused 403 error.denied");
}
