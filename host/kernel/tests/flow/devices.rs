//! Who guesses, and who is slowed down.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use postern_kernel::flow::{Action, Page};

use crate::DONE;
use crate::scene::{Browser, PASSWORD, Scene, demand, name};

/// Sends a password for a name: the reply, or the error that the page shows.
async fn guess(browser: &mut Browser, scene: &Scene, username: &str, password: &str) -> String {
    let page = browser.reach_sign_in(scene, demand("one")).await;
    let fields = [("username", username), ("password", password)];
    let action = browser.send(scene, "sign-in", &page, &fields).await;
    if !matches!(&action, Action::Redirect(_)) {
        return name(&action);
    }
    match browser.follow(scene, action).await {
        Action::Page(Page::SignIn(page)) => page.challenge.error.map(|error| error.key).unwrap_or_default(),
        other => name(&other),
    }
}

/// A browser in which alice has signed in, and out again.
async fn known(scene: &Scene) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(guess(&mut browser, scene, "alice", PASSWORD).await, DONE);
    Browser { device: browser.device, ..Browser::default() }
}

#[tokio::test]
async fn a_stranger_with_a_thousand_failures_slows_strangers_and_not_the_owner() {
    let scene = Scene::new().await;
    let mut owner = known(&scene).await;
    for number in 0..1_000_u16 {
        let [high, low] = number.to_be_bytes();
        // From many addresses, and from the owner's own; with no cookie, and with one that is none.
        let address = IpAddr::from(if number % 2 == 0 { [192, 0, 2, 1] } else { [198, 51, high, low] });
        let device = (number % 3 == 0).then(|| "AQ".repeat(38));
        let mut stranger = Browser { address, device, ..Browser::default() };
        let error = guess(&mut stranger, &scene, "alice", "wrong").await;
        assert!(["sign-in.wrong", "sign-in.throttled"].contains(&error.as_str()), "{error}");
        scene.clock.advance(u64::from(number % 2));
    }
    let mut stranger = Browser { address: IpAddr::from([203, 0, 113, 1]), ..Browser::default() };
    assert_eq!(guess(&mut stranger, &scene, "alice", PASSWORD).await, "sign-in.throttled");
    assert_eq!(guess(&mut owner, &scene, "alice", PASSWORD).await, DONE);
    assert_eq!(
        guess(&mut stranger, &scene, "alice", PASSWORD).await,
        "sign-in.throttled",
        "that the owner signs in gives strangers no further guesses"
    );
}

#[tokio::test]
async fn a_stolen_device_cookie_gives_nothing_but_a_few_guesses() {
    let scene = Scene::new().await;
    let owner = known(&scene).await;
    let mut thief = Browser { device: owner.device, ..Browser::default() };
    for _ in 0..5 {
        assert_eq!(guess(&mut thief, &scene, "alice", "wrong").await, "sign-in.wrong");
    }
    assert_eq!(guess(&mut thief, &scene, "alice", PASSWORD).await, "sign-in.throttled");
    assert_eq!(thief.session, None);
    // For bob it is no device of his: its guesses are among the strangers'.
    for _ in 0..5 {
        assert_eq!(guess(&mut thief, &scene, "bob", "wrong").await, "sign-in.wrong");
    }
    let mut other = Browser::default();
    assert_eq!(guess(&mut other, &scene, "bob", PASSWORD).await, "sign-in.throttled");
    // And strangers are not slowed down by what the thief did to alice.
    assert_eq!(guess(&mut other, &scene, "alice", PASSWORD).await, DONE);
}

#[tokio::test]
async fn of_many_guesses_at_once_with_one_cookie_no_more_are_looked_at() {
    let scene = Arc::new(Scene::new().await);
    let neighbour = Arc::new(scene.neighbour());
    let owner = known(&scene).await;
    let before = scene.directory.checked.load(Ordering::SeqCst);
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..20_u8 {
        let node = Arc::clone(if number % 2 == 0 { &scene } else { &neighbour });
        let address = IpAddr::from([203, 0, 113, number]);
        let mut thief = Browser { device: owner.device.clone(), address, ..Browser::default() };
        let page = thief.reach_sign_in(&node, demand("one")).await;
        guesses.spawn(async move {
            let fields = [("username", "alice"), ("password", "wrong")];
            thief.send(&node, "sign-in", &page, &fields).await;
        });
    }
    while guesses.join_next().await.is_some() {}
    assert_eq!(scene.directory.checked.load(Ordering::SeqCst) - before, 5, "on both nodes together");
}

#[tokio::test]
async fn a_change_of_password_ends_it() {
    let scene = Scene::new().await;
    let mut owner = known(&scene).await;
    let mut stranger = Browser { address: IpAddr::from([203, 0, 113, 1]), ..Browser::default() };
    for _ in 0..6 {
        guess(&mut stranger, &scene, "alice", "wrong").await;
    }
    scene.directory.set.fetch_add(1, Ordering::SeqCst);
    assert_eq!(guess(&mut owner, &scene, "alice", PASSWORD).await, "sign-in.throttled");
    scene.clock.advance(900);
    let before = owner.device.clone();
    assert_eq!(guess(&mut owner, &scene, "alice", PASSWORD).await, DONE);
    assert_ne!(owner.device, before, "the sign-in makes a new one");
}

#[tokio::test]
async fn a_cookie_comes_with_success_alone_and_is_good_on_every_node() {
    let scene = Scene::new().await;
    scene.directory.disabled.lock().unwrap().push("bob".into());
    for (username, password) in [("alice", "wrong"), ("nobody", PASSWORD), ("bob", PASSWORD)] {
        let mut browser = Browser::default();
        guess(&mut browser, &scene, username, password).await;
        assert_eq!(browser.device, None, "{username}");
    }
    let mut owner = known(&scene).await;
    let mut stranger = Browser::default();
    for _ in 0..6 {
        guess(&mut stranger, &scene, "alice", "wrong").await;
    }
    assert_eq!(guess(&mut owner, &scene.neighbour(), "alice", PASSWORD).await, DONE);
}
