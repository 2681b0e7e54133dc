//! Identities from outside that people link on their own page.

use std::sync::{Arc, Mutex};

use postern_kernel::flow::{AccountRules, Action, FactorsPage, OwnPage, Page, SignInPage, UnknownIdentity};
use postern_kernel::module::{Demand, Method, Outcome, SignOn};

use crate::scene::{Browser, PASSWORD, PageForm, Scene, demand, form, name};
use crate::sent_away::{Seen, SentAway};

const LOST: &str = "refused 400 error.expired";
const PROVIDER: &str = "https://login.example.org/authorize";

/// Passwords and a pin, and the provider `away`, whose identities are linked on the page of factors alone.
async fn scene(unknown: UnknownIdentity) -> (Scene, Arc<Mutex<Seen>>) {
    let scene = crate::steps::scene().await;
    let module = SentAway::new("away", PROVIDER);
    let seen = Arc::clone(&module.seen);
    scene.enable_sending(module, &["login.example.org"]);
    scene.provision("away", AccountRules { unknown, ..AccountRules::default() });
    scene.require(&[&["password", "away"]]);
    (scene, seen)
}

fn shown(action: &Action) -> &FactorsPage {
    match action {
        Action::Page(Page::Factors(page)) => page,
        other => panic!("{}", name(other)),
    }
}

fn asked(action: &Action) -> &SignInPage {
    match action {
        Action::Page(Page::SignIn(page)) => page,
        other => panic!("{}", name(other)),
    }
}

/// The page of factors, with a password, and a pin where it is asked for.
async fn reach(browser: &mut Browser, scene: &Scene, who: &str) -> Action {
    let page = browser.open_own(scene, OwnPage::Factors).await;
    let page = form(browser.follow_on(scene, page).await);
    let page = browser.send_on(scene, "sign-in", &page, &[("username", who), ("password", PASSWORD)]).await;
    if name(&page) != "pin.ask" {
        return page;
    }
    browser.send_on(scene, "sign-in", &form(page), &[("code", "1234")]).await
}

/// To the provider and back as this identity; what is shown then.
async fn name_to_link(
    browser: &mut Browser,
    scene: &Scene,
    seen: &Mutex<Seen>,
    page: &PageForm,
    identity: &str,
) -> Action {
    let sent = browser.send(scene, "link", page, &[("authenticator", "away")]).await;
    assert!(matches!(&sent, Action::Redirect(location) if location == PROVIDER), "{}", name(&sent));
    let state = seen.lock().unwrap().state();
    let came = browser.come_back_with(scene, "away", &state, identity).await;
    browser.follow_on(scene, came).await
}

/// Signs in by the provider; whether that is anybody here.
async fn signs_in(scene: &Scene, seen: &Mutex<Seen>, identity: &str) -> Option<String> {
    signs_in_with(&mut Browser::default(), scene, seen, identity).await
}

async fn signs_in_with(
    browser: &mut Browser,
    scene: &Scene,
    seen: &Mutex<Seen>,
    identity: &str,
) -> Option<String> {
    scene.script(Outcome::Authenticate(demand("one")));
    let opened = browser.open(scene, Method::Get).await;
    let page = form(browser.follow_on(scene, opened).await);
    browser.send_on(scene, "other", &page, &[]).await;
    let state = seen.lock().unwrap().state();
    let came = browser.come_back_with(scene, "away", &state, identity).await;
    browser.follow_on(scene, came).await;
    match scene.resumed() {
        Some(SignOn::Authenticated(authentication)) => Some(authentication.subject),
        _ => None,
    }
}

#[tokio::test]
async fn an_identity_is_linked_by_who_is_signed_in_and_says_so() {
    let (scene, seen) = scene(UnknownIdentity::OwnPage).await;
    assert_eq!(signs_in(&scene, &seen, "subject=1").await, None, "at the sign-in it is nobody's");
    let mut browser = Browser::default();
    let page = reach(&mut browser, &scene, "alice").await;
    assert_eq!(shown(&page).linkable.len(), 1);
    let page = form(page);
    let question = name_to_link(&mut browser, &scene, &seen, &page, "subject=1&name=Alice+B").await;
    let said = format!("{:?}", asked(&question).challenge.elements);
    assert!(
        said.contains("factors.link-ask") && said.contains("Alice+B") && said.contains("\"alice\""),
        "{said}"
    );
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap(), [], "she has not said so yet");
    // Somebody else's form does not say it for her.
    let forged = PageForm { anti_forgery: "forged".into(), ..page.clone() };
    assert_eq!(name(&browser.send(&scene, "sign-in", &forged, &[]).await), LOST);
    // Nor does one of hers that was shown before the question.
    assert_eq!(name(&browser.send(&scene, "sign-in", &page, &[]).await), LOST);
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap(), []);
    let list = browser.send_on(&scene, "sign-in", &form(question), &[]).await;
    assert_eq!(shown(&list).links.len(), 1);
    assert!(scene.audit.has("account.linked"));
    assert_eq!(signs_in(&scene, &seen, "subject=1").await.as_deref(), Some("subject-of-alice"));
    // Once more changes nothing.
    let again = name_to_link(&mut browser, &scene, &seen, &form(list), "subject=1").await;
    assert_eq!(shown(&again).links.len(), 1);
    // She may leave it.
    let question = name_to_link(&mut browser, &scene, &seen, &form(again), "subject=2").await;
    let list = browser.send_on(&scene, "cancel", &form(question), &[]).await;
    assert_eq!(shown(&list).links.len(), 1);
}

#[tokio::test]
async fn an_identity_of_somebody_else_stays_theirs() {
    let (scene, seen) = scene(UnknownIdentity::OwnPage).await;
    let (mut alice, mut bob) = (Browser::default(), Browser::default());
    let hers = form(reach(&mut alice, &scene, "alice").await);
    let his = form(reach(&mut bob, &scene, "bob").await);
    // Both are asked at once, and one gets it.
    let question = name_to_link(&mut alice, &scene, &seen, &hers, "subject=1").await;
    let late = form(name_to_link(&mut bob, &scene, &seen, &his, "subject=1").await);
    assert_eq!(name(&alice.send_on(&scene, "sign-in", &form(question), &[]).await), "factors");
    assert_eq!(name(&bob.send_on(&scene, "sign-in", &late, &[]).await), "refused 403 error.denied");
    assert!(scene.audit.has("account.not-linked link-taken"));
    let told = name_to_link(&mut bob, &scene, &seen, &his, "subject=1").await;
    assert!(
        asked(&told).is_closed && format!("{:?}", asked(&told).challenge.elements).contains("link-taken")
    );
    let told = form(told);
    assert_eq!(name(&bob.send(&scene, "sign-in", &told, &[]).await), LOST);
    assert_eq!(name(&bob.send_on(&scene, "cancel", &told, &[]).await), "factors");
    assert_eq!(scene.store.links_of("subject-of-bob").await.unwrap(), []);
    assert_eq!(signs_in(&scene, &seen, "subject=1").await.as_deref(), Some("subject-of-alice"));
}

#[tokio::test]
async fn the_state_belongs_to_the_session_that_began_it() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    let mut alice = Browser::default();
    let page = form(reach(&mut alice, &scene, "alice").await);
    alice.send(&scene, "link", &page, &[("authenticator", "away")]).await;
    let state = seen.lock().unwrap().state();
    // Another browser, the same browser without a session, and with bob's.
    let mut mallory = Browser::default();
    reach(&mut mallory, &scene, "bob").await;
    assert_eq!(name(&mallory.come_back_with(&scene, "away", &state, "subject=1").await), LOST);
    let mut changed = alice.clone();
    changed.session = None;
    let came = changed.come_back_with(&scene, "away", &state, "subject=1").await;
    assert_eq!(name(&changed.follow_on(&scene, came).await), LOST);
    let mut bob = alice.clone();
    bob.session = None;
    assert_eq!(name(&reach(&mut bob, &scene, "bob").await), "factors");
    assert_eq!(name(&bob.come_back_with(&scene, "away", &state, "subject=1").await), LOST);
    for subject in ["subject-of-alice", "subject-of-bob"] {
        assert_eq!(scene.store.links_of(subject).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_factor_that_was_set_up_meanwhile_has_to_be_shown_and_what_is_refused_is_not_offered() {
    let (scene, seen) = scene(UnknownIdentity::OwnPage).await;
    let mut bob = Browser::default();
    let page = form(reach(&mut bob, &scene, "bob").await);
    bob.send(&scene, "link", &page, &[("authenticator", "away")]).await;
    let state = seen.lock().unwrap().state();
    let mut other = Browser::default();
    let own = form(reach(&mut other, &scene, "bob").await);
    let own = form(other.send_on(&scene, "enrol", &own, &[("authenticator", "pin")]).await);
    assert_eq!(name(&other.send_on(&scene, "sign-in", &own, &[("code", "9999")]).await), "factors");
    let came = bob.come_back_with(&scene, "away", &state, "subject=1").await;
    assert_eq!(name(&came), "redirect /authenticationendpoint/factors");
    assert_eq!(scene.store.links_of("subject-of-bob").await.unwrap(), []);

    scene.provision("away", AccountRules::default());
    let mut alice = Browser::default();
    let page = reach(&mut alice, &scene, "alice").await;
    assert!(shown(&page).linkable.is_empty());
    let page = form(page);
    for authenticator in ["away", "password", "pin", "no-such"] {
        let sent = alice.send(&scene, "link", &page, &[("authenticator", authenticator)]).await;
        assert_eq!(name(&sent), LOST, "{authenticator}");
    }
    assert!(scene.resumed().is_none());
}

/// A provider that knew the browser and sent it back says nothing of who sits there.
#[tokio::test]
async fn a_sign_in_elsewhere_that_nobody_asked_to_be_fresh_opens_no_page_of_ones_own() {
    let (scene, seen) = scene(UnknownIdentity::OwnPage).await;
    let mut browser = Browser::default();
    let page = form(reach(&mut browser, &scene, "alice").await);
    let question = name_to_link(&mut browser, &scene, &seen, &page, "subject=1").await;
    assert!(
        seen.lock().unwrap().demanded.iter().all(|demanded| demanded.fresh),
        "for a link it is asked anew"
    );
    browser.send_on(&scene, "sign-in", &form(question), &[]).await;

    let mut browser = Browser::default();
    assert!(signs_in_with(&mut browser, &scene, &seen, "subject=1").await.is_some());
    let opened = browser.open_own(&scene, OwnPage::Factors).await;
    let opened = browser.follow_on(&scene, opened).await;
    assert_eq!(name(&opened), "sign-in.title");
    // Nor does it count for an application that asks for a greatest age.
    scene.script(Outcome::Authenticate(Demand { max_age: Some(60), passive: true, ..demand("one") }));
    let recent = browser.open(&scene, Method::Get).await;
    browser.follow_on(&scene, recent).await;
    assert!(matches!(scene.resumed(), Some(SignOn::Failed(_))));

    browser.send_on(&scene, "other", &form(opened), &[]).await;
    assert!(seen.lock().unwrap().demanded.last().unwrap().fresh);
    let state = seen.lock().unwrap().state();
    let came = browser.come_back_with(&scene, "away", &state, "subject=1").await;
    let pin = form(browser.follow_on(&scene, came).await);
    let list = browser.send_on(&scene, "sign-in", &pin, &[("code", "1234")]).await;
    assert_eq!(shown(&list).links.len(), 1, "asked anew there, she is here");
}

/// Who never asks what is demanded would send people to where they are signed in, perhaps since yesterday.
#[tokio::test]
async fn who_asks_for_no_demand_is_passed_over_where_there_is_one() {
    let (scene, _) = scene(UnknownIdentity::OwnPage).await;
    let module = SentAway::heedless("other", PROVIDER);
    let seen = Arc::clone(&module.seen);
    scene.enable_sending(module, &["login.example.org"]);
    scene.provision("other", AccountRules { unknown: UnknownIdentity::OwnPage, ..AccountRules::default() });
    scene.require(&[&["other", "password"]]);
    let mut browser = Browser::default();
    scene.script(Outcome::Authenticate(Demand { force: true, ..demand("one") }));
    let opened = browser.open(&scene, Method::Get).await;
    assert_eq!(name(&browser.follow_on(&scene, opened).await), "sign-in.title");
    assert!(seen.lock().unwrap().states.is_empty());
    let page = reach(&mut Browser::default(), &scene, "alice").await;
    assert_eq!(shown(&page).linkable.len(), 1, "the other one alone");
}

/// An application asks for any age, and whoever writes the address of its request does.
#[tokio::test]
async fn a_great_age_that_an_application_asks_for_is_no_proof_for_later_demands() {
    let (scene, seen) = scene(UnknownIdentity::OwnPage).await;
    let mut bob = Browser::default();
    let page = form(reach(&mut bob, &scene, "bob").await);
    let question = name_to_link(&mut bob, &scene, &seen, &page, "subject=1").await;
    bob.send_on(&scene, "sign-in", &form(question), &[]).await;

    for (max_age, opens) in [(86_400, false), (60, true)] {
        let mut browser = Browser::default();
        scene.script(Outcome::Authenticate(Demand { max_age: Some(max_age), ..demand("one") }));
        let opened = browser.open(&scene, Method::Get).await;
        let page = form(browser.follow_on(&scene, opened).await);
        browser.send_on(&scene, "other", &page, &[]).await;
        let state = seen.lock().unwrap().state();
        let came = browser.come_back_with(&scene, "away", &state, "subject=1").await;
        browser.follow_on(&scene, came).await;
        assert!(matches!(scene.resumed(), Some(SignOn::Authenticated(_))));
        let own = browser.open_own(&scene, OwnPage::Factors).await;
        let own = name(&browser.follow_on(&scene, own).await);
        assert_eq!(own, if opens { "factors" } else { "sign-in.title" }, "{max_age}");
    }
}

/// A link is a factor of the step that names its authenticator: a password alone sets no other one up in its place.
#[tokio::test]
async fn who_has_a_link_for_the_step_sets_nothing_else_up_in_it() {
    for is_linked in [true, false] {
        let (scene, seen) = scene(UnknownIdentity::OwnPage).await;
        if is_linked {
            let mut bob = Browser::default();
            let page = form(reach(&mut bob, &scene, "bob").await);
            let question = name_to_link(&mut bob, &scene, &seen, &page, "subject=1").await;
            bob.send_on(&scene, "sign-in", &form(question), &[]).await;
        }
        scene.let_enrol();
        scene.require(&[&["password"], &["away", "pin"]]);
        let mut thief = Browser::default();
        let page = thief.reach_sign_in(&scene, demand("one")).await;
        thief.send_on(&scene, "sign-in", &page, &[("username", "bob"), ("password", PASSWORD)]).await;
        let state = seen.lock().unwrap().state();
        let came = thief.come_back_with(&scene, "away", &state, "subject=9").await;
        let shown = thief.follow_on(&scene, came).await;
        let is_over = matches!(scene.resumed(), Some(SignOn::Failed(_)));
        assert_eq!(is_over, is_linked, "{}", name(&shown));
    }
}
