//! Sign-ins in which somebody is sent elsewhere and comes back.

use std::sync::{Arc, Mutex};

use postern_kernel::authenticator::Carrier;
use postern_kernel::flow::Action;
use postern_kernel::module::{Authentication, Method, Outcome, SignOn};

use crate::scene::{Browser, PASSWORD, PageForm, Scene, demand, form, name};
use crate::sent_away::{Seen, SentAway};
use crate::steps::after_password;

const DONE: &str = "form-post https://app.example";
const LOST: &str = "refused 400 error.expired";
const PROVIDER: &str = "https://login.example.org/authorize";

/// A password, and then a provider: `away`.
async fn scene() -> (Scene, Arc<Mutex<Seen>>) {
    let scene = Scene::new().await;
    let seen = enable(&scene, "away", PROVIDER, &["login.example.org"]);
    scene.require(&[&["password"], &["away"]]);
    (scene, seen)
}

fn enable(scene: &Scene, name: &str, url: &str, redirects: &[&str]) -> Arc<Mutex<Seen>> {
    let module = SentAway::new(name, url);
    let seen = Arc::clone(&module.seen);
    scene.enable_sending(module, redirects);
    seen
}

fn location(action: &Action) -> &str {
    match action {
        Action::Redirect(location) => location,
        other => panic!("{}", name(other)),
    }
}

fn authentication(scene: &Scene) -> Authentication {
    match scene.resumed() {
        Some(SignOn::Authenticated(authentication)) => authentication,
        _ => panic!("not signed in"),
    }
}

#[tokio::test]
async fn somebody_is_sent_there_and_comes_back() {
    let (scene, seen) = scene().await;
    let mut browser = Browser::default();
    let sent = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!(location(&sent), PROVIDER);
    assert_eq!(seen.lock().unwrap().redirect_uri, "https://sso.example.com/commonauth/return/away");
    let state = seen.lock().unwrap().state();
    assert!(
        state.len() <= 64 && state.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    );
    assert_eq!(browser.session, None);
    // Byte for byte, whatever it is.
    let query = format!("code=a%2fb+c&state={state}&iss=https%3A%2F%2Flogin.example.org&unknown");
    let done = browser.come_back_with(&scene, "away", &state, &query).await;
    assert_eq!(name(&done), DONE);
    assert_eq!(seen.lock().unwrap().returned, [query]);
    let done = authentication(&scene);
    assert_eq!(
        (done.subject.as_str(), done.methods),
        ("subject-of-alice", vec!["pwd".into(), "fed".into(), "mfa".into()])
    );
    assert!(browser.session.is_some());
}

#[tokio::test]
async fn what_is_posted_from_another_site_is_fetched_with_the_cookies() {
    let (scene, seen) = scene().await;
    let mut browser = Browser::default();
    after_password(&mut browser, &scene, demand("one")).await;
    let state = seen.lock().unwrap().state();
    let posted = format!("SAMLResponse=eA%3D%3D&RelayState={state}");
    let on = browser.post_back(&scene, "away", &state, &posted).await;
    let handle = location(&on).strip_prefix("/commonauth/return/away?handle=").unwrap().to_owned();
    assert!(seen.lock().unwrap().returned.is_empty(), "nobody knows yet whose browser it is");
    // Whoever else learns of the handle has not the cookie, and it is gone.
    let mut stranger = Browser { browser: Some("other".into()), ..Browser::default() };
    assert_eq!(name(&stranger.fetch(&scene, "away", &handle).await), LOST);
    assert!(scene.audit.has("request.refused sign-on.browser.mismatch"));
    assert_eq!(name(&browser.fetch(&scene, "away", &handle).await), LOST);
    let on = browser.post_back(&scene, "away", &state, &posted).await;
    let handle = location(&on).strip_prefix("/commonauth/return/away?handle=").unwrap().to_owned();
    assert_eq!(name(&browser.fetch(&scene, "away", &handle).await), DONE);
    assert_eq!(seen.lock().unwrap().returned, std::slice::from_ref(&posted));
    assert_eq!(seen.lock().unwrap().carriers, [Some(Carrier::Form)]);
    assert_eq!(name(&browser.fetch(&scene, "away", &handle).await), LOST);
    assert_eq!(name(&browser.post_back(&scene, "away", &state, &posted).await), LOST);
}

#[tokio::test]
async fn somebody_is_sent_there_by_post() {
    let scene = Scene::new().await;
    let module = SentAway::posting("away", PROVIDER, ("SAMLRequest", "PHg+"));
    let seen = Arc::clone(&module.seen);
    scene.enable_sending(module, &["login.example.org"]);
    scene.require(&[&["password"], &["away"]]);
    let mut browser = Browser::default();
    let Action::FormPost(form) = after_password(&mut browser, &scene, demand("one")).await else {
        panic!("nothing is posted")
    };
    assert_eq!((form.action.as_str(), form.fields), (PROVIDER, vec![("SAMLRequest".into(), "PHg+".into())]));
    // They come back as everybody does.
    let state = seen.lock().unwrap().state();
    assert_eq!(name(&browser.come_back(&scene, "away", &state).await), DONE);
    assert_eq!(seen.lock().unwrap().carriers, [Some(Carrier::Query)]);
}

#[tokio::test]
async fn nothing_is_posted_to_ourselves_or_where_nobody_may_be_sent() {
    for url in [
        "https://sso.example.com/commonauth/negotiate",
        "https://sso.example.com/signed/authorize",
        "https://evil.example/",
        "http://login.example.org/",
    ] {
        let scene = Scene::new().await;
        let field = ("action", "sign-in");
        scene
            .enable_sending(SentAway::posting("away", url, field), &["login.example.org", "sso.example.com"]);
        scene.require(&[&["password"], &["away"]]);
        let sent = after_password(&mut Browser::default(), &scene, demand("one")).await;
        assert_eq!(name(&sent), "refused 500 error.internal", "{url}");
    }
}

#[tokio::test]
async fn a_posted_form_waits_a_minute_and_for_its_own_path() {
    let (scene, seen) = scene().await;
    enable(&scene, "further", PROVIDER, &["login.example.org"]);
    let mut browser = Browser::default();
    after_password(&mut browser, &scene, demand("one")).await;
    let state = seen.lock().unwrap().state();
    for (path, wait) in [("away", 61), ("further", 0)] {
        let on = browser.post_back(&scene, "away", &state, "x=y").await;
        let handle = location(&on).rsplit_once('=').unwrap().1.to_owned();
        scene.clock.advance(wait);
        assert_eq!(name(&browser.fetch(&scene, path, &handle).await), LOST, "{path} after {wait}");
    }
    for state in ["", "x", "x.y", "."] {
        assert_eq!(name(&browser.post_back(&scene, "away", state, "x=y").await), LOST);
    }
    assert!(scene.audit.has("request.refused sign-on.return.unknown"));
    assert!(seen.lock().unwrap().returned.is_empty());
}

#[tokio::test]
async fn a_state_is_good_for_its_transaction_browser_authenticator_and_attempt() {
    let (scene, seen) = scene().await;
    enable(&scene, "further", PROVIDER, &["login.example.org"]);
    let (mut browser, mut other) = (Browser::default(), Browser::default());
    after_password(&mut browser, &scene, demand("one")).await;
    let state = seen.lock().unwrap().state();
    after_password(&mut other, &scene, demand("two")).await;
    let others = seen.lock().unwrap().state();
    let (id, guess) = (state.split('.').next().unwrap(), others.split('.').nth(1).unwrap());
    let mixed = format!("{id}.{guess}");
    for (path, state, code) in [
        ("away", others.as_str(), "sign-on.browser.mismatch"),
        ("further", &state, "sign-on.return.to-another"),
        ("away", &mixed, "sign-on.return.used"),
        ("away", id, "sign-on.return.unknown"),
        ("away", "unknown.unknown", "sign-on.return.unknown"),
        ("away", "", "sign-on.return.unknown"),
    ] {
        assert_eq!(name(&browser.come_back(&scene, path, state).await), LOST, "{code}");
        assert!(scene.audit.has(&format!("request.refused {code}")), "{code}");
        scene.audit.0.lock().unwrap().clear();
    }
    let mut without = Browser::default();
    assert_eq!(name(&without.come_back(&scene, "away", &state).await), LOST);
    assert!(seen.lock().unwrap().returned.is_empty(), "no component has seen any of it");
    assert_eq!(name(&browser.come_back(&scene, "away", &state).await), DONE);
    assert_eq!(name(&browser.come_back(&scene, "away", &state).await), LOST);
    assert!(scene.audit.has("request.refused sign-on.return.unknown"), "the transaction is over");
}

#[tokio::test]
async fn a_state_is_good_once_also_when_the_try_failed() {
    let (scene, seen) = scene().await;
    let mut browser = Browser::default();
    after_password(&mut browser, &scene, demand("one")).await;
    let state = seen.lock().unwrap().state();
    let broken = browser.come_back_with(&scene, "away", &state, "answer=breaks").await;
    assert_eq!(name(&broken), "refused 500 error.internal");
    assert_eq!(name(&browser.come_back(&scene, "away", &state).await), LOST);
    assert!(scene.audit.has("request.refused sign-on.return.used"));
    assert_eq!(seen.lock().unwrap().returned.len(), 1);
}

#[tokio::test]
async fn two_nodes_take_a_state_once() {
    let (scene, seen) = scene().await;
    let node = scene.neighbour();
    node.flow.replace_modules((*scene.flow.modules()).clone());
    let mut browser = Browser::default();
    after_password(&mut browser, &scene, demand("one")).await;
    let state = seen.lock().unwrap().state();
    let wrong = node_back(&mut browser, &node, &state).await;
    assert_eq!(name(&wrong), "redirect /authenticationendpoint/login");
    assert_eq!(name(&browser.come_back(&scene, "away", &state).await), LOST);
}

async fn node_back(browser: &mut Browser, node: &Scene, state: &str) -> Action {
    browser.come_back_with(node, "away", state, "answer=wrong").await
}

#[tokio::test]
async fn whoever_presses_back_is_sent_again_with_another_state() {
    let (scene, seen) = scene().await;
    let mut browser = Browser::default();
    after_password(&mut browser, &scene, demand("one")).await;
    let first = seen.lock().unwrap().state();
    let transaction = first.split('.').next().unwrap().to_owned();
    assert_eq!(location(&browser.open_again(&scene, &transaction).await), PROVIDER);
    let second = seen.lock().unwrap().state();
    assert_ne!(first, second);
    assert_eq!(name(&browser.come_back(&scene, "away", &first).await), LOST);
    assert!(scene.audit.has("request.refused sign-on.return.used"));
    // A component may send them again as well.
    let again = browser.come_back_with(&scene, "away", &second, "answer=again").await;
    assert_eq!(location(&again), PROVIDER);
    assert_eq!(name(&browser.come_back(&scene, "away", &second).await), LOST);
    let third = seen.lock().unwrap().state();
    assert_eq!(name(&browser.come_back(&scene, "away", &third).await), DONE);
}

#[tokio::test]
async fn whoever_presses_back_may_take_another_way_when_there_is_one() {
    let (scene, seen) = scene().await;
    scene.require(&[&["away", "password"]]);
    let mut browser = Browser::default();
    scene.script(Outcome::Authenticate(demand("one")));
    let opened = browser.open(&scene, Method::Get).await;
    assert_eq!(location(&browser.follow_on(&scene, opened).await), PROVIDER);
    let transaction = seen.lock().unwrap().state().split('.').next().unwrap().to_owned();
    let left = browser.open_again(&scene, &transaction).await;
    assert_eq!(name(&left), "away.title");
    let page = form(left);
    assert_eq!(location(&browser.send_on(&scene, "sign-in", &page, &[]).await), PROVIDER);
    let shown = browser.send_on(&scene, "other", &page, &[]).await;
    assert_eq!(name(&shown), "sign-in.title");
    let state = seen.lock().unwrap().state();
    assert_eq!(name(&browser.come_back(&scene, "away", &state).await), LOST, "they have left that way");
    let fields = [("username", "alice"), ("password", PASSWORD)];
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &fields).await), DONE);
}

#[tokio::test]
async fn whoever_is_elsewhere_may_go_back_to_the_application() {
    let (scene, seen) = scene().await;
    scene.require(&[&["away", "password"]]);
    let mut browser = Browser::default();
    scene.script(Outcome::Authenticate(demand("one")));
    let opened = browser.open(&scene, Method::Get).await;
    browser.follow_on(&scene, opened).await;
    let state = seen.lock().unwrap().state();
    let page = form(browser.open_again(&scene, state.split('.').next().unwrap()).await);
    assert_eq!(name(&browser.send_on(&scene, "cancel", &page, &[]).await), DONE);
    assert!(matches!(scene.resumed(), Some(SignOn::Failed(_))));
    assert_eq!(name(&browser.come_back(&scene, "away", &state).await), LOST);
}

#[tokio::test]
async fn what_the_provider_refuses_is_the_components_to_say() {
    let (scene, seen) = scene().await;
    let mut browser = Browser::default();
    after_password(&mut browser, &scene, demand("one")).await;
    let state = seen.lock().unwrap().state();
    let query = format!("error=access_denied&answer=denied&state={state}");
    let denied = browser.come_back_with(&scene, "away", &state, &query).await;
    let shown = browser.follow_on(&scene, denied).await;
    assert_eq!(name(&shown), "sign-in.denied.title");
    assert!(scene.audit.has("sign-in.denied access_denied"));
    assert_eq!(browser.session, None);
}

#[tokio::test]
async fn nobody_is_sent_where_the_operator_does_not_allow_it() {
    for url in [
        "https://evil.example/",
        "javascript:alert(1)",
        "https://login.example.org@evil.example/",
        "https://sso.example.com/oidc/logout",
        "https://sso.example.com/commonauth/../oidc/logout",
        "/commonauth/negotiate",
        "http://login.example.org/",
        "https://login.example.org/#x",
    ] {
        let scene = Scene::new().await;
        enable(&scene, "away", url, &["login.example.org"]);
        scene.require(&[&["away"]]);
        scene.script(Outcome::Authenticate(demand("one")));
        let mut browser = Browser::default();
        let opened = browser.open(&scene, Method::Get).await;
        let refused = browser.follow_on(&scene, opened).await;
        assert_eq!(name(&refused), "refused 500 error.internal", "{url}");
        assert!(scene.audit.has("module.failed output"), "{url}");
        // It is broken, and another way goes on working.
        scene.require(&[&["away", "password"]]);
        assert_eq!(name(&browser.sign_in(&scene, "alice", demand("one")).await), DONE, "{url}");
    }
}

#[tokio::test]
async fn our_own_paths_need_no_host_and_nothing_is_reached_without_the_operators_word() {
    let own = "https://sso.example.com/commonauth/negotiate";
    let scene = Scene::new().await;
    enable(&scene, "own", own, &[]);
    scene.require(&[&["password"], &["own"]]);
    let sent = after_password(&mut Browser::default(), &scene, demand("one")).await;
    assert_eq!(location(&sent), own);
    let module = SentAway::new("away", own);
    let seen = Arc::clone(&module.seen);
    scene.enable(module);
    scene.require(&[&["password"], &["away"]]);
    let refused = after_password(&mut Browser::default(), &scene, demand("one")).await;
    assert_eq!(name(&refused), "refused 500 error.internal");
    assert_eq!(seen.lock().unwrap().redirect_uri, "", "there is nowhere to come back to");
}

#[tokio::test]
async fn failures_of_a_further_step_slow_down_who_comes_back() {
    let (scene, seen) = scene().await;
    let mut last = String::new();
    for _ in 0..20 {
        let mut browser = Browser::default();
        after_password(&mut browser, &scene, demand("one")).await;
        let state = seen.lock().unwrap().state();
        last = name(&browser.come_back_with(&scene, "away", &state, "answer=wrong").await);
        if last.starts_with("refused") {
            break;
        }
    }
    assert_eq!(last, "refused 429 error.throttled");
    assert!(scene.audit.has("sign-in.failed") && scene.audit.has("sign-in.throttled"));
    let looked_at = seen.lock().unwrap().returned.len();
    assert!(looked_at < 20, "{looked_at}");
}

#[tokio::test]
async fn a_first_step_that_fails_elsewhere_is_written_down() {
    let (scene, seen) = scene().await;
    scene.require(&[&["away"]]);
    let mut browser = Browser::default();
    scene.script(Outcome::Authenticate(demand("one")));
    let opened = browser.open(&scene, Method::Get).await;
    browser.follow_on(&scene, opened).await;
    let state = seen.lock().unwrap().state();
    let back = browser.come_back_with(&scene, "away", &state, "answer=wrong").await;
    assert_eq!(name(&browser.follow_on(&scene, back).await), "away.wrong");
    assert!(scene.audit.has("sign-in.failed"));
}

#[tokio::test]
async fn nothing_of_where_somebody_is_lies_open_in_the_store() {
    use postern_kernel::randomness::fingerprint;
    let (scene, seen) = scene().await;
    let mut browser = Browser::default();
    after_password(&mut browser, &scene, demand("one")).await;
    let state = seen.lock().unwrap().state();
    let (id, nonce) = state.split_once('.').unwrap();
    let kept =
        scene.store.transaction(fingerprint(id), postern_kernel::clock::Clock::now(&*scene.clock)).await;
    let (_, data) = kept.unwrap().unwrap();
    let data = String::from_utf8(data).unwrap();
    assert!(data.contains("elsewhere"));
    let encoded = base64(crate::sent_away::STATE);
    assert!(!data.contains(nonce) && !data.contains(&encoded));
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}

/// The page of factors, with a password.
async fn reach_factors(browser: &mut Browser, scene: &Scene, who: &str) -> Action {
    let page = browser.open_factors(scene).await;
    let page = form(browser.follow_on(scene, page).await);
    browser.send_on(scene, "sign-in", &page, &[("username", who), ("password", PASSWORD)]).await
}

#[tokio::test]
async fn a_factor_is_set_up_elsewhere_and_belongs_to_who_began() {
    let (scene, seen) = scene().await;
    let state = || seen.lock().unwrap().state();
    let mut browser = Browser::default();
    let page = reach_factors(&mut browser, &scene, "alice").await;
    let enrol = async |browser: &mut Browser, page: &PageForm| {
        let sent = browser.send(&scene, "enrol", page, &[("authenticator", "away")]).await;
        assert_eq!(location(&sent), PROVIDER);
        assert_eq!(seen.lock().unwrap().redirect_uri, "https://sso.example.com/commonauth/return/away");
        state()
    };
    let page = form(page);
    let first = enrol(&mut browser, &page).await;
    // Back without an answer: to be sent again, or to leave it.
    let left = browser.open_again(&scene, &page.transaction).await;
    assert_eq!(name(&left), "away.title");
    assert_eq!(name(&browser.send_on(&scene, "cancel", &form(left), &[]).await), "factors");
    assert_eq!(name(&browser.come_back(&scene, "away", &first).await), LOST);
    enrol(&mut browser, &page).await;
    let again = browser.open_again(&scene, &page.transaction).await;
    assert_eq!(location(&browser.send(&scene, "sign-in", &form(again), &[]).await), PROVIDER);
    let second = state();
    // Neither another browser nor another session of the same one.
    assert_eq!(name(&Browser::default().come_back(&scene, "away", &second).await), LOST);
    let mut bobs = browser.clone();
    bobs.session = None;
    let bob = reach_factors(&mut bobs, &scene, "bob").await;
    assert_eq!(name(&bob), "factors");
    assert_eq!(name(&bobs.come_back(&scene, "away", &second).await), LOST);
    assert!(!scene.audit.has("credential.added"));
    let left = browser.open_again(&scene, &page.transaction).await;
    assert_eq!(name(&browser.send_on(&scene, "cancel", &form(left), &[]).await), "factors");
    // Whom the provider refuses is told nothing else.
    let third = enrol(&mut browser, &page).await;
    let refused = browser.come_back_with(&scene, "away", &third, "answer=denied").await;
    assert_eq!(name(&refused), "refused 403 error.denied");
    let fourth = enrol(&mut browser, &page).await;
    let done = browser.come_back(&scene, "away", &fourth).await;
    assert_eq!(name(&browser.follow_on(&scene, done).await), "factors");
    assert!(scene.audit.has("credential.added"));
    assert_eq!(scene.store.authenticators_of("subject-of-alice").await.unwrap(), ["away"]);
    assert_eq!(name(&browser.come_back(&scene, "away", &fourth).await), LOST, "once");
}

#[tokio::test]
async fn a_form_that_was_posted_sets_a_factor_up_as_well_and_a_host_that_is_not_granted_is_refused() {
    let (scene, seen) = scene().await;
    let mut browser = Browser::default();
    let page = form(reach_factors(&mut browser, &scene, "alice").await);
    browser.send(&scene, "enrol", &page, &[("authenticator", "away")]).await;
    let state = seen.lock().unwrap().state();
    let sent = browser.post_back(&scene, "away", &state, "SAMLResponse=x").await;
    let (_, handle) = location(&sent).split_once("?handle=").unwrap();
    let done = browser.fetch(&scene, "away", handle).await;
    assert_eq!(name(&browser.follow_on(&scene, done).await), "factors");
    enable(&scene, "astray", "https://evil.example", &["login.example.org"]);
    let refused = browser.send(&scene, "enrol", &page, &[("authenticator", "astray")]).await;
    assert_eq!(name(&refused), "refused 500 error.internal");
}

#[tokio::test]
async fn a_factor_is_set_up_elsewhere_in_the_middle_of_a_sign_in() {
    let scene = Scene::new().await;
    let module = SentAway::further("away", PROVIDER);
    let seen = Arc::clone(&module.seen);
    scene.enable_sending(module, &["login.example.org"]);
    scene.require(&[&["password"], &["away"]]);
    scene.let_enrol();
    let state = || seen.lock().unwrap().state();
    let mut browser = Browser::default();
    let sent = after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!(location(&sent), PROVIDER, "to set it up");
    let done = browser.come_back(&scene, "away", &state()).await;
    assert!(scene.audit.has("sign-in.enrolled") && browser.session.is_none());
    // And now it is asked for.
    let sent = browser.follow_on(&scene, done).await;
    assert_eq!(location(&sent), PROVIDER);
    assert_eq!(name(&browser.come_back(&scene, "away", &state()).await), DONE);
    assert_eq!(authentication(&scene).methods, ["pwd", "fed", "mfa"]);
}
