//! Small guests, one for each host call and callback, in our own proxy-wasm host, in the real Envoy and in
//! nginx with our module: all have to be seen doing the same. What differs on purpose stands in the cases, and in the table
//! of `host/proxy-wasm/README.md`.

#[path = "conformance/cases.rs"]
mod cases;
#[path = "conformance/envoy.rs"]
mod envoy;
#[path = "../../../host/proxy-wasm/tests/guest/mod.rs"]
mod guest;
#[path = "conformance/here.rs"]
mod here;
#[path = "conformance/nginx.rs"]
mod nginx;

use cases::{Case, cases};

#[test]
fn our_host_does_what_envoy_does() {
    let cases = cases();
    let here: Vec<_> = cases.iter().map(here::observe).collect();
    let there = envoy::observe(&cases, &here.iter().map(Vec::len).collect::<Vec<_>>());
    let mut differences = String::new();
    for ((case, here), there) in cases.iter().zip(here).zip(there) {
        let expected = in_envoy(case, here);
        if expected != there {
            let lines = |lines: &[String]| lines.join("\n    ");
            differences += &format!(
                "\n{}\n  expected\n    {}\n  in Envoy\n    {}",
                case.name,
                lines(&expected),
                lines(&there)
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// What Envoy is expected to be seen doing, given what our host does.
fn in_envoy(case: &Case, here: Vec<String>) -> Vec<String> {
    let mut expected = here;
    for (ours, theirs) in case.differs {
        let line = expected.iter_mut().find(|line| line == ours);
        let line = line.unwrap_or_else(|| panic!("{}: it does not say {ours} here", case.name));
        *line = (*theirs).to_owned();
    }
    if case.order_differs {
        expected.sort();
    }
    expected
}

#[test]
fn nginx_does_what_our_host_does() {
    let cases = cases();
    let here: Vec<_> = cases.iter().map(here::observe).collect();
    let there = nginx::observe(&cases, &here.iter().map(Vec::len).collect::<Vec<_>>());
    let mut differences = String::new();
    for ((case, here), there) in cases.iter().zip(here).zip(there) {
        let expected = in_nginx(case, here);
        if expected != there {
            let lines = |lines: &[String]| lines.join("\n    ");
            differences += &format!(
                "\n{}\n  expected\n    {}\n  in nginx\n    {}",
                case.name,
                lines(&expected),
                lines(&there)
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// What nginx is expected to be seen doing, given what our host does.
fn in_nginx(case: &Case, here: Vec<String>) -> Vec<String> {
    let mut expected: Vec<Option<String>> = here.into_iter().map(Some).collect();
    for (ours, theirs) in nginx::differs(case.name) {
        let line = expected.iter_mut().find(|line| line.as_deref() == Some(ours));
        let line = line.unwrap_or_else(|| panic!("{}: it does not say {ours} here", case.name));
        *line = theirs.map(str::to_owned);
    }
    let mut expected: Vec<String> = expected.into_iter().flatten().collect();
    if case.order_differs {
        expected.sort();
    }
    expected
}
