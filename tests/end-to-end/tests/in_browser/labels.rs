//! A hostile authenticator says what it knows wherever it may say something. What reaches the page is text, what
//! reaches the logs is on one line, nothing reaches anybody else, and the others sign in meanwhile.
#![allow(clippy::print_stdout, reason = "how many they were stands in the log of the run")]
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use postern_end_to_end::browser::Page;
use postern_end_to_end::names::Names;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::scratch;
use postern_end_to_end::site::{Site, USER};
use postern_end_to_end::tools;

use crate::PROXY;
use crate::applications::Applications;
use crate::driver::drive;
use crate::world::NAME;

/// Where text may stand that a person reads, and where it may not be just any text.
const TEXTS: [&str; 12] = [
    "title",
    "submit",
    "error",
    "label",
    "choice",
    "option",
    "qr-label",
    "link-label",
    "message",
    "argument",
    "denied-text",
    "waiting",
];
const OTHERS: [&str; 15] = [
    "argument-name",
    "field-name",
    "autocomplete",
    "option-value",
    "qr-payload",
    "qr-plain",
    "link",
    "denied-reason",
    "unavailable",
    "issuer",
    "subject",
    "claim-name",
    "claim-value",
    "method",
    "context",
];

#[test]
fn what_a_component_says_is_text_and_goes_nowhere() {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), &format!("in-browser-labels-{}", PROXY.name()));
    let names = Names::new(&folder, &[NAME]);
    let (site, applications) = Site::start_at(PROXY, (NAME, &names), &folder, |postern, base_url| {
        enable(postern);
        Applications::start(postern, &folder, &names, base_url)
    });
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let others = scope.spawn(|| {
            let mut signed_in = 0_u32;
            while !is_over.load(Ordering::Relaxed) || signed_in == 0 {
                sign_in(&site, &applications);
                signed_in += 1;
            }
            signed_in
        });
        // Whatever fails here, the others stop.
        let over = Over(&is_over);
        refuses_what_is_no_text(&site, &applications);
        drive(Command::new(tools::node()), "labels", (&site, &names), &applications, &[]);
        drop(over);
        println!("    {} others signed in meanwhile", others.join().expect("the others"));
    });
    logs_are_lines(&site, &folder);
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn enable(postern: &Postern) {
    let own = postern.folder().join("own");
    fs::create_dir_all(&own).expect("a folder to write to");
    let password = tools::component("authenticators/password");
    fs::copy(&password, own.join("password.wasm")).expect("a component");
    fs::copy(tools::component("guests/talker"), own.join("talker.wasm")).expect("a component");
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let built = password.parent().expect("a folder");
    let text = text.replace(&format!("{built:?}"), &format!("{own:?}"));
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"password\", \"talker\"]");
    let settings = "[authenticators.modules.talker]\nredirects = []\naccounts = { unknown = \"link\" }\n\
                    [sign_in]\nsteps = [[\"password\", \"talker\"]]\nfailures_per_address = 10000\n";
    fs::write(&file, format!("{text}{settings}")).expect("a folder to write to");
    postern.run(&["check"]);
}

/// The page where the component asks what to say.
fn asked(site: &Site, applications: &Applications) -> (postern_end_to_end::browser::Browser, Page) {
    let mut browser = site.browser();
    let begin = format!("http://127.0.0.1:{}/sign-in", applications.oidc_port);
    let page = browser.open(&begin).expect("a page");
    let form = page.form_with("f.password").expect("a sign-in page");
    let page = browser.submit_form(&page, &form, &[("action", "other")]).expect("a page");
    (browser, page)
}

fn sign_in(site: &Site, applications: &Applications) {
    let mut browser = site.browser();
    let begin = format!("http://127.0.0.1:{}/sign-in", applications.oidc_port);
    let page = browser.open(&begin).expect("a page");
    let form = page.form_with("f.password").expect("a sign-in page");
    let typed = [("f.username", USER.0), ("f.password", USER.1), ("action", "sign-in")];
    let page = browser.submit_form(&page, &form, &typed).expect("a page");
    assert!(page.text().contains("Hello, Alice Example"), "{}\n{}", page.url, page.text());
}

/// Control characters, and more than fits: the call fails, and the page says nothing of it.
fn refuses_what_is_no_text(site: &Site, applications: &Applications) {
    let everywhere = TEXTS.iter().chain(&OTHERS).chain(&["redirect"]);
    let mut cases: Vec<(&str, &str)> = Vec::new();
    for place in everywhere {
        cases.extend(["control", "nul", "c1", "huge"].map(|kind| (*place, kind)));
    }
    cases.extend(["html", "script-url", "data-url", "attribute"].map(|kind| ("link", kind)));
    cases.extend(["html", "script-url", "data-url", "plain"].map(|kind| ("redirect", kind)));
    for place in ["argument-name", "field-name", "autocomplete", "method", "context"] {
        cases.extend(["html", "attribute", "bidi"].map(|kind| (place, kind)));
    }
    // For the log alone.
    for place in ["denied-reason", "unavailable"] {
        cases.extend(["html", "bidi"].map(|kind| (place, kind)));
    }
    for (place, kind) in cases {
        let (mut browser, page) = asked(site, applications);
        let form = page.form_with("f.what").expect("the component's page");
        let what = format!("{place} {kind}");
        let typed = [("f.what", what.as_str()), ("f.secret", "the-secret"), ("action", "sign-in")];
        let page = browser.submit_form(&page, &form, &typed).expect("a page");
        let text = page.text();
        assert!(
            !text.contains("the-secret") && !text.contains("evil.example"),
            "{what}: {}\n{text}",
            page.url
        );
        assert!(page.url.as_str().starts_with(site.base_url()), "{what}: {}", page.url);
    }
}

/// Whatever was said: no line of a log is of the component's making, and no terminal is told anything by it.
fn logs_are_lines(site: &Site, folder: &Path) {
    let audit = fs::read_to_string(site.postern.folder().join("state/audit.jsonl")).expect("the audit log");
    let logs = [site.postern.log(), audit, site.proxy.log()];
    let access = fs::read_to_string(folder.join("dmz/access.log")).expect("the proxy's log");
    for log in logs.iter().chain([&access]) {
        let raw = log.chars().find(|char| char.is_control() && *char != '\n');
        assert_eq!(raw, None);
        assert!(!log.lines().any(|line| line.starts_with("forged=1")), "a line of its own");
        let unseen = log.chars().find(|char| ['\u{202e}', '\u{2066}', '\u{200b}'].contains(char));
        assert_eq!(unseen, None);
    }
    assert!(site.postern.audit().iter().any(|event| event["event"] == "module.failed"));
}
