//! Sign-ins of people whom an outside provider vouches for.

use std::sync::{Arc, Mutex};

use postern_kernel::clock::Timestamp;
use postern_kernel::flow::{AccountRules, Action, ModuleSet, Page, Realms, UnknownIdentity};
use postern_kernel::module::{Authentication, Demand, Failure, Method, Outcome, SignOn};
use postern_kernel::store::Link;

use crate::pin::Pin;
use crate::scene::{Browser, PASSWORD, Scene, demand, form, name};
use crate::sent_away::{Seen, SentAway};

const DONE: &str = "form-post https://app.example";
const DENIED: &str = "sign-in.denied.title";
const PROVIDER: &str = "https://login.example.org/authorize";

/// The provider `away`, or a password.
async fn scene(unknown: UnknownIdentity) -> (Scene, Arc<Mutex<Seen>>) {
    let scene = Scene::new().await;
    let seen = enable(&scene, "away", unknown);
    scene.require(&[&["away", "password"]]);
    (scene, seen)
}

fn enable(scene: &Scene, name: &str, unknown: UnknownIdentity) -> Arc<Mutex<Seen>> {
    let module = SentAway::new(name, PROVIDER);
    let seen = Arc::clone(&module.seen);
    scene.enable_sending(module, &["login.example.org"]);
    provide(scene, name, unknown);
    seen
}

fn provide(scene: &Scene, name: &str, unknown: UnknownIdentity) {
    let copy = vec!["email".into(), "given_name".into()];
    scene.provision(name, AccountRules { unknown, copy, update: true, ..AccountRules::default() });
}

/// Comes back from the provider as this identity; what is shown then.
async fn come(
    browser: &mut Browser,
    scene: &Scene,
    seen: &Mutex<Seen>,
    demand: Demand,
    identity: &str,
) -> Action {
    scene.script(Outcome::Authenticate(demand));
    let opened = browser.open(scene, Method::Get).await;
    let sent = browser.follow_on(scene, opened).await;
    assert!(matches!(&sent, Action::Redirect(location) if location == PROVIDER), "{}", name(&sent));
    back(browser, scene, seen, "away", identity).await
}

async fn back(
    browser: &mut Browser,
    scene: &Scene,
    seen: &Mutex<Seen>,
    path: &str,
    identity: &str,
) -> Action {
    let state = seen.lock().unwrap().state();
    let came = browser.come_back_with(scene, path, &state, identity).await;
    browser.follow_on(scene, came).await
}

async fn prove(browser: &mut Browser, scene: &Scene, page: Action, username: &str) -> Action {
    let fields = [("username", username), ("password", PASSWORD)];
    browser.send_on(scene, "sign-in", &form(page), &fields).await
}

fn authentication(scene: &Scene) -> Authentication {
    match scene.resumed() {
        Some(SignOn::Authenticated(authentication)) => authentication,
        Some(SignOn::Failed(failure)) => panic!("{failure:?}"),
        None => panic!("not signed in"),
    }
}

fn subject(scene: &Scene) -> String {
    authentication(scene).subject
}

#[tokio::test]
async fn whom_nobody_knows_does_not_get_in_whatever_their_claims_say() {
    let (scene, seen) = scene(UnknownIdentity::Refuse).await;
    for identity in [
        "subject=1",
        "subject=subject-of-alice",
        "subject=alice&preferred_username=alice&email=alice@example.com",
    ] {
        let mut browser = Browser::default();
        let shown = come(&mut browser, &scene, &seen, demand("one"), identity).await;
        // The other way is left, with a word on why.
        let Action::Page(Page::SignIn(page)) = &shown else { panic!("{}", name(&shown)) };
        assert!(format!("{:?}", page.challenge.elements.first()).contains("sign-in.not-here"));
        assert_eq!((name(&shown).as_str(), browser.session.as_ref()), ("sign-in.title", None), "{identity}");
        assert!(!page.has_other, "and not the one that they came by");
        assert_eq!(name(&prove(&mut browser, &scene, shown, "bob").await), DONE);
        assert_eq!(subject(&scene), "subject-of-bob", "whom they prove, without a link");
        assert_eq!(scene.store.links_of("subject-of-bob").await.unwrap(), []);
    }
    scene.require(&[&["away"]]);
    let shown = come(&mut Browser::default(), &scene, &seen, demand("one"), "subject=1").await;
    assert_eq!(name(&shown), DENIED);
    assert!(scene.audit.has("sign-in.denied unknown-identity"));
    assert!(scene.directory.made.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_account_is_made_once_and_found_again() {
    let (scene, seen) = scene(UnknownIdentity::Create).await;
    let identity = "subject=1&preferred_username=carol&email=carol@example.org&groups=administrators";
    let done = come(&mut Browser::default(), &scene, &seen, demand("one"), identity).await;
    assert_eq!(name(&done), DONE);
    let first = authentication(&scene);
    assert_eq!(first.subject, "subject-of-carol");
    assert_eq!(first.methods, ["fed"]);
    let copied: Vec<&str> = first.claims.iter().map(|claim| claim.name.as_str()).collect();
    assert_eq!(copied, ["email"], "what is listed and nothing else");
    assert!(scene.audit.has("account.created"));
    // Another name and address at the provider: the same person here, with the address that they have now.
    let renamed = "subject=1&preferred_username=alice&email=new@example.org&given_name=Carol";
    come(&mut Browser::default(), &scene, &seen, demand("one"), renamed).await;
    let again = authentication(&scene);
    assert_eq!(again.subject, "subject-of-carol");
    let email = again.claims.iter().find(|claim| claim.name == "email").unwrap();
    assert_eq!((email.values.as_slice(), again.claims.len()), (&["new@example.org".to_owned()][..], 2));
    assert_eq!(scene.directory.made.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_one_provider_says_is_not_what_another_says() {
    let (scene, seen) = scene(UnknownIdentity::Create).await;
    come(&mut Browser::default(), &scene, &seen, demand("one"), "subject=1&preferred_username=carol").await;
    assert_eq!(subject(&scene), "subject-of-carol");
    provide(&scene, "away", UnknownIdentity::Refuse);
    // Another issuer, in other letters as well.
    for issuer in ["https://evil.example", "https://LOGIN.example.org", "https://login.example.org/"] {
        let identity = format!("subject=1&issuer={issuer}");
        let shown = come(&mut Browser::default(), &scene, &seen, demand("one"), &identity).await;
        assert_eq!(name(&shown), "sign-in.title", "{issuer}");
    }
    // Another authenticator that says the very same.
    let other = enable(&scene, "other", UnknownIdentity::Refuse);
    scene.require(&[&["other"]]);
    scene.script(Outcome::Authenticate(demand("one")));
    let mut browser = Browser::default();
    let opened = browser.open(&scene, Method::Get).await;
    browser.follow_on(&scene, opened).await;
    let shown = back(&mut browser, &scene, &other, "other", "subject=1").await;
    assert_eq!(name(&shown), DENIED);
}

#[tokio::test]
async fn a_name_that_is_in_use_is_nobodys_but_who_proves_it() {
    let (scene, seen) = scene(UnknownIdentity::Create).await;
    let mut browser = Browser::default();
    let page = come(&mut browser, &scene, &seen, demand("one"), "subject=1&preferred_username=alice").await;
    assert_eq!((name(&page).as_str(), browser.session.as_ref()), ("sign-in.title", None));
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap(), []);
    assert_eq!(name(&prove(&mut browser, &scene, page, "alice").await), DONE);
    assert_eq!(subject(&scene), "subject-of-alice");
    for nameless in
        ["subject=2", "subject=2&preferred_username=", "subject=2&preferred_username=al\u{200b}ice"]
    {
        let shown = come(&mut Browser::default(), &scene, &seen, demand("one"), nameless).await;
        assert_eq!(name(&shown), "sign-in.title", "{nameless}");
    }
    assert!(scene.audit.has("sign-in.denied account-name-missing"));
    assert!(scene.audit.has("sign-in.denied account-refused"));
}

#[tokio::test]
async fn an_identity_is_linked_by_who_proves_the_account() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    let mut browser = Browser::default();
    let page = come(&mut browser, &scene, &seen, demand("one"), "subject=1&email=a@example.org").await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    let said = format!("{:?}", shown.challenge.elements.first().unwrap());
    assert!(said.contains("sign-in.linking") && said.contains("a@example.org"), "{said}");
    assert!(!shown.has_other, "the provider is no way to prove it");
    let wrong = [("username", "alice"), ("password", "wrong")];
    let page = browser.send_on(&scene, "sign-in", &form(page), &wrong).await;
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap(), []);
    assert_eq!(name(&prove(&mut browser, &scene, page, "alice").await), DONE);
    let first = authentication(&scene);
    assert_eq!((first.subject.as_str(), first.methods), ("subject-of-alice", vec!["pwd".to_owned()]));
    assert!(scene.audit.has("account.linked"));
    // From now on it signs her in, on any browser.
    come(&mut Browser::default(), &scene, &seen, demand("one"), "subject=1").await;
    assert_eq!(subject(&scene), "subject-of-alice");
    // Disabled here, whatever the provider says.
    scene.directory.disabled.lock().unwrap().push("alice".into());
    come(&mut Browser::default(), &scene, &seen, demand("one"), "subject=1").await;
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
    assert!(scene.audit.has("sign-in.denied account-gone"));
}

/// The step of a realm has no other way: the configured first step proves the account, and what the person is
/// called elsewhere is not filled in there.
#[tokio::test]
async fn an_identity_from_a_realm_is_linked_by_the_configured_first_step() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    scene.require(&[&["password"]]);
    let mut modules = ModuleSet::clone(&scene.flow.modules());
    modules.realms = Realms::new([("example.org".to_owned(), "away".to_owned())].into());
    scene.flow.replace_modules(modules);
    let hinted = Demand { login_hint: Some("a@example.org".into()), ..demand("one") };
    let mut browser = Browser::default();
    let page = come(&mut browser, &scene, &seen, hinted, "subject=1").await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    let said = format!("{:?}", shown.challenge.elements);
    assert!(said.contains("sign-in.linking") && !said.contains("a@example.org"), "{said}");
    assert_eq!(shown.named, None);
    assert_eq!(name(&prove(&mut browser, &scene, page, "alice").await), DONE);
    assert_eq!(subject(&scene), "subject-of-alice");
    assert!(scene.audit.has("account.linked"));
}

#[tokio::test]
async fn what_nobody_can_read_is_not_what_an_identity_is_called() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    for (identity, shown) in [
        ("subject=1&email=\u{202e}gro.elpmaxe@ecila&name=Mallory", "Mallory"),
        ("subject=1&email=&preferred_username=\u{200b}", "1"),
        ("subject=\u{200b}", "?"),
    ] {
        let page = come(&mut Browser::default(), &scene, &seen, demand("one"), identity).await;
        let Action::Page(Page::SignIn(page)) = page else { panic!("{}", name(&page)) };
        let said = format!("{:?}", page.challenge.elements.first().unwrap());
        assert!(said.contains(&format!("(\"identity\", {shown:?})")), "{said}");
    }
}

/// Whoever may call themselves anything at their provider calls themselves as their victim.
#[tokio::test]
async fn the_page_says_when_nobody_has_verified_what_an_identity_is_called() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    let own = "email=a@example.org";
    for (claims, key) in [
        (format!("{own}&email_verified=true"), "\"sign-in.linking\""),
        (format!("{own}&email_verified=false"), "\"sign-in.linking-unverified\""),
        (own.to_owned(), "\"sign-in.linking-unverified\""),
        ("email_verified=true&name=a@example.org".to_owned(), "\"sign-in.linking-unverified\""),
    ] {
        let identity = format!("subject=1&{claims}");
        let page = come(&mut Browser::default(), &scene, &seen, demand("one"), &identity).await;
        let Action::Page(Page::SignIn(page)) = page else { panic!("{}", name(&page)) };
        let said = format!("{:?}", page.challenge.elements.first().unwrap());
        assert!(said.contains(key) && said.contains("a@example.org"), "{claims}: {said}");
    }
}

/// The operator's own title of an authenticator, as one of several of one file.
#[tokio::test]
async fn a_link_is_called_as_the_operator_calls_the_authenticator() {
    let scene = Scene::new().await;
    let module = SentAway::titled("away", PROVIDER, "Partner");
    let seen = Arc::clone(&module.seen);
    scene.enable_sending(module, &["login.example.org"]);
    provide(&scene, "away", UnknownIdentity::Link);
    scene.require(&[&["away", "password"]]);
    let mut browser = Browser::default();
    let page = come(&mut browser, &scene, &seen, demand("one"), "subject=1").await;
    let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
    let said = format!("{:?}", shown.challenge.elements.first().unwrap());
    assert!(said.contains("(\"provider\", \"Partner\")"), "{said}");
    assert_eq!(name(&prove(&mut browser, &scene, page, "alice").await), DONE);
    let page = browser.open_factors(&scene).await;
    let page = browser.follow_on(&scene, page).await;
    let Action::Page(Page::Factors(shown)) = &page else { panic!("{}", name(&page)) };
    assert_eq!(shown.links[0].own_title.as_deref(), Some("Partner"));
    assert_eq!(shown.factors[0].own_title.as_deref(), Some("Partner"));
}

#[tokio::test]
async fn nothing_is_linked_before_all_steps_are_done() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    scene.enable(Pin::new("pin"));
    scene.require(&[&["password"]]);
    crate::factors::enrol(&mut Browser::default(), &scene, "pin", "1234").await;
    scene.require(&[&["away", "password"], &["pin"]]);
    let mut browser = Browser::default();
    let page = come(&mut browser, &scene, &seen, demand("one"), "subject=1").await;
    let page = prove(&mut browser, &scene, page, "alice").await;
    assert_eq!(name(&page), "pin.ask");
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap(), []);
    let page = form(page);
    browser.send_on(&scene, "sign-in", &page, &[("code", "0000")]).await;
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap(), []);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), DONE);
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap().len(), 1);
    // The further step is asked for after the provider too.
    scene.resumed();
    let mut browser = Browser::default();
    let page = come(&mut browser, &scene, &seen, demand("one"), "subject=1").await;
    assert_eq!((name(&page).as_str(), browser.session.as_ref()), ("pin.ask", None));
    let done = browser.send_on(&scene, "sign-in", &form(page), &[("code", "1234")]).await;
    assert_eq!(name(&done), DONE);
    assert_eq!(authentication(&scene).methods, ["fed", "otp"]);
}

/// A password may be stolen: it makes nobody else's identity a way in that lasts.
#[tokio::test]
async fn who_has_a_further_factor_links_nothing_without_it() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    scene.enable(Pin::new("pin"));
    scene.require(&[&["password"]]);
    crate::factors::enrol(&mut Browser::default(), &scene, "pin", "1234").await;
    scene.require(&[&["away", "password"]]);
    let mut browser = Browser::default();
    let page = come(&mut browser, &scene, &seen, demand("one"), "subject=1").await;
    prove(&mut browser, &scene, page, "alice").await;
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
    assert!(scene.audit.has("sign-in.denied linking-needs-factor"));
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap(), []);
}

#[tokio::test]
async fn of_two_who_link_one_identity_one_gets_it() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    let (mut alice, mut bob) = (Browser::default(), Browser::default());
    let hers = come(&mut alice, &scene, &seen, demand("one"), "subject=1").await;
    let his = come(&mut bob, &scene, &seen, demand("one"), "subject=1").await;
    assert_eq!(name(&prove(&mut alice, &scene, hers, "alice").await), DONE);
    assert_eq!(subject(&scene), "subject-of-alice");
    prove(&mut bob, &scene, his, "bob").await;
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
    assert!(scene.audit.has("sign-in.denied link-taken"));
    assert_eq!(bob.session, None);
    assert_eq!(scene.store.links_of("subject-of-bob").await.unwrap(), []);
}

#[tokio::test]
async fn an_outside_identity_proves_no_account_that_another_one_is_linked_with() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    let other = enable(&scene, "other", UnknownIdentity::Link);
    scene.require(&[&["away", "other", "password"]]);
    let mut browser = Browser::default();
    let page = come(&mut browser, &scene, &seen, demand("one"), "subject=1").await;
    assert_eq!(name(&page), "sign-in.title", "a local one is next");
    let page = form(page);
    assert_eq!(name(&browser.send_on(&scene, "other", &page, &[]).await), "refused 400 error.expired");
    assert!(other.lock().unwrap().states.is_empty());
    // Without a local one nobody can link.
    scene.require(&[&["away", "other"]]);
    let shown = come(&mut Browser::default(), &scene, &seen, demand("one"), "subject=1").await;
    assert_eq!(name(&shown), DENIED);
    let Action::Page(Page::SignIn(page)) = &shown else { panic!("{}", name(&shown)) };
    let said = format!("{:?}", page.challenge.elements);
    assert!(said.contains("sign-in.not-here") && !said.contains("sign-in.linking"), "{said}");
    assert!(scene.audit.has("sign-in.denied nothing-to-link-with"));
}

#[tokio::test]
async fn a_password_alone_brings_no_identity_along() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    scene.require(&[&["password"], &["away"]]);
    let mut browser = Browser::default();
    let sent = crate::steps::after_password(&mut browser, &scene, demand("one")).await;
    assert!(matches!(&sent, Action::Redirect(location) if location == PROVIDER));
    assert_eq!(name(&back(&mut browser, &scene, &seen, "away", "subject=thief").await), DENIED);
    assert!(scene.audit.has("sign-in.denied not-linked"));
    // Nor that of somebody else.
    scene.require(&[&["away", "password"]]);
    let page = come(&mut browser, &scene, &seen, demand("one"), "subject=bob").await;
    prove(&mut browser, &scene, page, "bob").await;
    scene.resumed();
    scene.require(&[&["password"], &["away"]]);
    let mut browser = Browser::default();
    crate::steps::after_password(&mut browser, &scene, demand("one")).await;
    assert_eq!(name(&back(&mut browser, &scene, &seen, "away", "subject=bob").await), DENIED);
    assert!(scene.audit.has("sign-in.denied another-account"));
    assert_eq!(browser.session, None);
}

#[tokio::test]
async fn links_are_on_the_persons_own_page_and_the_last_way_in_stays() {
    let (scene, seen) = scene(UnknownIdentity::Create).await;
    let mut carol = Browser::default();
    come(&mut carol, &scene, &seen, demand("one"), "subject=1&preferred_username=carol").await;
    let page = own_page(&mut carol, &scene, &seen, "subject=1&preferred_username=carol").await;
    let Action::Page(Page::Factors(shown)) = &page else { panic!("{}", name(&page)) };
    assert_eq!((shown.links.len(), shown.links[0].is_last_way), (1, true));
    assert_eq!(shown.links[0].label, "carol");
    let (own, id) = (form_of(&page), shown.links[0].id.clone());
    let kept = carol.send_on(&scene, "unlink", &own, &[("link", &id)]).await;
    assert_eq!(name(&kept), "refused 403 error.denied");
    assert_eq!(scene.store.links_of("subject-of-carol").await.unwrap().len(), 1);

    let mut alice = Browser::default();
    let linking = come(&mut alice, &scene, &seen, demand("one"), "subject=2&preferred_username=alice").await;
    prove(&mut alice, &scene, linking, "alice").await;
    let page = alice.open_factors(&scene).await;
    let page = alice.follow_on(&scene, page).await;
    let Action::Page(Page::Factors(shown)) = &page else { panic!("{}", name(&page)) };
    let (own, hers) = (form_of(&page), shown.links[0].id.clone());
    let lost = alice.send_on(&scene, "unlink", &own, &[("link", &id)]).await;
    assert_eq!(name(&lost), "refused 400 error.expired", "carol's");
    assert_eq!(name(&alice.send_on(&scene, "unlink", &own, &[("link", &hers)]).await), "factors");
    assert_eq!(scene.store.links_of("subject-of-alice").await.unwrap(), []);
    assert!(scene.audit.has("account.unlinked"));
}

/// Two requests at one moment, of which each sees the other link.
#[tokio::test]
async fn of_the_last_two_ways_in_one_stays_however_they_are_removed() {
    let (scene, seen) = scene(UnknownIdentity::Create).await;
    let mut carol = Browser::default();
    come(&mut carol, &scene, &seen, demand("one"), "subject=1&preferred_username=carol").await;
    let first = scene.store.links_of("subject-of-carol").await.unwrap().remove(0);
    let second = Link { id: "second".into(), identity: "2".into(), ..first.clone() };
    assert!(scene.store.add_link(&second, 16).await.unwrap());
    let page = own_page(&mut carol, &scene, &seen, "subject=1&preferred_username=carol").await;
    let own = form_of(&page);
    let mut again = carol.clone();
    let (one, two) = ([("link", first.id.as_str())], [("link", "second")]);
    let at_once =
        tokio::join!(carol.send(&scene, "unlink", &own, &one), again.send(&scene, "unlink", &own, &two));
    assert_eq!(scene.store.links_of("subject-of-carol").await.unwrap().len(), 1, "{}", name(&at_once.0));
}

#[tokio::test]
async fn what_a_link_began_ends_with_it() {
    let (scene, seen) = scene(UnknownIdentity::Link).await;
    let mut alice = Browser::default();
    let page = come(&mut alice, &scene, &seen, demand("one"), "subject=1").await;
    prove(&mut alice, &scene, page, "alice").await;
    let mut mallory = Browser::default();
    come(&mut mallory, &scene, &seen, demand("one"), "subject=1").await;
    assert_eq!(subject(&scene), "subject-of-alice");
    let until = Timestamp(1_900_000_000);
    let offline = scene.services().create_grant("one", "subject-of-alice", None, "{}", until).await.unwrap();
    // Another identity at the same provider.
    let mut elsewhere = Browser::default();
    let page = come(&mut elsewhere, &scene, &seen, demand("one"), "subject=2").await;
    prove(&mut elsewhere, &scene, page, "alice").await;
    let mut other = Browser::default();
    come(&mut other, &scene, &seen, demand("one"), "subject=2").await;
    let unlink = async |browser: &mut Browser, identity: &str| {
        let links = scene.store.links_of("subject-of-alice").await.unwrap();
        let id = links.into_iter().find(|link| link.identity == identity).unwrap().id;
        let page = own_page(browser, &scene, &seen, &format!("subject={identity}")).await;
        browser.send(&scene, "unlink", &form_of(&page), &[("link", &id)]).await
    };
    assert!(matches!(unlink(&mut alice, "1").await, Action::Redirect(_)));
    assert!(scene.audit.has("session.ended unlinked"));
    let is_in = async |browser: &mut Browser| {
        scene.script(Outcome::Authenticate(Demand { passive: true, ..demand("one") }));
        let opened = browser.open(&scene, Method::Get).await;
        browser.follow_on(&scene, opened).await;
        matches!(scene.resumed(), Some(SignOn::Authenticated(_)))
    };
    assert!(!is_in(&mut mallory).await, "it began by that link");
    let now = Timestamp(1_800_000_000);
    assert_eq!(scene.store.grant("scripted", &offline, now).await.unwrap(), None, "and so did this");
    assert!(is_in(&mut alice).await && is_in(&mut other).await && is_in(&mut elsewhere).await);
    // Who is here by the very link is signed out.
    let reply = unlink(&mut other, "2").await;
    assert_eq!((name(&reply).as_str(), &other.session), ("signed-out", &None));
    assert!(is_in(&mut alice).await);
}

/// The page of factors: of who came by the provider alone, after that has been asked anew.
async fn own_page(browser: &mut Browser, scene: &Scene, seen: &Mutex<Seen>, identity: &str) -> Action {
    let page = browser.open_factors(scene).await;
    let page = browser.follow_on(scene, page).await;
    if name(&page) != "redirect https://login.example.org/authorize" {
        return page;
    }
    assert!(seen.lock().unwrap().demanded.last().unwrap().fresh);
    let state = seen.lock().unwrap().state();
    let came = browser.come_back_with(scene, "away", &state, identity).await;
    browser.follow_on(scene, came).await
}

fn form_of(page: &Action) -> crate::scene::PageForm {
    let Action::Page(Page::Factors(shown)) = page else { panic!("{}", name(page)) };
    crate::scene::PageForm {
        transaction: shown.transaction.clone(),
        anti_forgery: shown.anti_forgery.clone(),
    }
}
