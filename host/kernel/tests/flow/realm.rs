//! Home-realm discovery: the name first, and by its domain the authenticator of the first step.

use postern_kernel::authenticator::Element;
use postern_kernel::flow::{Action, ModuleSet, OwnPage, Page, Realms, SignInPage};
use postern_kernel::module::{Demand, Failure, Method, Outcome, SignOn};

use crate::scene::{Browser, PASSWORD, Password, Scene, demand, form, name};
use crate::steps::scene as scene_with_pin;

const DONE: &str = "form-post https://app.example";

/// People from example.org sign in with `corporate`, all others with `password`.
pub(crate) async fn scene() -> Scene {
    let scene = scene_with_pin().await;
    scene.enable(Password::named("corporate"));
    scene.require(&[&["password"]]);
    let mut modules = ModuleSet::clone(&scene.flow.modules());
    modules.realms = Realms::new([("example.org".to_owned(), "corporate".to_owned())].into());
    scene.flow.replace_modules(modules);
    scene
}

fn page(action: &Action) -> &SignInPage {
    match action {
        Action::Page(Page::SignIn(page)) => page,
        other => panic!("{}", name(other)),
    }
}

/// The names of the page's fields, and what stands in the first.
fn fields(action: &Action) -> (Vec<&str>, &str) {
    let fields = page(action).challenge.elements.iter().map(|element| match element {
        Element::Field(field) => (field.name.as_str(), field.value.as_str()),
        other => panic!("{other:?}"),
    });
    let fields: Vec<_> = fields.collect();
    (fields.iter().map(|(name, _)| *name).collect(), fields[0].1)
}

pub(crate) async fn begin(browser: &mut Browser, scene: &Scene, demand: Demand) -> Action {
    scene.script(Outcome::Authenticate(demand));
    let mut action = browser.open(scene, Method::Get).await;
    while let Action::Redirect(_) = action {
        action = browser.follow(scene, action).await;
    }
    action
}

pub(crate) async fn say(browser: &mut Browser, scene: &Scene, action: Action, who: &str) -> Action {
    browser.send_on(scene, "sign-in", &form(action), &[("username", who)]).await
}

pub(crate) async fn prove(browser: &mut Browser, scene: &Scene, action: Action, who: &str) -> Action {
    let fields = [("username", who), ("password", PASSWORD)];
    browser.send_on(scene, "sign-in", &form(action), &fields).await
}

#[tokio::test]
async fn the_domain_says_which_authenticator_comes_and_others_get_the_configured_one() {
    let scene = scene().await;
    for (who, realm) in [("anna@example.org", true), ("alice", false), ("a@example.com", false)] {
        let mut browser = Browser::default();
        let asked = begin(&mut browser, &scene, demand("one")).await;
        assert_eq!(fields(&asked), (vec!["username"], ""));
        assert!(!page(&asked).has_other && page(&asked).named.is_none() && browser.session.is_none());
        let shown = say(&mut browser, &scene, asked, who).await;
        assert_eq!(fields(&shown), (vec!["username", "password"], who), "the name is filled in");
        assert_eq!(page(&shown).named.as_deref(), Some(who));
        assert_eq!(name(&prove(&mut browser, &scene, shown, "alice").await), DONE);
        assert!(matches!(scene.resumed(), Some(SignOn::Authenticated(_))));
        let by = if realm { "corporate" } else { "password" };
        assert!(scene.audit.by(&format!("sign-in.succeeded {by}")), "{who}");
        // The session is good for the next application, and for the person's own pages.
        assert_eq!(name(&begin(&mut browser, &scene, demand("two")).await), DONE);
        assert!(matches!(scene.resumed(), Some(SignOn::Authenticated(_))), "{who}");
        scene.audit.forget();
    }
}

#[tokio::test]
async fn what_is_no_name_is_asked_for_again_and_somebody_else_goes_back() {
    let scene = scene().await;
    let mut browser = Browser::default();
    let mut asked = begin(&mut browser, &scene, demand("one")).await;
    for bad in ["", "a\nb", &"x".repeat(257)] {
        asked = say(&mut browser, &scene, asked, bad).await;
        assert_eq!(page(&asked).challenge.error.as_ref().unwrap().key, "realm.missing", "{bad:?}");
    }
    let other = browser.send_on(&scene, "other", &form(asked), &[]).await;
    assert_eq!(name(&other), "refused 400 error.expired", "there is no other way than to say it");
    let asked = begin(&mut browser, &scene, demand("one")).await;
    let page_form = form(begin(&mut browser, &scene, demand("one")).await);
    let early = browser.send_on(&scene, "not-you", &page_form, &[]).await;
    assert_eq!(name(&early), "refused 400 error.expired");
    let shown = say(&mut browser, &scene, asked, "anna@example.org").await;
    let again = browser.send_on(&scene, "not-you", &form(shown), &[]).await;
    assert_eq!(fields(&again), (vec!["username"], ""));
    let shown = say(&mut browser, &scene, again, "alice").await;
    assert_eq!(fields(&shown), (vec!["username", "password"], "alice"));
    assert_eq!(name(&prove(&mut browser, &scene, shown, "alice").await), DONE);
    assert!(scene.audit.by("sign-in.succeeded password"));
}

#[tokio::test]
async fn what_the_application_says_is_not_asked_for_unless_the_person_is_somebody_else() {
    let scene = scene().await;
    let mut browser = Browser::default();
    let hinted = Demand { login_hint: Some("anna@example.org".into()), ..demand("one") };
    let shown = begin(&mut browser, &scene, hinted).await;
    assert_eq!(fields(&shown), (vec!["username", "password"], "anna@example.org"));
    let asked = browser.send_on(&scene, "not-you", &form(shown), &[]).await;
    assert_eq!(fields(&asked), (vec!["username"], ""), "the hint is not taken again");
    let shown = say(&mut browser, &scene, asked, "alice").await;
    assert_eq!(fields(&shown).1, "alice");
}

#[tokio::test]
async fn the_steps_of_an_application_and_the_steps_after_the_first_hold() {
    let scene = scene().await;
    scene.require_for("urn:one", &[&["password"]]);
    scene.require_for("urn:two", &[&["password", "corporate"], &["pin"]]);
    let mut browser = Browser::default();
    let asked = begin(&mut browser, &scene, demand("one")).await;
    let shown = say(&mut browser, &scene, asked, "anna@example.org").await;
    prove(&mut browser, &scene, shown, "alice").await;
    assert!(scene.audit.by("sign-in.succeeded password"), "it does not offer the realm's");

    let mut browser = Browser::default();
    let asked = begin(&mut browser, &scene, demand("two")).await;
    let shown = say(&mut browser, &scene, asked, "anna@example.org").await;
    assert!(!page(&shown).has_other, "the realm's alone");
    let shown = prove(&mut browser, &scene, shown, "alice").await;
    assert_eq!(name(&shown), "pin.ask");
    assert!(page(&shown).named.is_none());
    let late = browser.send_on(&scene, "not-you", &form(shown), &[]).await;
    assert_eq!(name(&late), "refused 400 error.expired", "who has proven it is who they are");
}

#[tokio::test]
async fn nobody_proves_a_name_by_saying_it() {
    let scene = scene().await;
    let mut browser = Browser::default();
    let asked = begin(&mut browser, &scene, demand("one")).await;
    let skipped = prove(&mut browser, &scene, asked, "alice").await;
    assert_eq!(fields(&skipped).0, ["username", "password"], "only the name was read");
    assert!(browser.session.is_none() && scene.resumed().is_none());
    let fields = [("username", "alice"), ("password", "wrong")];
    let wrong = browser.send_on(&scene, "sign-in", &form(skipped), &fields).await;
    assert_eq!(page(&wrong).challenge.error.as_ref().unwrap().key, "sign-in.wrong");
    assert_eq!(name(&browser.send_on(&scene, "cancel", &form(wrong), &[]).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
    // A passive demand gets no page.
    begin(&mut browser, &scene, Demand { passive: true, ..demand("one") }).await;
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::LoginRequired)));
    // The person's own pages ask as well.
    let own = browser.open_own(&scene, OwnPage::Sessions).await;
    let own = browser.follow(&scene, own).await;
    assert_eq!(page(&own).challenge.submit.key, "realm.next");
}

#[tokio::test]
async fn a_realm_of_nobody_who_finds_out_who_somebody_is_keeps_the_server_from_starting() {
    let scene = scene().await;
    for authenticator in ["pin", "no-such"] {
        let mut modules = ModuleSet::clone(&scene.flow.modules());
        modules.realms = Realms::new([("example.org".to_owned(), authenticator.to_owned())].into());
        let error = modules.check_steps().unwrap_err();
        assert!(error.contains("does not find out who somebody is"), "{error}");
    }
}
