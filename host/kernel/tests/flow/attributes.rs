//! What authenticators read of people in the user store: what the operator grants, about whom the call is.

use crate::scene::{Browser, Scene, demand, form, name};
use crate::steps::{after_password, scene};

const BROKEN: &str = "refused 500 error.internal";

/// What becomes of a sign-in in which the further factor reads so.
async fn reads(scene: &Scene, how: &str) -> String {
    let mut browser = Browser::default();
    let page = form(after_password(&mut browser, scene, demand("one")).await);
    name(&browser.send_on(scene, "sign-in", &page, &[("code", how)]).await)
}

#[tokio::test]
async fn granted_claims_are_told_and_no_others() {
    let scene = scene().await;
    scene.require(&[&["password"], &["pin"]]);
    assert_eq!(reads(&scene, "reads").await, BROKEN, "nothing is granted");
    scene.let_read("password", &["email", "unheard-of"]);
    assert_eq!(reads(&scene, "reads").await, BROKEN, "that is another one's grant");
    scene.let_read("pin", &["email", "unheard-of"]);
    assert_eq!(reads(&scene, "reads").await, "sign-in.denied.title");
    // What the store does not have is left out, and is no failure.
    assert!(scene.audit.has("sign-in.denied alice@example.com"));
    scene.audit.forget();
    assert_eq!(reads(&scene, "reads-more").await, BROKEN);
    assert_eq!(reads(&scene, "reads-bob").await, BROKEN);
    assert!(!scene.audit.has("sign-in.denied alice@example.com"));
    assert!(!scene.audit.has("sign-in.denied bob@example.com"));
}
