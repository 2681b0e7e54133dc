//! `nginx -t` says what is wrong, and where.
use std::fs;

use postern_end_to_end::nginx::Nginx;

use crate::world::{Edge, without_endpoint_filter};

/// What nginx says of a configuration that it must not take.
fn refused(edge: &Edge, from: &str, to: &str) -> String {
    let changed = edge.configuration.replacen(from, to, 1);
    assert_ne!(changed, edge.configuration, "the configuration has no {from}");
    let output = Nginx::test(edge.folder.path(), &changed);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{to}: {said}");
    said
}

/// The line of the configuration as it is on disk that holds the text.
fn line_of(edge: &Edge, text: &str) -> String {
    let file = edge.folder.path().join("nginx.conf");
    let written = fs::read_to_string(&file).expect("the configuration");
    let line = written.lines().position(|line| line.contains(text)).expect(text) + 1;
    format!("{}:{line}", file.display())
}

#[test]
fn what_is_generated_is_taken_as_it_is() {
    let edge = Edge::start();
    let output = Nginx::test(edge.folder.path(), &edge.configuration);
    let said = String::from_utf8_lossy(&output.stderr);
    // Since 1.25.1; the other form is unknown before.
    let known = "the \"listen ... http2\" directive is deprecated";
    let warned = said.lines().any(|line| line.contains("[warn]") && !line.contains(known));
    assert!(output.status.success() && !warned, "{said}");
}

#[test]
fn a_filter_that_is_not_as_it_should_be_is_an_error_with_its_line() {
    let edge = Edge::start();
    // Management: the filter itself says no.
    let said = refused(&edge, "\"path\": \"/oauth2/jwks\"", "\"path\": \"/console\"");
    assert!(said.contains("/console is never public"), "{said}");
    // The end of the JSON is where nginx has read to.
    assert!(said.contains("nginx.conf:"), "{said}");

    let broken = edge.folder.path().join("broken.wasm");
    fs::write(&broken, b"\0asm\x01\0\0\0").expect("a file");
    let module = "postern_shared_memory 16m;";
    let said = refused(&edge, module, &format!("postern_module broken {};\n  {module}", broken.display()));
    assert!(
        said.contains("proxy_abi_version") && said.contains(&line_of(&edge, "postern_module broken")),
        "{said}"
    );
    fs::write(&broken, b"no module").expect("a file");
    let said = refused(&edge, module, &format!("postern_module broken {};\n  {module}", broken.display()));
    assert!(said.contains("does not compile"), "{said}");
    let said = refused(&edge, module, &format!("postern_module absent /nowhere.wasm;\n  {module}"));
    assert!(
        said.contains("/nowhere.wasm") && said.contains(&line_of(&edge, "postern_module absent")),
        "{said}"
    );

    let filter = "  location / {";
    let said = refused(&edge, filter, &format!("  postern_filter unknown;\n{filter}"));
    assert!(
        said.contains("no postern_module") && said.contains(&line_of(&edge, "postern_filter unknown")),
        "{said}"
    );
    let said = refused(&edge, filter, &format!("  postern_filter endpoint-filter /nowhere.json;\n{filter}"));
    assert!(said.contains("/nowhere.json"), "{said}");
    let said = refused(&edge, filter, &format!("  postern_filter off;\n{filter}"));
    assert!(said.contains("beside other filters"), "{said}");
    let said = refused(&edge, "postern_time_limit 200ms;", "postern_time_limit forever;");
    assert!(said.contains("200ms") && said.contains(&line_of(&edge, "postern_time_limit")), "{said}");
    let said = refused(
        &edge,
        "postern_filter_inline endpoint-filter {",
        "postern_filter_inline endpoint-filter { \"a\": \"{\", ",
    );
    assert!(said.contains("unknown field `a`"), "{said}");
}

#[test]
fn nodes_of_one_service_are_of_one_kind() {
    let edge = Edge::start_with(|_| {}, |text| without_endpoint_filter(&text));
    let module = "postern_shared_memory 16m;";
    for (cluster, word) in [
        ("keys https://127.0.0.1:1 http://127.0.0.1:2 name=a verify=off", "some nodes with TLS"),
        ("keys https://a.invalid:1 https://127.0.0.1:2 verify=off", "a.invalid"),
        ("keys https://127.0.0.1:1 https://127.0.0.1:2 verify=off", "name="),
        ("keys https://127.0.0.1:1 name=a", "ca=<file>"),
        ("keys ftp://127.0.0.1:1", "no https:// or http:// origin"),
        ("keys http://127.0.0.1:1 ca=a", "for an http:// origin"),
    ] {
        let said = refused(&edge, module, &format!("postern_cluster {cluster};\n  {module}"));
        assert!(said.contains(word) && said.contains(&line_of(&edge, cluster)), "{cluster}: {said}");
    }
    let said = refused(&edge, "postern_time_limit 200ms;", "postern_wait_limit 0s;");
    assert!(said.contains("30s"), "{said}");
}

/// What nginx would forward otherwise than it was judged is refused.
#[test]
fn a_rewritten_request_is_refused() {
    let edge = Edge::start_with(
        |_| {},
        |text| {
            text.replacen(
                "  location / {",
                "  location = /oauth2/jwks {\n    rewrite ^ /carbon/admin last;\n  }\n  location / {",
                1,
            )
        },
    );
    let (answer, log, reached) = edge.request("GET /oauth2/jwks", "", "");
    assert_eq!((answer.status, reached.len()), (400, 0), "{log}");
    assert_eq!(log["reason"], "nginx.target.rewritten");
    assert_eq!(edge.request("GET /samlsso?SAMLRequest=a", "", "").0.status, 200);
}

#[test]
fn a_location_without_filters_is_left_alone() {
    let edge = Edge::start_with(
        |_| {},
        |text| {
            let open = "  location = /robots.txt {\n    postern_filter off;\n    return 200 nobody;\n  }\n  location / {";
            text.replacen("  location / {", open, 1)
        },
    );
    let (answer, ..) = edge.request("GET /robots.txt", "", "");
    assert_eq!((answer.status, answer.text().as_str()), (200, "nobody"));
    assert_eq!(edge.request("GET /carbon", "", "").0.status, 404);
}
