//! Sign-ins of several steps.

use postern_kernel::flow::{Action, Page};
use postern_kernel::module::{Authentication, Demand, Failure, Method, Outcome, SignOn};

use crate::pin::{Pin, STRONG};
use crate::scene::{Browser, CONTEXT, PASSWORD, PageForm, Scene, demand, form, name};

const DONE: &str = "form-post https://app.example";

/// Alice has set up the further factor `pin` with the number 1234.
pub(crate) async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.enable(Pin::new("pin"));
    let mut browser = Browser::default();
    crate::factors::enrol(&mut browser, &scene, "pin", "1234").await;
    scene
}

/// The password is right; what comes then.
pub(crate) async fn after_password(browser: &mut Browser, scene: &Scene, demand: Demand) -> Action {
    let page = browser.reach_sign_in(scene, demand).await;
    let fields = [("username", "alice"), ("password", PASSWORD)];
    browser.send_on(scene, "sign-in", &page, &fields).await
}

async fn number(browser: &mut Browser, scene: &Scene, page: &PageForm, number: &str) -> Action {
    browser.send_on(scene, "sign-in", page, &[("code", number)]).await
}

fn authentication(scene: &Scene) -> Authentication {
    match scene.resumed() {
        Some(SignOn::Authenticated(authentication)) => authentication,
        Some(SignOn::Failed(failure)) => panic!("{failure:?}"),
        None => panic!("not resumed"),
    }
}

fn strong(application: &str) -> Demand {
    Demand { contexts: vec![STRONG.into()], ..demand(application) }
}

#[tokio::test]
async fn both_steps_are_taken_and_what_they_reached_is_joined() {
    let scene = scene().await;
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    let page = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!((name(&page).as_str(), browser.session.as_ref()), ("pin.ask", None));
    let page = form(page);
    assert_eq!(name(&number(&mut browser, &scene, &page, "0000").await), "pin.ask");
    assert!(scene.audit.has("sign-in.failed"));
    assert_eq!(browser.session, None);
    assert_eq!(name(&number(&mut browser, &scene, &page, "1234").await), DONE);
    let first = authentication(&scene);
    assert_eq!((first.subject.as_str(), first.context.as_str()), ("subject-of-alice", STRONG));
    assert_eq!(first.methods, ["pwd", "otp", "mfa"]);
    // What is strong enough for more is strong enough for less, and is told as what was asked for.
    scene.script(Outcome::Authenticate(Demand { contexts: vec![CONTEXT.into()], ..demand("two") }));
    assert_eq!(name(&browser.open(&scene, Method::Get).await), DONE);
    assert_eq!(authentication(&scene).context, CONTEXT);
}

#[tokio::test]
async fn a_session_of_before_the_steps_is_gone_on_with() {
    let scene = scene().await;
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    let before = authentication(&scene);
    scene.require(&[&["password"], &["pin"]]);
    scene.clock.advance(100);
    scene.script(Outcome::Authenticate(demand("one")));
    let action = browser.open(&scene, Method::Get).await;
    let page = browser.follow(&scene, action).await;
    assert_eq!(name(&page), "pin.ask", "the password is not asked for again");
    assert_eq!(name(&number(&mut browser, &scene, &form(page), "1234").await), DONE);
    let after = authentication(&scene);
    assert_eq!((&after.session, after.authenticated_at), (&before.session, before.authenticated_at));
    assert_eq!(after.expires_at, before.expires_at);
    assert_eq!(after.methods, ["pwd", "otp", "mfa"]);
}

#[tokio::test]
async fn a_demand_for_more_adds_the_step_and_a_lesser_one_does_not() {
    let scene = scene().await;
    let mut browser = Browser::default();
    assert_eq!(name(&browser.sign_in(&scene, "alice", demand("one")).await), DONE);
    assert_eq!(authentication(&scene).methods, ["pwd"]);
    for method in [Method::Get, Method::Post] {
        scene.script(Outcome::Authenticate(strong("one")));
        let mut page = browser.open(&scene, method).await;
        while let Action::Redirect(_) = page {
            page = browser.follow(&scene, page).await;
        }
        assert_eq!(name(&page), "pin.ask");
    }
    let page = after_password(&mut Browser::default(), &scene, strong("one")).await;
    assert_eq!(name(&page), "pin.ask");
    // Signed in anew: all steps.
    let forced = Demand { force: true, ..strong("one") };
    assert_eq!(name(&after_password(&mut browser, &scene, forced).await), "pin.ask");
}

#[tokio::test]
async fn a_step_of_another_session_is_not_gone_on_with() {
    let scene = scene().await;
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    scene.script(Outcome::Authenticate(strong("one")));
    let action = browser.open(&scene, Method::Get).await;
    let page = form(browser.follow(&scene, action).await);
    browser.sign_in(&scene, "bob", Demand { force: true, ..demand("two") }).await;
    scene.resumed();
    let bobs = browser.session.clone();
    assert_eq!(name(&number(&mut browser, &scene, &page, "1234").await), "refused 400 error.expired");
    assert_eq!(browser.session, bobs);
    assert!(scene.resumed().is_none());
}

#[tokio::test]
async fn who_has_not_set_it_up_takes_another_way_if_there_is_one() {
    let scene = scene().await;
    scene.enable(Pin::new("spare"));
    scene.enable(Pin::new("broken"));
    scene.require(&[&["password"], &["broken", "spare", "pin"]]);
    let mut browser = Browser::default();
    let page = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!(name(&page), "pin.ask");
    assert!(scene.audit.has("sign-in.not-enrolled"));
    assert_eq!(name(&number(&mut browser, &scene, &form(page), "1234").await), DONE);

    scene.require(&[&["password"], &["spare"]]);
    let mut browser = Browser::default();
    scene.resumed();
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)), "nobody is let in");
    assert!(scene.audit.has("sign-in.denied no-way-left"));
    assert_eq!(browser.session, None);

    scene.require(&[&["password"], &["spare", "broken"]]);
    let page = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!((name(&page).as_str(), browser.session), ("refused 503 error.unavailable", None));
}

#[tokio::test]
async fn what_breaks_half_way_is_left_for_another_way_if_there_is_one() {
    let scene = scene().await;
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    assert_eq!(name(&number(&mut browser, &scene, &page, "away").await), "refused 503 error.unavailable");
    assert_eq!(name(&number(&mut browser, &scene, &page, "1234").await), DONE, "it can be tried again");

    scene.enable(Pin::new("spare"));
    crate::factors::enrol(&mut Browser::default(), &scene, "spare", "5678").await;
    scene.require(&[&["password"], &["pin", "spare"]]);
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    let page = number(&mut browser, &scene, &page, "away").await;
    assert_eq!(name(&page), "pin.ask");
    let page = form(page);
    assert_eq!(name(&number(&mut browser, &scene, &page, "1234").await), "pin.ask", "that was the other's");
    assert_eq!(name(&number(&mut browser, &scene, &page, "5678").await), DONE);
}

#[tokio::test]
async fn people_choose_among_the_alternatives() {
    let scene = scene().await;
    scene.enable(Pin::new("spare"));
    crate::factors::enrol(&mut Browser::default(), &scene, "spare", "5678").await;
    scene.require(&[&["password"], &["pin", "spare"]]);
    let mut browser = Browser::default();
    let page = after_password(&mut browser, &scene, demand("one")).await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    assert!(shown.has_other);
    let page = form(page);
    assert_eq!(name(&browser.send_on(&scene, "other", &page, &[]).await), "pin.ask");
    assert_eq!(name(&number(&mut browser, &scene, &page, "5678").await), DONE);

    scene.require(&[&["password"], &["pin"]]);
    let page = after_password(&mut Browser::default(), &scene, demand("one")).await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    assert!(!shown.has_other);
}

#[tokio::test]
async fn a_further_factor_confirms_nobody_else_and_says_nothing_that_it_has_not_declared() {
    for crime in ["names-bob", "other-context", "other-method", "enrolled", "adds"] {
        let scene = scene().await;
        scene.require(&[&["password"], &["pin"]]);
        let mut browser = Browser::default();
        let page = form(after_password(&mut browser, &scene, demand("one")).await);
        let action = number(&mut browser, &scene, &page, crime).await;
        assert_eq!(name(&action), "refused 500 error.internal", "{crime}");
        assert!(scene.audit.has("module.failed output"), "{crime}");
        assert_eq!(browser.session, None, "{crime}");
        assert!(scene.resumed().is_none(), "{crime}");
    }
}

#[tokio::test]
async fn guesses_of_a_further_factor_are_slowed_down() {
    let scene = scene().await;
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    for _ in 0..5 {
        number(&mut browser, &scene, &page, "0000").await;
    }
    let Action::Page(Page::SignIn(shown)) = number(&mut browser, &scene, &page, "1234").await else {
        panic!("the page again")
    };
    assert_eq!(shown.challenge.error.unwrap().key, "sign-in.throttled");
    assert!(scene.audit.has("sign-in.throttled"));
    // Another browser that knows the password has to wait as well.
    let mut other = Browser::default();
    let again = form(after_password(&mut other, &scene, demand("one")).await);
    assert_eq!(name(&number(&mut other, &scene, &again, "1234").await), "pin.ask");
    scene.clock.advance(60);
    assert_eq!(name(&number(&mut browser, &scene, &page, "1234").await), DONE);
}

#[tokio::test]
async fn who_may_not_is_told_why_and_only_the_way_back_is_left() {
    let scene = scene().await;
    scene.require(&[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    let page = number(&mut browser, &scene, &page, "denied").await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    assert!(shown.is_closed && !shown.has_other);
    assert!(scene.audit.has("sign-in.denied on purpose"));
    let page = form(page);
    assert_eq!(name(&number(&mut browser, &scene, &page, "1234").await), "refused 400 error.expired");
    assert_eq!(name(&browser.send_on(&scene, "cancel", &page, &[]).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
    assert_eq!(browser.session, None);
}

#[tokio::test]
async fn an_application_has_its_own_steps() {
    let scene = scene().await;
    scene.require_for("urn:two", &[&["password"], &["pin"]]);
    let mut browser = Browser::default();
    assert_eq!(name(&browser.sign_in(&scene, "alice", demand("one")).await), DONE);
    scene.resumed();
    scene.script(Outcome::Authenticate(demand("two")));
    let action = browser.open(&scene, Method::Get).await;
    let page = browser.follow(&scene, action).await;
    assert_eq!(name(&page), "pin.ask", "the session of the other one is gone on with");
    assert_eq!(name(&number(&mut browser, &scene, &form(page), "1234").await), DONE);
    assert_eq!(authentication(&scene).methods, ["pwd", "otp", "mfa"]);
    scene.require_for("urn:one", &[&["pin"]]);
    let error = scene.flow.modules().check_steps().unwrap_err();
    assert!(error.starts_with("for \"urn:one\": \"pin\" confirms somebody"), "{error}");
}

#[tokio::test]
async fn steps_that_nobody_can_go_through_are_named() {
    let scene = scene().await;
    let check = |steps: &[&[&str]]| {
        scene.require(steps);
        scene.flow.modules().check_steps()
    };
    assert_eq!(check(&[&["password"], &["pin"]]), Ok(()));
    assert_eq!(check(&[]), Ok(()));
    assert!(check(&[&["pin"], &["password"]]).unwrap_err().contains("\"pin\" confirms somebody"));
    assert!(check(&[&["no-such"]]).unwrap_err().contains("no authenticator"));
}

#[tokio::test]
async fn the_operator_has_a_sign_in_for_an_application_be_recent() {
    let scene = scene().await;
    scene.age("urn:two", 60);
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    let again = async |browser: &mut Browser, demand: Demand| {
        scene.script(Outcome::Authenticate(demand));
        let mut action = browser.open(&scene, Method::Get).await;
        while let Action::Redirect(_) = action {
            action = browser.follow(&scene, action).await;
        }
        name(&action)
    };
    scene.clock.advance(60);
    assert_eq!(again(&mut browser, demand("two")).await, DONE);
    scene.clock.advance(1);
    assert_eq!(again(&mut browser, demand("two")).await, "sign-in.title");
    assert_eq!(again(&mut browser, demand("one")).await, DONE, "another application");
    // Neither does an application make it longer, nor the operator what it asks for.
    assert_eq!(again(&mut browser, Demand { max_age: Some(3_600), ..demand("two") }).await, "sign-in.title");
    scene.age("urn:two", 3_600);
    assert_eq!(again(&mut browser, Demand { max_age: Some(30), ..demand("two") }).await, "sign-in.title");
    assert_eq!(again(&mut browser, demand("two")).await, DONE);
    scene.age("urn:two", 60);
    scene.resumed();
    assert_eq!(again(&mut browser, Demand { passive: true, ..demand("two") }).await, DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::LoginRequired)));
}
