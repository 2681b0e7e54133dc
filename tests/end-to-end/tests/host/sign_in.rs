//! The sign-in page and what must not get past it.

use crate::world::{
    APPLICATION, PASSWORD, authorization_url, browser, is_signed_in, postern, sign_in_page, submit,
};

#[test]
fn the_right_password_signs_in() {
    let mut browser = browser();
    let page = sign_in_page(&mut browser);
    let page = submit(&mut browser, &page, "alice", PASSWORD);
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    // And again without a password: that is single sign-on.
    let page = browser.open_until(&authorization_url(), APPLICATION).expect("a page");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
}

#[test]
fn a_form_is_of_no_use_in_another_browser() {
    let (mut attacker, mut victim) = (browser(), browser());
    let page = sign_in_page(&mut attacker);
    // Login CSRF: the victim's browser is made to send the attacker's form, with the attacker's
    // own password. It must not be signed in as the attacker.
    let answer = submit(&mut victim, &page, "bob", PASSWORD);
    assert!(!is_signed_in(&answer), "{}\n{}", answer.url, answer.text());
    assert!(answer.answer.status >= 400, "{}", answer.text());
    sign_in_page(&mut victim);
    // The same with a transaction of the victim's own does not help without its anti-forgery value.
    let own = sign_in_page(&mut victim);
    let mut form = own.form_with("f.password").expect("a form");
    let foreign = page.form_with("f.password").expect("a form");
    form.fields.insert("anti-forgery".into(), foreign.fields["anti-forgery"].clone());
    let typed = [("f.username", "bob"), ("f.password", PASSWORD), ("action", "sign-in")];
    let answer = victim.submit_until(&own, &form, &typed, APPLICATION).expect("a page");
    assert!(!is_signed_in(&answer), "{}\n{}", answer.url, answer.text());
    form.fields.remove("anti-forgery");
    let answer = victim.submit_until(&own, &form, &typed, APPLICATION).expect("a page");
    assert!(!is_signed_in(&answer), "{}\n{}", answer.url, answer.text());
}

#[test]
fn the_page_of_another_browsers_transaction_is_not_shown() {
    let (mut one, mut other) = (browser(), browser());
    let page = sign_in_page(&mut one);
    let shown = other.open(page.url.as_str()).expect("a page");
    assert!(shown.form_with("f.password").is_err(), "{}", shown.text());
}

#[test]
fn wrong_passwords_unknown_and_disabled_people_look_the_same() {
    let mut answers = Vec::new();
    for (name, password) in [("alice", "wrong"), ("nobody-knows", "wrong"), ("disabled", PASSWORD)] {
        let mut browser = browser();
        let page = sign_in_page(&mut browser);
        let page = submit(&mut browser, &page, name, password);
        assert!(!is_signed_in(&page), "{name}");
        answers.push((page.answer.status, normalised(&page, name)));
    }
    assert_eq!(answers[0], answers[1], "wrong and unknown");
    assert_eq!(answers[0], answers[2], "wrong and disabled");
}

/// The page without what differs for every request, and without the name that was typed.
fn normalised(page: &postern_end_to_end::browser::Page, name: &str) -> String {
    let mut text = page.text().replace(name, "NAME");
    for form in page.forms() {
        for field in ["t", "anti-forgery"] {
            if let Some(value) = form.fields.get(field) {
                text = text.replace(value.as_str(), "VALUE");
            }
        }
    }
    text
}

#[test]
fn failures_are_slowed_down_for_names_that_exist_and_others_alike() {
    let mut verdicts = Vec::new();
    for name in ["bob", "no-such-bob"] {
        let mut last = None;
        for _ in 0..14 {
            let mut browser = browser();
            let page = sign_in_page(&mut browser);
            let page = submit(&mut browser, &page, name, "wrong");
            last = Some((page.answer.status, normalised(&page, name)));
        }
        // Even the right password has to wait now.
        let mut browser = browser();
        let page = sign_in_page(&mut browser);
        let page = submit(&mut browser, &page, name, PASSWORD);
        assert!(!is_signed_in(&page), "{name} is not slowed down");
        verdicts.push(last);
    }
    assert_eq!(verdicts[0], verdicts[1]);
}

#[test]
fn strangers_do_not_slow_down_a_browser_that_is_known() {
    const DEVICE: &str = "__Host-postern-device";
    let mut known = browser();
    let page = sign_in_page(&mut known);
    assert!(is_signed_in(&submit(&mut known, &page, "carol", PASSWORD)));
    let device = known.cookie("localhost", DEVICE).expect("a device cookie").to_owned();
    for _ in 0..14 {
        let mut stranger = browser();
        let page = sign_in_page(&mut stranger);
        submit(&mut stranger, &page, "carol", "wrong");
        assert_eq!(stranger.cookie("localhost", DEVICE), None);
    }
    for (cookie, expected) in [(None, false), (Some(device.as_str()), true)] {
        let mut browser = browser();
        if let Some(cookie) = cookie {
            browser.set_cookie("localhost", DEVICE, cookie);
        }
        let page = sign_in_page(&mut browser);
        assert_eq!(is_signed_in(&submit(&mut browser, &page, "carol", PASSWORD)), expected, "{cookie:?}");
    }
}

#[test]
fn every_refused_authorization_is_in_the_audit_log_with_its_client() {
    let refused = || {
        let events = postern().audit();
        events.iter().filter(|event| event["event"] == "authorization.refused").cloned().collect::<Vec<_>>()
    };
    let good = authorization_url();
    for (what, url) in [
        ("by redirect", good.replace("scope=", "scope=no-such-scope%20")),
        ("by a form", good.replace("scope=", "response_mode=form_post&scope=no-such-scope%20")),
        ("by a page", good.replace("callback", "elsewhere")),
    ] {
        assert_ne!(url, good, "{what}");
        let before = refused().len();
        let page = browser().open_until(&url, APPLICATION).expect("a page");
        assert!(!is_signed_in(&page) && page.form_with("f.password").is_err(), "{what}: {}", page.text());
        let events = refused().split_off(before);
        let event = events.last().unwrap_or_else(|| panic!("{what}: no event"));
        assert!(event["relying_party"].as_str().is_some_and(|id| !id.is_empty()), "{what}: {event}");
        let reason = event["fields"]["reason"].as_str().unwrap_or_default();
        assert!(reason.starts_with("oauth.") || reason.starts_with("oidc."), "{what}: {event}");
    }
}

#[test]
fn the_session_cookie_is_made_anew_at_sign_in_and_well_guarded() {
    let mut browser = browser();
    browser.set_cookie("localhost", "__Host-postern-session", "chosen-by-an-attacker");
    let page = sign_in_page(&mut browser);
    let page = submit(&mut browser, &page, "alice", PASSWORD);
    assert!(is_signed_in(&page), "{}", page.text());
    assert_ne!(browser.cookie("localhost", "__Host-postern-session"), Some("chosen-by-an-attacker"));
    let set: Vec<_> = browser
        .history
        .iter()
        .flat_map(|page| page.answer.headers.iter())
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value.clone())
        .collect();
    assert!(set.iter().any(|cookie| cookie.starts_with("__Host-postern-session=")), "{set:?}");
    for cookie in set {
        let same_site = if cookie.contains("-device=") { "SameSite=Strict" } else { "SameSite=Lax" };
        for attribute in ["Secure", "HttpOnly", same_site, "Path=/"] {
            assert!(cookie.contains(attribute), "{attribute}: {cookie}");
        }
        assert!(!cookie.to_ascii_lowercase().contains("domain="), "{cookie}");
    }
}

#[test]
fn pages_carry_security_headers() {
    let mut browser = browser();
    let page = sign_in_page(&mut browser);
    let header = |name: &str| page.answer.header(name).unwrap_or_default().to_owned();
    assert!(header("content-security-policy").contains("default-src 'none'"));
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cache-control"), "no-store");
    // The installation is at localhost, where other servers without TLS may be.
    assert_eq!(header("strict-transport-security"), "");
    assert!(!header("x-correlation-id").is_empty());
}

#[test]
fn no_secret_is_ever_logged() {
    const MARK: &str = "a-password-that-nobody-may-read-in-a-log";
    let mut browser = browser();
    let page = sign_in_page(&mut browser);
    submit(&mut browser, &page, "alice", MARK);
    let page = sign_in_page(&mut browser);
    let page = submit(&mut browser, &page, "alice", PASSWORD);
    let code = page.url.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let session = browser.cookie("localhost", "__Host-postern-session").expect("a session").to_owned();
    let audit: Vec<_> = postern().audit().iter().map(ToString::to_string).collect();
    let logs = format!("{}\n{}", postern().log(), audit.join("\n"));
    assert!(logs.contains("sign-in"), "{logs}");
    for secret in [MARK, PASSWORD, &code, &session] {
        assert!(!logs.contains(secret), "a secret is in the log");
    }
}
