//! The pages on which people look after their own account: sessions and password.
use postern_end_to_end::browser::{Browser, Form, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::scratch;

const PASSWORD: &str = "correct horse battery staple";
const NEW: &str = "another horse battery staple";
const SESSION: &str = "__Host-postern-session";

fn installation(name: &str, settings: &str) -> Postern {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), name);
    let mut postern = Postern::alone(&folder, settings);
    for name in ["alice", "bob"] {
        postern.add_user(name, PASSWORD);
    }
    postern.start();
    postern
}

fn browser(postern: &Postern) -> Browser {
    Browser::behind_proxy(postern.proxy_tls())
}

fn own(postern: &Postern, page: &str) -> String {
    format!("{}/authenticationendpoint/{page}", postern.base_url)
}

/// Opens the page, with a sign-in.
fn reach(browser: &mut Browser, postern: &Postern, page: &str, name: &str, password: &str) -> Page {
    let sign_in = browser.open(&own(postern, page)).expect("a page");
    browser.sign_in(&sign_in, name, password).expect("a page")
}

fn is_sign_in(page: &Page) -> bool {
    page.form_with("f.password").is_ok()
}

/// The form that sends this action.
fn form_for(page: &Page, action: &str) -> Form {
    let has = |form: &&Form| match action {
        "end" => form.fields.contains_key("f.session"),
        _ => !form.fields.contains_key("f.session"),
    };
    page.forms().iter().find(has).unwrap_or_else(|| panic!("no {action}: {}", page.text())).clone()
}

#[test]
fn people_see_where_they_are_signed_in_and_end_it() {
    let postern = installation("account-sessions", "");
    let (mut phone, mut desk, mut bobs) = (browser(&postern), browser(&postern), browser(&postern));
    reach(&mut phone, &postern, "sessions", "alice", PASSWORD);
    reach(&mut bobs, &postern, "sessions", "bob", PASSWORD);
    let page = reach(&mut desk, &postern, "sessions", "alice", PASSWORD);
    let text = page.text();
    assert!(
        text.contains("Your sessions") && text.contains("this one") && text.contains("127.0.0.1"),
        "{text}"
    );
    let of_others = page.forms().iter().filter(|form| form.fields.contains_key("f.session")).count();
    assert_eq!(of_others, 1, "the present one can't be ended here, and bob's is not to be seen: {text}");
    // There is nothing to set up here.
    assert!(text.contains(">Password</a>") && !text.contains(">Sign-in</a>"), "{text}");
    assert_eq!(desk.open(&own(&postern, "factors")).expect("a page").answer.status, 404);

    let form = form_for(&page, "end");
    let page = desk.submit_form(&page, &form, &[("action", "end")]).expect("a page");
    assert!(page.forms().iter().all(|form| !form.fields.contains_key("f.session")), "{}", page.text());
    assert!(is_sign_in(&phone.open(&own(&postern, "sessions")).expect("a page")));
    assert!(!is_sign_in(&bobs.open(&own(&postern, "sessions")).expect("a page")));

    reach(&mut phone, &postern, "sessions", "alice", PASSWORD);
    let page = desk.open(&own(&postern, "sessions")).expect("a page");
    let page = desk.submit_form(&page, &form_for(&page, "end-others"), &[("action", "end-others")]);
    assert!(!is_sign_in(&page.expect("a page")), "the present one goes on");
    assert!(is_sign_in(&phone.open(&own(&postern, "sessions")).expect("a page")));
    let events = format!("{:?}", postern.audit());
    assert!(events.contains("session.ended") && events.contains("session.others-ended"), "{events}");
}

#[test]
fn a_password_is_changed_with_the_old_one_and_everything_else_ends() {
    let postern = installation("account-password", "");
    let (mut thief, mut desk) = (browser(&postern), browser(&postern));
    reach(&mut thief, &postern, "password", "alice", PASSWORD);
    let page = reach(&mut desk, &postern, "password", "alice", PASSWORD);
    let change = |browser: &mut Browser, page: &Page, current: &str, new: &str, again: &str| {
        let form = page.form_with("f.current").expect("the form");
        let typed = [("f.current", current), ("f.new", new), ("f.again", again), ("action", "change")];
        browser.submit_form(page, &form, &typed).expect("a page")
    };
    for (current, new, again, said) in [
        ("wrong", NEW, NEW, "The present password is not right."),
        (PASSWORD, NEW, PASSWORD, "not the same twice"),
        (PASSWORD, "short", "short", "too short"),
        (PASSWORD, PASSWORD, PASSWORD, "is the present one"),
    ] {
        let page = change(&mut desk, &page, current, new, again);
        assert!(page.text().contains(said), "{said}: {}", page.text());
        let html = String::from_utf8_lossy(&page.answer.body).into_owned();
        assert!(!html.contains(PASSWORD) && !html.contains(NEW), "a password comes back");
    }
    let kept = desk.cookie("localhost", SESSION).map(str::to_owned);
    let done = change(&mut desk, &page, PASSWORD, NEW, NEW);
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
    assert_eq!(desk.cookie("localhost", SESSION).map(str::to_owned), kept);
    assert!(!is_sign_in(&desk.open(&own(&postern, "sessions")).expect("a page")), "this browser goes on");
    assert!(is_sign_in(&thief.open(&own(&postern, "sessions")).expect("a page")), "the other one is out");
    assert!(is_sign_in(&reach(&mut browser(&postern), &postern, "sessions", "alice", PASSWORD)));
    assert!(!is_sign_in(&reach(&mut browser(&postern), &postern, "sessions", "alice", NEW)));

    let events = postern.audit();
    assert!(events.iter().any(|event| event["event"] == "user.password-changed"), "{events:?}");
    let logs = format!("{}{events:?}", postern.log());
    assert!(!logs.contains(PASSWORD) && !logs.contains(NEW), "a password is in the log");
}

#[test]
fn a_page_that_is_switched_off_is_not_there() {
    let postern = installation("account-off", "[pages]\naccount = [\"sessions\"]\n");
    let mut desk = browser(&postern);
    let page = reach(&mut desk, &postern, "sessions", "alice", PASSWORD);
    assert!(!page.text().contains(">Password</a>"), "{}", page.text());
    assert_eq!(desk.open(&own(&postern, "password")).expect("a page").answer.status, 404);
}
