//! Grants that an application goes on with while nobody is there, and the policy.

use postern_kernel::clock::{Clock as _, Timestamp};
use postern_kernel::flow::Renewal;
use postern_kernel::module::{Method, SignOn};
use postern_kernel::policy::{Context, Decision, Occasion};
use postern_kernel::store::{Grant, SignedIn};

use crate::policy::{deny, from, put, rule, rule_with, steps};
use crate::scene::{Browser, Scene, demand, document, form, name};
use crate::steps::{after_password, scene as scene_with_pin};

const DONE: &str = "form-post https://app.example";
const INSIDE: [u8; 4] = [192, 0, 2, 7];
const OUTSIDE: [u8; 4] = [203, 0, 113, 7];

/// A further step outside the office.
fn office(context: &Context) -> Decision {
    if context.networks == ["office"] { Decision::Unchanged } else { steps(&[&["password"], &["pin"]]) }
}

/// A grant of the sign-in that was just done: with its session, or one that outlives it.
async fn grant(scene: &Scene, offline: bool) -> String {
    let Some(SignOn::Authenticated(done)) = scene.resumed() else { panic!("nobody") };
    let session = (!offline).then_some(done.session.as_str());
    let until = scene.clock.now().plus(1_000_000);
    scene.services().create_grant("one", &done.subject, session, "{}", until).await.unwrap()
}

/// The application asks from there.
async fn renew(scene: &Scene, address: [u8; 4], grant: &str) -> Renewal {
    scene.script(document());
    from(address).open(scene, Method::Post).await;
    scene.services().renew(grant).await.unwrap()
}

#[tokio::test]
async fn steps_that_were_not_done_end_a_renewal_and_those_that_were_do_not() {
    for offline in [false, true] {
        let scene = scene_with_pin().await;
        let told = rule(&scene, office);
        let mut inside = from(INSIDE);
        assert_eq!(name(&inside.sign_in(&scene, "alice", demand("one")).await), DONE);
        let weak = grant(&scene, offline).await;
        let mut outside = from(OUTSIDE);
        let page = form(after_password(&mut outside, &scene, demand("one")).await);
        assert_eq!(name(&outside.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), DONE);
        let strong = grant(&scene, offline).await;
        told.lock().unwrap().clear();
        assert_eq!(renew(&scene, INSIDE, &weak).await, Renewal::Granted);
        assert_eq!(renew(&scene, OUTSIDE, &weak).await, Renewal::StepsDue);
        assert!(scene.audit.has("grant.not-renewed steps-due"));
        assert_eq!(renew(&scene, OUTSIDE, &strong).await, Renewal::Granted);
        {
            let told = told.lock().unwrap();
            let [.., last] = told.as_slice() else { panic!("not asked") };
            assert_eq!((last.occasion, last.demand.passive), (Occasion::Session, true));
            assert_eq!(last.application.as_ref().unwrap().identifier, "urn:one");
            assert_eq!(last.person.as_ref().unwrap().username, "alice");
            assert_eq!(last.done, ["password", "pin"]);
            assert!(!last.device.known && !last.device.remembered);
        }
        if !offline {
            // The session goes through the step, and its grants with it.
            inside.address = OUTSIDE.into();
            let page = form(crate::policy::ask(&mut inside, &scene, demand("one")).await);
            assert_eq!(name(&inside.send_on(&scene, "sign-in", &page, &[("code", "1234")]).await), DONE);
            assert_eq!(renew(&scene, OUTSIDE, &weak).await, Renewal::Granted);
        }
    }
}

#[tokio::test]
async fn a_policy_that_denies_or_fails_ends_a_renewal_and_none_is_asked_where_none_decides() {
    let scene = scene_with_pin().await;
    Browser::default().sign_in(&scene, "alice", demand("one")).await;
    let given = grant(&scene, true).await;
    assert_eq!(renew(&scene, OUTSIDE, &given).await, Renewal::Granted);
    rule(&scene, |context| match &context.person {
        Some(person) if person.username == "alice" => deny(),
        _ => Decision::Unchanged,
    });
    assert_eq!(renew(&scene, OUTSIDE, &given).await, Renewal::Denied);
    assert!(scene.audit.has("grant.not-renewed denied"));
    rule_with(&scene, |_| Decision::Unchanged, "trap", false);
    assert_eq!(renew(&scene, OUTSIDE, &given).await, Renewal::Unavailable);
    assert!(scene.audit.has("policy.failed policy.call.trap"));
    put(&scene, |policies| policies.enabled.clear());
    assert_eq!(renew(&scene, OUTSIDE, &given).await, Renewal::Unavailable);
    // It decides for another application alone.
    rule(&scene, |_| deny());
    put(&scene, |policies| {
        policies.by_application.insert("urn:two".into(), "ruled".into());
        policies.everywhere = None;
    });
    assert_eq!(renew(&scene, OUTSIDE, &given).await, Renewal::Granted);
    rule(&scene, |_| Decision::Unchanged);
    scene.directory.disabled.lock().unwrap().push("alice".into());
    assert_eq!(renew(&scene, OUTSIDE, &given).await, Renewal::Denied);
    assert_eq!(renew(&scene, OUTSIDE, "no-such").await, Renewal::Denied);
}

/// The configuration's own steps are not asked for again: a remembered device may have done them.
#[tokio::test]
async fn a_grant_of_before_has_done_nothing_beyond_the_configuration() {
    let scene = scene_with_pin().await;
    rule(&scene, office);
    let before = Grant {
        id: "before".into(),
        module: "scripted".into(),
        application: "one".into(),
        subject: "subject-of-alice".into(),
        session: None,
        data: "{}".into(),
        signed_in: None,
        issued_at: scene.clock.now(),
        expires_at: Timestamp(1_900_000_000),
    };
    scene.store.add_grant(&before).await.unwrap();
    assert_eq!(renew(&scene, INSIDE, "before").await, Renewal::Granted);
    assert_eq!(renew(&scene, OUTSIDE, "before").await, Renewal::StepsDue);
    let did = SignedIn { authenticators: vec!["password".into(), "pin".into()], ..SignedIn::default() };
    scene.store.add_grant(&Grant { id: "after".into(), signed_in: Some(did), ..before }).await.unwrap();
    assert_eq!(renew(&scene, OUTSIDE, "after").await, Renewal::Granted);
    scene.require(&[&["password"], &["pin"]]);
    assert_eq!(renew(&scene, OUTSIDE, "before").await, Renewal::Granted, "the configuration's own");
}
