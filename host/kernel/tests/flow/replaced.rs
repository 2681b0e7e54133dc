//! Files of authenticators that are replaced while people sign in.

use std::sync::Arc;

use postern_kernel::clock::{Clock as _, Timestamp};
use postern_kernel::flow::{EnabledAuthenticator, ModuleSet};

use crate::pin::Pin;
use crate::scene::{Browser, PageForm, Scene, demand, form, name};
use crate::steps::after_password;

const DONE: &str = "form-post https://app.example";

/// Alice has the number 1234, and the further factor is the file `old`.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.enable(Pin::of_file("pin", "old"));
    let mut browser = Browser::default();
    crate::factors::enrol(&mut browser, &scene, "pin", "1234").await;
    scene.require(&[&["password"], &["pin"]]);
    scene
}

/// As the host does it when the file has changed.
fn replace(scene: &Scene, digest: &'static str, allowed: bool) {
    let before = scene.flow.modules();
    let mut modules = ModuleSet { replaced: Vec::new(), ..ModuleSet::clone(&before) };
    modules.authenticators.retain(|enabled| enabled.module.description().name != "pin");
    modules
        .authenticators
        .push(EnabledAuthenticator::new(Arc::new(Pin::of_file("pin", digest)), "{}".into()));
    let now = scene.clock.now();
    modules.keep_replaced(&before, now, Timestamp(now.0 + 900), |_| allowed);
    scene.flow.replace_modules(modules);
}

async fn asked(browser: &mut Browser, scene: &Scene) -> PageForm {
    form(after_password(browser, scene, demand("one")).await)
}

/// Which file answers to what is sent with the page; `anew` when the page is shown anew.
async fn answers(browser: &mut Browser, scene: &Scene, page: &PageForm) -> String {
    let shown = browser.send_on(scene, "sign-in", page, &[("code", "which")]).await;
    if name(&shown) == "pin.ask" {
        return "anew".into();
    }
    let events = scene.audit.0.lock().unwrap();
    let denied = events.iter().rev().find_map(|event| event.strip_prefix("sign-in.denied "));
    denied.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn who_has_begun_with_a_file_finishes_on_it() {
    let scene = scene().await;
    let (mut under_way, mut another) = (Browser::default(), Browser::default());
    let page = asked(&mut under_way, &scene).await;
    let other_page = asked(&mut another, &scene).await;
    replace(&scene, "new", true);
    assert_eq!(answers(&mut under_way, &scene, &page).await, "old");
    // A wrong number and the right one: the same file all the way.
    let again = another.send_on(&scene, "sign-in", &other_page, &[("code", "0000")]).await;
    let again = form(again);
    assert_eq!(name(&another.send_on(&scene, "sign-in", &again, &[("code", "1234")]).await), DONE);
    let mut later = Browser::default();
    let page = asked(&mut later, &scene).await;
    assert_eq!(answers(&mut later, &scene, &page).await, "new");
}

#[tokio::test]
async fn two_replacements_keep_both_files_and_time_ends_them() {
    let scene = scene().await;
    let (mut first, mut second, mut third) = (Browser::default(), Browser::default(), Browser::default());
    let of_old = asked(&mut first, &scene).await;
    let of_old_too = asked(&mut third, &scene).await;
    replace(&scene, "new", true);
    let of_new = asked(&mut second, &scene).await;
    replace(&scene, "newest", true);
    assert_eq!(answers(&mut first, &scene, &of_old).await, "old");
    assert_eq!(answers(&mut second, &scene, &of_new).await, "new");
    scene.clock.advance(890);
    let mut last = Browser::default();
    let of_newest = asked(&mut last, &scene).await;
    scene.clock.advance(15);
    assert_eq!(answers(&mut third, &scene, &of_old_too).await, "anew", "its file is gone");
    replace(&scene, "after", true);
    assert_eq!(scene.flow.modules().replaced.len(), 1, "newest alone");
    assert_eq!(answers(&mut last, &scene, &of_newest).await, "newest");
}

/// The state of one file is never handed to another one.
#[tokio::test]
async fn a_file_that_is_forbidden_or_gone_has_the_step_begun_anew() {
    let scene = scene().await;
    let mut browser = Browser::default();
    let page = asked(&mut browser, &scene).await;
    replace(&scene, "new", false);
    assert!(scene.flow.modules().replaced.is_empty());
    assert_eq!(answers(&mut browser, &scene, &page).await, "anew");
}

/// Two names that run one file: who has begun with either finishes on it.
#[tokio::test]
async fn both_names_of_a_file_are_finished_on_it() {
    let scene = Scene::new().await;
    for name in ["pin", "spare"] {
        scene.enable(Pin::of_file(name, "old"));
        crate::factors::enrol(&mut Browser::default(), &scene, name, "1234").await;
    }
    scene.require_for("urn:one", &[&["password"], &["pin"]]);
    scene.require_for("urn:two", &[&["password"], &["spare"]]);
    let mut under_way = Vec::new();
    for application in ["one", "two"] {
        let mut browser = Browser::default();
        let page = form(after_password(&mut browser, &scene, demand(application)).await);
        under_way.push((browser, page));
    }
    let before = scene.flow.modules();
    let mut modules = ModuleSet { replaced: Vec::new(), ..ModuleSet::clone(&before) };
    modules.authenticators.truncate(1);
    for name in ["pin", "spare"] {
        let module = Arc::new(Pin::of_file(name, "new"));
        modules.authenticators.push(EnabledAuthenticator::new(module, "{}".into()));
    }
    let now = scene.clock.now();
    modules.keep_replaced(&before, now, Timestamp(now.0 + 900), |_| true);
    scene.flow.replace_modules(modules);
    assert_eq!(scene.flow.modules().replaced.len(), 2);
    for (mut browser, page) in under_way {
        assert_eq!(answers(&mut browser, &scene, &page).await, "old");
    }
}
