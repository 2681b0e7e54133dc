//! The person's own sessions and password.

use postern_kernel::clock::Timestamp;
use postern_kernel::flow::{Action, ModuleSet, OwnPage, Page, PasswordPage, SessionsPage};
use postern_kernel::module::{Failure, SignOn};
use postern_kernel::store::Grant;

use crate::pin::Pin;
use crate::scene::{Browser, PASSWORD, PageForm, Scene, demand, form, name};

const NEW: &str = "another horse battery staple";

/// The way to the page, with the password when it is asked for.
async fn reach(browser: &mut Browser, scene: &Scene, own: OwnPage) -> Action {
    let mut action = browser.open_own(scene, own).await;
    while let Action::Redirect(_) = action {
        action = browser.follow(scene, action).await;
    }
    if name(&action) != "sign-in.title" {
        return action;
    }
    let fields = [("username", "alice"), ("password", PASSWORD)];
    browser.send_on(scene, "sign-in", &form(action), &fields).await
}

fn sessions(action: &Action) -> &SessionsPage {
    match action {
        Action::Page(Page::Sessions(page)) => page,
        other => panic!("{}", name(other)),
    }
}

fn password(action: &Action) -> &PasswordPage {
    match action {
        Action::Page(Page::Password(page)) => page,
        other => panic!("{}", name(other)),
    }
}

async fn change(browser: &mut Browser, scene: &Scene, page: &PageForm, current: &str, new: &str) -> Action {
    let fields = [("current", current), ("new", new), ("again", new)];
    browser.send_on(scene, "change", page, &fields).await
}

#[tokio::test]
async fn people_see_their_sessions_and_end_them() {
    let scene = Scene::new().await;
    let (mut phone, mut desk, mut bobs) = (Browser::default(), Browser::default(), Browser::default());
    phone.sign_in(&scene, "alice", demand("two")).await;
    scene.clock.advance(60);
    desk.sign_in(&scene, "alice", demand("one")).await;
    bobs.sign_in(&scene, "bob", demand("one")).await;
    let page = reach(&mut desk, &scene, OwnPage::Sessions).await;
    let shown = sessions(&page);
    assert_eq!(shown.username, "alice");
    let [own, other] = &shown.sessions[..] else { panic!("{}", shown.sessions.len()) };
    assert!(own.is_current && !other.is_current);
    assert_eq!((own.user_agent.as_str(), own.address.as_str()), ("Browser/1", "192.0.2.1"));
    assert_eq!(
        (&own.applications[..], &other.applications[..]),
        (&["Application one".to_owned()][..], &["Application two".to_owned()][..])
    );
    let other = other.id.clone();
    let (own, page) = (own.id.clone(), form(page));

    // Neither the present one nor one of somebody else's.
    let bobs_session = scene.store.sessions_of("subject-of-bob", Timestamp(1_800_000_060), 9).await.unwrap();
    let bobs_id = bobs_session[0].id.clone();
    let done = desk.send_on(&scene, "end", &page, &[("session", &own)]).await;
    assert_eq!(name(&done), "refused 400 error.expired");
    assert_eq!(
        sessions(&desk.send_on(&scene, "end", &page, &[("session", &bobs_id)]).await).sessions.len(),
        2
    );
    assert_eq!(name(&reach(&mut bobs, &scene, OwnPage::Sessions).await), "sessions");

    let after = desk.send_on(&scene, "end", &page, &[("session", &other)]).await;
    assert_eq!(sessions(&after).sessions.len(), 1);
    assert!(scene.audit.has("session.ended own-page"));
    let action = phone.open_own(&scene, OwnPage::Sessions).await;
    assert_eq!(name(&phone.follow(&scene, action).await), "sign-in.title", "it is signed out");

    phone.sign_in(&scene, "alice", demand("two")).await;
    let after = desk.send_on(&scene, "end-others", &page, &[]).await;
    assert_eq!(sessions(&after).sessions.len(), 1);
    assert!(scene.audit.has("session.others-ended own-page"));
    assert_eq!(name(&reach(&mut bobs, &scene, OwnPage::Sessions).await), "sessions", "bob stays");
}

#[tokio::test]
async fn pages_of_before_and_of_others_are_good_for_nothing() {
    let scene = Scene::new().await;
    let mut desk = Browser::default();
    let page = form(reach(&mut desk, &scene, OwnPage::Sessions).await);
    let forged = PageForm { anti_forgery: "forged".into(), ..page.clone() };
    for (action, form) in [("end-others", &forged), ("change", &page), ("enrol", &page), ("unlock", &page)] {
        let done = desk.send_on(&scene, action, form, &[]).await;
        assert_eq!(name(&done), "refused 400 error.expired", "{action}");
    }
    let mut other = Browser::default();
    other.sign_in(&scene, "bob", demand("one")).await;
    assert_eq!(name(&other.send_on(&scene, "end-others", &page, &[]).await), "refused 400 error.expired");
    // Signed in as somebody else since.
    desk.sign_in(&scene, "bob", postern_kernel::module::Demand { force: true, ..demand("one") }).await;
    assert_eq!(name(&desk.send_on(&scene, "end-others", &page, &[]).await), "refused 400 error.expired");
    scene.clock.advance(601);
    let action = desk.open_own(&scene, OwnPage::Password).await;
    assert_eq!(name(&desk.follow(&scene, action).await), "sign-in.title", "the sign-in is recent no more");
}

#[tokio::test]
async fn what_is_switched_off_is_not_there() {
    let scene = Scene::new().await;
    assert_eq!(scene.flow.modules().pages(), [OwnPage::Sessions, OwnPage::Password], "nothing to set up");
    scene.enable(Pin::new("pin"));
    assert_eq!(scene.flow.modules().pages(), OwnPage::ALL);
    let off = ModuleSet { own_pages: vec![OwnPage::Sessions], ..ModuleSet::clone(&scene.flow.modules()) };
    scene.flow.replace_modules(off);
    for page in [OwnPage::Factors, OwnPage::Password] {
        let action = Browser::default().open_own(&scene, page).await;
        assert_eq!(name(&action), "refused 403 error.denied");
    }
}

#[tokio::test]
async fn a_password_is_changed_and_whoever_knew_the_old_one_is_out() {
    let scene = Scene::new().await;
    let (mut thief, mut desk) = (Browser::default(), Browser::default());
    thief.sign_in(&scene, "alice", demand("one")).await;
    let page = reach(&mut desk, &scene, OwnPage::Password).await;
    let page = form(page);
    let offline = Grant {
        id: "offline".into(),
        module: "scripted".into(),
        application: "one".into(),
        subject: "subject-of-alice".into(),
        session: None,
        data: "{}".into(),
        signed_in: None,
        issued_at: Timestamp(1_800_000_000),
        expires_at: Timestamp(1_900_000_000),
    };
    scene.store.add_grant(&offline).await.unwrap();
    let device = desk.device.clone();
    let done = change(&mut desk, &scene, &page, PASSWORD, NEW).await;
    assert!(password(&done).is_changed && password(&done).error.is_none());
    assert!(scene.audit.has("user.password-changed"));
    assert!(scene.audit.has("session.others-ended password-changed"));
    assert_ne!(desk.device, device, "the device is known under the new one");
    let now = Timestamp(1_800_000_000);
    assert!(scene.store.grant("scripted", "offline", now).await.unwrap().is_none());
    let action = thief.open_own(&scene, OwnPage::Sessions).await;
    assert_eq!(name(&thief.follow(&scene, action).await), "sign-in.title");
    assert_eq!(name(&reach(&mut desk, &scene, OwnPage::Sessions).await), "sessions", "this one goes on");
    let mut old = Browser::default();
    assert_eq!(
        name(&reach(&mut old, &scene, OwnPage::Sessions).await),
        "sign-in.title",
        "the old one is wrong"
    );
}

#[tokio::test]
async fn a_change_takes_the_present_password_within_the_limits_and_a_good_new_one() {
    let scene = Scene::new().await;
    let mut desk = Browser::default();
    let page = form(reach(&mut desk, &scene, OwnPage::Password).await);
    for (fields, error) in [
        (vec![("current", PASSWORD), ("new", NEW), ("again", "another")], "password.differs"),
        (vec![("current", PASSWORD)], "password.incomplete"),
        (vec![("current", PASSWORD), ("new", "short"), ("again", "short")], "password.too-short"),
        (vec![("current", PASSWORD), ("new", PASSWORD), ("again", PASSWORD)], "password.same"),
        (vec![("current", "wrong"), ("new", "short"), ("again", "short")], "password.wrong"),
    ] {
        let done = desk.send_on(&scene, "change", &page, &fields).await;
        assert_eq!(password(&done).error.as_deref(), Some(error));
        assert!(!password(&done).is_changed);
    }
    for _ in 0..5 {
        change(&mut desk, &scene, &page, "wrong", NEW).await;
    }
    let done = change(&mut desk, &scene, &page, PASSWORD, NEW).await;
    assert_eq!(password(&done).error.as_deref(), Some("sign-in.throttled"), "guesses are slowed down");
    assert!(scene.directory.changed.lock().unwrap().is_none());
    scene.clock.advance(300);
    assert!(password(&change(&mut desk, &scene, &page, PASSWORD, NEW).await).is_changed);
}

/// A further factor of the person's is asked for here as well.
#[tokio::test]
async fn a_password_alone_opens_none_of_the_pages_of_who_has_more() {
    let scene = crate::steps::scene().await;
    for page in OwnPage::ALL {
        assert_eq!(name(&reach(&mut Browser::default(), &scene, page).await), "pin.ask");
    }
    let mut thief = Browser::default();
    let page = form(reach(&mut thief, &scene, OwnPage::Password).await);
    let done = change(&mut thief, &scene, &page, PASSWORD, NEW).await;
    assert_eq!(name(&done), "refused 400 error.expired");
    thief.send_on(&scene, "cancel", &page, &[]).await;
    assert!(scene.resumed() != Some(SignOn::Failed(Failure::Denied)), "no application hears of it");
}
