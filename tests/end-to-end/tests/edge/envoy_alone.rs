//! What only Envoy has.
use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use postern_end_to_end::tools;

use crate::world::{Edge, FORM};

#[test]
fn envoy_validates_it() {
    let edge = Edge::start();
    let file = edge._folder.path().join("envoy.yaml");
    let output =
        Command::new(tools::envoy()).args(["--mode", "validate", "-c"]).arg(file).output().expect("Envoy");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The filter knows the version that it runs in, and would refuse an Envoy without the fixes.
    let log = edge.proxy.log();
    assert!(!log.contains("not in an Envoy that tells its version"), "{log}");
}

/// Without the setting Envoy never shows the body: the filter refuses instead of waiting.
#[test]
fn a_body_that_can_not_be_held_is_refused() {
    let edge = Edge::start_with(
        |_| {},
        |configuration| {
            let off = configuration
                .replace("allow_on_headers_stop_iteration: true", "allow_on_headers_stop_iteration: false");
            assert_ne!(off, configuration);
            off
        },
    );
    let begun = Instant::now();
    let (answer, log, reached) = edge.request(
        "POST /oauth2/token",
        &format!("{FORM}transfer-encoding: chunked\r\n"),
        "3\r\na=1\r\n0\r\n\r\n",
    );
    assert_eq!((answer.status, reached.len()), (408, 0), "{log}");
    assert_eq!(log["reason"], "proxy.body.absent");
    assert!(
        log["refusal"].as_str().is_some_and(|words| words.contains("allow_on_headers_stop_iteration")),
        "{log}"
    );
    assert!(begun.elapsed() < Duration::from_secs(18), "{:?}", begun.elapsed());
    // A request without a body, or with an announced one, is not held.
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
    let announced = format!("{FORM}content-length: 3\r\n");
    assert_eq!(edge.request("POST /oauth2/token", &announced, "a=1").0.status, 200);
}

/// A configuration that exposes management is refused by the filter itself, too.
#[test]
fn envoy_does_not_start_with_a_policy_that_exposes_management() {
    let edge = Edge::start();
    let file = edge._folder.path().join("exposing.yaml");
    let text = fs::read_to_string(edge._folder.path().join("envoy.yaml")).expect("the configuration");
    let exposing = text.replace("\"path\": \"/oauth2/jwks\"", "\"path\": \"/console\"");
    assert_ne!(exposing, text);
    fs::File::create(&file).and_then(|mut out| out.write_all(exposing.as_bytes())).expect("a file");
    let output = Command::new(tools::envoy())
        .arg("-c")
        .arg(&file)
        .args(["--disable-hot-restart", "--concurrency", "1"])
        .output()
        .expect("Envoy");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && log.contains("].path: /console is never public"), "{log}");
}
