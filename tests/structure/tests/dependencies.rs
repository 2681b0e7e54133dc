//! Who may depend on whom.

use postern_structure::{Member, layers, members, sources};

fn below<'a>(members: &'a [Member], folder: &str) -> impl Iterator<Item = &'a Member> {
    let prefix = format!("{folder}/");
    members.iter().filter(move |member| member.folder.starts_with(&prefix))
}

/// Fails when a crate of the product other than `allowed` names the dependency.
fn only(dependency: &str, allowed: &[&str]) {
    let offenders: Vec<_> = members()
        .into_iter()
        .filter(|member| !member.folder.starts_with("tests/"))
        .filter(|member| member.dependencies.contains(dependency) && !allowed.contains(&member.name.as_str()))
        .map(|member| member.name)
        .collect();
    assert!(offenders.is_empty(), "only {allowed:?} may name {dependency}, but {offenders:?} do");
}

#[test]
fn the_rules_depend_on_rules_only() {
    let members = members();
    let rules: Vec<_> = below(&members, "plugins/protocol").map(|member| member.name.as_str()).collect();
    assert!(rules.len() >= 9, "plugins/protocol was not found");
    for rule in below(&members, "plugins/protocol") {
        for dependency in rule.dependencies.iter().filter(|name| name.starts_with("postern-")) {
            assert!(rules.contains(&dependency.as_str()), "{} depends on {dependency}", rule.name);
        }
        for forbidden in ["tokio", "rand", "getrandom", "reqwest", "ureq", "tracing", "log", "aws-lc-rs"] {
            assert!(!rule.dependencies.contains(forbidden), "{} is sans-io and names {forbidden}", rule.name);
        }
    }
}

#[test]
fn guests_depend_on_no_host_crate() {
    let members = members();
    let host: Vec<_> = below(&members, "host").map(|member| member.name.clone()).collect();
    for guest in below(&members, "plugins") {
        let crossing: Vec<_> = guest.dependencies.iter().filter(|name| host.contains(name)).collect();
        assert!(crossing.is_empty(), "{} depends on {crossing:?}", guest.name);
    }
}

/// `deny.toml` holds who may name a crate, so that maintainers with cargo-deny and this test read the
/// same list.
#[test]
fn layered_crates_are_named_by_their_wrappers_only() {
    let layers = layers();
    for layer in ["wasmtime", "proxy-wasm", "rusqlite", "argon2"] {
        assert!(layers.iter().any(|(name, _)| name == layer), "deny.toml lists no wrappers of {layer}");
    }
    for (name, wrappers) in layers {
        only(&name, &wrappers.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn only_keys_and_the_composition_root_name_the_crypto_library() {
    // The host of the proxy's plugins draws randomness and verifies signatures: it holds no key. Those of a keytab
    // are read and used in one crate, as ours are.
    only("aws-lc-rs", &["postern-keys", "postern-kerberos", "postern-server", "postern-proxy-wasm"]);
}

#[test]
fn the_kernel_knows_no_protocol_and_no_implementation() {
    let members = members();
    let kernel = members.iter().find(|member| member.name == "postern-kernel").expect("the kernel");
    let ours: Vec<_> = kernel.dependencies.iter().filter(|name| name.starts_with("postern-")).collect();
    assert!(ours.is_empty(), "the kernel depends on {ours:?}");
    for (path, text) in sources("host/kernel/src") {
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for word in ["AuthnRequest", "SAMLRequest", "samlsso", "redirect_uri", "id_token", "/oauth2"] {
            assert!(!code.contains(word), "{} speaks of {word}", path.display());
        }
    }
}

/// What reads settings files knows nothing of anybody's settings, what runs filters nothing of any proxy,
/// what reads HTTP/1.1 nothing of who speaks it, and what reads a filter's bytes nothing of its host.
const EVERYBODYS: [&str; 5] =
    ["postern-kernel", "postern-settings", "postern-proxy-wasm", "postern-http1", "postern-guest-bytes"];

#[test]
fn host_crates_reach_each_other_through_the_kernel() {
    let members = members();
    for member in below(&members, "host").filter(|member| member.name != "postern-server") {
        let crossing: Vec<_> = below(&members, "host")
            .filter(|other| !EVERYBODYS.contains(&other.name.as_str()))
            .filter(|other| member.dependencies.contains(&other.name))
            .map(|other| other.name.as_str())
            .collect();
        assert!(crossing.is_empty(), "{} depends on {crossing:?}: only the server composes", member.name);
    }
}
