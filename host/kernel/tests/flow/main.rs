//! The sign-on flow, driven as a browser drives it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod attacks;
mod attributes;
mod demands;
mod devices;
mod enrol_at_sign_in;
mod factor_lock;
mod factors;
mod index;
mod own_linking;
mod own_pages;
mod pin;
mod policy;
mod provision;
mod realm;
mod remembered;
mod renewal;
mod replaced;
mod returned;
mod scene;
mod sent_away;
mod steps;
mod tickets;
mod waiting;

use postern_kernel::module::{Failure, Method, Outcome, SignOn};

use scene::{Browser, CONTEXT, PASSWORD, PageForm, Scene, demand, document, form, logout, name};

const DONE: &str = "form-post https://app.example";

async fn refused(browser: &mut Browser, scene: &Scene, page: &PageForm) -> String {
    let fields = [("username", "alice"), ("password", PASSWORD)];
    name(&browser.send(scene, "sign-in", page, &fields).await)
}

fn subject(scene: &Scene) -> String {
    match scene.resumed() {
        Some(SignOn::Authenticated(authentication)) => authentication.subject,
        Some(SignOn::Failed(failure)) => format!("{failure:?}"),
        None => "not resumed".into(),
    }
}

#[tokio::test]
async fn one_sign_in_serves_both_applications() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    assert_eq!(name(&browser.sign_in(&scene, "alice", demand("one")).await), DONE);
    let Some(SignOn::Authenticated(first)) = scene.resumed() else { panic!("not signed in") };
    assert_eq!((first.subject.as_str(), first.context.as_str()), ("subject-of-alice", CONTEXT));
    assert_eq!(first.methods, ["pwd"]);
    assert_eq!(first.claims[0].values, ["alice@example.com"]);

    scene.script(Outcome::Authenticate(demand("two")));
    assert_eq!(name(&browser.open(&scene, Method::Get).await), DONE);
    let Some(SignOn::Authenticated(second)) = scene.resumed() else { panic!("not signed in") };
    assert_eq!(second.session, first.session);
    assert_ne!(
        second.session_index, first.session_index,
        "an application must not recognise the session of another"
    );

    scene.script(Outcome::Authenticate(demand("one")));
    browser.open(&scene, Method::Get).await;
    let Some(SignOn::Authenticated(again)) = scene.resumed() else { panic!("not signed in") };
    assert_eq!(again.session_index, first.session_index);
}

#[tokio::test]
async fn a_demand_by_post_finds_the_session_after_a_redirect() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    scene.resumed();
    scene.script(Outcome::Authenticate(demand("two")));
    let action = browser.open(&scene, Method::Post).await;
    assert_eq!(name(&action), "redirect /commonauth");
    assert_eq!(name(&browser.follow(&scene, action).await), DONE);
    assert_eq!(subject(&scene), "subject-of-alice");
}

#[tokio::test]
async fn a_transaction_belongs_to_the_browser_that_went_on_with_it_first() {
    let scene = Scene::new().await;
    let (mut first, mut second) = (Browser::default(), Browser::default());
    scene.script(Outcome::Authenticate(demand("one")));
    let scene_redirect = first.open(&scene, Method::Post).await;
    let postern_kernel::flow::Action::Redirect(location) = &scene_redirect else { panic!() };
    let stolen = postern_kernel::flow::Action::Redirect(location.clone());
    let action = first.follow(&scene, scene_redirect).await;
    assert_eq!(name(&second.follow(&scene, stolen).await), "refused 400 error.expired");
    assert!(scene.audit.has("request.refused sign-on.browser.mismatch"));
    // A page of the first browser is of no use to the second.
    let page = form(first.follow(&scene, action).await);
    assert_eq!(refused(&mut second, &scene, &page).await, "refused 400 error.expired");
    second.browser = Some("made-up".into());
    assert_eq!(refused(&mut second, &scene, &page).await, "refused 400 error.expired");
    assert_eq!(subject(&scene), "not resumed");
}

#[tokio::test]
async fn a_form_from_another_site_is_refused() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    let forged = PageForm { anti_forgery: "forged".into(), ..page.clone() };
    assert_eq!(refused(&mut browser, &scene, &forged).await, "refused 400 error.expired");
    assert!(scene.audit.has("request.refused sign-on.anti-forgery.mismatch"));
    // The token of one transaction is of no use for another.
    let other = browser.reach_sign_in(&scene, demand("two")).await;
    let crossed = PageForm { anti_forgery: other.anti_forgery, ..page.clone() };
    assert_eq!(refused(&mut browser, &scene, &crossed).await, "refused 400 error.expired");
    assert_eq!(refused(&mut browser, &scene, &page).await, DONE);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_signs_in_once() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    assert_eq!(refused(&mut browser, &scene, &page).await, DONE);
    scene.resumed();
    assert_eq!(refused(&mut browser, &scene, &page).await, "refused 400 error.expired");
    assert_eq!(subject(&scene), "not resumed");
}

#[tokio::test]
async fn the_session_secret_changes_with_each_sign_in() {
    let scene = Scene::new().await;
    let mut browser = Browser { session: Some("planted-by-an-attacker".into()), ..Browser::default() };
    browser.sign_in(&scene, "alice", demand("one")).await;
    let first = browser.session.clone().unwrap();
    assert_ne!(first, "planted-by-an-attacker");
    let Some(SignOn::Authenticated(before)) = scene.resumed() else { panic!() };

    let forced = postern_kernel::module::Demand { force: true, ..demand("one") };
    browser.sign_in(&scene, "alice", forced).await;
    let Some(SignOn::Authenticated(after)) = scene.resumed() else { panic!() };
    assert_eq!(before.session, after.session, "the same person goes on with the same session");
    let mut old = Browser { session: Some(first), ..Browser::default() };
    scene.script(Outcome::Authenticate(demand("one")));
    assert_eq!(name(&old.open(&scene, Method::Get).await), "redirect /authenticationendpoint/login");
}

#[tokio::test]
async fn another_person_in_the_same_browser_ends_the_session() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    let Some(SignOn::Authenticated(alice)) = scene.resumed() else { panic!() };
    let forced = postern_kernel::module::Demand { force: true, ..demand("one") };
    browser.sign_in(&scene, "bob", forced).await;
    let Some(SignOn::Authenticated(bob)) = scene.resumed() else { panic!() };
    assert_ne!((alice.session, alice.session_index), (bob.session, bob.session_index));
    assert!(scene.audit.has("session.ended another-person"));
}

#[tokio::test]
async fn wrong_unknown_and_disabled_look_the_same() {
    let scene = Scene::new().await;
    scene.directory.disabled.lock().unwrap().push("bob".into());
    let mut errors = Vec::new();
    for (username, password) in [("alice", "wrong"), ("nobody", PASSWORD), ("bob", PASSWORD)] {
        let mut browser = Browser::default();
        let page = browser.reach_sign_in(&scene, demand("one")).await;
        let action =
            browser.send(&scene, "sign-in", &page, &[("username", username), ("password", password)]).await;
        let postern_kernel::flow::Action::Page(postern_kernel::flow::Page::SignIn(page)) =
            browser.follow(&scene, action).await
        else {
            panic!("the page again")
        };
        errors.push(page.challenge);
        assert_eq!(browser.session, None);
    }
    assert!(errors.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(errors[0].error.as_ref().map(|error| error.key.as_str()), Some("sign-in.wrong"));
}

#[tokio::test]
async fn failures_make_a_name_wait_whether_it_exists_or_not() {
    for username in ["alice", "nobody"] {
        let scene = Scene::new().await;
        let mut browser = Browser::default();
        let page = browser.reach_sign_in(&scene, demand("one")).await;
        for _ in 0..5 {
            browser.send(&scene, "sign-in", &page, &[("username", username), ("password", "wrong")]).await;
        }
        browser.send(&scene, "sign-in", &page, &[("username", username), ("password", PASSWORD)]).await;
        assert!(scene.audit.has("sign-in.throttled"), "{username}");
        assert_eq!(browser.session, None);
        scene.clock.advance(60);
        let after =
            browser.send(&scene, "sign-in", &page, &[("username", username), ("password", PASSWORD)]).await;
        assert_eq!(name(&after) == DONE, username == "alice");
    }
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_looked_at() {
    let scene = std::sync::Arc::new(Scene::new().await);
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut browser = Browser::default();
        let page = browser.reach_sign_in(&scene, demand("one")).await;
        let scene = std::sync::Arc::clone(&scene);
        guesses.spawn(async move {
            let fields = [("username", "alice"), ("password", "wrong")];
            browser.send(&scene, "sign-in", &page, &fields).await;
        });
    }
    while guesses.join_next().await.is_some() {}
    assert_eq!(scene.directory.checked.load(std::sync::atomic::Ordering::SeqCst), 5);
}

#[tokio::test]
async fn an_authenticator_can_not_name_somebody_whom_it_has_not_proven() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    let action = browser.send(&scene, "sign-in", &page, &[("username", "mallory"), ("password", "x")]).await;
    assert_eq!(name(&action), "refused 500 error.internal");
    assert_eq!((browser.session, subject(&scene).as_str()), (None, "not resumed"));
    assert!(scene.audit.has("module.failed output"));
}

#[tokio::test]
async fn a_passive_demand_shows_no_page() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let passive = || postern_kernel::module::Demand { passive: true, ..demand("one") };
    scene.script(Outcome::Authenticate(passive()));
    assert_eq!(name(&browser.open(&scene, Method::Get).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::LoginRequired)));

    browser.sign_in(&scene, "alice", demand("one")).await;
    scene.resumed();
    scene.script(Outcome::Authenticate(passive()));
    browser.open(&scene, Method::Get).await;
    assert_eq!(subject(&scene), "subject-of-alice");

    let consent = postern_kernel::module::Demand { consent: vec!["email".into()], ..passive() };
    scene.script(Outcome::Authenticate(consent));
    browser.open(&scene, Method::Get).await;
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::ConsentRequired)));
}

#[tokio::test]
async fn an_old_sign_in_does_not_serve_a_demand_for_a_recent_one() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    scene.resumed();
    scene.clock.advance(100);
    for (max_age, expected) in [(100, DONE), (99, "redirect /authenticationendpoint/login")] {
        let recent = postern_kernel::module::Demand { max_age: Some(max_age), ..demand("one") };
        scene.script(Outcome::Authenticate(recent));
        assert_eq!(name(&browser.open(&scene, Method::Get).await), expected);
    }
}

#[tokio::test]
async fn a_context_that_nothing_reaches_fails_at_once() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let strong = postern_kernel::module::Demand { contexts: vec!["smartcard".into()], ..demand("one") };
    scene.script(Outcome::Authenticate(strong));
    browser.open(&scene, Method::Get).await;
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::ContextUnavailable)));
}

#[tokio::test]
async fn consent_is_asked_once_and_kept() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let wants = || postern_kernel::module::Demand { consent: vec!["email".into()], ..demand("one") };
    let action = browser.sign_in(&scene, "alice", wants()).await;
    let page = browser.follow(&scene, action).await;
    assert_eq!(name(&page), "consent");
    assert_eq!(name(&browser.send(&scene, "agree", &form(page), &[]).await), DONE);
    assert_eq!(subject(&scene), "subject-of-alice");

    scene.script(Outcome::Authenticate(wants()));
    assert_eq!(name(&browser.open(&scene, Method::Get).await), DONE);
    let anew = postern_kernel::module::Demand { consent_anew: true, ..wants() };
    scene.resumed();
    scene.script(Outcome::Authenticate(anew));
    let action = browser.open(&scene, Method::Get).await;
    let page = form(browser.follow(&scene, action).await);
    browser.send(&scene, "refuse", &page, &[]).await;
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
}

#[tokio::test]
async fn consent_is_that_of_the_person_who_was_asked() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let wants = postern_kernel::module::Demand { consent: vec!["email".into()], ..demand("one") };
    let action = browser.sign_in(&scene, "alice", wants).await;
    let page = form(browser.follow(&scene, action).await);
    let forced = postern_kernel::module::Demand { force: true, ..demand("two") };
    browser.sign_in(&scene, "bob", forced).await;
    scene.resumed();
    assert_eq!(name(&browser.send(&scene, "agree", &page, &[]).await), "refused 400 error.expired");
    assert_eq!(subject(&scene), "not resumed");
}

#[tokio::test]
async fn cancelling_tells_the_application() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    assert_eq!(name(&browser.send(&scene, "cancel", &page, &[]).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
}

#[tokio::test]
async fn sessions_end_when_idle_over_or_the_person_is_disabled() {
    for how in ["idle", "over", "disabled"] {
        let scene = Scene::new().await;
        let mut browser = Browser::default();
        browser.sign_in(&scene, "alice", demand("one")).await;
        match how {
            "idle" => scene.clock.advance(8 * 3_600 + 1),
            "over" => {
                for _ in 0..4 {
                    scene.clock.advance(7 * 3_600);
                    scene.script(Outcome::Authenticate(demand("one")));
                    browser.open(&scene, Method::Get).await;
                }
            }
            _ => scene.directory.disabled.lock().unwrap().push("alice".into()),
        }
        scene.script(Outcome::Authenticate(demand("one")));
        let action = browser.open(&scene, Method::Get).await;
        assert_eq!(name(&action), "redirect /authenticationendpoint/login", "{how}");
    }
}

#[tokio::test]
async fn transactions_expire() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    scene.clock.advance(1_801);
    assert_eq!(refused(&mut browser, &scene, &page).await, "refused 400 error.expired");
}

#[tokio::test]
async fn a_known_session_index_signs_out_without_a_question() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    let Some(SignOn::Authenticated(alice)) = scene.resumed() else { panic!() };
    scene.script(Outcome::EndSession(logout(Some(alice.session_index))));
    assert_eq!(name(&browser.open(&scene, Method::Get).await), "signed-out");
    assert_eq!((browser.session, scene.logout_told()), (None, Some(true)));
    assert_eq!(
        scene
            .store
            .list_sessions(postern_kernel::clock::Timestamp(1_800_000_000), None, 10)
            .await
            .unwrap()
            .items,
        []
    );
}

#[tokio::test]
async fn a_link_on_another_site_can_not_sign_anybody_out() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    for index in [None, Some("guessed".to_owned())] {
        scene.script(Outcome::EndSession(logout(index)));
        let action = browser.open(&scene, Method::Get).await;
        let page = browser.follow(&scene, action).await;
        assert_eq!(name(&page), "confirm-sign-out");
        browser.send(&scene, "stay", &form(page), &[]).await;
        assert!(browser.session.is_some());
        assert_eq!(scene.logout_told(), Some(false));
    }
    scene.script(Outcome::EndSession(logout(None)));
    let action = browser.open(&scene, Method::Get).await;
    let page = form(browser.follow(&scene, action).await);
    browser.send(&scene, "sign-out", &page, &[]).await;
    assert_eq!((browser.session.clone(), scene.logout_told()), (None, Some(true)));
}

#[tokio::test]
async fn a_relying_party_of_nobody_is_the_modules_failure() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    scene.script(Outcome::Authenticate(demand("three")));
    assert_eq!(name(&browser.open(&scene, Method::Get).await), "refused 500 error.internal");
    scene.script(document());
    assert_eq!(name(&browser.open(&scene, Method::Get).await), "document 200");
}
