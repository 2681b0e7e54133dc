//! A further factor that is locked after too many failures in a row.

use postern_kernel::flow::{Action, Page};
use postern_kernel::module::{Failure, SignOn};

use crate::pin::Pin;
use crate::scene::{Browser, Scene, demand, form, name};
use crate::steps::{after_password, scene as scene_with_pin};

const DONE: &str = "form-post https://app.example";
const MOST: u32 = 100;

/// Fails once, after so many failures before.
async fn fail(scene: &Scene, before: u32) {
    let mut thief = Browser::default();
    let page = form(after_password(&mut thief, scene, demand("one")).await);
    for _ in 0..before {
        assert!(scene.store.admit_in_a_row("pin", "subject-of-alice", MOST).await.unwrap());
    }
    thief.send_on(scene, "sign-in", &page, &[("code", "0000")]).await;
}

async fn failures(scene: &Scene) -> u32 {
    scene.store.failures_in_a_row("pin", "subject-of-alice").await.unwrap()
}

#[tokio::test]
async fn failures_in_a_row_are_counted_and_a_success_ends_the_row() {
    let scene = scene_with_pin().await;
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    for expected in 1..=3 {
        browser.send_on(&scene, "sign-in", &page, &[("code", "0000")]).await;
        assert_eq!(failures(&scene).await, expected);
        // Beyond the window in which failures make people wait: these do not go away by waiting.
        scene.clock.advance(400);
    }
    browser.send_on(&scene, "sign-in", &page, &[("code", "away")]).await;
    assert_eq!(failures(&scene).await, 3, "a component that is away is nobody's failure");
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), DONE);
    assert_eq!(failures(&scene).await, 0);
}

#[tokio::test]
async fn a_locked_factor_is_good_for_nothing_until_it_is_unlocked() {
    let scene = scene_with_pin().await;
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    let before = form(after_password(&mut browser, &scene, demand("one")).await);
    fail(&scene, 0).await;
    for _ in 1..MOST {
        scene.store.admit_in_a_row("pin", "subject-of-alice", MOST).await.unwrap();
    }
    // With the right number, on a page of before.
    let page = browser.send_on(&scene, "sign-in", &before, &[("code", "1234")]).await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    assert!(shown.is_closed && !shown.has_other && !shown.enrols);
    assert!(
        scene.audit.has("sign-in.denied factor-locked") && scene.audit.has("sign-in.refused factor-locked")
    );
    assert_eq!(browser.session, None);
    assert_eq!(name(&browser.send_on(&scene, "cancel", &form(page), &[]).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
    // Nor does it let anybody set up another one, where that is allowed.
    scene.let_enrol();
    let page = after_password(&mut Browser::default(), &scene, demand("one")).await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    assert!(shown.is_closed && !shown.enrols);

    assert_eq!(scene.store.clear_in_a_row_of("subject-of-alice").await.unwrap(), 1);
    let mut browser = Browser::default();
    scene.clock.advance(400);
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), DONE);
}

#[tokio::test]
async fn the_last_failure_is_written_down_and_another_factor_goes_on_and_unlocks_it() {
    let scene = scene_with_pin().await;
    scene.enable(Pin::new("spare"));
    crate::factors::enrol(&mut Browser::default(), &scene, "spare", "5678").await;
    scene.require(&[&["password"], &["pin", "spare"]]);
    fail(&scene, MOST - 1).await;
    assert_eq!(failures(&scene).await, MOST);
    assert!(scene.audit.has("factor.locked"));
    let mut browser = Browser::default();
    let page = after_password(&mut browser, &scene, demand("one")).await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    assert!(!shown.is_closed && !shown.has_other);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &form(page), &[("code", "5678")]).await), DONE);
    assert_eq!(failures(&scene).await, MOST, "a sign-in by another one unlocks nothing by itself");

    let mut page = browser.open_factors(&scene).await;
    while let Action::Redirect(_) = page {
        page = browser.follow(&scene, page).await;
    }
    let Action::Page(Page::Factors(shown)) = &page else { panic!("{}", name(&page)) };
    let locked: Vec<_> = shown.factors.iter().map(|factor| factor.is_locked).collect();
    assert_eq!(locked, [true, false]);
    let page = browser.send_on(&scene, "unlock", &form(page), &[("authenticator", "pin")]).await;
    let Action::Page(Page::Factors(shown)) = &page else { panic!("{}", name(&page)) };
    assert!(shown.factors.iter().all(|factor| !factor.is_locked));
    assert!(scene.audit.has("factor.unlocked"));
    assert_eq!(failures(&scene).await, 0);
}
