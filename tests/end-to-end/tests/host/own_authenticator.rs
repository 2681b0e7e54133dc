//! An authenticator of the operator's own folder: what it is granted, and its file replaced while people sign in.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::{scratch, tools};

use crate::second_factor::{browser, code, enrol, installation_in, reach_code, send_code};
use crate::world::is_signed_in;

const OLD: &str = "That code is not right";
const NEW: &str = "That CODE is not right";

/// Has a folder of its own for authenticators, and more limits on failures than the tests reach.
fn own_folder(postern: &Postern) -> PathBuf {
    let own = postern.folder().join("own");
    fs::create_dir_all(&own).expect("a folder to write to");
    let built = tools::component("authenticators/totp");
    let built = built.parent().expect("a folder");
    for name in ["password.wasm", "totp.wasm", "recovery.wasm"] {
        fs::copy(built.join(name), own.join(name)).expect("a component");
    }
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace(&format!("{built:?}"), &format!("{own:?}"));
    let text = text.replace("[sign_in]", "[sign_in]\nfailures_per_name = 1000\nfailures_per_address = 1000");
    fs::write(&file, text).expect("a folder to write to");
    own
}

/// Writes a file as an operator should: whole, then under its name.
fn put(folder: &Path, bytes: &[u8]) {
    let unfinished = folder.join("unfinished");
    fs::write(&unfinished, bytes).expect("a folder to write to");
    fs::rename(&unfinished, folder.join("totp.wasm")).expect("a folder to write to");
}

/// The component with another text: another file of the same authenticator.
fn changed(component: &[u8]) -> Vec<u8> {
    let at = component.windows(OLD.len()).position(|window| window == OLD.as_bytes()).expect("its text");
    let mut changed = component.to_vec();
    changed[at..at + NEW.len()].copy_from_slice(NEW.as_bytes());
    changed
}

/// What a wrong code is answered with.
fn wrong(browser: &mut Browser, page: &Page) -> Page {
    send_code(browser, page, "000000")
}

/// What somebody is answered with who begins now.
fn answered_anew(postern: &Postern) -> String {
    let mut another = browser(postern);
    let page = reach_code(&mut another, postern);
    wrong(&mut another, &page).text()
}

/// Looks again until it is so; the host looks at its folder each second.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..120 {
        if so() {
            return;
        }
        thread::sleep(Duration::from_millis(500));
    }
    panic!("{what} does not happen");
}

#[test]
fn who_has_begun_finishes_on_the_old_file_and_a_bad_one_changes_nothing() {
    let postern = installation_in("own-authenticator", |postern| drop(own_folder(postern)));
    let own = postern.folder().join("own");
    let component = fs::read(own.join("totp.wasm")).expect("a component");
    let (key, _) = enrol(&mut browser(&postern), &postern);
    let mut under_way: Vec<(Browser, Page)> = (0..4)
        .map(|_| {
            let mut browser = browser(&postern);
            let page = reach_code(&mut browser, &postern);
            (browser, page)
        })
        .collect();

    put(&own, &changed(&component));
    until("the new file", || answered_anew(&postern).contains(NEW));
    for (browser, page) in &mut under_way {
        *page = wrong(browser, page);
        assert!(page.text().contains(OLD), "{}", page.text());
    }
    let (mut first, page) = under_way.remove(0);
    let next = code(&key, "1");
    let page = send_code(&mut first, &page, &next);
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());

    // Half a file, one that is none, and one that imports what it may not: refused, and written down.
    let foreign = b"\0asm\x0d\0\x01\0";
    for (bytes, reason) in [
        (&component[..component.len() / 2], "sandbox.component.malformed"),
        (b"#!/bin/sh\n", "sandbox.component.malformed"),
        (foreign, "sandbox.world.mismatch"),
    ] {
        let refused = || {
            let of_it = |event: &serde_json::Value| {
                event["event"] == "change.refused" && event.to_string().contains(reason)
            };
            postern.audit().iter().filter(|event| of_it(event)).count()
        };
        let before = refused();
        put(&own, bytes);
        until(reason, || refused() > before);
        assert!(answered_anew(&postern).contains(NEW), "the file of before stays");
        assert!(postern.log().contains("the old one stays in force"));
    }
    let (mut second, page) = under_way.remove(0);
    assert!(wrong(&mut second, &page).text().contains(OLD), "still on the file that it began with");
}

/// What `postern check` says about the configuration with this added.
fn check(number: usize, added: &str, manifest: Option<&str>) -> (Option<i32>, String) {
    let name = format!("own-authenticator-check-{number}");
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), &name);
    let postern = Postern::alone(&folder, "");
    let own = own_folder(&postern);
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"password\", \"totp\"]");
    fs::write(&file, format!("{text}\n{added}\n")).expect("a folder to write to");
    if let Some(manifest) = manifest {
        fs::write(own.join("totp.toml"), manifest).expect("a folder to write to");
    }
    let check = Command::new(tools::postern()).arg("--config").arg(&file).arg("check").output();
    let check = check.expect("postern runs");
    let said = String::from_utf8_lossy(&check.stderr) + String::from_utf8_lossy(&check.stdout);
    (check.status.code(), said.into_owned())
}

#[test]
fn what_is_not_granted_pinned_or_allowed_is_refused_with_the_line_to_add() {
    let manifest = |version: &str, more: &str| format!("id = \"totp\"\nversion = \"{version}\"\n{more}");
    let good = manifest("0.1.0", "[capabilities]\ncredentials = true\n");
    let asks = manifest("0.1.0", "[capabilities]\ncredentials = true\noutbound = [\"a.example\"]\n");
    let reads =
        manifest("0.1.0", "[capabilities]\ncredentials = true\ndirectory = [\"email\", \"groups\"]\n");
    let (other, less) = (manifest("9", ""), manifest("0.1.0", ""));
    let cases = [
        (
            "[authenticators.modules.totp]\ngrants = {}",
            None,
            "sandbox.import.ungranted: imports credentials; to grant it: [authenticators.modules.totp] \
             grants = { credentials = true }",
        ),
        (
            "[authenticators.modules.totp]\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"",
            None,
            "authenticator.digest.mismatch",
        ),
        ("[authenticators.modules.totp]\nsha256 = \"00\"", None, "must be 64 hexadecimal digits"),
        ("[authenticators.modules.totp]\nmemory_mib = 65", None, "must be 1 to 64"),
        ("[authenticators.modules.totp]\ngrant = {}", None, "unknown field `grant`"),
        ("[authenticators.modules.totp]\ngrants = { files = true }", None, "unknown field `files`"),
        ("[authenticators.modules.topt]", None, "belongs to no authenticator that is enabled"),
        (
            "[authenticators.modules.totp]\nsettings = { digits = 8 }",
            None,
            "authenticator.settings.invalid: settings.digits: there is no such setting",
        ),
        (
            "[authenticators.settings.totp]\n[authenticators.modules.totp]\nsettings = {}",
            None,
            "stands in authenticators.settings.totp as well",
        ),
        ("", Some("id = \"totp\""), "authenticator.manifest.malformed"),
        ("", Some(other.as_str()), "authenticator.manifest.mismatch: version"),
        ("", Some(less.as_str()), "authenticator.manifest.mismatch: it imports credentials"),
        ("", Some(asks.as_str()), "authenticator.host.ungranted: it asks for a.example; to grant it:"),
        (
            "[authenticators.modules.totp]\ngrants = { credentials = true, directory = [\"email\"] }",
            Some(reads.as_str()),
            "authenticator.attribute.ungranted: it asks for groups; to grant it: [authenticators.modules.totp] \
             grants.directory = [\"email\", \"groups\"]",
        ),
    ];
    for (number, (added, manifest, expected)) in cases.into_iter().enumerate() {
        let (code, said) = check(number, added, manifest);
        assert_ne!(code, Some(0), "{added}: {said}");
        assert!(said.contains(expected), "{added}: {said}");
    }
    let digest = scratch_digest();
    let pinned = format!(
        "[authenticators.modules.totp]\nsha256 = \"{digest}\"\ngrants = {{ credentials = true }}\nsettings = {{}}"
    );
    let (code, said) = check(100, &pinned, Some(&good));
    assert_eq!(code, Some(0), "{said}");
}

/// As `postern authenticator inspect` says it.
fn scratch_digest() -> String {
    let file = tools::component("authenticators/totp");
    let output =
        Command::new(tools::postern()).args(["authenticator", "inspect", "--json"]).arg(file).output();
    let output = output.expect("postern runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["capabilities"], serde_json::json!(["credentials"]));
    said["sha256"].as_str().expect("a digest").to_owned()
}
