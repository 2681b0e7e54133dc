//! Policies: what they may decide, when they are asked, and that nobody signs in without them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use postern_kernel::flow::{Action, EnabledPolicy, ModuleSet, OwnPage, Page, Policies};
use postern_kernel::module::{Demand, Failure, FailureReason, Method, ModuleFailure, Outcome, SignOn};
use postern_kernel::policy::{Context, Decision, Denial, Description, Occasion, PolicyModule};

use crate::pin::{Pin, STRONG};
use crate::scene::{Browser, PASSWORD, Scene, demand, form, name};
use crate::steps::{after_password, scene as scene_with_pin};

const DONE: &str = "form-post https://app.example";
const UNAVAILABLE: &str = "refused 503 error.unavailable";
const DENIED: &str = "sign-in.denied.title";

pub(crate) type Rule = fn(&Context) -> Decision;

/// A policy whose rule is a function, and which remembers what it was told.
struct Ruled {
    description: Description,
    rule: Rule,
    told: Arc<Mutex<Vec<Context>>>,
}

#[async_trait]
impl PolicyModule for Ruled {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn decide(&self, _: &str, context: Context) -> Result<Decision, ModuleFailure> {
        self.told.lock().unwrap().push(context.clone());
        if context.settings == "trap" {
            let (module, detail) = ("ruled".into(), "unreachable".into());
            return Err(ModuleFailure { module, reason: FailureReason::Trap, detail });
        }
        Ok((self.rule)(&context))
    }
}

fn enabled(rule: Rule, settings: &str, may_relax: bool) -> (EnabledPolicy, Arc<Mutex<Vec<Context>>>) {
    let told = Arc::new(Mutex::default());
    let description = Description {
        name: "ruled".into(),
        version: "1".into(),
        title: "Ruled".into(),
        settings_schema: "{}".into(),
        translations: [].into(),
    };
    let module = Arc::new(Ruled { description, rule, told: Arc::clone(&told) });
    (EnabledPolicy { module, settings: settings.into(), may_relax }, told)
}

pub(crate) fn put(scene: &Scene, change: impl FnOnce(&mut Policies)) {
    let mut modules = ModuleSet::clone(&scene.flow.modules());
    change(&mut modules.policies);
    scene.flow.replace_modules(modules);
}

/// Has this rule decide everywhere. What it is told.
pub(crate) fn rule(scene: &Scene, rule: Rule) -> Arc<Mutex<Vec<Context>>> {
    rule_with(scene, rule, "{}", false)
}

pub(crate) fn rule_with(
    scene: &Scene,
    rule: Rule,
    settings: &str,
    may_relax: bool,
) -> Arc<Mutex<Vec<Context>>> {
    let (policy, told) = enabled(rule, settings, may_relax);
    put(scene, |policies| {
        policies.enabled = BTreeMap::from([("ruled".to_owned(), policy)]);
        policies.everywhere = Some("ruled".into());
        policies.networks = [("office".to_owned(), vec!["192.0.2.0/24".parse().unwrap()])].into();
    });
    told
}

pub(crate) fn steps(steps: &[&[&str]]) -> Decision {
    let names = |step: &&[&str]| step.iter().map(|name| (*name).to_owned()).collect();
    Decision::Steps(steps.iter().map(names).collect())
}

pub(crate) fn deny() -> Decision {
    Decision::Deny(Denial { text: "sign-in.locked".into(), reason: "told to".into() })
}

/// A further step outside the office.
fn office(context: &Context) -> Decision {
    if context.networks == ["office"] { Decision::Unchanged } else { steps(&[&["password"], &["pin"]]) }
}

/// Where the demand leads the browser: the application, a page, or an error.
pub(crate) async fn ask(browser: &mut Browser, scene: &Scene, demand: Demand) -> Action {
    scene.script(Outcome::Authenticate(demand));
    let mut action = browser.open(scene, Method::Get).await;
    while let Action::Redirect(_) = action {
        action = browser.follow(scene, action).await;
    }
    action
}

pub(crate) fn from(address: [u8; 4]) -> Browser {
    Browser { address: address.into(), ..Browser::default() }
}

#[tokio::test]
async fn a_policy_adds_a_step_outside_the_office_and_none_inside() {
    let scene = scene_with_pin().await;
    let told = rule(&scene, office);
    let mut inside = from([192, 0, 2, 7]);
    assert_eq!(name(&inside.sign_in(&scene, "alice", demand("one")).await), DONE);
    assert!(!scene.audit.has("sign-in.policy"), "what changes nothing is not written down");
    let occasions: Vec<_> = told.lock().unwrap().iter().map(|context| context.occasion).collect();
    assert_eq!(occasions, [Occasion::Begin, Occasion::Step]);

    let mut outside = from([203, 0, 113, 7]);
    let page = after_password(&mut outside, &scene, demand("one")).await;
    assert_eq!((name(&page).as_str(), outside.session.as_ref()), ("pin.ask", None));
    assert!(scene.audit.has("sign-in.policy"));
    assert_eq!(name(&outside.send_on(&scene, "sign-in", &form(page), &[("code", "1234")]).await), DONE);
    let Some(SignOn::Authenticated(done)) = scene.resumed() else { panic!("nobody") };
    assert_eq!(done.methods, ["pwd", "otp", "mfa"]);
}

#[tokio::test]
async fn a_session_that_leaves_the_office_is_asked_for_the_step_and_a_passive_demand_fails() {
    let scene = scene_with_pin().await;
    let told = rule(&scene, office);
    let mut browser = from([192, 0, 2, 7]);
    browser.sign_in(&scene, "alice", demand("one")).await;
    scene.resumed();
    browser.address = [203, 0, 113, 7].into();
    assert_eq!(name(&ask(&mut browser, &scene, Demand { passive: true, ..demand("two") }).await), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::LoginRequired)));
    // By a POST as well, whose transaction is made before anybody can be asked.
    for method in [Method::Get, Method::Post] {
        scene.script(Outcome::Authenticate(demand("two")));
        let mut page = browser.open(&scene, method).await;
        while let Action::Redirect(_) = page {
            page = browser.follow(&scene, page).await;
        }
        assert_eq!(name(&page), "pin.ask", "the password is not asked for again");
    }
    assert_eq!(told.lock().unwrap().last().unwrap().occasion, Occasion::Session);
    assert_eq!(told.lock().unwrap().last().unwrap().done, ["password"]);
    let page = form(ask(&mut browser, &scene, demand("two")).await);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), DONE);
    assert!(matches!(scene.resumed(), Some(SignOn::Authenticated(_))));
    assert_eq!(name(&ask(&mut browser, &scene, demand("one")).await), DONE, "the session has it now");
    assert!(matches!(scene.resumed(), Some(SignOn::Authenticated(_))));
}

#[tokio::test]
async fn who_leaves_the_office_in_the_middle_is_asked_for_more_and_coming_back_takes_nothing_back() {
    let scene = scene_with_pin().await;
    rule(&scene, office);
    let mut browser = from([192, 0, 2, 7]);
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    browser.address = [203, 0, 113, 7].into();
    let fields = [("username", "alice"), ("password", PASSWORD)];
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &fields).await), "pin.ask");

    let mut browser = from([203, 0, 113, 7]);
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    browser.address = [192, 0, 2, 7].into();
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &fields).await), "pin.ask");
}

/// Another name, of the same realm or of another one, changes nothing about where they were asked from.
#[tokio::test]
async fn another_name_takes_nothing_back_that_the_policy_asked_for() {
    use crate::realm::{begin, prove, say};
    let scene = crate::realm::scene().await;
    let outside: Rule = |context| {
        let pin = vec![vec!["pin".to_owned()]];
        if context.networks == ["office"] {
            return Decision::Unchanged;
        }
        Decision::Steps([context.steps.clone(), pin].concat())
    };
    rule(&scene, outside);
    for (first, then) in [("bob", "alice"), ("anna@example.org", "alice"), ("bob", "anna@example.org")] {
        let mut browser = from([203, 0, 113, 7]);
        let asked = begin(&mut browser, &scene, demand("one")).await;
        let shown = say(&mut browser, &scene, asked, first).await;
        browser.address = [192, 0, 2, 7].into();
        let asked = browser.send_on(&scene, "not-you", &form(shown), &[]).await;
        let shown = say(&mut browser, &scene, asked, then).await;
        let page = prove(&mut browser, &scene, shown, "alice").await;
        assert_eq!(name(&page), "pin.ask", "{first}, then {then}");
        let done = browser.send_on(&scene, "sign-in", &form(page), &[("code", "1234")]).await;
        assert_eq!(name(&done), DONE, "and nothing twice");
        assert!(matches!(scene.resumed(), Some(SignOn::Authenticated(_))));
    }
}

#[tokio::test]
async fn a_policy_that_denies_ends_it_at_the_beginning_after_a_step_and_with_a_session() {
    let scene = scene_with_pin().await;
    let mut signed_in = Browser::default();
    signed_in.sign_in(&scene, "alice", demand("one")).await;
    scene.resumed();
    rule(&scene, |_| deny());
    for mut browser in [Browser::default(), signed_in] {
        let session = browser.session.clone();
        let page = ask(&mut browser, &scene, demand("one")).await;
        let Action::Page(Page::SignIn(shown)) = &page else { panic!("{}", name(&page)) };
        assert!(shown.is_closed && !shown.has_other && shown.challenge.title.key == DENIED);
        let page = form(page);
        let fields = [("username", "alice"), ("password", PASSWORD)];
        let sent = browser.send_on(&scene, "sign-in", &page, &fields).await;
        assert_eq!(name(&sent), "refused 400 error.expired");
        assert_eq!(name(&browser.send_on(&scene, "other", &page, &[]).await), "refused 400 error.expired");
        assert!(scene.resumed().is_none());
        assert_eq!(name(&browser.send_on(&scene, "cancel", &page, &[]).await), DONE);
        assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
        assert_eq!(browser.session, session);
        ask(&mut browser, &scene, Demand { passive: true, ..demand("one") }).await;
        assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
    }
    assert!(scene.audit.has("sign-in.denied policy"));

    rule(&scene, |context| if context.person.is_some() { deny() } else { Decision::Unchanged });
    let mut browser = Browser::default();
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), DENIED);
    assert_eq!(browser.session, None);
    assert!(scene.resumed().is_none());
}

#[tokio::test]
async fn what_a_policy_may_not_decide_ends_the_sign_in() {
    let cases: &[(Rule, &str)] = &[
        (|_| steps(&[&["password"], &["no-such"]]), "policy.authenticator.unknown"),
        (|_| steps(&[]), "policy.steps.empty"),
        (|_| steps(&[&["password"], &[]]), "policy.steps.empty"),
        (|_| steps(&[&["pin"], &["password"]]), "policy.steps.unidentified"),
        (|_| steps(&[&["password"], &["pin", "pin"]]), "policy.steps.twice"),
        (|_| steps(&[&["password"]]), "policy.steps.relaxed"),
        (|_| steps(&[&["password"], &["pin", "spare"]]), "policy.steps.relaxed"),
        (|_| steps(&[&["password"][..]; 9]), "policy.steps.too-many"),
        (|_| steps(&[&["password"], &["pin"; 17]]), "policy.steps.too-many"),
    ];
    let scene = scene_with_pin().await;
    scene.enable(Pin::new("spare"));
    scene.require(&[&["password"], &["pin"]]);
    for (crime, code) in cases {
        rule(&scene, *crime);
        assert_eq!(name(&ask(&mut Browser::default(), &scene, demand("one")).await), UNAVAILABLE, "{code}");
        assert!(scene.audit.has(&format!("policy.failed {code}")), "{code}");
    }
    rule_with(&scene, |_| Decision::Unchanged, "trap", true);
    let mut browser = Browser::default();
    assert_eq!(name(&ask(&mut browser, &scene, demand("one")).await), UNAVAILABLE);
    assert!(scene.audit.has("policy.failed policy.call.trap"));
    put(&scene, |policies| policies.enabled.clear());
    assert_eq!(name(&ask(&mut browser, &scene, demand("one")).await), UNAVAILABLE);
    assert!(scene.audit.has("policy.failed policy.module.missing"));
    assert!(scene.resumed().is_none() && browser.session.is_none(), "nobody signs in without it");
}

#[tokio::test]
async fn a_policy_that_fails_after_a_step_lets_nobody_in() {
    let scene = scene_with_pin().await;
    rule(&scene, |context| match context.person {
        Some(_) => steps(&[&["no-such"]]),
        None => Decision::Unchanged,
    });
    let mut browser = Browser::default();
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    let fields = [("username", "alice"), ("password", PASSWORD)];
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &fields).await), UNAVAILABLE);
    assert!(browser.session.is_none() && scene.resumed().is_none());
    // A session of before is worth nothing either.
    rule(&scene, |_| Decision::Unchanged);
    browser.sign_in(&scene, "alice", demand("one")).await;
    scene.resumed();
    rule_with(&scene, |_| Decision::Unchanged, "trap", false);
    assert_eq!(name(&ask(&mut browser, &scene, demand("one")).await), UNAVAILABLE);
    assert!(scene.resumed().is_none());
}

#[tokio::test]
async fn a_policy_that_may_relax_leaves_a_step_out_and_a_demanded_context_is_still_reached() {
    let scene = scene_with_pin().await;
    scene.require(&[&["password"], &["pin"]]);
    let password: Rule = |_| steps(&[&["password"]]);
    rule_with(&scene, password, "{}", true);
    assert_eq!(name(&Browser::default().sign_in(&scene, "alice", demand("one")).await), DONE);
    let Some(SignOn::Authenticated(done)) = scene.resumed() else { panic!("nobody") };
    assert_eq!(done.methods, ["pwd"]);
    let strong = Demand { contexts: vec![STRONG.into()], ..demand("one") };
    assert_eq!(name(&after_password(&mut Browser::default(), &scene, strong).await), "pin.ask");
    // It takes back what it said at the beginning, too.
    let first: Rule = |context| match context.person {
        None => steps(&[&["password"], &["pin"]]),
        Some(_) => steps(&[&["password"]]),
    };
    rule_with(&scene, first, "{}", true);
    assert_eq!(name(&Browser::default().sign_in(&scene, "alice", demand("one")).await), DONE);
}

#[tokio::test]
async fn a_policy_that_changes_its_mind_each_time_comes_to_an_end() {
    let scene = scene_with_pin().await;
    scene.enable(Pin::new("spare"));
    crate::factors::enrol(&mut Browser::default(), &scene, "spare", "5678").await;
    let fickle: Rule = |context| match context.done.len() {
        0 => Decision::Unchanged,
        1 => steps(&[&["password"], &["pin"]]),
        2 => steps(&[&["password"], &["spare"]]),
        _ => steps(&[&["password"], &["pin"], &["spare"], &["pin"]]),
    };
    rule(&scene, fickle);
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    let page = browser.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await;
    assert_eq!(name(&page), "pin.ask", "the other one");
    let done = browser.send_on(&scene, "sign-in", &form(page), &[("code", "5678")]).await;
    // A step that nobody can do is left: none does two.
    assert_eq!(name(&done), DONE);
    assert!(scene.resumed() == Some(SignOn::Failed(Failure::Denied)));
    assert_eq!(browser.session, None);
}

#[tokio::test]
async fn it_is_told_what_the_operator_lists_and_failures_that_a_success_makes_forgotten() {
    let scene = scene_with_pin().await;
    let told = rule(&scene, |_| Decision::Unchanged);
    put(&scene, |policies| policies.claims = vec!["email".into()]);
    let mut browser = from([192, 0, 2, 7]);
    browser.headers = vec![("x-country".into(), "AT".into())];
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    for _ in 0..3 {
        browser.send_on(&scene, "sign-in", &page, &[("username", "alice"), ("password", "no")]).await;
    }
    let fields = [("username", "alice"), ("password", PASSWORD)];
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &fields).await), DONE);
    {
        let told = told.lock().unwrap();
        let [begin, step] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((begin.person.as_ref(), begin.failures.address), (None, 0));
        assert_eq!(begin.application.as_ref().unwrap().identifier, "urn:one");
        let person = step.person.as_ref().unwrap();
        assert_eq!((person.username.as_str(), person.groups.len()), ("alice", 0));
        assert_eq!(person.claims[0].values, ["alice@example.com"]);
        assert_eq!((step.failures.person, step.failures.address), (3, 3));
        assert_eq!((step.device.known, step.device.remembered), (false, false));
        assert_eq!(step.headers, [("x-country".to_owned(), "AT".to_owned())]);
        assert_eq!(
            (step.networks.as_slice(), step.done.as_slice()),
            (&["office".into()][..], &["password".into()][..])
        );
        assert_eq!(step.steps, [["password"]]);
    }
    told.lock().unwrap().clear();
    browser.session = None;
    browser.sign_in(&scene, "alice", demand("one")).await;
    assert!(told.lock().unwrap()[1].device.known);
    // The person's own pages are asked about as well, without an application.
    browser.open_own(&scene, OwnPage::Sessions).await;
    assert_eq!(told.lock().unwrap().last().unwrap().application, None);
}

/// Who guessed a password begins anew, and would be a person without a failure.
#[tokio::test]
async fn failures_are_told_until_a_whole_sign_in_is_done() {
    let scene = scene_with_pin().await;
    let told = rule(&scene, |context| match context.person {
        Some(_) => steps(&[&["password"], &["pin"]]),
        None => Decision::Unchanged,
    });
    let of_person = || told.lock().unwrap().last().unwrap().failures.person;
    let mut guessing = Browser::default();
    let page = guessing.reach_sign_in(&scene, demand("one")).await;
    for guess in ["a", "b", "c"] {
        guessing.send_on(&scene, "sign-in", &page, &[("username", "alice"), ("password", guess)]).await;
    }
    for _ in 0..2 {
        let asked = after_password(&mut Browser::default(), &scene, demand("one")).await;
        assert_eq!((name(&asked).as_str(), of_person()), ("pin.ask", 3));
    }
    let mut browser = Browser::default();
    let asked = form(after_password(&mut browser, &scene, demand("one")).await);
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &asked, &[("code", "1234")]).await), DONE);
    after_password(&mut Browser::default(), &scene, demand("one")).await;
    assert_eq!(of_person(), 0, "a whole sign-in was done");
}

#[tokio::test]
async fn the_persons_own_pages_are_closed_by_it_too() {
    let scene = scene_with_pin().await;
    let mut browser = Browser::default();
    browser.sign_in(&scene, "alice", demand("one")).await;
    rule(&scene, |_| deny());
    let page = browser.open_own(&scene, OwnPage::Password).await;
    let page = browser.follow(&scene, page).await;
    assert_eq!(name(&page), DENIED);
}

#[tokio::test]
async fn an_application_has_its_own_policy() {
    let scene = scene_with_pin().await;
    let (strict, _) = enabled(|_| steps(&[&["password"], &["pin"]]), "{}", false);
    put(&scene, |policies| {
        policies.enabled.insert("strict".into(), strict);
        policies.by_application.insert("urn:two".into(), "strict".into());
    });
    let mut browser = Browser::default();
    assert_eq!(name(&browser.sign_in(&scene, "alice", demand("one")).await), DONE);
    assert_eq!(name(&ask(&mut browser, &scene, demand("two")).await), "pin.ask");
}

#[tokio::test]
async fn a_remembered_device_does_the_steps_of_the_configuration_and_not_those_of_the_policy() {
    let scene = scene_with_pin().await;
    scene.require(&[&["password"], &["pin"]]);
    scene.let_remember(600);
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, &scene, demand("one")).await);
    browser.send_ticked(&scene, &page, "yes", &[("code", "1234")]).await;
    browser.session = None;
    let told = rule(&scene, |_| steps(&[&["password"], &["pin"]]));
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), DONE);
    assert!(told.lock().unwrap()[1].device.remembered);
    browser.session = None;
    scene.require(&[&["password"]]);
    assert_eq!(name(&after_password(&mut browser, &scene, demand("one")).await), "pin.ask");
}

#[tokio::test]
async fn a_sign_in_from_before_there_was_a_policy_is_asked_about_before_it_goes_on() {
    let scene = scene_with_pin().await;
    let mut browser = Browser::default();
    let page = browser.reach_sign_in(&scene, demand("one")).await;
    rule(&scene, |_| deny());
    let fields = [("username", "alice"), ("password", PASSWORD)];
    assert_eq!(name(&browser.send_on(&scene, "sign-in", &page, &fields).await), DENIED);
    assert_eq!(browser.session, None);
}
